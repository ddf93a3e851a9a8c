"""The container recipe, built and run as its head says: in a project, with the engine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import missing
from tests.e2e.session import Project, run

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "examples" / "container" / "Containerfile"
OFFICIAL = ("docker.io/library/python:3.13-slim", "docker.io/library/docker:28-cli")
PYTHON = "compose-tls-e2e/python:3.14"
NAME = "compose-tls-e2e/recipe"
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
PLUGINS = (
    Path.home() / ".docker/cli-plugins",
    *(Path(f"/usr/{place}/docker/cli-plugins") for place in ("local/lib", "libexec", "lib")),
)


def docker(*words: str, place: Path = ROOT) -> int:
    return run(["docker", *words], place).code


def stand_ins(directory: Path) -> list[str]:
    """Where no registry answers: images with a Python, and with the Docker command of this machine."""
    plugin = next((p / "docker-compose" for p in PLUGINS if (p / "docker-compose").exists()), None)
    program = shutil.which("docker")
    if docker("image", "inspect", PYTHON) or plugin is None or program is None:
        missing(f"no registry answers, and there is no {PYTHON} (tests/e2e/images/python.sh 3.14)")
        raise AssertionError
    shutil.copy(BUNDLE, directory / "ca.crt")
    shutil.copy(program, directory / "docker")
    shutil.copy(plugin, directory / "docker-compose")
    (directory / "python.Dockerfile").write_text(
        f"FROM {PYTHON}\nCOPY ca.crt {BUNDLE}\nRUN python3.14 -m venv /opt/python\n"
        f"ENV PATH=/opt/python/bin:/usr/local/bin:/usr/bin:/bin PIP_CERT={BUNDLE}\n"
    )
    (directory / "docker.Dockerfile").write_text(
        "FROM scratch\nCOPY docker /usr/local/bin/docker\n"
        "COPY docker-compose /usr/local/libexec/docker/cli-plugins/docker-compose\n"
    )
    for kind in ("python", "docker"):
        words = ("build", "-q", "-f", f"{kind}.Dockerfile", "-t", f"{NAME}-{kind}", ".")
        assert docker(*words, place=directory) == 0
    return [f"--build-arg=PYTHON={NAME}-python", f"--build-arg=DOCKER={NAME}-docker"]


@pytest.fixture(scope="module")
def image(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    there = all(docker("manifest", "inspect", name) == 0 for name in OFFICIAL)
    arguments = [] if there else stand_ins(tmp_path_factory.mktemp("recipe"))
    build = ["docker", "build", "--network", "host", "-f", str(RECIPE), *arguments, "-t", NAME, "."]
    built = run(build, ROOT)
    assert built.code == 0, built.out[-2000:] + built.err[-2000:]
    yield NAME
    docker("image", "rm", NAME, f"{NAME}-python", f"{NAME}-docker")


def test_the_recipe_deploys_a_project_from_a_container(official: Any, image: str) -> None:
    project: Project = official(milvus_yaml=True)
    before = project.contents()
    place = str(project.directory)
    socket = Path("/var/run/docker.sock")

    def in_container(*words: str) -> subprocess.CompletedProcess[str]:
        options = ["--rm", "--network", "host", "--user", f"{os.getuid()}:{os.getgid()}"]
        options += ["-v", f"{place}:{place}", "-w", place, "-v", f"{socket}:{socket}"]
        options += ["--group-add", str(socket.stat().st_gid)]
        command = ["docker", "run", *options, image, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    enabled = in_container("enable", "--mode", "2", "--up")
    assert enabled.returncode == 0, enabled.stdout + enabled.stderr
    assert "proved: https://localhost:19530" in enabled.stdout
    assert in_container("status", "-q").returncode == 0
    assert project.compose_tls("check").code == 0
    assert in_container("disable", "--purge").returncode == 0
    assert project.contents() == before

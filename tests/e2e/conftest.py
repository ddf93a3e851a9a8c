"""End-to-end tests run on a real engine, or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.session import Project

IMAGES = Path(__file__).with_name("images")
REQUIRED = os.environ.get("REQUIRE_E2E") == "1"


def missing(reason: str) -> None:
    """Skip, or fail where end-to-end tests are required."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine and Docker Compose."""
    if shutil.which("docker") is None:
        missing("there is no docker command here")
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            missing(f"{' '.join(command)} fails: {done.stderr.strip()[-200:]}")


@pytest.fixture(scope="session")
def images(engine: None) -> None:
    """The images of Milvus and etcd: present, pulled or built."""
    done = subprocess.run(
        ["sh", IMAGES / "build.sh"], capture_output=True, text=True, timeout=1500, check=False
    )
    if done.returncode:
        missing(f"the images can be neither pulled nor built: {done.stderr.strip()[-300:]}")


@pytest.fixture
def official(images: None, tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Makes the official set-up in a directory of its own; it is taken down at the end."""
    project = Project(tmp_path)

    def make(*, milvus_yaml: bool) -> Project:
        return Project.official(tmp_path, milvus_yaml=milvus_yaml)

    yield make
    project.down()

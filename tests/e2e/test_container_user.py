"""A Milvus that does not run as root: it reads its key, and nobody else does. On a real engine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.image_names import MILVUS
from tests.e2e.session import NO_ENGINE, Project, openssl, run

pytestmark = [
    pytest.mark.own_ports,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away"),
]

USER = 999
SOMEBODY_ELSE = 1234


@pytest.fixture
def as_999(official: Any) -> Project:
    """The official set-up with a Milvus that runs as user 999, who owns its data."""
    project: Project = official(milvus_yaml=False)
    override = project.directory / "docker-compose.override.yml"
    text = override.read_text(encoding="utf-8")
    override.write_text(
        text.replace("  standalone:\n", f'  standalone:\n    user: "{USER}:{USER}"\n', 1),
        encoding="utf-8",
    )
    data = project.directory / "volumes" / "milvus"
    data.mkdir(parents=True)
    shutil.chown(data, USER, USER)
    return project


def test_the_server_key_is_for_the_user_of_the_container_alone(as_999: Project) -> None:
    enabled = as_999.compose_tls("enable", "--mode", "2", "--up", "--json")

    assert enabled.code == 0, enabled.err + enabled.out
    assert {check["ok"] for check in enabled.document["checks"]} == {True}
    key = as_999.directory / "tls" / "server.key"
    assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (USER, 0o600)
    assert reading(key, USER) == 0
    assert reading(key, SOMEBODY_ELSE) != 0
    assert (
        openssl(as_999.directory, "-cert", "cert/client.pem", "-key", "cert/client.key").code == 0
    )
    inside = as_999.compose("exec", "-T", "standalone", "cat", "/proc/1/status").out
    assert f"Uid:\t{USER}\t" in inside
    assert as_999.compose_tls("status").code == 0


def reading(path: Path, user: int) -> int:
    """The exit code of a user of the host who tries to read a file, by descriptor of its directory.

    The directories above belong to root alone; what is asked is whether the file itself is open.
    """
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        command = ["sh", "-c", 'exec < "$1"', "sh", path.name]
        return subprocess.run(
            command,
            user=user,
            group=user,
            extra_groups=[],
            check=False,
            capture_output=True,
            pass_fds=[directory],
            preexec_fn=lambda: os.fchdir(directory),
        ).returncode
    finally:
        os.close(directory)


def test_a_key_that_it_cannot_read_is_found_by_status_and_mended_by_what_it_says(
    as_999: Project,
) -> None:
    assert as_999.compose_tls("enable").code == 0
    shutil.chown(as_999.directory / "tls" / "server.key", 0, 0)

    found = as_999.compose_tls("status", "--json")

    assert found.code == 4
    [warning] = [w for w in found.document["warnings"] if w["code"] == "server-key-unreadable"]
    assert run(["sh", "-c", warning["hint"]], as_999.directory).code == 0
    assert as_999.compose_tls("status", environment=NO_ENGINE).code == 0


_NAMED = """FROM {image}
RUN useradd --uid 1001 --user-group milvus && mkdir -p /var/lib/milvus \\
 && chmod -R a+rwX /milvus /run /var/lib/milvus
USER milvus
"""


def test_a_user_without_a_number_is_looked_up_in_the_image(images: None, tmp_path: Path) -> None:
    """Also for a renewed key, which is a new file."""
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "Dockerfile").write_text(_NAMED.format(image=MILVUS), encoding="utf-8")
    (tmp_path / "compose.yaml").write_text(
        "services:\n  standalone:\n    image: compose-tls-e2e/named/milvus:v2.3.5\n"
        '    command: ["milvus", "run", "standalone"]\n    stop_grace_period: 1s\n'
        '    environment: {ETCD_USE_EMBED: "true", COMMON_STORAGETYPE: local}\n'
        '    ports: ["127.0.0.1::19530"]\n',
        encoding="utf-8",
    )
    project = Project(tmp_path)
    tag = "compose-tls-e2e/named/milvus:v2.3.5"
    built = run(["docker", "build", "--quiet", "--tag", tag, "image"], tmp_path)
    assert built.code == 0, built.err
    try:
        enabled = project.compose_tls("enable", "--up", "--json")
        assert enabled.code == 0, enabled.err + enabled.out
        key = tmp_path / "tls" / "server.key"
        assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (1001, 0o600)
        before = key.read_bytes()
        renewed = project.compose_tls("renew", "--force", "--json")
        assert renewed.code == 0, renewed.err + renewed.out
        assert key.read_bytes() != before
        assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (1001, 0o600)
    finally:
        project.down()
        run(["docker", "image", "rm", tag], tmp_path)

"""The real server of the PyPI wheel, without Docker, with a project's certificates."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose_tls.errors import ContainerExited
from compose_tls.testing import wheel as wheel_files
from compose_tls.testing.embedded import embedded_server
from tests.e2e.conftest import embedded_alone
from tests.e2e.session import FIXTURES, Project

pytestmark = pytest.mark.own_ports

LEFT = ("/tmp/milvus", "/run/milvus")


@pytest.fixture(scope="module")
def wheel() -> Iterator[None]:
    """The wheel ``milvus``, installed where it is made for this machine."""
    with embedded_alone():
        yield


@pytest.fixture(params=["file", "env"])
def project(request: pytest.FixtureRequest, wheel: None, tmp_path: Path) -> Project:
    """An official project whose settings go into milvus.yaml, or into the environment."""
    shutil.copy(FIXTURES / "docker-compose.yml", tmp_path)
    if request.param == "file":
        shutil.copy(FIXTURES / "milvus.yaml", tmp_path)
    return Project(tmp_path)


def left_behind() -> set[str]:
    """The files that the server keeps outside its own directory."""
    return {str(path) for place in LEFT for path in Path(place).glob("*")}


@pytest.mark.parametrize("mode", ["1", "2"])
def test_an_enabled_project_is_proved_and_nothing_is_left_behind(
    project: Project, mode: str
) -> None:
    assert project.compose_tls("enable", "--mode", mode).code == 0
    before = left_behind()

    with embedded_server(project.directory) as server:
        checked = project.compose_tls(
            "check", "--host", server.host, "--port", str(server.port), "--json"
        )
        pid, work = server.pid, server.log.parent

    assert checked.code == 0, checked.out + checked.err
    assert {check["ok"] for check in checked.document["checks"]} == {True}
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not work.exists()
    assert left_behind() <= before


def test_a_server_that_dies_gives_its_reason(project: Project) -> None:
    assert project.compose_tls("enable").code == 0
    shutil.copy(project.directory / "cert" / "client.key", project.directory / "tls" / "server.key")

    with (
        pytest.raises(ContainerExited, match="private key does not match public key"),
        embedded_server(project.directory),
    ):
        pytest.fail("it became ready")


@pytest.mark.parametrize("project", ["file"], indirect=True)
def test_a_port_that_is_taken_meanwhile_is_replaced(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.compose_tls("enable").code == 0
    choose = wheel_files._free_ports
    with socket.create_server(("", 0)) as faster:
        taken = faster.getsockname()[1]
        choices = [taken]

        def ports(count: int) -> list[int]:
            return [choices.pop(), *choose(count - 1)] if choices else choose(count)

        monkeypatch.setattr(wheel_files, "_free_ports", ports)
        with embedded_server(project.directory) as server:
            assert not choices
            assert server.port != taken
            checked = project.compose_tls("check", "--port", str(server.port))

    assert checked.code == 0, checked.out + checked.err

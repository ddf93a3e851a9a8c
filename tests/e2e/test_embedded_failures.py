"""What the real server says of broken files and settings, without Docker."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compose_tls.checks.readiness import readiness
from compose_tls.config import TlsConfig
from compose_tls.deploy.diagnose import reason
from compose_tls.observe import observe
from compose_tls.project.enabled import locate
from compose_tls.testing import embedded
from compose_tls.testing.watchdog_client import Guard, guarded
from compose_tls.testing.wheel import unpacked_binaries
from compose_tls.workflows.server_access import HostPort, target_of
from tests.e2e.conftest import embedded_alone
from tests.e2e.session import FIXTURES, Project
from tests.patience import LONG

pytestmark = pytest.mark.own_ports


@pytest.fixture(scope="module")
def wheel() -> Iterator[None]:
    """The wheel ``milvus``, installed where it is made for this machine."""
    with embedded_alone():
        yield


@pytest.fixture
def project(wheel: None, tmp_path: Path) -> Project:
    """An official project in mode 2, its settings in milvus.yaml."""
    for name in ("docker-compose.yml", "milvus.yaml"):
        shutil.copy(FIXTURES / name, tmp_path)
    project = Project(tmp_path)
    done = project.compose_tls("enable", "--mode", "2")
    assert done.code == 0, done.err
    return project


def nothing(tls: Path) -> None:
    """No change to the files."""


@contextmanager
def started(
    project: Project, change: Callable[[Path], None] = nothing
) -> Iterator[tuple[embedded.EmbeddedServer, Guard]]:
    """The server with files that were changed after enable, and nobody who waits for it."""
    state = locate(observe(project.directory, TlsConfig(), os.environ), TlsConfig()).state
    change(project.directory / "tls")
    binaries = unpacked_binaries(os.environ)
    with guarded(os.environ) as guard:
        work = guard.directory / "server"
        # Not embedded_server: it waits, and its own client would refuse some of these files first.
        server = embedded._run(guard, work, project.directory, state, binaries, os.environ)
        yield server, guard


def log_of(server: embedded.EmbeddedServer) -> list[str]:
    return server.log.read_text("utf-8", "replace").splitlines()


def remove(name: str) -> Callable[[Path], None]:
    return lambda tls: (tls / name).unlink()


def empty(name: str) -> Callable[[Path], None]:
    def change(tls: Path) -> None:
        (tls / name).write_bytes(b"")

    return change


def directory(name: str) -> Callable[[Path], None]:
    def change(tls: Path) -> None:
        (tls / name).unlink()
        (tls / name).mkdir()

    return change


def swap(tls: Path) -> None:
    (tls / "server.pem").rename(tls / "other")
    (tls / "server.key").rename(tls / "server.pem")
    (tls / "other").rename(tls / "server.key")


def damage(tls: Path) -> None:
    der = base64.b64encode(b"0\x03\x02\x01\x01 no certificate").decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n"
    (tls / "server.pem").write_text(pem)


@pytest.mark.parametrize(
    ("change", "meaning"),
    [
        (remove("server.pem"), "server.pem, which is not in the container"),
        (remove("server.key"), "server.key, which is not in the container"),
        (remove("ca.pem"), "mode 2 needs the CA certificate of tls.caPemPath"),
        (empty("ca.pem"), "the file of tls.caPemPath contains no PEM certificate"),
        (empty("server.key"), "the key file of the server contains no PEM text"),
        (directory("server.pem"), "server.pem is a directory in the container"),
        (directory("ca.pem"), "mode 2 needs the CA certificate of tls.caPemPath"),
        (swap, "are the wrong way round or the same"),
        (damage, "the server certificate is damaged"),
    ],
)
def test_what_the_server_says_of_a_broken_file_is_explained(
    project: Project, change: Callable[[Path], None], meaning: str
) -> None:
    with started(project, change) as (server, guard):
        deadline = time.monotonic() + LONG
        while guard.exit_code() is None:
            assert time.monotonic() < deadline, "it runs on"
            time.sleep(0.05)
        found = reason(log_of(server))

    assert found is not None
    assert found.known, found.line
    assert not found.transient
    assert meaning in found.meaning
    assert found.next_step


@pytest.mark.parametrize("mode", ["3", "two"])
def test_a_mode_that_milvus_does_not_know_leaves_it_in_plain_text_and_the_check_says_so(
    project: Project, mode: str
) -> None:
    config = TlsConfig()
    recorded = locate(observe(project.directory, config, os.environ), config).state.settings
    file = project.directory / "milvus.yaml"
    content = file.read_text()
    assert "tlsMode: 2" in content
    file.write_text(content.replace("tlsMode: 2", f"tlsMode: {mode}"))

    with started(project) as (server, _):
        target = target_of(project.directory, recorded, HostPort(server.host, server.port))
        deadline = time.monotonic() + LONG
        while (found := readiness(target, 2)).state == "unreachable":
            assert time.monotonic() < deadline, found.detail
            time.sleep(0.1)
        checked = project.compose_tls(
            "check", "--host", server.host, "--port", str(server.port), "--json"
        )

    assert found.state == "plain-text"
    assert not found.ready
    assert checked.code == 6, checked.out + checked.err
    assert "the server answers in plain text" in checked.document["error"]["message"]

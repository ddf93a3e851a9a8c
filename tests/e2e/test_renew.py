"""Renewing on a running Milvus: the new certificate is served, and nobody is cut off meanwhile."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.session import PORT, Project, is_answered, pymilvus
from tests.patience import LONG

pytestmark = pytest.mark.own_ports


class Watcher:
    """A client that connects again and again, with files that it got once or always the newest."""

    def __init__(self, files: Path) -> None:
        self.files = files
        self.served = 0
        self.refusals: list[str] = []
        self.longest_gap = 0.0
        self._last = time.monotonic()

    def connect(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["h2"])
        try:
            context.load_verify_locations(self.files / "ca.pem")
            context.load_cert_chain(self.files / "client.pem", self.files / "client.key")
        except OSError:
            return  # the files are just being replaced
        try:
            with (
                socket.create_connection(("localhost", PORT), 5) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as secured,
            ):
                answered = is_answered(secured)
        except ssl.SSLEOFError:
            answered = False
        except ssl.SSLError as error:
            self.refusals.append(str(error))
            return
        except OSError:
            answered = False
        self.longest_gap = max(self.longest_gap, time.monotonic() - self._last)
        if answered:
            self._last = time.monotonic()
            self.served += 1


def served(times: int, watchers: Sequence[Watcher]) -> None:
    """Wait until each client was served so many times more."""
    wanted = [watcher.served + times for watcher in watchers]
    deadline = time.monotonic() + LONG
    while any(w.served < count for w, count in zip(watchers, wanted, strict=True)):
        assert time.monotonic() < deadline, [watcher.refusals for watcher in watchers]
        time.sleep(0.1)


@contextmanager
def watching(*watchers: Watcher) -> Iterator[None]:
    """Lets clients connect several times a second in the background."""
    ended = threading.Event()

    def repeat(watcher: Watcher) -> None:
        while not ended.wait(0.1):
            watcher.connect()

    threads = [threading.Thread(target=repeat, args=(watcher,)) for watcher in watchers]
    for thread in threads:
        thread.start()
    try:
        served(3, watchers)
        yield
        served(3, watchers)
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def copied(project: Project, name: str) -> Path:
    """What a client has that was given its files now."""
    directory = project.directory.parent / f"{project.directory.name}-{name}"
    directory.mkdir()
    for file in ("ca.pem", "client.pem", "client.key"):
        shutil.copy(project.directory / "cert" / file, directory)
    return directory


@pytest.mark.parametrize("mode", [1, 2])
def test_renew_restarts_milvus_alone_and_proves_the_new_certificate(
    official: Any, mode: int
) -> None:
    project: Project = official(milvus_yaml=True)
    enabled = project.compose_tls("enable", "--mode", str(mode), "--up", "--json")
    assert enabled.code == 0, enabled.err + enabled.out
    etcd, (milvus, started) = project.container("etcd"), project.container("standalone")
    before = project.contents()

    assert project.compose_tls("renew", "--json").document["changed"] is False
    assert project.container("standalone") == (milvus, started)
    renewed = project.compose_tls("renew", "--force", "--json")

    assert renewed.code == 0, renewed.err + renewed.out
    document = renewed.document
    assert document["deployed"] is True
    assert {check["ok"] for check in document["checks"]} == {True}
    assert project.container("etcd") == etcd
    same, restarted = project.container("standalone")
    assert same == milvus
    assert restarted > started
    assert project.contents() == before
    assert pymilvus(document["connect"], project.directory).code == 0
    assert project.compose_tls("check").code == 0


def test_nobody_is_cut_off_while_the_ca_changes(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose_tls("enable", "--mode", "2", "--up", "-q").code == 0
    first = copied(project, "first")
    old, newest = Watcher(first), Watcher(project.directory / "cert")

    with watching(old, newest):
        started = project.compose_tls("renew", "--ca", "--json")
        assert started.code == 0, started.err + started.out
    second = copied(project, "second")
    assert (old.refusals, newest.refusals) == ([], [])
    # Who still has the certificate of the old CA, but trusts both by now.
    for file in ("client.pem", "client.key"):
        shutil.copy(first / file, second / f"old-{file}")
    moved = Watcher(second)
    with watching(moved):
        ended = project.compose_tls("renew", "--ca", "--finish", "--json")
        assert ended.code == 0, ended.err + ended.out

    assert moved.refusals == []
    assert min(old.served, newest.served, moved.served) > 5
    # Milvus reads certificates at its start alone: only while it restarts does it serve nobody.
    assert max(old.longest_gap, newest.longest_gap, moved.longest_gap) < LONG
    late = Watcher(first)
    late.connect()
    assert "CERTIFICATE_VERIFY_FAILED" in "".join(late.refusals)
    for file in ("client.pem", "client.key"):
        shutil.copy(second / f"old-{file}", second / file)
    late = Watcher(second)
    late.connect()
    assert late.served == 0
    assert late.refusals, "the certificate of the old CA must be refused"
    assert project.compose_tls("check").code == 0


def test_a_renewal_that_milvus_does_not_come_up_with_is_taken_back(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose_tls("enable", "--mode", "2", "--up", "-q").code == 0
    before = project.tree()
    # The container gets no more time than a dead server needs to be found dead.
    failed = project.compose_tls("renew", "--force", "--json", "--timeout", "0.2")
    assert failed.code in {5, 6}, failed.out
    assert "the previous files are back" in failed.document["error"]["hint"]
    assert project.tree() == before


def test_without_an_engine_nothing_is_written_unless_asked_for(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose_tls("enable", "-q").code == 0
    before = project.tree()
    nowhere = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    refused = project.compose_tls("renew", "--force", "--json", environment=nowhere)
    assert (refused.code, refused.document["error"]["code"]) == (5, "engine-unreachable")
    assert project.tree() == before
    written = project.compose_tls("renew", "--force", "--no-restart", environment=nowhere)
    assert written.code == 0, written.err
    assert "next: docker compose restart standalone" in written.out


def test_without_a_container_nothing_is_renewed_and_the_next_run_meets_that_again(
    official: Any,
) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose_tls("enable", "-q").code == 0
    before = project.tree()
    for environment in ({}, {"COMPOSE_PROJECT_NAME": "another-name"}):
        for _ in range(2):
            refused = project.compose_tls("renew", "--force", "--json", environment=environment)
            assert (refused.code, refused.document["error"]["code"]) == (5, "not-deployed")
    assert project.tree() == before
    told = project.compose_tls("renew", "--json").document
    assert [warning["code"] for warning in told["warnings"]] == ["not-deployed"]
    assert project.compose_tls("renew", "--force", "--no-restart").code == 0
    assert project.compose("ps", "--all", "--quiet").out == ""


def test_a_restart_puts_nothing_but_certificates_in_force(official: Any) -> None:
    project: Project = official(milvus_yaml=True)
    assert project.compose_tls("enable", "--mode", "2", "--up", "-q").code == 0
    container = project.container("standalone")
    settings, compose = (project.directory / f for f in ("milvus.yaml", "docker-compose.yml"))
    for path, old, new in (
        (settings, "tlsMode: 2", "tlsMode: 1"),
        (compose, "ETCD_ENDPOINTS: etcd:2379", "ETCD_ENDPOINTS: etcd:2379\n      FOO: bar"),
    ):
        whole = path.read_text()
        assert old in whole
        path.write_text(whole.replace(old, new))
        before = project.tree()
        refused = project.compose_tls("renew", "--force", "--json")
        assert (refused.code, refused.document["error"]["code"]) == (3, "deployed-differently")
        assert project.tree() == before
        path.write_text(whole)
    assert project.container("standalone") == container

    # What was renewed without a restart is read by the next one that may restart.
    assert project.compose_tls("renew", "--force", "--no-restart").code == 0
    assert project.compose_tls("check").code == 6
    caught_up = project.compose_tls("renew", "--json")
    assert (caught_up.code, caught_up.document["changed"]) == (0, False)
    assert caught_up.document["checks"]
    assert project.compose_tls("check").code == 0

    # Our client shows a certificate of a new CA once Milvus knows it, and not before.
    client = (project.directory / "cert/client.pem").read_bytes()
    assert project.compose_tls("renew", "--ca", "--no-restart").code == 0
    assert (project.directory / "cert/client.pem").read_bytes() == client
    assert project.compose("restart", "standalone").code == 0
    assert project.compose_tls("check").code == 0
    assert project.compose_tls("renew", "--ca").code == 0
    assert (project.directory / "cert/client.pem").read_bytes() != client
    assert project.compose_tls("check").code == 0


def test_a_milvus_that_has_stopped_reads_them_when_it_starts(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose_tls("enable", "--up", "-q").code == 0
    assert project.compose("stop", "standalone").code == 0
    renewed = project.compose_tls("renew", "--force", "--json")
    assert renewed.code == 0, renewed.err
    assert renewed.document["deployed"] is False
    assert project.compose("ps", "--quiet", "standalone").out == ""

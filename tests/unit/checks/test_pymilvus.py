"""The probe with processes of its own: with pymilvus itself once, with stand-ins for its failures."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
import time
import types
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from compose_tls.checks import pymilvus_client
from compose_tls.checks.check_target import Target
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.pymilvus_probe import ClientProcess, PymilvusProbe
from compose_tls.checks.run import run
from tests.patience import SOON
from tests.unit.checks.conftest import Pki
from tests.unit.checks.servers import ANSWERS, closed_port, grpc_server

READY = Outcome(True, "", "")

# A class that does what a test says; its answer shows what it was given.
STAND_IN = """
import os, sys, time
class MilvusClient:
    def __init__(self, **arguments):
        {body}
        self.arguments = arguments
    def get_server_version(self):
        return " ".join(sorted(self.arguments))
    def list_collections(self):
        return [1, 2]
"""

StandIn = Callable[..., None]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Put a package of the name pymilvus before all others, here and in processes."""

    def write(body: str, module: str = STAND_IN) -> None:
        (tmp_path / "pymilvus.py").write_text(module.format(body=body))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.syspath_prepend(tmp_path)

    return write


def probe(target: Target, timeout: float = 20) -> Outcome:
    with closing(PymilvusProbe(target)) as started:
        return started.outcome(READY, timeout)


@pytest.mark.skipif(importlib.util.find_spec("pymilvus") is None, reason="needs pymilvus")
def test_pymilvus_itself_connects_with_the_printed_arguments(pki: Pki) -> None:
    with grpc_server(pki.server, 2) as server:
        found = probe(pki.target(server.port, 2, token="root:Milvus"))
    assert found.ok
    assert found.observed == "Milvus v9.9.9, collections: 0"
    assert not found.skipped
    tokens = {metadata.get("authorization") for _, metadata in server.seen}
    assert tokens == {"cm9vdDpNaWx2dXM="}


def test_without_pymilvus_the_probe_is_skipped_and_says_what_to_install(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    found = probe(pki.target(1))
    assert (found.ok, found.skipped) == (True, True)
    assert found.observed == "pymilvus is not installed: pip install 'compose-tls[milvus]'"


def test_the_arguments_are_those_that_connect_prints(pki: Pki, stand_in: StandIn) -> None:
    stand_in("pass")
    with grpc_server(pki.server, 2) as server:
        one_way = probe(pki.target(server.port))
        mutual = probe(pki.target(server.port, 2, token="t"))
    assert one_way.observed == "Milvus secure server_name server_pem_path uri, collections: 2"
    assert mutual.observed == (
        "Milvus ca_pem_path client_key_path client_pem_path secure server_name token uri,"
        " collections: 2"
    )


def test_paths_hold_from_any_directory(
    pki: Pki, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("open(arguments['server_pem_path']).close()")
    monkeypatch.chdir(pki.directory)
    assert probe(pki.target(1, ca_path=Path("ca.pem"))).ok


def test_what_lies_in_the_directory_of_the_user_is_not_imported(
    pki: Pki, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nor do the modules of compose_tls itself stand in the way of others of their name.
    stand_in("import importlib.util as u; assert u.find_spec('wire') is None")
    elsewhere = tmp_path / "project"
    elsewhere.mkdir()
    # An empty entry, as many a shell profile leaves it, means the current directory.
    monkeypatch.setenv("PYTHONPATH", f"{os.pathsep}{tmp_path}")
    (elsewhere / "json.py").write_text("raise SystemExit(3)")
    (elsewhere / "pymilvus.py").write_text("raise SystemExit(4)")
    monkeypatch.chdir(elsewhere)
    assert probe(pki.target(1)).ok


def test_a_secret_is_neither_an_argument_nor_a_variable(
    pki: Pki, stand_in: StandIn, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    stand_in(f"print(sys.argv, os.environ, file=open({str(seen)!r}, 'w'))")
    assert probe(pki.target(1, token="very-secret")).ok
    assert "pymilvus_client.py" in seen.read_text()
    assert "very-secret" not in seen.read_text()


def test_one_that_was_started_before_is_asked_where_it_shows_the_same_files(
    pki: Pki, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("pass")
    begun: list[Target] = []
    begin = PymilvusProbe.__post_init__

    def counted(one: PymilvusProbe) -> None:
        begun.append(one.target)
        begin(one)

    monkeypatch.setattr(PymilvusProbe, "__post_init__", counted)
    early = pki.target(closed_port(), 2)
    with grpc_server(pki.server, 2) as server:
        target = pki.target(server.port, 2, token="t")
        for files, own in ((target.pem, 0), ({}, 1)):
            begun.clear()
            with closing(PymilvusProbe(replace(early, pem=files))) as started:
                probes = run(target, now=datetime.now(UTC), timeout=20, started=started)
            assert begun[1:] == [target] * own
            found = next(one for one in probes if one.name == "pymilvus")
            # With the address and the token of now.
            assert "token" in found.observed


def test_a_failed_probe_before_it_is_reason_enough_not_to_try(pki: Pki, stand_in: StandIn) -> None:
    stand_in("time.sleep(60)")
    began = time.monotonic()
    with closing(PymilvusProbe(pki.target(1))) as started:
        found = started.outcome(Outcome(False, "", "nothing listens there", "start it"), 20)
    assert (found.ok, found.observed, found.hint) == (
        False,
        "could not be tried: nothing listens there",
        "start it",
    )
    assert time.monotonic() - began < SOON


def test_a_client_that_hangs_is_ended_when_the_time_is_up(pki: Pki, stand_in: StandIn) -> None:
    stand_in("time.sleep(60)")
    began = time.monotonic()
    found = probe(pki.target(1), 0.3)
    assert (found.ok, found.observed) == (False, "the server did not answer in time")
    assert time.monotonic() - began < SOON


def test_no_process_is_left_behind_by_an_error(pki: Pki, stand_in: StandIn) -> None:
    stand_in("pass")
    started = PymilvusProbe(pki.target(1))
    with pytest.raises(KeyboardInterrupt), closing(started):
        raise KeyboardInterrupt
    assert started.process._process is not None
    assert started.process._process.returncode is not None


@pytest.mark.parametrize(
    "credentials", [{"token": "s3cret"}, {"user": "root", "password": "s3cret"}]
)
@pytest.mark.parametrize("sent", [True, False])
def test_an_error_of_pymilvus_that_holds_a_secret_is_told_without_it(
    pki: Pki, stand_in: StandIn, credentials: dict[str, Any], *, sent: bool
) -> None:
    hidden = "base64.b64encode(t.encode()).decode()" if sent else "t"
    stand_in(f"import base64; t = arguments['token']; raise ValueError('illegal ' + {hidden})")
    with grpc_server(pki.server, 1) as server:
        target = pki.target(server.port, **credentials)
        found = probe(target)
    assert not found.ok
    assert found.observed == "illegal ***"


OPAQUE = "raise ValueError('Fail connecting to server, illegal connection params')"


def test_the_opaque_error_is_replaced_by_the_cause(pki: Pki, stand_in: StandIn) -> None:
    stand_in(OPAQUE)
    found = probe(pki.target(closed_port()))
    assert (found.ok, found.observed) == (False, "nothing listens there")
    assert found.hint == "start the server: docker compose up -d"


def test_an_error_of_a_server_that_works_is_told_as_it_is(pki: Pki, stand_in: StandIn) -> None:
    stand_in("raise ValueError('collection store is broken')")
    with grpc_server(pki.server, 1) as server:
        found = probe(pki.target(server.port))
    assert (found.ok, found.observed) == (False, "collection store is broken")


def test_ipv6_addresses_are_named_as_what_pymilvus_cannot_do(pki: Pki, stand_in: StandIn) -> None:
    stand_in(OPAQUE)
    with grpc_server(pki.server, 1) as server:
        found = probe(pki.target(server.port, host="::ffff:127.0.0.1"))
    assert not found.ok
    assert "cannot connect to the IPv6 address ::ffff:127.0.0.1" in found.observed


@pytest.mark.parametrize(
    ("token", "ok", "observed"),
    [
        (None, True, "TLS works; Milvus asks for credentials, over TLS: give --user"),
        ("wrong", False, "Milvus does not accept the given credentials"),
    ],
)
def test_missing_credentials_skip_the_probe_and_wrong_ones_fail_it(
    pki: Pki, stand_in: StandIn, token: str | None, ok: bool, observed: str
) -> None:
    stand_in(OPAQUE)
    refused = (grpc.StatusCode.UNAUTHENTICATED, "missing authorization in header")
    with grpc_server(pki.server, 1, {**ANSWERS, "ShowCollections": refused}) as server:
        found = probe(pki.target(server.port, token=token))
    assert (found.ok, found.skipped) == (ok, ok)
    assert observed in found.observed


def test_a_broken_installation_says_so(pki: Pki, stand_in: StandIn) -> None:
    stand_in("", "import a_module_that_is_not_there{body}")
    found = probe(pki.target(1))
    assert not found.ok
    assert "pymilvus cannot be imported: No module named" in found.observed
    assert found.hint == "pip install --upgrade 'compose-tls[milvus]'"


def test_a_client_that_crashes_says_so(pki: Pki, stand_in: StandIn) -> None:
    stand_in("os._exit(9)")
    found = probe(pki.target(1))
    assert (found.ok, found.observed) == (False, "pymilvus ended with code 9")


def test_what_the_client_prints_does_not_disturb(pki: Pki, stand_in: StandIn) -> None:
    stand_in("print('hello'); print('world', end='')")
    assert probe(pki.target(1)).ok


def test_a_proxy_that_keeps_clients_away_is_named_and_gone_around(
    pki: Pki, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.invalid:3128")
    stand_in("assert 'https_proxy' not in os.environ")
    found = probe(pki.target(1))
    assert found.ok
    assert (
        "only without the proxy in https_proxy: clients need no_proxy=127.0.0.1" in found.observed
    )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run the client in this process."""
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.delenv("grpc_proxy", raising=False)
    monkeypatch.setenv("MILVUS_URI", "milvus:19530")

    def run(client: Any) -> dict[str, Any]:
        module = types.ModuleType("pymilvus")
        module.MilvusClient = client  # type: ignore[attr-defined] # as the real one has it
        monkeypatch.setitem(sys.modules, "pymilvus", None if client is None else module)
        monkeypatch.setattr(sys, "stdin", io.StringIO('{"uri": "https://localhost:1"}'))
        out = io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        assert pymilvus_client.main() == 0
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    return run


class Client:
    def __init__(self, uri: str) -> None:
        self.uri = uri

    def get_server_version(self) -> str:
        return self.uri

    def list_collections(self) -> list[str]:
        return ["a"]


def test_the_client_answers_in_json(fake: Callable[..., dict[str, Any]]) -> None:
    assert fake(Client) == {"version": "https://localhost:1", "collections": 1}
    # pymilvus cannot be imported where this is no URI in its eyes.
    assert "MILVUS_URI" not in os.environ


def test_the_client_tells_its_error_in_json(fake: Callable[..., dict[str, Any]]) -> None:
    def client(uri: str) -> Client:
        raise RuntimeError(uri)

    assert fake(client) == {"error": "https://localhost:1"}
    assert fake(None)["missing"]


def test_the_client_tries_again_without_a_proxy(
    fake: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    calls = []

    def client(uri: str) -> Client:
        calls.append(uri)
        if len(calls) == 1:
            raise RuntimeError
        return Client(uri)

    assert fake(client) == {
        "version": "https://localhost:1",
        "collections": 1,
        "proxy": "http_proxy",
    }


def test_without_pymilvus_there_is_nothing_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with closing(ClientProcess("pymilvus_client.py")) as process:
        found = process.ask({}, 1)
    assert (process.installed, found["broken"]) == (False, "pymilvus is not installed")

"""The throw-away collection: with stand-ins for pymilvus here, with Milvus end to end."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import grpc
import pytest

from compose_tls.checks import deep_client, pymilvus_probe
from compose_tls.checks.check_target import Target
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.pymilvus_probe import PymilvusProbe, deep
from compose_tls.checks.run import run
from tests.moment import NOW
from tests.patience import SOON
from tests.unit.checks.conftest import Pki
from tests.unit.checks.servers import ANSWERS, closed_port, grpc_server

STEPS = ["create", "index", "load", "insert", "search", "drop"]
READY = Outcome(True, "", "")
REQUEST = {"arguments": {"uri": "u"}, "collection": "mine", "seconds": 5, "reserve": 2}

# Keeps a diary of its calls; does what a test says where a test says it.
STAND_IN = """
import os, time
class DataType:
    INT64 = FLOAT_VECTOR = 1
class MilvusClient:
    def __init__(self, timeout=0, **arguments):
        self.say("connect", "")
    def create_schema(self):
        return self
    def prepare_index_params(self):
        return self
    def add_field(self, *_, **__):
        pass
    add_index = add_field
    def say(self, step, name):
        print(step, name, file=open({diary!r}, "a"))
        {body}
    def create_collection(self, name, schema, timeout):
        self.say("create", name)
    def create_index(self, name, index, timeout):
        self.say("index", name)
    def load_collection(self, name, timeout):
        self.say("load", name)
    def insert(self, name, rows, timeout):
        self.say("insert", name)
    def search(self, name, vectors, limit, timeout, consistency_level):
        self.say("search", name)
        return [[{{"id": 1}}]]
    def list_collections(self):
        return []
    def get_server_version(self):
        return "v9"
    def drop_collection(self, name, timeout):
        self.say("drop", name)
"""


class Diary:
    """The calls of the stand-in, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.path.read_text().splitlines()]

    @property
    def steps(self) -> list[str]:
        return [line[0] for line in self.lines()]

    @property
    def names(self) -> set[str]:
        return {line[1] for line in self.lines() if len(line) > 1}


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Diary]:
    def write(body: str) -> Diary:
        diary = tmp_path / "diary"
        source = STAND_IN.format(body=body, diary=str(diary))
        (tmp_path / "pymilvus.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.syspath_prepend(tmp_path)
        return Diary(diary)

    return write


def probe(target: Target, timeout: float = 20) -> Outcome:
    with closing(PymilvusProbe(target, deep())) as started:
        return started.outcome(READY, timeout)


def test_a_collection_is_made_used_and_dropped(pki: Pki, stand_in: Callable[[str], Diary]) -> None:
    diary = stand_in("pass")
    first, second = probe(pki.target(1)), probe(pki.target(1))
    assert first.ok
    assert second.ok
    assert first.observed == "created, filled with 3 vectors, searched and dropped"
    assert diary.steps == ["connect", *STEPS] * 2
    assert len(diary.names) == 2
    assert all(name.startswith("compose_tls_check_") for name in diary.names)


@pytest.mark.parametrize("step", STEPS[:-1])
def test_a_step_that_fails_is_named_and_the_collection_dropped_all_the_same(
    pki: Pki, stand_in: Callable[[str], Diary], step: str
) -> None:
    diary = stand_in(f"if step == {step!r}: raise ValueError('out of memory')")
    with grpc_server(pki.server, 1) as server:
        found = probe(pki.target(server.port))
    assert (found.ok, found.observed) == (False, f"{step}: out of memory")
    assert diary.steps[-2:] == [step, "drop"]
    assert "drop the collection" not in str(found.hint)


def test_a_step_that_takes_too_long_may_be_tried_again(
    pki: Pki, stand_in: Callable[[str], Diary]
) -> None:
    stand_in("if step == 'load': raise ValueError('wait for loading collection timeout')")
    with grpc_server(pki.server, 1) as server:
        found = probe(pki.target(server.port))
    assert (found.ok, found.observed) == (False, "load: Milvus did not finish in time")
    assert "try again" in str(found.hint)


def test_a_collection_that_cannot_be_dropped_is_named(
    pki: Pki, stand_in: Callable[[str], Diary]
) -> None:
    diary = stand_in("if step == 'drop': raise ValueError('no')")
    with grpc_server(pki.server, 1) as server:
        found = probe(pki.target(server.port))
    assert (found.ok, found.observed) == (False, "drop: no")
    assert f"drop the collection {diary.names.pop()} if it exists" in str(found.hint)


def test_a_server_that_hangs_leaves_time_for_the_drop_and_the_name_for_the_user(
    pki: Pki, stand_in: Callable[[str], Diary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pymilvus_probe, "_ENDING", 0.1)
    monkeypatch.setattr(pymilvus_probe, "_DROPPING", 0.2)
    stand_in("if step in ('insert', 'drop'): time.sleep(60)")
    began = time.monotonic()
    # How far it came in that time is not the point: its name is known before it begins.
    with closing(PymilvusProbe(pki.target(1), deep())) as started:
        found = started.outcome(READY, 1.5)
    assert time.monotonic() - began < SOON
    assert (found.ok, found.observed) == (False, "the server did not answer in time")
    assert str(started.task.collection) in str(found.hint)


def interrupted(target: Target, diary: Diary, step: str) -> subprocess.Popen[str]:
    """Press Ctrl-C once the client has come to a step."""
    with closing(PymilvusProbe(target, deep())) as started:
        process = started.process._process
        assert process is not None
        seen = threading.Event()

        def press() -> None:
            while not diary.path.exists() or step not in diary.steps:
                time.sleep(0.02)
            seen.set()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=press, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            started.outcome(READY, 20)
        assert seen.is_set()
    return process


def test_an_interrupted_check_drops_its_collection_before_it_ends(
    pki: Pki, stand_in: Callable[[str], Diary]
) -> None:
    diary = stand_in("if step == 'insert': time.sleep(60)")
    began = time.monotonic()
    assert interrupted(pki.target(1), diary, "insert").returncode == 130
    assert diary.steps == ["connect", "create", "index", "load", "insert", "drop"]
    assert time.monotonic() - began < SOON


def test_a_client_that_cannot_connect_tells_the_cause(
    pki: Pki, stand_in: Callable[[str], Diary]
) -> None:
    diary = stand_in("raise ValueError('illegal connection params')")
    found = probe(pki.target(closed_port()))
    assert (found.ok, found.observed) == (False, "nothing listens there")
    assert diary.steps == ["connect"]


def test_without_credentials_it_is_skipped_and_needs_no_clearing_away(
    pki: Pki, stand_in: Callable[[str], Diary]
) -> None:
    stand_in("if step != 'connect': raise ValueError('illegal connection params')")
    refused = (grpc.StatusCode.UNAUTHENTICATED, "missing authorization in header")
    with grpc_server(pki.server, 1, {**ANSWERS, "ShowCollections": refused}) as server:
        found = probe(pki.target(server.port))
    assert (found.ok, found.skipped, found.hint) == (True, True, None)
    assert "Milvus asks for credentials" in found.observed


def test_a_run_uses_a_collection_only_where_it_is_asked_to(
    pki: Pki, stand_in: Callable[[str], Diary]
) -> None:
    diary = stand_in("pass")
    with grpc_server(pki.server, 1) as server:
        without = run(pki.target(server.port), now=NOW, timeout=20)
        assert "create" not in diary.steps
        checks = run(pki.target(server.port), now=NOW, timeout=20, with_collection=True)
    assert [check.name for check in checks][-2:] == ["pymilvus", "deep"]
    assert [check.name for check in without][-1] == "pymilvus"
    assert all(check.ok for check in checks), checks
    assert "drop" in diary.steps


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the client in this process."""

    def run_client(client: Any) -> tuple[int, dict[str, Any]]:
        module = types.ModuleType("pymilvus")
        module.MilvusClient = client  # type: ignore[attr-defined] # as the real one has it
        module.DataType = types.SimpleNamespace(INT64=1, FLOAT_VECTOR=2)  # type: ignore[attr-defined] # likewise
        monkeypatch.setitem(sys.modules, "pymilvus", None if client is None else module)
        monkeypatch.setenv("https_proxy", "http://proxy.invalid:3128")
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(REQUEST)))
        out = io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        code = deep_client.main()
        assert "https_proxy" not in os.environ
        return code, json.loads(out.getvalue() or "{}")

    return run_client


class Client:
    """Does everything right."""

    nearest: Any = 1
    dropped: str = ""

    def __init__(self, uri: str, timeout: float) -> None:
        assert (uri, 0 < timeout <= 5) == ("u", True)

    def create_schema(self) -> Self:
        return self

    def prepare_index_params(self) -> Self:
        return self

    def add_field(self, name: str, *_: Any, **__: Any) -> None:
        assert name in {"id", "vector"}

    add_index = add_field

    def create_collection(self, name: str, schema: Self, timeout: float) -> None:
        assert name == "mine"

    def create_index(self, name: str, index: Self, timeout: float) -> None:
        assert name == "mine"

    def load_collection(self, name: str, timeout: float) -> None:
        assert 0 < timeout <= 5

    def insert(self, name: str, rows: list[dict[str, Any]], timeout: float) -> None:
        assert [row["id"] for row in rows] == [0, 1, 2]

    def search(self, name: str, vectors: list[Any], **_: Any) -> list[list[dict[str, Any]]]:
        return [[{"id": self.nearest}]]

    def drop_collection(self, name: str, timeout: float) -> None:
        assert timeout == 2
        type(self).dropped = name


def test_the_client_answers_in_json(here: Any) -> None:
    assert here(Client) == (0, {"inserted": 3})
    assert Client.dropped == "mine"


def test_a_search_that_finds_something_else_is_a_failure(here: Any) -> None:
    class Wrong(Client):
        nearest = 2

    assert here(Wrong) == (0, {"step": "search", "error": "the nearest vector is [2], not [1]"})
    assert Wrong.dropped == "mine"


def test_what_cannot_be_dropped_is_told_with_the_first_failure(here: Any) -> None:
    class Broken(Client):
        def insert(self, name: str, rows: list[dict[str, Any]], timeout: float) -> None:
            raise RuntimeError

        def drop_collection(self, name: str, timeout: float) -> None:
            raise ValueError(name)

    class Clinging(Client):
        def drop_collection(self, name: str, timeout: float) -> None:
            raise ValueError(name)

    assert here(Broken)[1] == {"step": "insert", "error": "RuntimeError", "left": "mine"}
    assert here(Clinging)[1] == {"step": "drop", "error": "mine", "left": "mine"}


def test_a_client_that_does_not_connect_or_is_missing_says_so(here: Any) -> None:
    def unreachable(**_: Any) -> None:
        raise OSError("unreachable")

    assert here(unreachable) == (0, {"step": "connect", "error": "unreachable"})
    assert "missing" in here(None)[1]


def test_a_client_that_is_interrupted_drops_its_collection_and_says_nothing(here: Any) -> None:
    class Interrupted(Client):
        def insert(self, name: str, rows: list[dict[str, Any]], timeout: float) -> None:
            raise KeyboardInterrupt

    assert here(Interrupted) == (130, {})
    assert Interrupted.dropped == "mine"

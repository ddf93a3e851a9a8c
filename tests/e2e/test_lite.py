"""milvus-lite with TLS: what a client meets, in a process that goes away with whoever wanted it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compose_tls.testing import milvus_tls
from compose_tls.testing.server import BACKENDS
from tests.e2e.conftest import embedded_alone
from tests.e2e.image_names import MILVUS
from tests.e2e.session import pymilvus
from tests.e2e.test_harness import Run, nothing, until, user
from tests.patience import LONG, SOON

__all__ = ["user"]

pytestmark = [pytest.mark.own_ports, pytest.mark.usefixtures("milvus_lite")]

# In a process of its own: pymilvus keeps connections, and takes one with TLS for one without.
SEARCH = """
import json, sys
from pymilvus import MilvusClient
client = MilvusClient(**json.load(sys.stdin))
client.create_collection("c", dimension=4)
client.insert("c", [{"id": i, "vector": [i, 1, 2, 3]} for i in range(10)])
[found] = client.search("c", [[7, 1, 2, 3]], limit=3)
print(len(found))
"""

SHARED = """
from pymilvus import MilvusClient

def test_connects(milvus_tls):
    assert milvus_tls.backend == "lite"
    assert MilvusClient(**milvus_tls.connect_args()).list_collections() == []
"""

WAITS = """
import pathlib, time

def test_waits_for_its_end(milvus_tls_factory):
    milvus_tls_factory(backend="lite", mode=2)
    pathlib.Path("ready").touch()
    time.sleep(60)
"""


@pytest.fixture
def left(user: Run) -> Callable[[], dict[str, set[str]]]:
    return lambda: {
        "directories": {path.name for path in user.temporary.iterdir()},
        "processes": user.processes(),
    }


def refused(arguments: dict[str, Any], without: set[str], directory: Path) -> bool:
    """Whether a client is refused that lacks some arguments."""
    kept = {name: value for name, value in arguments.items() if name not in without}
    return pymilvus({**kept, "timeout": 3}, directory).code != 0


@pytest.mark.parametrize("mode", [1, 2])
def test_a_client_searches_and_others_are_refused(tmp_path: Path, mode: Any) -> None:
    with milvus_tls(backend="lite", mode=mode) as server:
        given = server.connect_args()
        done = subprocess.run(
            [sys.executable, "-c", SEARCH],
            input=json.dumps(given),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr
        assert (server.mode, server.backend, server.host) == (mode, "lite", "127.0.0.1")
        assert not refused(given, set(), tmp_path)
        plain = {"uri": server.uri.replace("https", "http")}
        assert refused(plain, set(), tmp_path)
        pair = {"client_pem_path", "client_key_path"}
        assert pair <= given.keys() if mode == 2 else not pair & given.keys()
        if mode == 2:
            trusting = {**given, "server_pem_path": str(server.ca_pem)}
            assert refused(trusting, {*pair, "ca_pem_path"}, tmp_path)
        assert refused({"uri": server.uri}, set(), tmp_path)
        project = server.project
    assert not project.exists()


def test_the_arguments_are_those_of_the_other_backends(images: None) -> None:
    wanted: list[dict[str, Any]] = [{"backend": name} for name in BACKENDS]
    wanted[BACKENDS.index("docker")]["image"] = MILVUS
    kinds = []
    with embedded_alone():
        for options in wanted:
            with milvus_tls(**options, mode=2, server_name="db.example") as server:
                given = server.connect_args()
            kinds.append(
                {**{k: Path(str(v)).name for k, v in given.items()}, "uri": given["uri"][:18]}
            )
    assert kinds[0]["uri"] == "https://127.0.0.1:"
    assert kinds == kinds[:1] * 3


def test_each_worker_has_a_server_and_the_run_says_what_it_proves(
    user: Run, left: Callable[[], dict[str, set[str]]]
) -> None:
    (user.directory / "test_shared.py").write_text(SHARED)
    options = ("--dist=each", "--tx=2*popen", "--milvus-tls-mode=2")
    process = user.start(*options, "--milvus-tls-backend=lite", "--milvus-tls-required")
    with process:
        output, _ = process.communicate(timeout=LONG)
    assert "2 passed" in output, output
    assert "milvus-lite with TLS: proves clients, not a server's settings" in output
    assert nothing(left)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_it_goes_away_with_a_run_that_is_ended(
    user: Run, left: Callable[[], dict[str, set[str]]], how: signal.Signals
) -> None:
    (user.directory / "test_waits.py").write_text(WAITS)
    with user.start("--milvus-tls-required") as process:
        until((user.directory / "ready").exists, process)
        assert any("lite_server.py" in line for line in left()["processes"])
        os.killpg(process.pid, how)
        process.communicate(timeout=LONG)
    assert nothing(left, within=0 if how == signal.SIGINT else SOON)


def test_it_ends_when_its_watchdog_is_killed(
    user: Run, left: Callable[[], dict[str, set[str]]]
) -> None:
    (user.directory / "test_waits.py").write_text(WAITS)
    with user.start("--milvus-tls-required") as process:
        until((user.directory / "ready").exists, process)
        for found in Path("/proc").glob("[0-9]*"):
            if "watchdog.py" in user._owned(found):
                os.kill(int(found.name), signal.SIGKILL)
        process.kill()
        process.communicate(timeout=LONG)
    assert nothing(lambda: {"processes": left()["processes"]}, within=SOON)

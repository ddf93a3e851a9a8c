"""A project with one Milvus that keeps rows, for tests that do something to it and look for them."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.image_names import MILVUS
from tests.e2e.pymilvus_client import run_with_pymilvus
from tests.e2e.session import Done, Project, pymilvus, run
from tests.patience import LONG

REFUSALS = {
    "deployed-differently",
    "image-moved",
    "data-without-mount",
    "changed-in-container",
    "config-differs",
}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


SERVICE: dict[str, Any] = {
    "image": MILVUS,
    "command": ["milvus", "run", "standalone"],
    "stop_grace_period": "1s",
    "environment": {
        "ETCD_USE_EMBED": "true",
        "ETCD_DATA_DIR": "/var/lib/milvus/etcd",
        "COMMON_STORAGETYPE": "local",
        # The session of the container before expires in seconds, and not after the usual minute.
        "COMMON_SESSION_TTL": "10",
    },
}

_ROWS = """
import json, sys
from pymilvus import MilvusClient
client = MilvusClient(**json.load(sys.stdin))
if sys.argv[1] == "fill" and not client.has_collection("kept"):
    # L2 is known to every Milvus; COSINE, the default, is not to 2.2.
    client.create_collection("kept", dimension=4, metric_type="L2", consistency_level="Strong")
    client.insert("kept", [{"id": i, "vector": [i, 0, 0, 0]} for i in range(50)])
client.load_collection("kept")
print(json.dumps(sorted(row["id"] for row in client.query("kept", "id >= 0", ["id"], limit=100))))
"""
ROWS = list(range(50))


def rows(arguments: Mapping[str, Any], directory: Path, what: str = "read") -> list[int]:
    code, out, err = run_with_pymilvus(_ROWS, directory, what, stdin=json.dumps(arguments))
    assert code == 0, err
    found: list[int] = json.loads(out)
    return found


@dataclass(slots=True)
class Stack:
    """A project with one Milvus, and what its owner types before each command.

    Attributes:
        options: The options of Compose.
        port: Where Milvus is published.
        service: The service that is.
        beside: A service in its network.
    """

    project: Project
    name: str
    options: tuple[str, ...] = ()
    port: int = field(default_factory=_free_port)
    service: str = "standalone"
    beside: str | None = None

    def write(self, service: Mapping[str, Any], file: str = "compose.yaml", **top: Any) -> None:
        if "image" in service:
            service = {"ports": [f"127.0.0.1:{self.port}:19530"], **service}
        document = {"services": {"standalone": service}, **top}
        path = self.project.directory / file
        path.write_text(json.dumps(document, indent=2), encoding="utf-8")

    def compose(self, *words: str) -> Done:
        done = self.project.compose(*self.options, *words)
        assert done.code == 0, done.err
        return done

    def tls(self, command: str, *words: str) -> Done:
        return self.project.compose_tls(command, *self.options, "--json", *words)

    @property
    def container(self) -> tuple[str, str]:
        found = self.compose("ps", "--all", "--quiet", self.service).out.strip()
        ask = ["docker", "inspect", "--format", "{{.State.StartedAt}}", found]
        return found, run(ask, self.project.directory).out.strip()

    @property
    def plain(self) -> dict[str, Any]:
        place = self.compose("port", self.service, "19530").out.strip()
        return {"uri": f"http://{place}", "timeout": 60}

    def fill(self) -> None:
        """Start it, and put rows in."""
        self.compose("up", "-d")
        self.wait()
        assert rows(self.plain, self.project.directory, "fill") == ROWS

    def live(self, command: str, *words: str) -> dict[str, Any]:
        """Run a command that refuses nothing, and find the rows afterwards."""
        done = self.tls(command, *words)
        assert done.code == 0, done.out + done.err
        document = done.document
        assert not {w["code"] for w in document["warnings"]} & REFUSALS
        arguments = {**document["connect"], "timeout": 60}
        assert rows(arguments, self.project.directory) == ROWS
        if self.beside:
            devices = self.compose("exec", "-T", self.beside, "cat", "/proc/net/dev").out
            assert "eth0" in devices, (command, words)
        return document

    def wait(self) -> None:
        deadline = time.monotonic() + LONG
        while pymilvus({**self.plain, "timeout": 5}, self.project.directory).code:
            assert time.monotonic() < deadline
            time.sleep(0.5)

    def refused(self, *words: str) -> dict[str, Any]:
        """What ``enable --up`` refuses, having written and recreated nothing."""
        tree, container = self.own_files(), self.container
        done = self.tls("enable", "--up", *words)
        assert done.code == 3, done.out + done.err
        assert self.own_files() == tree
        assert self.container == container
        error: dict[str, Any] = done.document["error"]
        assert f"--accept {error['code']}" in error["hint"]
        assert error["path"]
        return error

    def own_files(self) -> dict[str, bytes]:
        directory = self.project.directory
        return {
            str(path): path.read_bytes()
            for path in directory.rglob("*")
            if path.is_file() and "data" not in path.relative_to(directory).parts
        }


@contextmanager
def kept(tmp_path: Path) -> Iterator[Stack]:
    """A project with a name of its own, which is taken down at the end."""
    name = f"compose-tls-kept-{uuid.uuid4().hex[:8]}"
    directory = tmp_path / name
    directory.mkdir()
    try:
        yield Stack(Project(directory), name)
    finally:
        listed = run(["docker", "compose", "ls", "--all", "--quiet"], tmp_path).out.split()
        for each in listed:
            if each.startswith(name):
                down = ("docker", "compose", "-p", each, "down", "--volumes", "--timeout", "1")
                subprocess.run(down, cwd=tmp_path, capture_output=True, check=False)

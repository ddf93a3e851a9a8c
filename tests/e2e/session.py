"""A project of the end-to-end tests, driven as a person would: by command lines, in its directory."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.image_names import ETCD, MILVUS
from tests.e2e.pymilvus_client import run_with_pymilvus
from tests.patience import LONG

FIXTURES = Path(__file__).resolve().parent.parent.parent / "fixtures"
_LOCAL_STORAGE = Path(__file__).with_name("local-storage.override.yml")

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
PORT = 19640 + 10 * int(_WORKER.removeprefix("gw")) if _WORKER else 19530
"""Where an official set-up publishes Milvus: workers of pytest-xdist run beside each other."""

NO_ENGINE = {"DOCKER_HOST": "unix:///no-engine/docker.sock"}
"""For status, where it is asked about files that nobody has started."""

_PYMILVUS = """
import json, sys
from pymilvus import MilvusClient
client = MilvusClient(**json.load(sys.stdin))
print(json.dumps([client.get_server_version(), client.list_collections()]))
"""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclass(frozen=True, slots=True)
class Project:
    """A Compose project in a directory of its own."""

    directory: Path

    @classmethod
    def official(cls, directory: Path, *, milvus_yaml: bool) -> Project:
        """The fixtures, with an override for what cannot run here.

        They are unchanged but in a worker of pytest-xdist, which has ports and names of its own.

        MinIO is not packaged for machines without an image registry, so Milvus keeps its data in its own
        volume (COMMON_STORAGETYPE=local), and MinIO is not started: tests/e2e/whole_stack.py has an S3
        server in its place. Nor are there official images on such machines.
        """
        text = (FIXTURES / "docker-compose.yml").read_text(encoding="utf-8")
        (directory / "docker-compose.yml").write_text(_beside_others(text), encoding="utf-8")
        (directory / "docker-compose.override.yml").write_text(local_storage())
        if milvus_yaml:
            shutil.copy(FIXTURES / "milvus.yaml", directory)
        return cls(directory)

    def contents(self) -> dict[str, bytes]:
        """The user's own files, by name."""
        return {path.name: path.read_bytes() for path in self.directory.glob("*.y*ml")}

    def tree(self) -> dict[str, bytes]:
        """Everything in the project that is not Milvus' data, by path."""
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in sorted(self.directory.rglob("*"))
            if path.is_file() and "volumes" not in path.parts
        }

    def compose_tls(self, *arguments: str, environment: dict[str, str] | None = None) -> Done:
        """Run compose-tls here; it waits for a server as long as these tests do."""
        command = [sys.executable, "-m", "compose_tls", *arguments]
        patient = {"COMPOSE_TLS_TIMEOUT": str(LONG), **(environment or {})}
        return run(command, self.directory, environment=patient)

    def compose(self, *arguments: str) -> Done:
        """Run docker compose here."""
        return run(["docker", "compose", *arguments], self.directory)

    def down(self) -> None:
        """Remove the project's containers and networks."""
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "1")

    def container(self, service: str) -> tuple[str, str]:
        """Id and start time of a service's container."""
        found = self.compose("ps", "--all", "--quiet", service).out.strip()
        started = run(
            ["docker", "inspect", "--format", "{{.State.StartedAt}}", found], self.directory
        )
        return found, started.out.strip()


def _beside_others(text: str) -> str:
    """The official file, with what only one project of a machine can have."""
    if not _WORKER:
        return text
    for one, own in (
        ('"19530:19530"', f'"{PORT}:19530"'),
        ('"9091:9091"', f'"{PORT + 1}:9091"'),
        ("container_name: milvus-", f"container_name: milvus-{_WORKER}-"),
        ("    name: milvus\n", f"    name: milvus-{_WORKER}\n"),
    ):
        assert one in text
        text = text.replace(one, own)
    return text


def local_storage() -> str:
    """The override file of an official project."""
    text = _LOCAL_STORAGE.read_text(encoding="utf-8")
    return text.replace("ETCD_IMAGE", ETCD).replace("MILVUS_IMAGE", MILVUS)


def run(
    command: list[str],
    directory: Path,
    *,
    stdin: str | None = None,
    environment: dict[str, str] | None = None,
    timeout: float = 2 * LONG,
) -> Done:
    """Run a command to its end."""
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        input=stdin or "",
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def pymilvus(
    arguments: dict[str, Any], directory: Path, environment: dict[str, str] | None = None
) -> Done:
    """Ask a server for its version and collections, in a fresh process with no pooled connection."""
    if not environment:
        return Done(*run_with_pymilvus(_PYMILVUS, directory, stdin=json.dumps(arguments)))
    command = [sys.executable, "-c", _PYMILVUS]
    return run(command, directory, stdin=json.dumps(arguments), environment=environment)


# RFC 9113 section 3.4: what a client says first, an empty SETTINGS frame included, and the type of the
# frame with which a server answers.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
SETTINGS = 4


def is_answered(connection: socket.socket) -> bool:
    """Whether the first frame of HTTP/2 is that of a server: TLS 1.3 refuses after its handshake."""
    connection.sendall(PREFACE)
    frame = connection.recv(9)
    return len(frame) == 9 and frame[3] == SETTINGS


def openssl(directory: Path, *arguments: str, host: str = f"localhost:{PORT}") -> Done:
    """A handshake by OpenSSL's own client, verified with the project's CA."""
    return run(
        [
            *("openssl", "s_client", "-connect", host, "-CAfile", "cert/ca.pem"),
            *("-verify_return_error", "-verify_hostname", "localhost", "-brief"),
            *arguments,
        ],
        directory,
        timeout=LONG,
    )

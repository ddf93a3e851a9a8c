"""The TLS libraries of the SDKs, each asked as a client whether it refuses a server."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from unittest.mock import patch

from tests.judges.brought import Brought
from tests.judges.certificates import Files, issued, write_store, written
from tests.judges.grpc_peer import call
from tests.judges.peers import ANSWER, CLIENTS
from tests.judges.programs import command, go, go_peer, package, run
from tests.judges.tonic_peer import connect

_SETTINGS: Final = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Stack:
    """A TLS library as an SDK uses it.

    Attributes:
        missing: Why it cannot be asked here; ``None`` when it can.
        refuses: Whether it refuses a server, by its chain, key and CA file, a sound client, and the name
            that the server is asked for.
    """

    name: str
    missing: Callable[[], str | None]
    refuses: Callable[[Path, Files, str], bool]


@contextmanager
def _served(directory: Path, answer: bytes, *, first: bool) -> Iterator[tuple[int, list[bytes]]]:
    """A lenient server of one connection; its port, and what it heard from a client that took it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # it is the client that judges
    context.load_cert_chain(directory / "chain", directory / "key")
    context.set_alpn_protocols(["h2", "http/1.1"])
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            listener.close()  # so that whoever tries again is turned away
            connection.settimeout(10)
            with context.wrap_socket(connection, server_side=True) as secured:
                if first:
                    secured.sendall(answer)
                data = secured.recv(4096)
                if data:
                    heard.append(data)
                if not first:
                    secured.sendall(answer)
                    with contextlib.suppress(OSError):
                        secured.unwrap()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1], heard
        with contextlib.suppress(OSError):
            socket.create_connection(listener.getsockname(), 1).close()
        thread.join()


def _grpc(directory: Path, client: Files, name: str) -> bool:
    # Its complaints are expected here, and the processes of other tests have to keep theirs.
    quiet = patch.dict(os.environ, {"GRPC_VERBOSITY": "NONE"})
    with quiet, _served(directory, _SETTINGS, first=True) as (port, heard):
        call(port, replace(client, ca=directory / "ca"), shown=False, seconds=2, name=name)
    # It has no gRPC behind it: that the client spoke after the handshake is what counts.
    return not (heard and heard[0].startswith(b"PRI"))


def _tonic(directory: Path, client: Files, name: str) -> bool:
    with _served(directory, _SETTINGS, first=True) as (port, heard):
        connect(port, replace(client, ca=directory / "ca"), shown=False, host=name)
    return not (heard and heard[0].startswith(b"PRI"))


def _go(directory: Path, _: Files, name: str) -> bool:
    done = run(go_peer(), "verify", "server", directory / "ca", directory / "chain", name)
    assert done.returncode == 0, done.stderr
    return bool(done.stdout)


def _peer(of: str) -> Callable[[Path, Files, str], bool]:
    peer = next(client for client in CLIENTS if client.name == of)

    def refuses(directory: Path, client: Files, name: str) -> bool:
        with _served(directory, ANSWER.encode(), first=False) as (port, _):
            return peer.ask(port, replace(client, ca=directory / "ca"), name) is not None

    return refuses


STACKS: Final[Mapping[str, Stack]] = {
    stack.name: stack
    for stack in (
        Stack("gRPC", lambda: None, _grpc),
        Stack("Go", go, _go),
        Stack("Java", command("javac"), _peer("Java")),
        Stack("Node", command("node"), _peer("Node")),
        Stack("rustls", package("temporalio"), _tonic),
    )
}


def sound_client(directory: Path) -> Files:
    """The files of a client, for programs that want one."""
    shown = issued("as enable has it", "ecdsa-p256").client
    files = written(shown, directory)
    write_store(shown, files.store)
    return files


def refuses(
    stack: Stack, brought: Brought, directory: Path, client: Files, name: str = "localhost"
) -> bool:
    """Whether a stack refuses a server that shows what is brought."""
    (directory / "ca").write_bytes(brought.ca_pem)
    (directory / "chain").write_bytes(brought.server.full_chain_pem)
    (directory / "key").write_bytes(brought.server.private_key_pem)
    return stack.refuses(directory, client, name)

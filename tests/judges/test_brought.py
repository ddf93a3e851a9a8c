"""Each stack of a Milvus SDK judges brought certificates, as ``pki`` says that it does."""

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

import pytest

from tests.judges.brought import ACCEPTED, REFUSED, RUSTLS_REFUSES, Brought
from tests.judges.certificates import Files, Presented, issued, write_store, written
from tests.judges.grpc_peer import call
from tests.judges.peers import ANSWER, CLIENTS
from tests.judges.programs import command, go, go_peer, package, require, run
from tests.judges.tonic_peer import connect

_SETTINGS: Final = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Stack:
    """A TLS library as an SDK uses it.

    Attributes:
        missing: Why it cannot be asked here; ``None`` when it can.
        refuses: What is wrong with a server, by its chain, key and CA file and a sound client; ``None``
            for nothing.
    """

    name: str
    missing: Callable[[], str | None]
    refuses: Callable[[Path, Files], bool]


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


def _grpc(directory: Path, client: Files) -> bool:
    # Its complaints are expected here, and the processes of other tests have to keep theirs.
    quiet = patch.dict(os.environ, {"GRPC_VERBOSITY": "NONE"})
    with quiet, _served(directory, _SETTINGS, first=True) as (port, heard):
        call(port, replace(client, ca=directory / "ca"), shown=False, seconds=2)
    # It has no gRPC behind it: that the client spoke after the handshake is what counts.
    return not (heard and heard[0].startswith(b"PRI"))


def _tonic(directory: Path, client: Files) -> bool:
    with _served(directory, _SETTINGS, first=True) as (port, heard):
        connect(port, replace(client, ca=directory / "ca"), shown=False)
    return not (heard and heard[0].startswith(b"PRI"))


def _go(directory: Path, _: Files) -> bool:
    done = run(go_peer(), "verify", "server", directory / "ca", directory / "chain", "localhost")
    assert done.returncode == 0, done.stderr
    return bool(done.stdout)


def _peer(name: str) -> Callable[[Path, Files], bool]:
    peer = next(client for client in CLIENTS if client.name == name)

    def refuses(directory: Path, client: Files) -> bool:
        with _served(directory, ANSWER.encode(), first=False) as (port, _):
            return peer.ask(port, replace(client, ca=directory / "ca")) is not None

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


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A sound client, for programs that want one."""
    shown: Presented = issued("as enable has it", "ecdsa-p256").client
    files = written(shown, tmp_path_factory.mktemp("client"))
    write_store(shown, files.store)
    return files


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> Stack:
    found = STACKS[request.param]
    require(found.missing())
    return found


def _refuses(stack: Stack, brought: Brought, directory: Path, client: Files) -> bool:
    (directory / "ca").write_bytes(brought.ca_pem)
    (directory / "chain").write_bytes(brought.server.full_chain_pem)
    (directory / "key").write_bytes(brought.server.private_key_pem)
    return stack.refuses(directory, client)


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_stack_accepts_what_is_taken_but_for_rustls_of_which_is_warned(
    stack: Stack, name: str, tmp_path: Path, client: Files
) -> None:
    refused = stack.name == "rustls" and name in RUSTLS_REFUSES
    assert _refuses(stack, ACCEPTED[name][0](), tmp_path, client) is refused


@pytest.mark.parametrize("name", REFUSED)
def test_the_named_stacks_and_no_others_refuse_what_is_refused(
    stack: Stack, name: str, tmp_path: Path, client: Files
) -> None:
    make, stacks, _ = REFUSED[name]
    assert _refuses(stack, make(), tmp_path, client) is (stack.name in stacks)

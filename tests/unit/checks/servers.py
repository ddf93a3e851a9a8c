"""Real servers on the loopback interface: sockets, TLS by Python, gRPC by grpcio."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from compose_tls.checks.wire import HTTP2_PREFACE

HOST = "127.0.0.1"
SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
MILVUS = "/milvus.proto.milvus.MilvusService/"
OK_STATUS = b"\n\x00"


def not_found(request: bytes) -> bytes:
    """As Milvus 2.3.5 answers ``DescribeCollection``: the status names the collection."""
    name = request[2:].decode()
    reason = f"can't find collection[database=default][collection={name}]".encode()
    status = b"\x08\x01\x12" + bytes((len(reason),)) + reason + b"\x18\x64"
    return b"\n" + bytes((len(status),)) + status


ANSWERS = {
    "ShowCollections": OK_STATUS,
    "DescribeCollection": not_found,
    "GetVersion": OK_STATUS + b"\x12\x06v9.9.9",
    "Connect": OK_STATUS,
}

Script = Callable[[socket.socket], None]


@contextmanager
def listening(script: Script, host: str = HOST) -> Iterator[int]:
    """A server that follows a script on one connection after the other; gives its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        port: int = listener.getsockname()[1]
        closing = threading.Event()

        def serve() -> None:
            while not closing.is_set():
                connection, _ = listener.accept()
                # A peer that hangs up is what most tests are about, and none hangs for long.
                connection.settimeout(5)
                with connection, contextlib.suppress(OSError):
                    script(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield port
        finally:
            closing.set()
            with contextlib.suppress(OSError):
                socket.create_connection((host, port), 5).close()
            thread.join()


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def in_turn(*scripts: Script) -> Script:
    """One script for each connection; the last one for all that follow."""
    left = list(scripts)

    def script(connection: socket.socket) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(connection)

    return script


def over_tls(context: ssl.SSLContext, then: Script) -> Script:
    def script(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            then(secured)

    return script


def over_tls_alone(context: ssl.SSLContext, then: Script) -> Script:
    """As Go's HTTP server does it: plain HTTP is answered, with a refusal."""
    served = over_tls(context, then)

    def script(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            served(connection)
        else:
            says_and_hangs_up(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request")(
                connection
            )

    return script


def says(data: bytes) -> Script:
    """Say something at once, then listen until the peer has gone."""

    def script(connection: socket.socket) -> None:
        connection.sendall(data)
        until_gone(connection)

    return script


def says_and_hangs_up(data: bytes) -> Script:
    """Say something, having listened, and close."""

    def script(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(data)

    return script


def waits_for_its_client(connection: socket.socket) -> None:
    """Say nothing before the client has."""
    if connection.recv(len(HTTP2_PREFACE)) == HTTP2_PREFACE:
        says(SETTINGS)(connection)


def drips(connection: socket.socket) -> None:
    """Say it byte by byte."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in SETTINGS:
        connection.sendall(bytes((byte,)))
    until_gone(connection)


def until_gone(connection: socket.socket) -> None:
    """Say nothing."""
    while connection.recv(4096):
        pass


def hangs_up(connection: socket.socket) -> None:
    """Accept and close, as the port forwarder of an engine does whose container does not listen."""


def resets(connection: socket.socket) -> None:
    """Read, and answer with a TCP reset."""
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """A server's certificate and key, and the CA whose clients it accepts in mode 2."""

    certificate: Path
    key: Path
    ca: Path

    def context(self, mode: int, *trusted: bytes) -> ssl.SSLContext:
        """TLS settings of a server in a mode, that trusts the clients of further CAs (PEM) as well."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # it is the client that judges
        # That level lets OpenSSL speak the versions before, too.
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        context.set_alpn_protocols(["h2"])
        if mode == 2:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
            for pem in trusted:
                context.load_verify_locations(cadata=pem.decode())
        return context


class _Methods(grpc.GenericRpcHandler):  # type: ignore[misc] # grpcio has no types
    def __init__(self, answers: Mapping[str, Any], seen: list[tuple[str, dict[str, str]]]) -> None:
        self._answers = answers
        self._seen = seen

    def service(self, details: Any) -> Any:
        name = details.method.removeprefix(MILVUS)
        if details.method == name or name not in self._answers:
            return None
        self._seen.append((name, dict(details.invocation_metadata)))
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: _answer(self._answers[name], request, context)
        )


def _answer(answer: Any, request: bytes, context: Any) -> bytes:
    if isinstance(answer, bytes):
        return answer
    if callable(answer):
        return _answer(answer(request), request, context)
    if isinstance(answer, threading.Event):
        answer.wait(5)
        return OK_STATUS
    code, details = answer
    context.abort(code, details)
    raise AssertionError


@dataclass(frozen=True, slots=True)
class GrpcServer:
    """A running gRPC server and the calls that it has seen: method and metadata."""

    port: int
    seen: list[tuple[str, dict[str, str]]]


@contextmanager
def grpc_server(
    files: ServerFiles | None, mode: int, answers: Mapping[str, Any] = ANSWERS
) -> Iterator[GrpcServer]:
    """A gRPC server whose methods answer with bytes, with a status, or once an event is set."""
    seen: list[tuple[str, dict[str, str]]] = []
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads, (_Methods(answers, seen),))
        if files is None:
            port = server.add_insecure_port(f"{HOST}:0")
        else:
            credentials = grpc.ssl_server_credentials(
                [(files.key.read_bytes(), files.certificate.read_bytes())],
                files.ca.read_bytes() if mode == 2 else None,
                mode == 2,
            )
            port = server.add_secure_port(f"{HOST}:0", credentials)
        server.start()
        try:
            yield GrpcServer(port, seen)
        finally:
            for answer in answers.values():
                if isinstance(answer, threading.Event):
                    answer.set()
            server.stop(None).wait()

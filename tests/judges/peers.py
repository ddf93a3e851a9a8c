"""TLS peers of other makers, as clients and as servers, and Python's at the other end of each.

A connection counts as made when a request has been answered over it: in TLS 1.3 a client has finished
its handshake before the server looks at its certificate (RFC 8446 section 2).
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.judges.certificates import Files
from tests.judges.programs import (
    SOURCES,
    command,
    go,
    go_peer,
    java_classes,
    run,
    uv,
    uv_command,
)

_SECONDS: Final = 20
_REQUEST: Final = "GET / HTTP/1.0\r\n\r\n"
# To uv it is a file of requirements, in which nothing is required.
ANSWER: Final = "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n# ok"
# A virtual machine that lives for one connection is not worth optimising.
_JAVA: Final = ("java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp")

# These close the connection without a reason.
_SILENCE: Final = "answered b''"

Command = list[str | Path]


@dataclass(frozen=True, slots=True)
class Client:
    """A program that makes one request to ``localhost`` and prints the answer, or its status 200.

    Attributes:
        missing: Why it cannot be asked here; ``None`` when it can.
        command: By port and files; Java and Node take a name after it.
        refuses: How it says that it does not trust the server's issuer.
    """

    name: str
    missing: Callable[[], str | None]
    command: Callable[[int, Files], Command]
    refuses: str

    def ask(self, port: int, files: Files, *name: str) -> str | None:
        """Make the request; ``None`` when it was answered, else what the program says."""
        done = run(*self.command(port, files), *name, text=_REQUEST)
        answered = done.returncode == 0 and "200" in done.stdout
        return None if answered else f"{done.stdout}{done.stderr}"


@dataclass(frozen=True, slots=True)
class Server:
    """A program that demands client certificates, answers requests, and prints its port first.

    Attributes:
        missing: Why it cannot be asked here; ``None`` when it can.
        command: By files.
        refuses: What a client hears whose issuer it does not trust.
        demands: What a client hears that shows no certificate.
    """

    name: str
    missing: Callable[[], str | None]
    command: Callable[[Files], Command]
    refuses: str = "alert unknown ca"
    demands: str = "alert certificate required"

    @contextmanager
    def running(self, files: Files) -> Iterator[int]:
        """The port of the program, which is ended after."""
        with subprocess.Popen(
            self.command(files),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        ) as process:
            try:
                yield _printed_port(process)
            finally:
                process.kill()


def _printed_port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout
    printed = b""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], _SECONDS)
        assert ready, f"no port after {_SECONDS} s: {printed!r}"
        part = process.stdout.read(4096)
        assert part, f"ended before it printed a port: {printed!r}"
        printed += part
        found = re.search(rb"^(?:ACCEPT .*:)?(\d+)\n", printed, re.MULTILINE)
        if found:
            return int(found[1])


def _openssl_client(port: int, files: Files) -> Command:
    return [
        *("openssl", "s_client", "-quiet", "-connect", f"localhost:{port}", "-CAfile", files.ca),
        *("-verify_return_error", "-verify_hostname", "localhost", "-x509_strict"),
        *("-cert", files.leaf, "-cert_chain", files.chain, "-key", files.key),
    ]


def _openssl_server(files: Files) -> Command:
    return [
        *("openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-CAfile", files.ca),
        *("-Verify", "3", "-verify_return_error", "-x509_strict"),
        *("-cert", files.leaf, "-cert_chain", files.chain, "-key", files.key),
    ]


def _curl(port: int, files: Files) -> Command:
    return [
        *("curl", "--silent", "--show-error", "--fail", "--write-out", "%{http_code}"),
        *("--cacert", files.ca, "--cert", files.chain, "--key", files.key),
        f"https://localhost:{port}/",
    ]


def _gnutls(port: int, files: Files) -> Command:
    return [
        *("gnutls-cli", "--x509cafile", files.ca, "--x509certfile", files.chain),
        *("--x509keyfile", files.key, "--port", str(port), "localhost"),
    ]


def _node_client(port: int, files: Files) -> Command:
    return ["node", SOURCES / "peer.js", "client", str(port), files.ca, files.chain, files.key]


def _node_server(files: Files) -> Command:
    return ["node", SOURCES / "peer.js", "server", files.ca, files.chain, files.key]


def _java_client(port: int, files: Files) -> Command:
    return [*_JAVA, java_classes(), "Peer", "client", str(port), files.ca, files.store]


def _java_server(files: Files) -> Command:
    return [*_JAVA, java_classes(), "Peer", "server", files.ca, files.store]


def _uv(port: int, files: Files) -> Command:
    both = files.chain.with_name("certificate and key.pem")
    both.write_bytes(files.chain.read_bytes() + files.key.read_bytes())
    asked = f"https://localhost:{port}/requirements.txt"
    compiling = ["pip", "compile", "--no-cache", "--python", sys.executable, asked]
    says_so = ["sh", "-c", '"$@" && echo 200', "sh"]
    return [*says_so, *uv_command(*compiling, trusted=files.ca, shown=both)]


def _go_client(port: int, files: Files) -> Command:
    return [go_peer(), "client", str(port), files.ca, files.chain, files.key]


def _go_server(files: Files) -> Command:
    return [go_peer(), "server", files.ca, files.chain, files.key]


CLIENTS: Final = (
    Client("openssl", command("openssl"), _openssl_client, "unable to get local issuer"),
    Client("curl", command("curl"), _curl, "unable to get local issuer"),
    Client("GnuTLS", command("gnutls-cli"), _gnutls, "The certificate issuer is unknown"),
    Client("Node", command("node"), _node_client, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    Client("Java", command("javac"), _java_client, "PKIX path building failed"),
    Client("Go", go, _go_client, "certificate signed by unknown authority"),
    Client("rustls", uv, _uv, "UnknownIssuer"),
)

SERVERS: Final = (
    Server("openssl", command("openssl"), _openssl_server),
    Server("Node", command("node"), _node_server, _SILENCE),
    Server("Java", command("javac"), _java_server, _SILENCE, _SILENCE),
    Server("Go", go, _go_server),
)


@dataclass(slots=True)
class Listener:
    """Python's ssl as a server: its port, and how its one connection ended."""

    port: int
    refusals: list[str] = field(default_factory=list)


@contextmanager
def listening(files: Files) -> Iterator[Listener]:
    """A server that demands a client certificate and answers one request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    _prepare(context, files)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_SECONDS)
        heard = Listener(listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(context, listener, heard))
        thread.start()
        yield heard
        thread.join()


def _serve(context: ssl.SSLContext, listener: socket.socket, heard: Listener) -> None:
    try:
        connection, _ = listener.accept()
        listener.close()  # so that whoever tries again is turned away
        connection.settimeout(_SECONDS)
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)
            secured.sendall(ANSWER.encode())
            with contextlib.suppress(OSError):
                secured.unwrap()  # the peer may have closed without a word
    except OSError as error:
        heard.refusals.append(str(error))


def ask(port: int, files: Files, *, shown: bool = True) -> str | None:
    """One request by Python's ssl; ``None`` when it was answered, else its error.

    Args:
        port: Of ``localhost``.
        files: What to trust and to show.
        shown: Whether to show a certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _prepare(context, files, shown=shown)
    try:
        with (
            socket.create_connection(("localhost", port), _SECONDS) as connection,
            context.wrap_socket(connection, server_hostname="localhost") as secured,
        ):
            secured.sendall(_REQUEST.encode())
            answer = secured.recv(4096)
    except OSError as error:
        return str(error)
    return None if b"200" in answer else f"answered {answer!r}"


def _prepare(context: ssl.SSLContext, files: Files, *, shown: bool = True) -> None:
    context.load_verify_locations(files.ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if shown:
        context.load_cert_chain(files.chain, files.key)

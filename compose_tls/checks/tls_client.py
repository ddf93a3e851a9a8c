"""Connections for probes: a socket, TLS over it, or a gRPC channel. None of them is ever reused."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import ACCEPTS_PLAIN_TEXT, CLOSED, Explanation, explain
from compose_tls.checks.wire import (
    FRAME_HEADER,
    GRPC,
    HTTP2_PREFACE,
    Protocol,
    authorities,
    is_http2_answer,
)
from compose_tls.errors import CertificateUnreadable
from compose_tls.pki.handshake import readable, verifying_context
from compose_tls.values import dataclass

ATTEMPTS: Final = 8
"""How often a probe is made at each address, on fresh connections.

With one bad server of three behind one port, eight find it in any case where they take turns, and in 96
of 100 cases where they are chosen by chance.
"""

# How long to listen before speaking, in seconds: a round trip on most networks.
_LISTEN: Final = 0.25
_GRACE: Final = 0.5  # seconds
_MOST_RECEIVED: Final = 64 << 20  # 300,000 collections; a server that is none sends without end
CLOSING_SECONDS: Final = 1.0
"""How long gRPC may take to keep its own deadline, and to close. Frames of a header that never ends keep
its core from both (seen in 1.85)."""
_CERTIFICATE_REQUEST: Final = 13  # RFC 8446 section 4
_LOCALHOST: Final = "localhost"
_LOOPBACK_6: Final = "::1"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time that several steps share."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The point that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """The seconds left; a moment at least, since sockets take zero for "do not wait"."""
        return max(self.at - time.monotonic(), 0.001)


def repeated(deadline: Deadline) -> Iterator[int]:
    """Count attempts: all of them, or as many as there is time for, and one at least."""
    began = time.monotonic()
    for number in range(ATTEMPTS):
        if number and (time.monotonic() - began) / number > deadline.left:
            return
        yield number


def places(target: Target, deadline: Deadline) -> list[Target]:
    """The target at each address where clients may reach it.

    A name can have several addresses, of which some lead nowhere: those do not count where another
    one answers, for clients go on to the next (RFC 8305). What is a place of its own has to answer.
    """
    first = [replace(target, host=address) for address in _addresses(target)]
    if len(first) > 1:
        first = [place for place in first if _listens(place, deadline)]
    return (first if len(first) > 1 else [target]) + [
        replace(target, host=host, port=port) for host, port in target.further
    ]


def _addresses(target: Target) -> list[str]:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return [target.host]  # errors of it are reported when connecting
    addresses = [str(address[0]) for *_, address in found]
    if target.host == _LOCALHOST:
        addresses.append(_LOOPBACK_6)
    return list(dict.fromkeys(addresses))


def _listens(target: Target, deadline: Deadline) -> bool:
    try:
        socket.create_connection((target.host, target.port), min(deadline.left, 1)).close()
    except OSError:
        return False
    return True


def speaks_plain_text(target: Target, timeout: float) -> bool:
    """Whether a server, that hangs up on TLS, answers HTTP/2 without it.

    gRPC servers in plain text close the connection on which TLS is spoken, without a word.
    """
    deadline = Deadline.after(timeout)
    try:
        with tcp(target, deadline) as connection:
            connection.sendall(HTTP2_PREFACE)
            return is_http2_answer(receive(connection, deadline))
    except OSError:
        return False


def why(target: Target, error: OSError, timeout: float) -> Explanation:
    """What an error of a connection means; where the server hung up, plain text is tried."""
    found = explain(error)
    if found == CLOSED and speaks_plain_text(target, min(timeout, 1)):
        return ACCEPTS_PLAIN_TEXT
    return found


@contextmanager
def tcp(target: Target, deadline: Deadline) -> Iterator[socket.socket]:
    """A plain TCP connection.

    Raises:
        OSError: There is none available.
    """
    try:
        connection = _connected(target, deadline)
    except UnicodeError as error:
        # Python's own resolver answers so for names that no host can have.
        raise socket.gaierror(str(error)) from None
    with connection:
        yield connection


def _connected(target: Target, deadline: Deadline) -> socket.socket:
    try:
        return socket.create_connection((target.host, target.port), deadline.left)
    except ConnectionRefusedError:
        if target.host != _LOCALHOST:
            raise
        try:
            # Both loopback addresses are localhost (RFC 6761 section 6.3), and gRPC knows that; the
            # system's resolver knows only what /etc/hosts says.
            return socket.create_connection((_LOOPBACK_6, target.port), deadline.left)
        except OSError:
            pass
        raise


@contextmanager
def tls(
    target: Target,
    context: ssl.SSLContext,
    deadline: Deadline,
    session: ssl.SSLSession | None = None,
) -> Iterator[ssl.SSLSocket]:
    """A TLS connection whose handshake is done, from the client's point of view.

    Args:
        target: The server; without a ``server_name``, none is sent (SNI, RFC 6066 section 3).
        context: The TLS settings of the client.
        deadline: Until when.
        session: An earlier one of the same context to go on with.

    Raises:
        OSError: There is none available.
    """
    name = target.server_name or None
    with tcp(target, deadline) as connection:
        connection.settimeout(deadline.left)
        with (
            _hung_up_after(deadline, connection),
            context.wrap_socket(connection, server_hostname=name, session=session) as secured,
        ):
            yield secured


@contextmanager
def _hung_up_after(deadline: Deadline, connection: socket.socket) -> Iterator[None]:
    """End a connection whose time is over.

    OpenSSL does not return to Python, which looks at the time, while a server goes on sending messages
    that a client has to ignore (HelloRequest, RFC 5246 section 7.4.1.1).

    Raises:
        TimeoutError: It was ended so.
    """
    over = threading.Event()

    def hang_up() -> None:
        over.set()
        with suppress(OSError):
            same.shutdown(socket.SHUT_RDWR)

    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        # Later than Python's own look at the time, which does not take an end for an answer.
        timer = threading.Timer(deadline.left + _GRACE, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except OSError as error:
            if over.is_set():
                raise TimeoutError("the server sends more data than it should") from error
            raise
        else:
            if over.is_set():  # To its reader that end looks like one by the server.
                raise TimeoutError("timed out")
        finally:
            timer.cancel()
            timer.join()


def client_context(target: Target, *, anonymous: bool = False) -> ssl.SSLContext:
    """The TLS settings of a client of the target: it verifies chain and name.

    Args:
        target: The server, and the files of a client.
        anonymous: Whether to leave the client certificate out.

    Raises:
        CertificateUnreadable: A file of the client cannot be read, or not be used.
    """
    context = verifying_context()
    try:
        trusted = target.content(target.ca_path).decode("ascii", "ignore")
        context.load_verify_locations(cadata=trusted)
    except (OSError, ValueError) as error:
        raise CertificateUnreadable(
            f"the CA certificate {target.ca_path} cannot be used:"
            f" {_reason(error, 'no certificate in it')}",
            hint="give the CA certificate of the server as a PEM file with --ca-cert, or, in the "
            "project, run compose-tls enable, which restores it",
            path=str(target.ca_path),
        ) from None
    announce(context, target.protocol)
    if not anonymous:
        present(context, target)
    return context


def named_authorities(context: ssl.SSLContext) -> list[bytes] | None:
    """A list that fills with the CAs which the server names for client certificates, in DER.

    Python tells of them in no documented way, but its ``SSLContext`` has had a callback with every
    message in the clear since 3.8, for debugging.

    Returns:
        ``None`` where this Python has no such callback.
    """
    if not hasattr(context, "_msg_callback"):
        return None
    found: list[bytes] = []

    def listen(
        _: object, direction: str, version: int, _content: int, kind: int, data: bytes
    ) -> None:
        if (direction, kind) == ("read", _CERTIFICATE_REQUEST) and data[:1] == bytes([kind]):
            with suppress(ValueError):
                found.extend(authorities(data, tls_1_3=version == ssl.TLSVersion.TLSv1_3))

    context._msg_callback = listen  # noqa: SLF001 - see above
    return found


def announce(context: ssl.SSLContext, protocol: Protocol) -> None:
    """Announce what the client is going to speak (ALPN, RFC 7301)."""
    if protocol.alpn:
        context.set_alpn_protocols(protocol.alpn)


def present(context: ssl.SSLContext, target: Target) -> None:
    """Let a client show the certificate of the target's clients, where there is one.

    Raises:
        CertificateUnreadable: Certificate or key cannot be read, or do not belong together.
    """
    certificate, key = target.client_certificate_path, target.client_key_path
    if certificate is None:
        return
    try:
        # An encrypted key would be asked for on the terminal; with a password it is an error.
        with readable(target.content(certificate)) as chain, readable(_key(target)) as private:
            context.load_cert_chain(chain, private, password="")
    except OSError as error:
        raise CertificateUnreadable(
            f"the client certificate {certificate} and its key {key} cannot be used:"
            f" {_reason(error, 'not PEM, encrypted, or not belonging together')}",
            hint="checking mode 2 needs a client certificate: give one with --client-cert and "
            "--client-key, or run compose-tls enable to issue one",
            path=str(certificate),
        ) from None


def _key(target: Target) -> bytes:
    """The key of the client; that of a certificate file which holds both, where no other is named."""
    path = target.client_key_path or target.client_certificate_path
    return target.content(path) if path else b""


def _reason(error: OSError | ValueError, otherwise: str) -> str:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    reason = getattr(error, "reason", None) or ""
    return reason.lower().replace("_", " ") or otherwise


def greet(connection: ssl.SSLSocket, deadline: Deadline, protocol: Protocol = GRPC) -> bytes:
    """The first bytes that a server says: as many as tell its protocol, or less when it closed.

    In TLS 1.3 a server refuses a client after the client's handshake (RFC 8446 section 2), and what is
    sent to a server that has closed already makes the system drop its alert unread (RFC 9293 section
    3.10.7.4). So this listens first, and speaks to servers that wait for their client.

    Raises:
        OSError: The server refused, or the connection ended otherwise.
    """
    connection.settimeout(min(_LISTEN, deadline.left))
    try:
        first = connection.recv(protocol.answer_length)
    except TimeoutError:
        connection.settimeout(deadline.left)
        connection.sendall(protocol.opening)
        first = b""
    else:
        if not first:
            return b""
    return receive(connection, deadline, first, protocol.answer_length)


def receive(
    connection: socket.socket,
    deadline: Deadline,
    received: bytes = b"",
    length: int = FRAME_HEADER,
) -> bytes:
    """Read up to ``length`` bytes in all; less when the peer closes, or falls silent, before.

    Raises:
        OSError: The connection ended otherwise, or in time there was nothing.
    """
    while len(received) < length:
        connection.settimeout(deadline.left)
        try:
            more = connection.recv(length - len(received))
        except TimeoutError:
            if received:
                break
            raise
        if not more:
            break
        received += more
    return received


@contextmanager
def grpc_channel(target: Target) -> Iterator[Any]:
    """A gRPC channel with the files of a client.

    gRPC's core writes of failed handshakes to standard error: make sure of one first.

    Raises:
        OSError: A file cannot be read.
    """
    import grpc

    certificate, key = target.client_certificate_path, target.client_key_path
    credentials = grpc.ssl_channel_credentials(
        root_certificates=target.content(target.ca_path),
        private_key=target.content(key) if key else None,
        certificate_chain=target.content(certificate) if certificate else None,
    )
    options = [
        ("grpc.ssl_target_name_override", target.server_name),
        # Channels to one place share connections otherwise, and a probe has to make its own.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
        # A server may hold more collections than fit into gRPC's 4 MiB.
        ("grpc.max_receive_message_length", _MOST_RECEIVED),
    ]
    channel = grpc.secure_channel(target.authority, credentials, options)
    try:
        yield channel
    finally:
        closing = threading.Thread(target=channel.close, daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)

"""Both ends of TLS, peers that must be refused, and handshakes in memory.

A key reaches OpenSSL without a file, and a handshake needs neither socket nor port.
"""

from __future__ import annotations

import os
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Literal

from compose_tls.changes import CertificateOrder
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_all
from compose_tls.pki.pem import certificate_der
from compose_tls.values import dataclass

End = Literal["client", "server"]

# A TLS 1.3 handshake with a client certificate and one byte each way takes four rounds.
_MOST_ROUNDS: Final = 20


# OpenSSL's X509_V_ERR_… (x509_vfy.h) for "no trusted CA issued this".
UNKNOWN_ISSUER: Final = frozenset({2, 18, 19, 20, 21})


@dataclass(frozen=True, slots=True)
class Foreigner:
    """A CA that no one trusts, and a client certificate under it. They live in memory only."""

    ca_pem: bytes
    client: CertificateWithKey


def foreigner(now: datetime) -> Foreigner:
    """Issue a foreign CA and client, to be refused."""
    orders = [
        CertificateOrder("ca", "CN=foreign CA", "ecdsa-p256", 1),
        # RFC 2606 section 2: names below .invalid do not exist.
        CertificateOrder("client", "CN=foreign client", "ecdsa-p256", 1, ("client.invalid",)),
    ]
    issued = issue_all(orders, None, now)
    return Foreigner(issued["ca"].certificate_pem, issued["client"])


@dataclass(frozen=True, slots=True)
class Handshake:
    """How a handshake ended.

    Attributes:
        refused_by: The end that broke it off; ``None`` when both were content.
        reason: Why, in OpenSSL's words; the protocol version when both were content.
        verify_code: OpenSSL's ``X509_V_ERR_…`` number when a certificate was the reason, else 0.
    """

    refused_by: End | None
    reason: str
    verify_code: int = 0


def server_context(
    pair: CertificateWithKey, client_ca_pem: bytes | None, *, minimum: ssl.TLSVersion
) -> ssl.SSLContext:
    """A server.

    Args:
        pair: Its certificate and key.
        client_ca_pem: The CA whose client certificates it demands; ``None`` demands none.
        minimum: The oldest protocol version it speaks.

    Raises:
        OSError: Certificate and key cannot be used together: ``ssl.SSLError``, or where OpenSSL reads
            from a pipe, an error of that.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    # No session in memory is resumed, and a ticket takes a third of a handshake.
    context.num_tickets = 0
    _present(context, pair)
    if client_ca_pem is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        # Go takes whatever it is given as an anchor, be it signed by itself or not.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        _trust(context, client_ca_pem)
    return context


def verifying_context() -> ssl.SSLContext:
    """A client that verifies chain and name as gRPC, Go, Java and Node do, and trusts no one yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # RFC 9525 section 2: the common name is not a server name. OpenSSL would still accept it.
    context.hostname_checks_common_name = False
    return context


def client_context(ca_pem: bytes, pair: CertificateWithKey | None) -> ssl.SSLContext:
    """A client that verifies chain and name.

    Args:
        ca_pem: The only CA that it trusts.
        pair: Its own certificate and key; ``None`` for a client without.

    Raises:
        OSError: Certificate and key cannot be used together: ``ssl.SSLError``, or where OpenSSL reads
            from a pipe, an error of that.
    """
    context = verifying_context()
    _trust(context, ca_pem)
    if pair is not None:
        _present(context, pair)
    return context


def shake_hands(
    client: ssl.SSLContext, server: ssl.SSLContext, server_name: str, *, until: End | None = None
) -> Handshake:
    """Let a client and a server talk until both have read a byte from the other, or one breaks off.

    The byte matters: in TLS 1.3 a client has finished before the server looks at its certificate (RFC
    8446 section 2), so that a refusal shows only after the client's handshake.

    Args:
        client: From ``client_context``.
        server: From ``server_context``.
        server_name: The DNS name, in ASCII, or IP address that the client verifies.
        until: The end whose half is enough: it is over once that has finished its handshake.
    """
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    # For a text, Python would load the tables of names that are not ASCII.
    name = server_name.encode("ascii")
    ends: dict[End, ssl.SSLObject] = {
        "client": client.wrap_bio(to_client, to_server, server_hostname=name),
        "server": server.wrap_bio(to_server, to_client, server_side=True),
    }
    scripts = {end: _script(connection) for end, connection in ends.items()}
    for _ in range(_MOST_ROUNDS):
        for end, script in scripts.items():
            try:
                while script:
                    script[0]()
                    script.popleft()
                    if end == until:
                        return Handshake(None, ends[end].version() or "")
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return _refusal(end, error)
        if not any(scripts.values()):
            return Handshake(None, ends["client"].version() or "")
    return Handshake("client", "the handshake does not finish")


def strict_refusal(pair: CertificateWithKey, ca_pem: bytes, *, to_servers: bool) -> str | None:
    """Why peers that verify as strictly as Python does from 3.13 on refuse a certificate, if they do.

    Args:
        pair: The certificate and its key.
        ca_pem: The CA certificates that the peers trust.
        to_servers: Whether it is a client's, shown to servers; otherwise a server's.
    """
    try:
        client, server, strict = _strictly(pair, ca_pem, to_servers=to_servers)
    except OSError as error:
        return f"OpenSSL does not read it: {describe(error)}"
    # ssl.create_default_context, from 3.13 on.
    strict.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    outcome = shake_hands(client, server, "localhost")
    return outcome.reason if outcome.refused_by else None


def _strictly(
    pair: CertificateWithKey, ca_pem: bytes, *, to_servers: bool
) -> tuple[ssl.SSLContext, ssl.SSLContext, ssl.SSLContext]:
    """A client, a server, and which of the two it is that verifies."""
    oldest = ssl.TLSVersion.TLSv1_2
    if to_servers:
        stranger = foreigner(datetime.now(UTC)).client
        client, server = (
            client_context(ca_pem, pair),
            server_context(stranger, ca_pem, minimum=oldest),
        )
        client.check_hostname, client.verify_mode, strict = False, ssl.CERT_NONE, server
    else:
        client, server = client_context(ca_pem, None), server_context(pair, None, minimum=oldest)
        client.check_hostname, strict = False, client
    return client, server, strict


def _script(connection: ssl.SSLObject) -> deque[Callable[[], object]]:
    return deque(
        [connection.do_handshake, lambda: connection.write(b"."), lambda: connection.read(1)]
    )


def _refusal(end: End, error: ssl.SSLError) -> Handshake:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Handshake(end, error.verify_message.rstrip("."), error.verify_code)
    return Handshake(end, describe(error))


def describe(error: OSError) -> str:
    """OpenSSL's reason in small letters."""
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    return (reason or str(error)).replace("_", " ").lower()


def _trust(context: ssl.SSLContext, ca_pem: bytes) -> None:
    context.load_verify_locations(cadata=certificate_der(ca_pem))


def _present(context: ssl.SSLContext, pair: CertificateWithKey) -> None:
    with readable(pair.full_chain_pem) as chain, readable(pair.private_key_pem) as key:
        context.load_cert_chain(chain, key)


@contextmanager
def readable(content: bytes) -> Iterator[str]:
    """A path from which OpenSSL can read ``content``, without a file behind it.

    Python's ssl takes a private key only by path. This path leads to a file descriptor on memory of
    this process: the key is in no directory and on no disk, no one else can open it, and it is gone
    with the descriptor even when the process is killed.
    """
    descriptor = _memory(content) if hasattr(os, "memfd_create") else _pipe(content)
    try:
        yield f"/dev/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _memory(content: bytes) -> int:
    """An anonymous file in memory; only Linux has them."""
    descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    return descriptor


def _pipe(content: bytes) -> int:
    """The reading end of a pipe that holds ``content`` and then ends."""
    reader, writer = os.pipe()
    try:
        # A pipe holds at least 16 KiB; what does not fit must fail here and not wait forever.
        os.set_blocking(writer, False)
        written = os.write(writer, content)
    finally:
        os.close(writer)
    if written < len(content):
        os.close(reader)
        msg = f"{len(content)} bytes are more than a pipe holds"
        raise ValueError(msg)
    return reader

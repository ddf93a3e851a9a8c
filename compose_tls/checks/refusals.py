"""What must not work. A probe that could not be tried proves nothing, and so it fails."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from compose_tls.changes import CertificateOrder
from compose_tls.checks.connection import tcp, tls, tls_context
from compose_tls.checks.explain import explain
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.target import Target
from compose_tls.checks.wire import HTTP2_PREFACE, is_http2_answer

_READ = 64
_OPEN = (
    "the TLS settings did not reach the server: recreate the Milvus service, see compose-tls status"
)
_MODE_2 = "the server does not run in mode 2: recreate the Milvus service, see compose-tls status"


@dataclass(frozen=True, slots=True)
class Foreigner:
    """A CA that nobody trusts, and a client certificate under it."""

    ca_path: Path
    certificate_path: Path
    key_path: Path


@contextmanager
def foreigner(now: datetime) -> Iterator[Foreigner]:
    """Issue a foreign CA and client for the time of a check."""
    from compose_tls.pki.issue import issue_all  # noqa: PLC0415 - cryptography costs 75 ms

    orders = [
        CertificateOrder("ca", "CN=foreign CA", "ecdsa-p256", 1),
        CertificateOrder("client", "CN=foreign", "ecdsa-p256", 1, ("client.foreign.internal",)),
    ]
    pairs = issue_all(orders, None, now)
    with tempfile.TemporaryDirectory(prefix="compose-tls-") as name:
        # The directory is 0700, and these keys open nothing.
        directory = Path(name)
        found = Foreigner(directory / "ca.pem", directory / "client.pem", directory / "client.key")
        found.ca_path.write_bytes(pairs["ca"].certificate_pem)
        found.certificate_path.write_bytes(pairs["client"].certificate_pem)
        found.key_path.write_bytes(pairs["client"].private_key_pem)
        yield found


def plain_text(target: Target, timeout: float) -> Outcome:
    """A client without TLS gets no answer."""
    expected = "plain text is refused"
    try:
        with tcp(target, timeout) as connection:
            connection.sendall(HTTP2_PREFACE)
            answer = _read(connection)
    except OSError as error:
        return _not_tried(expected, error)
    if answer is None:
        return Outcome(False, expected, "the server neither answered nor refused", "try again")
    if is_http2_answer(answer):
        return Outcome(False, expected, "the server answers in plain text", _OPEN)
    return Outcome(True, expected, "refused")


def another_ca(target: Target, foreign: Foreigner, timeout: float) -> Outcome:
    """A client that trusts another CA refuses the server."""
    expected = "a client that trusts another CA refuses the server"
    context = tls_context(foreign.ca_path, target.client_certificate_path, target.client_key_path)
    try:
        with tls(target, context, timeout):
            return Outcome(False, expected, "the foreign CA vouched for the server", "report this")
    except ssl.SSLCertVerificationError as error:
        return Outcome(True, expected, f"refused: {error.verify_message}")
    except OSError as error:
        return _not_tried(expected, error)


def no_certificate(target: Target, timeout: float) -> Outcome:
    """A client without a certificate is refused in mode 2."""
    context = tls_context(target.ca_path, None, None)
    return _client_refused(target, context, timeout, "a client without a certificate is refused")


def foreign_certificate(target: Target, foreign: Foreigner, timeout: float) -> Outcome:
    """A client certificate of another CA is refused in mode 2."""
    context = tls_context(target.ca_path, foreign.certificate_path, foreign.key_path)
    return _client_refused(
        target, context, timeout, "a client certificate of another CA is refused"
    )


def _client_refused(
    target: Target, context: ssl.SSLContext, timeout: float, expected: str
) -> Outcome:
    """In TLS 1.3 the client's handshake ends before the server has judged it: so read once more.

    Nothing is sent before: a server that has refused already would answer that with a reset, and its
    alert would be lost. One that has accepted sends its HTTP/2 settings by itself (RFC 9113, 3.4).
    """
    try:
        with tls(target, context, timeout) as connection:
            answer = connection.recv(_READ)
    except ssl.SSLError as error:
        if "ALERT" not in (error.reason or ""):
            return _not_tried(expected, error)
        return Outcome(True, expected, f"refused: {_alert(error)}")
    except OSError as error:
        return _not_tried(expected, error)
    if is_http2_answer(answer):
        return Outcome(False, expected, "the server accepted it", _MODE_2)
    return Outcome(False, expected, "the server closed without saying why", "see its log")


def _alert(error: ssl.SSLError) -> str:
    """The alert as RFC 8446, section 6, names it."""
    words = (error.reason or "").lower().split("_")
    return " ".join(word for word in words if word not in {"sslv3", "tlsv1", "tlsv13", "alert"})


def _read(connection: socket.socket) -> bytes | None:
    """The first bytes of an answer; empty when the peer closed, ``None`` when it stayed silent."""
    try:
        return connection.recv(_READ)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""


def _not_tried(expected: str, error: OSError) -> Outcome:
    found = explain(str(error))
    return Outcome(False, expected, f"could not be tried: {found.meaning}", found.next_step)

"""What must not work. A probe that could not be tried proves nothing, and so it fails.

A server that is down refuses everybody, and so does the port forwarder of a container engine whose
container does not listen (it accepts, and hangs up as Go's TLS does on plain text). So a refusal by
the server counts only where it answers a good client right afterwards.
"""

from __future__ import annotations

import ssl
from typing import Final

from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import ACCEPTS_ANY_CLIENT, ACCEPTS_PLAIN_TEXT
from compose_tls.checks.outcome import Outcome, no_answer, not_tried
from compose_tls.checks.tls_client import (
    Deadline,
    announce,
    client_context,
    greet,
    present,
    receive,
    tcp,
    tls,
)
from compose_tls.checks.wire import (
    HTTP1,
    HTTP1_STATUS,
    is_tls_refusal,
)
from compose_tls.pki.handshake import UNKNOWN_ISSUER, Foreigner
from compose_tls.pki.handshake import client_context as context_of

# The alerts with which a server refuses a client's certificate (RFC 8446 section 6.2). Before TLS 1.3,
# a missing one is a handshake_failure (RFC 5246 section 7.4.6).
_REFUSALS: Final = (
    "bad certificate",
    "unsupported certificate",
    "certificate revoked",
    "certificate expired",
    "certificate unknown",
    "certificate required",
    "unknown ca",
    "access denied",
    "handshake failure",
)


def plain_text(target: Target, timeout: float) -> Outcome:
    """A client without TLS gets no answer."""
    deadline = Deadline.after(timeout)
    expected = "plain text is refused"
    try:
        with tcp(target, deadline) as connection:
            connection.settimeout(deadline.left)
            connection.sendall(target.protocol.opening)
            answer = receive(connection, deadline)
            if answer.startswith(HTTP1):
                answer = receive(connection, deadline, answer, HTTP1_STATUS)
    except ConnectionError:
        answer = b""
    except OSError as error:
        return not_tried(expected, error)
    if answer and not is_tls_refusal(answer):
        # Whatever it is: a server that insists on TLS does not say it.
        return Outcome(False, expected, ACCEPTS_PLAIN_TEXT.meaning, ACCEPTS_PLAIN_TEXT.next_step)
    return _refused(target, timeout, expected, "refused")


def another_ca(target: Target, foreign: Foreigner, timeout: float) -> Outcome:
    """A client that trusts another CA refuses the server."""
    deadline = Deadline.after(timeout)
    expected = "a client that trusts another CA refuses the server"
    context = context_of(foreign.ca_pem, None)
    announce(context, target.protocol)
    present(context, target)
    try:
        with tls(target, context, deadline):
            return Outcome(
                False,
                expected,
                "a certificate of a CA that was made a moment ago was accepted",
                "this cannot be: please report it",
            )
    except ssl.SSLCertVerificationError as error:
        if error.verify_code not in UNKNOWN_ISSUER:
            return not_tried(expected, error)
        return Outcome(True, expected, f"refused: {error.verify_message}")
    except OSError as error:
        return not_tried(expected, error)


def no_certificate(target: Target, timeout: float) -> Outcome:
    """A client without a certificate is refused in mode 2."""
    context = client_context(target, anonymous=True)
    return _client_refused(target, context, timeout, "a client without a certificate is refused")


def foreign_certificate(target: Target, foreign: Foreigner, timeout: float) -> Outcome:
    """A client certificate of another CA is refused in mode 2."""
    context = context_of(target.ca_path.read_bytes(), foreign.client)
    announce(context, target.protocol)
    return _client_refused(
        target, context, timeout, "a client certificate of another CA is refused"
    )


def _client_refused(
    target: Target, context: ssl.SSLContext, timeout: float, expected: str
) -> Outcome:
    deadline = Deadline.after(timeout)
    try:
        with tls(target, context, deadline) as connection:
            answer = greet(connection, deadline, target.protocol)
    except (ssl.SSLEOFError, ConnectionError):
        answer = b""
    except ssl.SSLError as error:
        alert = _alert(error)
        if alert is None:
            return not_tried(expected, error)
        return _refused(target, timeout, expected, f"refused: {alert}")
    except OSError as error:
        return not_tried(expected, error)
    if not answer:
        return _refused(target, timeout, expected, "refused: the connection was closed")
    if not target.protocol.is_answer(answer):
        return not_tried(expected, no_answer(target.protocol, answer))
    return Outcome(False, expected, ACCEPTS_ANY_CLIENT.meaning, ACCEPTS_ANY_CLIENT.next_step)


def _alert(error: ssl.SSLError) -> str | None:
    """The server's alert about the client's certificate; ``None`` for any other error."""
    reason = (error.reason or "").lower().replace("_", " ")
    return next((alert for alert in _REFUSALS if reason.endswith(f"alert {alert}")), None)


def _refused(target: Target, timeout: float, expected: str, observed: str) -> Outcome:
    """The refusal, if it was one: the server has to answer a good client now."""
    deadline = Deadline.after(timeout)
    try:
        with tls(target, client_context(target), deadline) as connection:
            answer = greet(connection, deadline, target.protocol)
    except OSError as error:
        return not_tried(expected, error)
    if not target.protocol.is_answer(answer):
        return not_tried(expected, no_answer(target.protocol, answer))
    return Outcome(True, expected, observed)

"""Probes of what must be refused. A probe that could not be tried proves nothing, so it fails.

A server that is down refuses everyone, and so does the port forwarder of a container engine whose
container does not listen (it accepts, and hangs up as Go's TLS does on plain text). So a refusal by
the server counts only where it answers a good client right afterwards.
"""

from __future__ import annotations

import hashlib
import secrets
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import (
    ACCEPTS_ANY_CLIENT,
    ACCEPTS_EXPIRED_CLIENTS,
    ACCEPTS_PLAIN_TEXT,
    OLD_TLS,
)
from compose_tls.checks.outcome import Outcome, at, no_answer, not_tried
from compose_tls.checks.sessions import call_status, resumed_by
from compose_tls.checks.tls_client import (
    ATTEMPTS,
    Deadline,
    announce,
    client_context,
    greet,
    places,
    present,
    receive,
    repeated,
    tcp,
    tls,
)
from compose_tls.checks.wire import (
    GRPC_CALL,
    HTTP1,
    HTTP1_ALONE,
    HTTP1_POST,
    HTTP1_REQUEST,
    HTTP1_STATUS,
    HTTP2_PREFACE,
    REST,
    TLS_HANDSHAKE,
    is_old_server_hello,
    is_tls_refusal,
    old_client_hello,
)
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.forged import forged_clients
from compose_tls.pki.handshake import UNKNOWN_ISSUER, Foreigner
from compose_tls.pki.handshake import client_context as context_of
from compose_tls.pki.names import is_address
from compose_tls.vocabulary import TlsMode

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
    # Of a signature that is not the CA's.
    "decrypt error",
    "handshake failure",
)
_TURNED_AWAY: Final = frozenset({400, 403})


def plain_text(target: Target, timeout: float) -> Outcome:
    """A client without TLS gets no answer, whatever it speaks."""
    deadline = Deadline.after(timeout)
    expected = f"plain text is refused{_where(target)}"
    openings = list(
        dict.fromkeys(
            (
                target.protocol.opening,
                *(GRPC_CALL, HTTP1_REQUEST, HTTP1_POST, REST.opening, HTTP2_PREFACE),
            )
        )
    )
    for place in places(target, deadline):
        for _ in repeated(deadline):
            silent: OSError | None = None
            for opening in openings:
                try:
                    # Who is silent in one tongue may answer in the next: each gets its share.
                    share = Deadline.after(deadline.left / len(openings))
                    answer = _said_to(place, opening, share)
                except TimeoutError as error:
                    silent = error
                    continue
                except OSError as error:
                    return at(place, target, not_tried(expected, error))
                if answer and not is_tls_refusal(answer):
                    # Whatever it is: a server that insists on TLS does not say it.
                    found = ACCEPTS_PLAIN_TEXT
                    plain = Outcome(False, expected, found.meaning, found.next_step)
                    return at(place, target, plain)
            if silent is not None:
                return at(place, target, not_tried(expected, silent))
        outcome = _refused(place, timeout, expected, "refused")
        if not outcome.ok:
            return at(place, target, outcome)
    return Outcome(True, expected, "refused")


def _where(target: Target) -> str:
    """What tells a probe of REST from the same one of gRPC."""
    return f" by REST on port {target.port}" if target.protocol is REST else ""


def _said_to(target: Target, opening: bytes, deadline: Deadline) -> bytes:
    """What a server says to plain text; nothing where it hung up."""
    try:
        with tcp(target, deadline) as connection:
            connection.settimeout(deadline.left)
            connection.sendall(opening)
            answer = receive(connection, deadline)
            if answer.startswith((HTTP1, TLS_HANDSHAKE)):
                answer = receive(connection, deadline, answer, HTTP1_STATUS)
            return answer
    except ConnectionRefusedError:
        raise
    except ConnectionError:
        return b""


_OLD_TLS_IN_MODE_1: Final = (
    "TLS 1.1 and older are accepted, too: in mode 1 no setting of Milvus changes that"
)


def old_tls(target: Target, timeout: float) -> Outcome:
    """A client that speaks nothing newer than TLS 1.1 is refused (RFC 8996).

    In mode 1 Milvus takes what Go takes, which before Go 1.22 was TLS 1.0 and newer (seen in 2.3.5), and
    no setting changes that: so there it is told, and fails nothing.
    """
    deadline = Deadline.after(timeout)
    expected = "TLS 1.1 and older are refused"
    name = "" if is_address(target.server_name) else target.server_name
    for place in places(target, deadline):
        for _ in repeated(deadline):
            try:
                answer = _said_to(place, old_client_hello(secrets.token_bytes(32), name), deadline)
            except OSError as error:
                return at(place, target, not_tried(expected, error))
            if is_old_server_hello(answer):
                accepted = target.mode is not TlsMode.MUTUAL
                told = _OLD_TLS_IN_MODE_1 if accepted else expected
                found = Outcome(accepted, told, OLD_TLS.meaning, OLD_TLS.next_step)
                return at(place, target, found)
        outcome = _refused(place, timeout, expected, "refused")
        if not outcome.ok:
            return at(place, target, outcome)
    return Outcome(True, expected, "refused")


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
                "a certificate from a newly created CA was accepted",
                "this is a bug of compose-tls: report it",
            )
    except ssl.SSLCertVerificationError as error:
        if error.verify_code not in UNKNOWN_ISSUER:
            return not_tried(expected, error)
        return Outcome(True, expected, f"refused: {error.verify_message}")
    except OSError as error:
        return not_tried(expected, error)


def no_certificate(target: Target, timeout: float) -> Outcome:
    """A client without a certificate is refused in mode 2."""
    expected = f"a client without a certificate is refused{_where(target)}"
    found = _client_refused(
        target, lambda: client_context(target, anonymous=True), timeout, expected
    )
    if found.ok and (by := resumed_by(target, Deadline.after(timeout))) is not None:
        place, way = by
        observed = f"{ACCEPTS_ANY_CLIENT.meaning}, with a session begun {way}"
        found = Outcome(False, expected, observed, ACCEPTS_ANY_CLIENT.next_step)
        return at(place, target, found)
    return found


def foreign_certificate(target: Target, foreign: Foreigner, timeout: float) -> Outcome:
    """A client certificate of another CA is refused in mode 2, whatever it says of itself."""
    expected = "a client certificate of another CA is refused"
    client = partial(_client, target, foreign.client)
    found = _client_refused(target, client, timeout, expected)
    return found if not found.ok else _forged_refused(target, timeout, expected) or found


def _forged_refused(target: Target, timeout: float, expected: str) -> Outcome | None:
    """Whether a forged certificate is accepted, or could not be tried; ``None`` where all are refused."""
    paths = target.client_certificate_path, target.client_key_path
    if not all(paths):
        return None
    right = CertificateWithKey(*(target.content(path) for path in paths if path))
    accepted = target.content(target.client_ca_path or target.ca_path)
    for way, shown in forged_clients(right, accepted).items():
        # There are a dozen of them; the first that gets no answer ends it.
        deadline = Deadline.after(timeout)
        for place in places(target, deadline):
            found = _one_client_refused(place, _client(target, shown), deadline, expected)
            if not found.ok:
                return at(place, target, replace(found, observed=f"{found.observed}, {way}"))
    return None


def expired_certificate(target: Target, timeout: float) -> Outcome:
    """A client certificate of the right CA that has expired is refused in mode 2."""
    expected = "a client certificate that has expired is refused"
    if target.expired_client is None:
        observed = "not tried: the project does not have the key of the client CA"
        return Outcome(True, expected, observed, skipped=True)
    client = partial(_client, target, target.expired_client)
    return _client_refused(target, client, timeout, expected, ACCEPTS_EXPIRED_CLIENTS)


def _client(target: Target, shown: CertificateWithKey) -> ssl.SSLContext:
    context = context_of(target.content(target.ca_path), shown)
    announce(context, target.protocol)
    return context


def _client_refused(
    target: Target,
    client: Callable[[], ssl.SSLContext],
    timeout: float,
    expected: str,
    hint: str = ACCEPTS_ANY_CLIENT.next_step,
) -> Outcome:
    """Whether a client is refused each time and in each way; ``hint`` is for a server that lets it in."""
    deadline = Deadline.after(timeout)
    found = Outcome(True, expected, "refused")
    context, older, nameless, unannounced, by_http1 = _by_each_way(client)
    for place in places(target, deadline):
        others = {
            # A front can have other rules for these.
            ATTEMPTS - 4: ("by HTTP/1.1", by_http1, replace(place, protocol=HTTP1_ALONE)),
            ATTEMPTS - 3: ("without ALPN", unannounced, place),
            ATTEMPTS - 2: ("by TLS 1.2", older, place),
            ATTEMPTS - 1: ("without a server name (SNI)", nameless, replace(place, server_name="")),
        }
        for number in repeated(deadline):
            if number in others:
                way, made, there = others[number]
                # Who does not speak so may stay silent.
                share = Deadline.after(deadline.left / len(others))
                if _is_let_in(there, made, share, place):
                    observed = f"{ACCEPTS_ANY_CLIENT.meaning}, {way}"
                    return at(place, target, Outcome(False, expected, observed, hint))
                continue
            names: set[str] = set()
            found = _one_client_refused(place, context, deadline, expected, hint, names)
            if not found.ok:
                return at(place, target, found)
            for name in sorted(names)[:1]:
                there = replace(place, server_name=name)
                others[ATTEMPTS - 5] = (f"as {name} (SNI)", context, there)
        found = _refused(place, timeout, expected, found.observed)
        if not found.ok:
            return at(place, target, found)
    return found


def _by_each_way(client: Callable[[], ssl.SSLContext]) -> Iterator[ssl.SSLContext]:
    """A client as it is, of TLS 1.2 at most, that takes any name, that announces nothing, or HTTP/1.1."""
    yield client()
    older, nameless, unannounced, by_http1 = client(), client(), client(), client()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    nameless.check_hostname = False
    unannounced.set_alpn_protocols([])
    announce(by_http1, HTTP1_ALONE)
    yield from (older, nameless, unannounced, by_http1)


def _is_let_in(target: Target, context: ssl.SSLContext, deadline: Deadline, place: Target) -> bool:
    """Whether a server answers; by another name, whether it is that of ``place``, and no other site."""
    try:
        with tls(target, context, deadline) as connection:
            served = hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()
            if target.server_name != place.server_name and served != place.expected_sha256:
                return False
            if not target.protocol.is_answer(greet(connection, deadline, target.protocol)):
                return False
    except OSError:
        return False
    return not _is_turned_away(target, context, deadline, place)


def _is_turned_away(
    target: Target, context: ssl.SSLContext, deadline: Deadline, place: Target
) -> bool:
    """Whether a front ends the handshake with everyone, and then serves this client no call.

    nginx does so where it verifies clients (ssl_verify_client): it answers with HTTP status 400, or by a
    rule with 403. What it says to the right client tells whether it says so to everyone.
    """
    status = call_status(target, context, deadline)
    right = partial(call_status, place, client_context(place), deadline)
    return status in _TURNED_AWAY and status != right()


def _other_names(connection: ssl.SSLSocket) -> set[str]:
    """The names of a server by which clients may ask for it, where it shows them."""
    told: Any = (connection.getpeercert() or {}).get("subjectAltName", ())
    return {name for kind, name in told if kind == "DNS" and "*" not in name}


def _one_client_refused(
    target: Target,
    context: ssl.SSLContext,
    deadline: Deadline,
    expected: str,
    hint: str = ACCEPTS_ANY_CLIENT.next_step,
    names: set[str] | None = None,
) -> Outcome:
    """Whether one client is refused; ``names`` gets the other names of the server."""
    try:
        with tls(target, context, deadline) as connection:
            if names is not None:
                names |= _other_names(connection) - {target.server_name}
            answer = greet(connection, deadline, target.protocol)
    except ConnectionRefusedError as error:
        return not_tried(expected, error)
    except (ssl.SSLEOFError, ConnectionError):
        answer = b""
    except ssl.SSLError as error:
        alert = _alert(error)
        if alert is None:
            return not_tried(expected, error)
        return Outcome(True, expected, f"refused: {alert}")
    except OSError as error:
        return not_tried(expected, error)
    if not answer:
        return Outcome(True, expected, "refused: the connection was closed")
    if not target.protocol.is_answer(answer):
        return not_tried(expected, no_answer(target.protocol, answer))
    if _is_turned_away(target, context, deadline, target):
        return Outcome(True, expected, "refused: HTTP status 400 or 403")
    return Outcome(False, expected, ACCEPTS_ANY_CLIENT.meaning, hint)


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

"""Probes of what must work: handshake, certificate, gRPC and REST."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import (
    EXPIRED,
    NOT_YET_VALID,
    OTHER_CERTIFICATE,
    OTHER_CLIENT_CAS,
    REST_FAILS,
)
from compose_tls.checks.outcome import Outcome, at, failed, no_answer, not_tried
from compose_tls.checks.readiness import readiness
from compose_tls.checks.tls_client import (
    Deadline,
    client_context,
    greet,
    named_authorities,
    places,
    present,
    repeated,
    tls,
    why,
)
from compose_tls.checks.wire import http1_status
from compose_tls.errors import CertificateError, CertificateUnreadable, NameInvalid
from compose_tls.observation import CertificateFacts
from compose_tls.pki.load import certificate_facts, issuers, name_text, subjects
from compose_tls.pki.names import covers
from compose_tls.pki.verify import check_served
from compose_tls.vocabulary import has_ended


def handshake(target: Target, timeout: float) -> Outcome:
    """A verified handshake, and an answer over it: a refusal shows only then in TLS 1.3.

    Then more handshakes, at each address: behind one port there may be several servers.
    """
    deadline = Deadline.after(timeout)
    expected = f"a verified TLS handshake as {target.server_name}"
    context = client_context(target)
    place = target
    try:
        with tls(target, context, deadline) as connection:
            answer = greet(connection, deadline, target.protocol)
            cipher = connection.cipher()
            version = connection.version()
        for place in places(target, deadline):
            for _ in repeated(deadline):
                with tls(place, context, deadline):
                    pass
    except ssl.SSLCertVerificationError as error:
        return at(place, target, _with_certificate(failed(expected, error), place, timeout))
    except OSError as error:
        return at(place, target, failed(expected, why(place, error, timeout)))
    if not target.protocol.is_answer(answer):
        return failed(expected, no_answer(target.protocol, answer))
    return Outcome(True, expected, f"{version}, {cipher[0] if cipher else 'no cipher'}")


def certificate(target: Target, timeout: float, now: datetime, *, by_sdks: bool = True) -> Outcome:
    """The served certificate is the one on disk, and valid now, at each address.

    It is looked at without being verified, which ``handshake`` does: so this can say what is wrong
    with it.

    Args:
        target: The server.
        timeout: Seconds.
        now: The time to judge by.
        by_sdks: Whether the SDKs of Milvus connect, and ``handshake`` has verified it: what one of them
            refuses is wrong then.
    """
    deadline = Deadline.after(timeout)
    which = "the certificate on disk" if target.expected_sha256 else "a certificate"
    expected = f"{which}, for {target.server_name}, valid now"
    seen: dict[tuple[bytes, ...], CertificateFacts] = {}
    told: dict[str, None] = {}
    for place in places(target, deadline):
        for _ in repeated(deadline):
            try:
                served = _served(place, deadline.left)
                facts = certificate_facts(served[0], path="the served certificate")
            except OSError as error:
                return at(place, target, failed(expected, why(place, error, timeout)))
            except CertificateUnreadable as error:
                return at(place, target, Outcome(False, expected, error.message, error.hint))
            wrong = _wrong(facts, target, now)
            if wrong is None and by_sdks and served not in seen:
                wrong, concerns = _judged(served, target, now)
                told |= dict.fromkeys(concerns)
            if wrong is not None:
                return at(place, target, Outcome(False, expected, *wrong))
            seen[served] = facts
    facts = next(iter(seen.values()))
    observed = f"for {_names(facts)}; until {facts.not_after:%Y-%m-%d}"
    observed += "".join(f"; {one}" for one in told)
    if not _holds(facts, target.host):
        # RFC 9525 section 6: a client looks for what it connected to, unless it is told otherwise.
        observed += f"; not for {target.host}: clients need server_name={target.server_name}"
    return Outcome(True, expected, observed)


def _judged(
    served: Sequence[bytes], target: Target, now: datetime
) -> tuple[tuple[str, str] | None, Sequence[str]]:
    """What an SDK of Milvus refuses, and the next step; else what is to be told of one."""
    try:
        concerns = check_served(b"".join(served), target.content(target.ca_path), now=now)
    except CertificateError as error:
        return (error.message, error.hint), ()
    return None, [one.message for one in concerns]


def _holds(facts: CertificateFacts, host: str) -> bool:
    try:
        return covers(host, facts.dns_names, facts.ip_addresses)
    except NameInvalid:
        return False


def _wrong(facts: CertificateFacts, target: Target, now: datetime) -> tuple[str, str] | None:
    """What is wrong with a served certificate, and the next step."""
    if target.expected_sha256 not in {None, facts.sha256}:
        which = f"{facts.subject}, by {facts.issuer}, for {_names(facts)}"
        until = f"until {facts.not_after:%Y-%m-%d}"
        return f"{OTHER_CERTIFICATE.meaning}: {which}; {until}", OTHER_CERTIFICATE.next_step
    if has_ended(facts.not_after, now):
        return f"{EXPIRED.meaning} on {_day(facts.not_after)}", EXPIRED.next_step
    if now < facts.not_before:
        return (
            f"{NOT_YET_VALID.meaning}: not before {_day(facts.not_before)}",
            NOT_YET_VALID.next_step,
        )
    return None


def client_authorities(target: Target, timeout: float) -> Outcome:
    """The CAs that the server names for client certificates are those that it should accept.

    Milvus names all of them (Go's crypto/tls does, from its ClientCAs); who names none tells nothing.
    """
    deadline = Deadline.after(timeout)
    path = target.client_ca_path or target.ca_path
    context = client_context(target)
    wanted = subjects(target.content(path), path=str(path))
    expected = f"the server asks only for clients of {', '.join(dict.fromkeys(wanted.values()))}"
    shown = target.client_certificate_path
    if target.expected_sha256 is None and shown is not None:
        by = issuers(target.content(shown), path=str(shown))
        if by.isdisjoint(wanted):
            # A server of no project here, whose clients have a CA of their own.
            unknown = "the client CA differs from the server CA, and was not given"
            return Outcome(True, expected, unknown, skipped=True)
    seen: set[bytes] = set()
    for place in places(target, deadline):
        for _ in repeated(deadline):
            named = named_authorities(context)
            if named is None:
                return Outcome(
                    True, expected, "this version of Python does not show it", skipped=True
                )
            try:
                with tls(place, context, deadline):
                    seen.update(named)
            except OSError as error:
                return at(place, target, not_tried(expected, why(place, error, timeout)))
            others = [name_text(name) for name in named if name not in wanted]
            if others:
                observed = f"{OTHER_CLIENT_CAS.meaning}: {', '.join(others)}"
                found = Outcome(False, expected, observed, OTHER_CLIENT_CAS.next_step)
                return at(place, target, found)
    if not seen:
        return Outcome(
            True, expected, "the server does not name the CAs that it accepts", skipped=True
        )
    return Outcome(True, expected, "as expected")


def grpc_ready(target: Target, timeout: float) -> Outcome:
    """Milvus answers a call that only a working proxy answers."""
    found = readiness(target, timeout)
    # That credentials are asked for proves TLS; those that were given have to be right, though.
    wrong = found.state == "credentials" and target.credential is not None
    expected = "Milvus answers gRPC calls over TLS"
    return Outcome(found.ready and not wrong, expected, found.detail, found.next_step)


def rest(target: Target, timeout: float) -> Outcome:
    """REST answers a verified client over TLS.

    No credentials are sent: that they are asked for (401) is an answer over TLS, as every other
    status is that does not say that the server has failed.
    """
    deadline = Deadline.after(timeout)
    expected = f"REST on port {target.port} answers over TLS"
    try:
        with tls(target, client_context(target), deadline) as connection:
            answer = greet(connection, deadline, target.protocol)
            version = connection.version()
    except ssl.SSLCertVerificationError as error:
        return _with_certificate(failed(expected, error), target, timeout)
    except OSError as error:
        return failed(expected, error)
    status = http1_status(answer)
    if status is None:
        return failed(expected, no_answer(target.protocol, answer))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        observed = f"{REST_FAILS.meaning} with HTTP status {status}"
        return Outcome(False, expected, observed, REST_FAILS.next_step)
    return Outcome(True, expected, f"{version}, HTTP status {status}")


def _served(target: Target, timeout: float) -> tuple[bytes, ...]:
    """The served certificates, whatever they are, PEM; nothing is sent over the connection.

    Raises:
        OSError: None is to be seen.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    present(context, target)
    with tls(target, context, Deadline.after(timeout)) as connection:
        return _served_chain(connection)


def _served_chain(connection: ssl.SSLSocket) -> tuple[bytes, ...]:
    """All certificates that the server sent, its own first, PEM.

    Python tells them from 3.13 on, and before by a method of the connection below only.
    """
    shown = connection._sslobj.get_unverified_chain() or ()  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    return tuple(one.public_bytes().encode() for one in shown)


def _with_certificate(outcome: Outcome, target: Target, timeout: float) -> Outcome:
    """The same, with what a person has to know of the certificate that was not accepted."""
    try:
        served = [
            certificate_facts(one, path="the served certificate")
            for one in _served(target, timeout)
        ]
    except (OSError, CertificateUnreadable):
        return outcome
    facts, *above = served
    certificate = f"it is for {_names(facts)}, issued by {facts.issuer}, {_validity(facts)}"
    now = datetime.now(UTC)  # of OpenSSL, too
    for one in above:
        if has_ended(one.not_after, now) or now < one.not_before:
            certificate += f"; its intermediate {one.subject} is {_validity(one)}"
    return replace(outcome, observed=f"{outcome.observed}: {certificate}")


def _names(facts: CertificateFacts) -> str:
    return ", ".join((*facts.dns_names, *facts.ip_addresses)) or "no name"


def _validity(facts: CertificateFacts) -> str:
    return f"valid from {_day(facts.not_before)} to {_day(facts.not_after)}"


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"

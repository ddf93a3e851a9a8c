"""What must work: the handshake, the certificate, gRPC and REST."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import (
    EXPIRED,
    NOT_YET_VALID,
    OTHER_CERTIFICATE,
    REST_FAILS,
    WRONG_CREDENTIALS,
)
from compose_tls.checks.outcome import Outcome, failed, no_answer
from compose_tls.checks.readiness import readiness
from compose_tls.checks.tls_client import Deadline, client_context, greet, present, tls
from compose_tls.checks.wire import http1_status
from compose_tls.observation import CertificateFacts
from compose_tls.pki.load import certificate_facts
from compose_tls.vocabulary import has_ended


def handshake(target: Target, timeout: float) -> Outcome:
    """A verified handshake, and an answer over it: a refusal shows only then in TLS 1.3."""
    deadline = Deadline.after(timeout)
    expected = f"a verified TLS handshake as {target.server_name}"
    context = client_context(target)
    try:
        with tls(target, context, deadline) as connection:
            answer = greet(connection, deadline, target.protocol)
            cipher = connection.cipher()
            version = connection.version()
    except ssl.SSLCertVerificationError as error:
        return _with_certificate(failed(expected, error), target, timeout)
    except OSError as error:
        return failed(expected, error)
    if not target.protocol.is_answer(answer):
        return failed(expected, no_answer(target.protocol, answer))
    return Outcome(True, expected, f"{version}, {cipher[0] if cipher else 'no cipher'}")


def certificate(target: Target, timeout: float, now: datetime) -> Outcome:
    """The served certificate is the one on disk, and valid now.

    It is looked at without being verified, which ``handshake`` does: so this can say what is wrong
    with it.
    """
    expected = f"the certificate on disk, for {target.server_name}, valid now"
    try:
        facts = _served(target, timeout)
    except OSError as error:
        return failed(expected, error)
    observed = f"for {_names(facts)}; {facts.remaining(now).days} days left"
    if target.expected_sha256 not in {None, facts.sha256}:
        observed = f"{OTHER_CERTIFICATE.meaning}: {facts.subject}, by {facts.issuer}, {observed}"
        return Outcome(False, expected, observed, OTHER_CERTIFICATE.next_step)
    if has_ended(facts.not_after, now):
        observed = f"{EXPIRED.meaning} on {_day(facts.not_after)}"
        return Outcome(False, expected, observed, EXPIRED.next_step)
    if now < facts.not_before:
        observed = f"{NOT_YET_VALID.meaning}: not before {_day(facts.not_before)}"
        return Outcome(False, expected, observed, NOT_YET_VALID.next_step)
    return Outcome(True, expected, observed)


def grpc_ready(target: Target, timeout: float) -> Outcome:
    """Milvus answers a call that only a working proxy answers."""
    found = readiness(target, timeout)
    # That credentials are asked for proves TLS; those that were given have to be right, though.
    wrong = found.next_step == WRONG_CREDENTIALS.next_step
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


def _served(target: Target, timeout: float) -> CertificateFacts:
    """The served certificate, whatever it is; nothing is sent over the connection.

    Raises:
        OSError: None is to be seen.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    present(context, target)
    with tls(target, context, Deadline.after(timeout)) as connection:
        served = connection.getpeercert(binary_form=True) or b""
    return certificate_facts(served, path="the served certificate")


def _with_certificate(outcome: Outcome, target: Target, timeout: float) -> Outcome:
    """The same, with what a person has to know of the certificate that was not accepted."""
    try:
        facts = _served(target, timeout)
    except OSError:
        return outcome
    certificate = (
        f"it is for {_names(facts)}, issued by {facts.issuer},"
        f" valid from {_day(facts.not_before)} to {_day(facts.not_after)}"
    )
    return replace(outcome, observed=f"{outcome.observed}: {certificate}")


def _names(facts: CertificateFacts) -> str:
    return ", ".join((*facts.dns_names, *facts.ip_addresses)) or "no name"


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"

"""What must work: the handshake, the certificate and gRPC."""

from __future__ import annotations

import ssl
from datetime import datetime

from compose_tls.checks.connection import Deadline, client_context, greet, present, tls
from compose_tls.checks.explain import CLOSED, EXPIRED, NO_GRPC, NOT_YET_VALID, OTHER_CERTIFICATE
from compose_tls.checks.outcome import Outcome, failed
from compose_tls.checks.readiness import readiness
from compose_tls.checks.target import Target
from compose_tls.checks.wire import is_http2_answer
from compose_tls.pki.load import certificate_facts


def handshake(target: Target, timeout: float) -> Outcome:
    """A verified handshake, and an answer over it: a refusal shows only then in TLS 1.3."""
    deadline = Deadline.after(timeout)
    expected = f"a verified TLS handshake as {target.server_name}"
    context = client_context(target)
    try:
        with tls(target, context, deadline) as connection:
            greeting = greet(connection, deadline)
            cipher = connection.cipher()
            version = connection.version()
    except OSError as error:
        return failed(expected, error)
    if not is_http2_answer(greeting):
        return failed(expected, NO_GRPC if greeting else CLOSED)
    return Outcome(True, expected, f"{version}, {cipher[0] if cipher else 'no cipher'}")


def certificate(target: Target, timeout: float, now: datetime) -> Outcome:
    """The served certificate is the one on disk, and valid now.

    It is looked at without being verified, which ``handshake`` does: so this can say what is wrong
    with it. Nothing is sent over the connection.
    """
    deadline = Deadline.after(timeout)
    expected = f"the certificate on disk, for {target.server_name}, valid now"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    present(context, target)
    try:
        with tls(target, context, deadline) as connection:
            served = connection.getpeercert(binary_form=True) or b""
    except OSError as error:
        return failed(expected, error)
    facts = certificate_facts(served, path="the served certificate")
    names = ", ".join((*facts.dns_names, *facts.ip_addresses)) or "no name"
    observed = f"for {names}; {facts.remaining(now).days} days left"
    if target.expected_sha256 not in {None, facts.sha256}:
        observed = f"{OTHER_CERTIFICATE.meaning}: {facts.subject}, by {facts.issuer}, {observed}"
        return Outcome(False, expected, observed, OTHER_CERTIFICATE.next_step)
    if now > facts.not_after:
        observed = f"{EXPIRED.meaning} on {facts.not_after:%Y-%m-%d %H:%M} UTC"
        return Outcome(False, expected, observed, EXPIRED.next_step)
    if now < facts.not_before:
        observed = f"{NOT_YET_VALID.meaning}: not before {facts.not_before:%Y-%m-%d %H:%M} UTC"
        return Outcome(False, expected, observed, NOT_YET_VALID.next_step)
    return Outcome(True, expected, observed)


def grpc_ready(target: Target, timeout: float) -> Outcome:
    """Milvus answers a call that only a working proxy answers."""
    found = readiness(target, timeout)
    return Outcome(found.ready, "Milvus answers gRPC calls over TLS", found.detail, found.next_step)

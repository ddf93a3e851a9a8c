"""What must work: the handshake, the certificate, gRPC and pymilvus."""

from __future__ import annotations

from datetime import datetime

from compose_tls.checks.connection import tls, tls_context
from compose_tls.checks.explain import explain
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.readiness import readiness
from compose_tls.checks.target import Target
from compose_tls.checks.wire import HTTP2_PREFACE, is_http2_answer
from compose_tls.pki.load import certificate_facts

_READ = 64


def handshake(target: Target, timeout: float) -> Outcome:
    """A verified handshake, and an answer over it: a refusal shows only then in TLS 1.3."""
    context = tls_context(target.ca_path, target.client_certificate_path, target.client_key_path)
    expected = f"a verified TLS handshake as {target.server_name}"
    try:
        with tls(target, context, timeout) as connection:
            connection.sendall(HTTP2_PREFACE)
            answered = is_http2_answer(connection.recv(_READ))
            cipher = connection.cipher()
            observed = f"{connection.version()}, {cipher[0] if cipher else 'no cipher'}"
    except OSError as error:
        found = explain(str(error))
        return Outcome(False, expected, found.meaning, found.next_step)
    if not answered:
        return Outcome(False, expected, f"{observed}, then no gRPC answer", "check the port")
    return Outcome(True, expected, observed)


def certificate(target: Target, timeout: float, now: datetime) -> Outcome:
    """The served certificate is the one on disk, and still valid."""
    context = tls_context(target.ca_path, target.client_certificate_path, target.client_key_path)
    expected = f"the certificate of tls/server.pem, for {target.server_name}"
    try:
        with tls(target, context, timeout) as connection:
            served = connection.getpeercert(binary_form=True) or b""
    except OSError as error:
        found = explain(str(error))
        return Outcome(False, expected, found.meaning, found.next_step)
    facts = certificate_facts(served, path="the served certificate")
    names = ", ".join((*facts.dns_names, *facts.ip_addresses))
    observed = f"for {names}; {facts.remaining(now).days} days left"
    if target.expected_sha256 not in {None, facts.sha256}:
        return Outcome(
            False,
            expected,
            f"another certificate is served, {observed}",
            "the server read its certificate at start: docker compose up -d --force-recreate it",
        )
    return Outcome(True, expected, observed)


def grpc_ready(target: Target, timeout: float) -> Outcome:
    """Milvus answers a call that only a working proxy answers."""
    found = readiness(target, timeout)
    return Outcome(found.ready, "Milvus answers gRPC calls over TLS", found.detail, found.next_step)

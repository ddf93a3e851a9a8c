"""Handshakes rehearsed in memory with the very certificates that are about to be written.

Each thing that must work is tried, and beside it each thing that must not: a refusal counts only when
it comes from the right end for the right reason.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from compose_tls.changes import CertificateOrder
from compose_tls.errors import RehearsalFailed
from compose_tls.facts import TlsMode
from compose_tls.pki.handshake import (
    End,
    Outcome,
    client_context,
    describe,
    server_context,
    shake_hands,
)
from compose_tls.pki.issue import issue_all
from compose_tls.pki.pair import KeyPair

# RFC 2606 section 2: a name below .invalid is nobody's.
_WRONG_NAME: Final = "wrong-name.invalid"

# Numbers of OpenSSL's X509_V_ERR_… (x509_vfy.h) and what helps against each.
_UNKNOWN_ISSUER: Final = frozenset({2, 18, 19, 20, 21})
_NAME_MISMATCH: Final = frozenset({62, 64})
_HINTS: Final = {
    9: "check the clock of this machine, or use a certificate that is valid now",
    10: "renew the certificate",
    26: "use a certificate whose extended key usage fits: serverAuth or clientAuth",
    **dict.fromkeys(
        _UNKNOWN_ISSUER,
        "give the CA that issued the certificate, up to the root, and append intermediate "
        "certificates to the certificate",
    ),
    **dict.fromkeys(_NAME_MISMATCH, "use a certificate for that name"),
}
_HINT: Final = "use a certificate that strict verifiers accept, or have certificates issued"


@dataclass(frozen=True, slots=True)
class RehearsedHandshake:
    """One handshake: who met whom, what had to happen, and what did."""

    name: str
    expected: str
    observed: str


@dataclass(frozen=True, slots=True)
class _Scene:
    """A handshake to come. It has to be refused by ``refused_by`` for a reason in ``because``."""

    name: str
    client: ssl.SSLContext
    server: ssl.SSLContext
    server_name: str
    expected: str = "accepted"
    refused_by: End | None = None
    because: frozenset[int | str] = frozenset()

    def holds(self, outcome: Outcome) -> bool:
        return outcome.refused_by == self.refused_by and (
            self.refused_by is None or not self.because.isdisjoint(_reasons(outcome))
        )


def rehearse(
    server: KeyPair,
    ca_pem: bytes,
    client: KeyPair | None,
    *,
    server_names: Sequence[str],
    mode: TlsMode,
    now: datetime | None = None,
) -> tuple[RehearsedHandshake, ...]:
    """Find out in memory whether certificates will do what they are for.

    Accepted must be: a client of this CA, by each name; in mode 2 with its certificate. Refused must
    be: a name that the server does not have; a server for which the client has another CA; in mode 2
    a client without certificate, and one with a certificate of another CA.

    Args:
        server: The server's certificate and key.
        ca_pem: The CA certificates that both ends trust.
        client: A client's certificate and key; ``None`` when there is none to try in mode 2.
        server_names: DNS names, wildcards and IP addresses by which clients connect.
        mode: One-way or mutual.
        now: When the other CA of the rehearsal is issued; the validity of all certificates is judged
            by the clock.

    Returns:
        What was tried, all as expected.

    Raises:
        RehearsalFailed: A handshake did not end as it must: which one, and why.
        CertificateUnreadable: ``ca_pem`` holds no certificate.
    """
    tried = []
    for scene in _scenes(server, ca_pem, client, server_names, mode, now or datetime.now(UTC)):
        outcome = shake_hands(scene.client, scene.server, scene.server_name)
        observed = _observed(outcome)
        if not scene.holds(outcome):
            raise RehearsalFailed(
                f"{scene.name}: must be {scene.expected}, but was {observed}",
                hint=_HINTS.get(outcome.verify_code, _HINT),
            )
        tried.append(RehearsedHandshake(scene.name, scene.expected, observed))
    return tuple(tried)


def _scenes(
    server: KeyPair,
    ca_pem: bytes,
    client: KeyPair | None,
    server_names: Sequence[str],
    mode: TlsMode,
    now: datetime,
) -> Iterator[_Scene]:
    mutual = mode is TlsMode.MUTUAL
    presented = client if mutual else None
    try:
        friend = client_context(ca_pem, presented)
        anonymous = client_context(ca_pem, None)
        # Milvus takes nothing older in mode 2, and in mode 1 what Go takes.
        oldest = ssl.TLSVersion.TLSv1_3 if mutual else ssl.TLSVersion.TLSv1_2
        open_server = server_context(server, None, minimum=oldest)
        strict_server = server_context(server, ca_pem, minimum=oldest) if mutual else open_server
    except OSError as error:
        raise RehearsalFailed(
            f"OpenSSL does not take certificate and key: {describe(error)}",
            hint="give the key that belongs to the certificate",
        ) from None
    # In mode 2 without a client certificate at hand, the server's half is still worth a rehearsal.
    met = strict_server if presented or not mutual else open_server
    for name in server_names:
        yield _Scene(f"a client of this CA, by {name}", friend, met, _instance(name))
    some_name = _instance(server_names[0])
    yield _Scene(
        "a client that asks for another name",
        friend,
        met,
        _WRONG_NAME,
        "refused by the client, for its name",
        "client",
        _NAME_MISMATCH,
    )
    foreign_ca, foreign_client = _strangers(now)
    yield _Scene(
        "a client that trusts another CA",
        client_context(foreign_ca.certificate_pem, presented),
        met,
        some_name,
        "refused by the client, for its issuer",
        "client",
        _UNKNOWN_ISSUER,
    )
    if mutual:
        yield _Scene(
            "a client without certificate",
            anonymous,
            strict_server,
            some_name,
            "refused by the server, for want of a certificate",
            "server",
            frozenset({"peer did not return a certificate"}),
        )
        yield _Scene(
            "a client with a certificate of another CA",
            client_context(ca_pem, foreign_client),
            strict_server,
            some_name,
            "refused by the server, for its issuer",
            "server",
            _UNKNOWN_ISSUER,
        )


def _strangers(now: datetime) -> tuple[KeyPair, KeyPair]:
    """A CA that nobody trusts and a client of it, made for the rehearsal and forgotten after it."""
    issued = issue_all(
        [
            CertificateOrder("ca", "CN=another CA", "ecdsa-p256", 1),
            CertificateOrder("client", "CN=stranger", "ecdsa-p256", 1, ("stranger.invalid",)),
        ],
        None,
        now,
    )
    return issued["ca"], issued["client"]


def _instance(name: str) -> str:
    """A name that a client can ask for: a wildcard stands for any label."""
    return name.replace("*", "any", 1)


def _reasons(outcome: Outcome) -> frozenset[int | str]:
    return frozenset({outcome.verify_code, outcome.reason})


def _observed(outcome: Outcome) -> str:
    if outcome.refused_by is None:
        return f"accepted, with {outcome.reason}"
    return f"refused by the {outcome.refused_by}: {outcome.reason}"

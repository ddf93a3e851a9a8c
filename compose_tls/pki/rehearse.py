"""Handshakes rehearsed in memory with the very certificates that are about to be written.

Each thing that must work is tried, and next to it each thing that must not: a refusal counts only when
it comes from the right end for the right reason.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from compose_tls.errors import RehearsalFailed
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.handshake import (
    UNKNOWN_ISSUER,
    End,
    Handshake,
    client_context,
    describe,
    foreigner,
    server_context,
    shake_hands,
)
from compose_tls.pki.names import split_names
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode

# RFC 2606 section 2: names below .invalid do not exist.
_WRONG_NAME: Final = "wrong-name.invalid"

# Numbers of OpenSSL's X509_V_ERR_… (x509_vfy.h) and what helps against each.
_NAME_MISMATCH: Final = frozenset({62, 64})
_HINTS: Final = {
    9: "check the clock of this machine, or use a certificate that is valid now",
    10: "renew the certificate",
    26: "use a certificate whose extended key usage fits: serverAuth or clientAuth",
    **dict.fromkeys(
        UNKNOWN_ISSUER,
        "give the CA that issued the certificate, up to the root, and append intermediate "
        "certificates to the certificate",
    ),
    **dict.fromkeys(_NAME_MISMATCH, "use a certificate for that name"),
}
_HINT: Final = "use a certificate that verifiers accept, or have certificates issued"


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a handshake has to end: refused by that end, for one of those reasons."""

    text: str
    refused_by: End | None = None
    because: frozenset[int | str] = frozenset()

    def is_that_of(self, outcome: Handshake) -> bool:
        """Whether the handshake ended so."""
        if self.refused_by is None:
            return outcome.refused_by is None
        reasons = {outcome.verify_code, outcome.reason}
        return outcome.refused_by == self.refused_by and not self.because.isdisjoint(reasons)


_ACCEPTED: Final = _Ending("accepted")
_WRONG_NAME_SEEN: Final = _Ending("refused by the client, for its name", "client", _NAME_MISMATCH)
_WRONG_CA_SEEN: Final = _Ending("refused by the client, for its issuer", "client", UNKNOWN_ISSUER)
_NOTHING_SHOWN: Final = _Ending(
    "refused by the server, because a certificate is missing",
    "server",
    frozenset({"peer did not return a certificate"}),
)
_FOREIGN_SHOWN: Final = _Ending("refused by the server, for its issuer", "server", UNKNOWN_ISSUER)


@dataclass(frozen=True, slots=True)
class _Scene:
    """A handshake to come, or the half of it that this end sees."""

    name: str
    client: ssl.SSLContext
    server: ssl.SSLContext
    server_name: str
    ending: _Ending
    until: End | None = None


def rehearse(
    server: CertificateWithKey,
    ca_pem: bytes,
    client: CertificateWithKey | None,
    *,
    server_names: Sequence[str],
    mode: TlsMode,
    now: datetime | None = None,
    client_ca_pem: bytes | None = None,
) -> None:
    """Find out in memory whether certificates will do what they are for.

    Accepted must be: a client of this CA, in mode 2 with its certificate; and by it, each name of the
    server. Refused must be: a name that the server does not have; a server for which the client has
    another CA; in mode 2 a client without certificate, and one with a certificate of another CA.

    Args:
        server: The server's certificate and key.
        ca_pem: The CA certificates that clients trust, and the server too, where nothing else is said.
        client: A client's certificate and key; ``None`` when there is none to try in mode 2.
        server_names: DNS names, wildcards and IP addresses by which clients connect.
        mode: One-way or mutual.
        now: When the other CA of the rehearsal is issued; the validity of all certificates is judged
            by the clock.
        client_ca_pem: The CA certificates whose clients the server accepts.

    Raises:
        RehearsalFailed: A handshake did not end as it must: which one, and why.
        CertificateUnreadable: ``ca_pem`` holds no certificate.
        NameInvalid: A server name can be in no certificate.
        ValueError: There is no server name: a caller's mistake.
    """
    if not server_names:
        msg = "a rehearsal needs a server name"
        raise ValueError(msg)
    accepted = ca_pem if client_ca_pem is None else client_ca_pem
    moment = now or datetime.now(UTC)
    for scene in _scenes(server, ca_pem, accepted, client, server_names, mode, moment):
        outcome = shake_hands(scene.client, scene.server, scene.server_name, until=scene.until)
        if not scene.ending.is_that_of(outcome):
            raise RehearsalFailed(
                f"{scene.name}: must be {scene.ending.text}, but was {_observed(outcome)}",
                hint=_HINTS.get(outcome.verify_code, _HINT),
            )


def _scenes(
    server: CertificateWithKey,
    ca_pem: bytes,
    accepted: bytes,
    client: CertificateWithKey | None,
    server_names: Sequence[str],
    mode: TlsMode,
    now: datetime,
) -> Iterator[_Scene]:
    mutual = mode is TlsMode.MUTUAL
    foreign = foreigner(now)
    with _taken_by_openssl():
        # Milvus takes nothing older in mode 2, and in mode 1 what Go takes.
        oldest = ssl.TLSVersion.TLSv1_3 if mutual else ssl.TLSVersion.TLSv1_2
        bare = client_context(ca_pem, None)
        misled = client_context(foreign.ca_pem, None)
        demanding = server_context(server, accepted, minimum=oldest) if mutual else None
        if demanding is not None and client is not None:
            friend, met = client_context(ca_pem, client), demanding
        else:
            # In mode 2 without a client certificate, the server's half is still rehearsed.
            friend, met = bare, server_context(server, None, minimum=oldest)
    name = _instance(server_names[0])
    by = "a client of this CA, by"
    yield _Scene(f"{by} {server_names[0]}", friend, met, name, _ACCEPTED)
    for other in server_names[1:]:
        # It is the client that looks at the name, before the server has seen the client's certificate.
        yield _Scene(f"{by} {other}", bare, met, _instance(other), _ACCEPTED, until="client")
    yield _Scene("a client that asks for another name", bare, met, _WRONG_NAME, _WRONG_NAME_SEEN)
    yield _Scene("a client that trusts another CA", misled, met, name, _WRONG_CA_SEEN)
    if demanding is not None:
        stranger = client_context(ca_pem, foreign.client)
        yield _Scene("a client without certificate", bare, demanding, name, _NOTHING_SHOWN)
        yield _Scene(
            "a client with a certificate of another CA", stranger, demanding, name, _FOREIGN_SHOWN
        )


@contextmanager
def _taken_by_openssl() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RehearsalFailed(
            f"OpenSSL does not accept certificate and key: {describe(error)}",
            hint="give a certificate made to RFC 5280, and the key that belongs to it",
        ) from None


def _instance(name: str) -> str:
    """A name as a client asks for it: in ASCII, and any label for a wildcard."""
    dns_names, ip_addresses = split_names([name])
    return (dns_names or ip_addresses)[0].replace("*", "any", 1)


def _observed(outcome: Handshake) -> str:
    if outcome.refused_by is None:
        return f"accepted, with {outcome.reason}"
    return f"refused by the {outcome.refused_by}: {outcome.reason}"

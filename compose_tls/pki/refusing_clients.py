"""Clients that refuse what others accept: rustls, Java, and those that are stricter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import SignatureAlgorithmOID

from compose_tls.errors import ProfileViolation
from compose_tls.pki.certificate_rules import CLIENT_AUTH, SERVER_AUTH, Purpose
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.constraints import DNS_ALONE
from compose_tls.pki.inspection import (
    chain_to,
    extension,
    is_ca,
    names_of,
    parts_of,
    subtrees_of,
)
from compose_tls.pki.issuing_limits import require_permitted_below
from compose_tls.pki.name_forms import is_dns_name_of_rustls
from compose_tls.pki.pem import read_certificates
from compose_tls.vocabulary import TlsWarning

# rustls-webpki takes no more intermediates (verify_cert.rs, MAX_SUB_CA_COUNT).
_MOST_INTERMEDIATES: Final = 6

# An octet, and a number of seconds without a sign.
_LONGEST_PATH: Final = 255
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Name constraints with names (rustls-webpki, verify_cert.rs, Budget).
_MOST_COMPARISONS: Final = 250_000

# Context-specific 1 and 2, of the issuer and of the subject (RFC 5280 section 4.1.2.8).
_UNIQUE_IDENTIFIERS: Final = (0x81, 0x82)

_SOUND: Final = "a certificate made to RFC 5280"

_POLICY: Final = (x509.CertificatePolicies, x509.PolicyConstraints, x509.InhibitAnyPolicy)


def refusing_clients(
    pair: CertificateWithKey, ca_pem: bytes, *, path: str, purpose: Purpose = SERVER_AUTH
) -> Iterator[TlsWarning]:
    """Who refuses a certificate that works with gRPC, Go, Java and Node.

    Args:
        pair: The certificate, its key, and the intermediates that lead to the CA.
        ca_pem: The certificates that the other side trusts, PEM or DER.
        path: How the warnings name the file of the certificate, or of its CA.
        purpose: What it is for: ``SERVER_AUTH`` or ``CLIENT_AUTH``.

    Yields:
        Warnings with the codes ``strict-clients-refuse``, ``java-clients-refuse`` and
        ``rustls-clients-refuse``.
    """
    from compose_tls.pki.handshake import strict_refusal  # noqa: PLC0415 - pulls ssl in

    refusal = strict_refusal(pair, ca_pem, to_servers=purpose == CLIENT_AUTH)
    if refusal:
        yield TlsWarning(
            "strict-clients-refuse",
            f"gRPC, Go, Java and Node accept {path}, but Python's ssl from 3.13 on and OpenSSL with "
            f"-x509_strict do not: {refusal}",
            path=path,
            hint="use a CA made to RFC 5280, such as the one that compose-tls makes",
        )
    if purpose != CLIENT_AUTH:
        yield from refusing_sdks(pair, ca_pem, path=path)


def refusing_sdks(pair: CertificateWithKey, ca_pem: bytes, *, path: str) -> Iterator[TlsWarning]:
    """Those of ``refusing_clients`` that are SDKs of Milvus; the key is not looked at."""
    certificate, chain = with_chain(pair, ca_pem, path)
    dns_names, ip_addresses = names_of(certificate)
    if dns_names and not ip_addresses and all("_" in name for name in dns_names):
        yield TlsWarning(
            "java-clients-refuse",
            f"gRPC, Go, Node and rustls accept {path}, but Java does not connect to names with "
            "an underscore, and it contains no others than"
            f" {', '.join(dns_names)}",
            path=path,
            hint="if clients in Java connect, use a certificate with another name as well",
        )
    for reason, remedy in _refused_by_rustls(certificate, chain):
        yield TlsWarning(
            "rustls-clients-refuse",
            f"gRPC, Go, Java and Node accept {path}, but rustls (the SDK for Rust) does not: {reason}",
            path=path,
            hint=f"if clients in Rust connect, use {remedy}",
        )


def _refused_by_rustls(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate]
) -> Iterator[tuple[str, str]]:
    """What rustls refuses, as the SDK for Rust has it, and what to use instead."""
    for one in (certificate, *chain[:-1]):
        for reason in _unread_by_rustls(one):
            yield f"{one.subject.rfc4514_string()} {reason}", _SOUND
    for one in (certificate, *chain):
        if any(part[0] in _UNIQUE_IDENTIFIERS for part in parts_of(one.tbs_certificate_bytes)):
            yield f"{one.subject.rfc4514_string()} has a unique identifier", _SOUND
    yield from _constrained(certificate, chain or (certificate,))
    if len(chain) > _MOST_INTERMEDIATES + 1:
        yield (
            f"{len(chain) - 1} intermediates lead to its root, and it takes {_MOST_INTERMEDIATES}",
            "a CA that is nearer to its root",
        )
    for issuer in chain:
        key = issuer.public_key()
        # With ring it verifies only P-256 and P-384 (rustls-webpki, ring_algs).
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp521r1":
            yield (
                f"its CA {issuer.subject.rfc4514_string()} has a P-521 key",
                "a CA with an ECDSA P-256 or P-384 key, or RSA",
            )


def _constrained(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate]
) -> Iterator[tuple[str, str]]:
    """Name constraints with which rustls refuses what the others take; it counts, too."""
    compared = 0
    for place, ca in enumerate(chain):
        trees = [tree for trees in subtrees_of(ca) for tree in trees]
        if any(isinstance(tree, x509.DirectoryName) for tree in trees):
            yield (
                f"its CA {ca.subject.rfc4514_string()} has constraints of directory names",
                DNS_ALONE,
            )
        dns_trees = [tree.value for tree in trees if isinstance(tree, x509.DNSName)]
        for below in (certificate, *chain[:place]):
            held = [*names_of(below)[0], *(tree.removeprefix(".") for tree in dns_trees if tree)]
            unread = [name for name in held if not is_dns_name_of_rustls(name)]
            if unread and dns_trees and names_of(below)[0]:
                yield f"under name constraints it does not read {unread[0]!r}", DNS_ALONE
            names = extension(below, x509.SubjectAlternativeName)
            compared += len(trees) * (1 + len(list(names.value) if names else ()))
    if compared > _MOST_COMPARISONS:
        yield f"it takes {compared} comparisons, and makes {_MOST_COMPARISONS}", DNS_ALONE
    if certificate in chain and not is_ca(certificate):
        # As its own CA it is not under its constraints, for the others.
        try:
            require_permitted_below((certificate, certificate), path="it")
        except ProfileViolation as error:
            yield error.message, DNS_ALONE


def _unread_by_rustls(one: x509.Certificate) -> Iterator[str]:
    """What rustls does not read (rustls-webpki: time.rs, cert.rs and verify_cert.rs)."""
    # With ring it verifies ECDSA only with SHA-256 and SHA-384 (rustls-webpki, ring_algs).
    if one.signature_algorithm_oid == SignatureAlgorithmOID.ECDSA_WITH_SHA512:
        yield "is signed with ECDSA and SHA-512"
    if one.not_valid_before_utc < _EPOCH:
        yield f"is valid since {one.not_valid_before_utc.year}, before 1970"
    for held in one.extensions:
        if held.critical and isinstance(held.value, _POLICY):
            yield f"has the critical extension {held.oid.dotted_string}"
    constraints = extension(one, x509.BasicConstraints)
    if constraints and (constraints.value.path_length or 0) > _LONGEST_PATH:
        yield f"has a path length above {_LONGEST_PATH}"


def with_chain(
    pair: CertificateWithKey, ca_pem: bytes, path: str
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """A certificate, and its issuers up to the CA; none where it is trusted itself."""
    certificate, *intermediates = read_certificates(pair.full_chain_pem, path)
    trusted = read_certificates(ca_pem, "the CA file")
    return certificate, () if certificate in trusted else chain_to(
        certificate, intermediates, trusted
    )

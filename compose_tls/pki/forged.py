"""Forged client certificates, each with the content of the right one, which must be refused."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtensionOID

from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import quiet
from compose_tls.pki.keys import (
    IssuingKey,
    generate_key,
    key_type_of,
    private_key_pem,
    signature_hash,
)
from compose_tls.pki.pem import certificate_pem, read_certificates, read_private_key
from compose_tls.vocabulary import KeyType

_Key: TypeAlias = IssuingKey | ed25519.Ed25519PrivateKey


def forged_clients(client: CertificateWithKey, ca_pem: bytes) -> Mapping[str, CertificateWithKey]:
    """Forge the certificate of a client, in each way that a careless server takes for real.

    All have the names, serial number, purposes and dates of the client. They live in memory only.

    Args:
        client: The right client certificate, with what it sends along, and its key.
        ca_pem: The CA certificates whose clients the server accepts.

    Returns:
        By what is wrong with it, for each kind of key: a certificate that names the right CA, with a CA
        of the same name and key identifier, one that is its own CA, and one that the client has issued,
        who is not a CA.

    Raises:
        CertificateUnreadable: A certificate or key cannot be read.
    """
    leaf, *sent = read_certificates(client.full_chain_pem, "the client certificate")
    above = (*sent, *read_certificates(ca_pem, "the CA certificates"))
    same = [one for one in above if one.subject == leaf.issuer][:1]
    issuing = read_private_key(client.private_key_pem, "the client key")
    forged = {}
    for number, (stranger, other) in enumerate(_keys()):
        named = b"".join(_copy(one, stranger, stranger, one.issuer) for one in same)
        ways = {
            "by the name of the right CA": (_copy(leaf, other, stranger, leaf.issuer), named),
            "signed by itself": (_copy(leaf, other, other, leaf.subject), b""),
        }
        if isinstance(issuing, IssuingKey):
            below = _copy(leaf, other, issuing, leaf.subject)
            ways["issued by a client"] = below, client.full_chain_pem
        key, kind = private_key_pem(other), key_type_of(other.public_key())
        for way, (pem, chain) in ways.items():
            told = f"{way}, with a key of {kind}" if number else way
            forged[told] = CertificateWithKey(pem, key, chain)
    return forged


@cache
def _keys() -> tuple[tuple[_Key, _Key], ...]:
    """Two keys of each kind, for an issuer and a client: a server can have a rule for each.

    Of RSA one is both, which takes a while to be found.
    """
    curves: tuple[KeyType, ...] = ("ecdsa-p256", "ecdsa-p384")
    either = generate_key("rsa-2048")
    others = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    return *((generate_key(one), generate_key(one)) for one in curves), (either, either), others


def _copy(original: x509.Certificate, key: _Key, issuing: _Key, issuer: x509.Name) -> bytes:
    """The same certificate for another key, by another issuer."""
    builder = x509.CertificateBuilder(
        issuer,
        original.subject,
        key.public_key(),
        original.serial_number,
        original.not_valid_before_utc,
        original.not_valid_after_utc,
    )
    with quiet():
        for one in original.extensions:
            # A self-issued one has no other key to name.
            if issuer == original.issuer or one.oid != ExtensionOID.AUTHORITY_KEY_IDENTIFIER:
                builder = builder.add_extension(one.value, one.critical)
    used = signature_hash(issuing) if isinstance(issuing, IssuingKey) else None
    return certificate_pem(builder.sign(issuing, used))

"""Forged client certificates, each with the content of the right one, which must be refused."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import quiet
from compose_tls.pki.keys import IssuingKey, generate_key, private_key_pem, signature_hash
from compose_tls.pki.pem import certificate_pem, read_certificates, read_private_key


def forged_clients(client: CertificateWithKey, ca_pem: bytes) -> Mapping[str, CertificateWithKey]:
    """Forge the certificate of a client, in each way that a careless server takes for real.

    All have the names, serial number, purposes and dates of the client. They live in memory only.

    Args:
        client: The right client certificate, with what it sends along, and its key.
        ca_pem: The CA certificates whose clients the server accepts.

    Returns:
        By what is wrong with it: a certificate that names the right CA, with a CA of the same name and
        key identifier, one that is its own CA, and one that the client has issued, who is not a CA.

    Raises:
        CertificateUnreadable: A certificate or key cannot be read.
    """
    leaf, *sent = read_certificates(client.full_chain_pem, "the client certificate")
    stranger, other = generate_key("ecdsa-p256"), generate_key("ecdsa-p256")
    above = (*sent, *read_certificates(ca_pem, "the CA certificates"))
    same = (one for one in above if one.subject == leaf.issuer)
    named = b"".join(_copy(one, stranger, stranger, one.issuer) for one in [*same][:1])
    forged = {
        "by the name of the right CA": (_copy(leaf, other, stranger, leaf.issuer), named),
        "signed by itself": (_copy(leaf, other, other, leaf.subject), b""),
    }
    issuing = read_private_key(client.private_key_pem, "the client key")
    if isinstance(issuing, IssuingKey):
        below = _copy(leaf, other, issuing, leaf.subject)
        forged["issued by a client"] = below, client.full_chain_pem
    key = private_key_pem(other)
    return {way: CertificateWithKey(pem, key, chain) for way, (pem, chain) in forged.items()}


def _copy(
    original: x509.Certificate, key: IssuingKey, issuing: IssuingKey, issuer: x509.Name
) -> bytes:
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
    return certificate_pem(builder.sign(issuing, signature_hash(issuing)))

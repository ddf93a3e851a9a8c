"""Certificate signing requests (RFC 2986), for a CA that signs elsewhere."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from compose_tls.changes import CertificateOrder
from compose_tls.pki.inspection import names_of, quiet
from compose_tls.pki.keys import IssuingKey, load_private_key, public_key_der, signature_hash
from compose_tls.pki.names import split_names
from compose_tls.pki.profiles import PROFILES, alternative_name
from compose_tls.pki.subject import parse_subject


def signing_request(order: CertificateOrder, private_key_pem: bytes) -> bytes:
    """Ask for a certificate: its subject, its names and what it is for, signed by its key; PEM.

    Names and purposes are in the extension request (RFC 2985 section 5.4.2), as most CAs read them.

    Args:
        order: The certificate that is wanted, of a server or client.
        private_key_pem: Its key.

    Raises:
        NameInvalid: The subject or a name is not allowed in a certificate.
    """
    profile = PROFILES[order.profile]
    key = load_private_key(private_key_pem)
    if not isinstance(key, IssuingKey) or profile.extended_key_usage is None:
        msg = "a request is for a server or client with an ECDSA or RSA key"
        raise ValueError(msg)
    names = split_names([*order.dns_names, *order.ip_addresses])
    builder = x509.CertificateSigningRequestBuilder(parse_subject(order.subject))
    for extension, critical in (
        (profile.basic_constraints, True),
        (profile.key_usage, True),
        (profile.extended_key_usage, False),
        (alternative_name(*names), False),
    ):
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, signature_hash(key)).public_bytes(Encoding.PEM)


def requested_names(content: bytes, private_key_pem: bytes) -> frozenset[str] | None:
    """The names that a request asks for; ``None`` where it is not a request of that key."""
    try:
        with quiet():
            request = x509.load_pem_x509_csr(content)
            own = public_key_der(request.public_key())
            theirs = public_key_der(load_private_key(private_key_pem).public_key())
            found = names_of(request)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return frozenset(found[0] + found[1]) if own == theirs else None

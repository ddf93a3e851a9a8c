"""The three kinds of certificate that are issued, and where each of their numbers comes from.

"BR" are the CA/Browser Forum Baseline Requirements for TLS server certificates, followed where they
make sense for a CA that only its own project trusts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from compose_tls.values import dataclass
from compose_tls.vocabulary import Profile

# Clocks of containers, virtual machines and laptops drift apart; a certificate issued a moment ago
# must not be "not yet valid" next door. RFC 5280 section 4.1.2.5 leaves the start to the issuer.
BACKDATE: Final = timedelta(minutes=5)

# Both ends of a validity period belong to it (RFC 5280 section 4.1.2.5), so N days end a second early.
INCLUSIVE_END: Final = timedelta(seconds=1)

Extension: TypeAlias = tuple[x509.ExtensionType, bool]
"""An extension and whether it is critical."""


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True, slots=True)
class CertificateProfile:
    """What makes a certificate one of its kind."""

    name: Profile
    basic_constraints: x509.BasicConstraints
    key_usage: x509.KeyUsage
    extended_key_usage: x509.ExtendedKeyUsage | None

    @property
    def is_ca(self) -> bool:
        """Whether certificates of this profile issue others."""
        return self.basic_constraints.ca


CA: Final = CertificateProfile(
    name="ca",
    # RFC 5280 section 4.2.1.9. Path length 0: it issues end-entity certificates and no further CA.
    basic_constraints=x509.BasicConstraints(ca=True, path_length=0),
    # RFC 5280 section 4.2.1.3: both bits of a CA, and no other. Python from 3.13 on and
    # `openssl verify -x509_strict` refuse a CA without key usage.
    key_usage=_key_usage(key_cert_sign=True, crl_sign=True),
    # BR 7.1.2.1: a root has none; it would restrict everything below it.
    extended_key_usage=None,
)

# Digital signature is all that TLS 1.3 and ECDHE suites use (RFC 8446 section 4.4.2.2), for RSA keys
# as for EC keys. Key encipherment must not stand next to an EC key (RFC 8813 section 3) and serves an
# RSA key only in suites without forward secrecy.
_END_ENTITY_USAGE: Final = _key_usage(digital_signature=True)
_NO_CA: Final = x509.BasicConstraints(ca=False, path_length=None)

SERVER: Final = CertificateProfile(
    name="server",
    basic_constraints=_NO_CA,
    key_usage=_END_ENTITY_USAGE,
    # RFC 5280 section 4.2.1.12. One purpose a certificate: a server's key cannot log in as a client.
    extended_key_usage=x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
)

CLIENT: Final = CertificateProfile(
    name="client",
    basic_constraints=_NO_CA,
    key_usage=_END_ENTITY_USAGE,
    # Go, and so Milvus in mode 2, refuses a client certificate that lists other purposes but not this:
    # crypto/tls verifies client chains with ExtKeyUsageClientAuth.
    extended_key_usage=x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
)

PEER: Final = CertificateProfile(
    name="peer",
    basic_constraints=_NO_CA,
    key_usage=_END_ENTITY_USAGE,
    # etcd with client certificate authentication shows its server certificate to itself: its gRPC gateway
    # is a client of its own. https://etcd.io/docs/v3.5/op-guide/security/
    extended_key_usage=x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    ),
)

PROFILES: Final[Mapping[Profile, CertificateProfile]] = {
    one.name: one for one in (CA, SERVER, CLIENT, PEER)
}


def extensions(
    profile: CertificateProfile,
    public_key: CertificatePublicKeyTypes,
    dns_names: tuple[str, ...],
    ip_addresses: tuple[str, ...],
    issuer: x509.Certificate | None,
    permitted_dns: tuple[str, ...] = (),
) -> Iterator[Extension]:
    """The extensions of one certificate.

    Args:
        profile: Its kind.
        public_key: Its key.
        dns_names: As ``split_names`` spells them.
        ip_addresses: The IP addresses of a server.
        issuer: The issuing certificate; ``None`` for a self-signed one.
        permitted_dns: The DNS subtrees that a CA may issue for; empty for any name.
    """
    # Critical as RFC 5280 section 4.2.1.9 demands of a CA, and allows for others.
    yield profile.basic_constraints, True
    # RFC 5280 section 4.2.1.3: should be critical.
    yield profile.key_usage, True
    if profile.extended_key_usage is not None:
        # RFC 5280 section 4.2.1.12 leaves it open; BR 7.1.2.7.6: not critical.
        yield profile.extended_key_usage, False
    if dns_names or ip_addresses:
        # RFC 5280 section 4.2.1.6: not critical next to a subject that is not empty. Clients look for
        # their server's name here and nowhere else (RFC 9525 section 2).
        yield alternative_name(dns_names, ip_addresses), False
    if permitted_dns:
        # RFC 5280 section 4.2.1.10: only on a CA, and always critical. DNS subtrees and no others: a
        # CA with subtrees of IP addresses fails every gRPC client, since BoringSSL does not know that
        # kind (crypto/x509/v3_ncons.cc, X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE). A kind that is not
        # listed stays free, so such a CA can still issue for any IP address.
        subtrees = [x509.DNSName(name) for name in permitted_dns]
        yield x509.NameConstraints(permitted_subtrees=subtrees, excluded_subtrees=None), True
    # RFC 5280 section 4.2.1.2: on every CA, and on others for building chains; never critical.
    yield x509.SubjectKeyIdentifier.from_public_key(public_key), False
    if issuer is not None:
        # RFC 5280 section 4.2.1.1: on all but self-signed certificates; never critical. Python from
        # 3.13 on refuses a certificate without it.
        yield _authority_key_identifier(issuer), False


def alternative_name(
    dns_names: tuple[str, ...], ip_addresses: tuple[str, ...]
) -> x509.SubjectAlternativeName:
    """Names as ``split_names`` spells them, as an extension."""
    return x509.SubjectAlternativeName(
        [
            *map(x509.DNSName, dns_names),
            *(x509.IPAddress(ip_address(address)) for address in ip_addresses),
        ]
    )


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The issuer's own identifier, which need not be the hash of its key."""
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        own_id = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)

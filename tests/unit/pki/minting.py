"""Certificates of every kind, bad ones above all: what a user may bring."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from compose_tls.pki.certificate_with_key import CertificateWithKey
from tests.moment import NOW

DAY = timedelta(days=1)

SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH

SUBJECT = "OU=milvus,O=milvus,L=Shanghai,ST=Shanghai,C=CN"


def mint(
    common_name: str = "localhost",
    *,
    issuer: CertificateWithKey | None = None,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    public_key: CertificatePublicKeyTypes | None = None,
    ca: bool = False,
    dns: Sequence[str] = ("localhost",),
    ips: Sequence[str] = ("127.0.0.1",),
    purposes: Sequence[x509.ObjectIdentifier] = (SERVER,),
    digital_signature: bool = True,
    key_cert_sign: bool | None = None,
    critical_constraints: bool = True,
    without: Sequence[type[x509.ExtensionType]] = (),
    start: datetime = NOW - DAY,
    end: datetime = NOW + 90 * DAY,
) -> CertificateWithKey:
    """A certificate that is sound but for what is asked to be different."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    public_key = public_key or key.public_key()
    above = x509.load_pem_x509_certificate(issuer.certificate_pem) if issuer else None
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder(
        above.subject if above else subject,
        subject,
        public_key,
        x509.random_serial_number(),
        start,
        end,
    )
    for extension, critical in _extensions(
        public_key,
        above,
        ca=ca,
        alternative_names=[
            *map(x509.DNSName, dns),
            *(x509.IPAddress(ipaddress.ip_address(ip)) for ip in ips),
        ],
        purposes=purposes,
        digital_signature=digital_signature,
        key_cert_sign=ca if key_cert_sign is None else key_cert_sign,
        critical_constraints=critical_constraints,
    ):
        if not isinstance(extension, tuple(without)):
            builder = builder.add_extension(extension, critical)
    signing_key = load_pem_private_key(issuer.private_key_pem, None) if issuer else key
    assert isinstance(
        signing_key,
        ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey,
    )
    algorithm = None if isinstance(signing_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    certificate = builder.sign(signing_key, algorithm)
    chain = issuer.full_chain_pem if issuer and above and above.subject != above.issuer else b""
    return CertificateWithKey(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        chain,
    )


def _extensions(
    public_key: CertificatePublicKeyTypes,
    above: x509.Certificate | None,
    *,
    ca: bool,
    alternative_names: Sequence[x509.GeneralName],
    purposes: Sequence[x509.ObjectIdentifier],
    digital_signature: bool,
    key_cert_sign: bool,
    critical_constraints: bool,
) -> list[tuple[x509.ExtensionType, bool]]:
    usage = x509.KeyUsage(
        digital_signature=digital_signature and not ca,
        content_commitment=False,
        key_encipherment=not digital_signature,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=ca, path_length=None), critical_constraints),
        (usage, True),
        (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
    ]
    if not ca:
        if purposes:
            found.append((x509.ExtendedKeyUsage(purposes), False))
        if alternative_names:
            found.append((x509.SubjectAlternativeName(alternative_names), False))
    if above is not None:
        own = x509.SubjectKeyIdentifier.from_public_key(above.public_key())
        authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
        found.append((authority, False))
    return found


def parsed(pem: bytes) -> x509.Certificate:
    """The one certificate of some PEM."""
    (certificate,) = x509.load_pem_x509_certificates(pem)
    return certificate

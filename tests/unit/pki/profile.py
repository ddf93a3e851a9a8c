"""The whole X.509 profile of each role, as assertions."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

_CA_EXTENSIONS = {"basicConstraints", "keyUsage", "subjectKeyIdentifier"}
_END_ENTITY_EXTENSIONS = _CA_EXTENSIONS | {
    "authorityKeyIdentifier",
    "extendedKeyUsage",
    "subjectAltName",
}


def assert_ca_profile(certificate: x509.Certificate, issued: datetime, days: int) -> None:
    """A root that may issue end-entity certificates and nothing else."""
    assert _extension_names(certificate) == _CA_EXTENSIONS
    assert _critical_names(certificate) == {"basicConstraints", "keyUsage"}
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints == x509.BasicConstraints(ca=True, path_length=0)
    assert _key_usage(certificate) == {"key_cert_sign", "crl_sign"}
    assert certificate.issuer == certificate.subject
    certificate.verify_directly_issued_by(certificate)
    _assert_common(certificate, certificate)
    _assert_validity(certificate, issued, days)


def assert_server_profile(
    certificate: x509.Certificate,
    ca: x509.Certificate,
    names: Iterable[str],
    issued: datetime,
    days: int,
) -> None:
    """A server certificate for exactly these names."""
    _assert_end_entity(certificate, ca, names, ExtendedKeyUsageOID.SERVER_AUTH)
    _assert_validity(certificate, issued, days)


def assert_client_profile(
    certificate: x509.Certificate,
    ca: x509.Certificate,
    names: Iterable[str],
    issued: datetime,
    days: int,
) -> None:
    """A client certificate with an identity in subject and alternative name."""
    _assert_end_entity(certificate, ca, names, ExtendedKeyUsageOID.CLIENT_AUTH)
    _assert_validity(certificate, issued, days)


def _assert_end_entity(
    certificate: x509.Certificate,
    ca: x509.Certificate,
    names: Iterable[str],
    purpose: x509.ObjectIdentifier,
) -> None:
    assert _extension_names(certificate) == _END_ENTITY_EXTENSIONS
    assert _critical_names(certificate) == {"basicConstraints", "keyUsage"}
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints == x509.BasicConstraints(ca=False, path_length=None)
    assert _key_usage(certificate) == {"digital_signature"}
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [purpose]
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(held) == [_general_name(name) for name in names]
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert authority.key_identifier == own.digest
    assert authority.authority_cert_issuer is None
    assert authority.authority_cert_serial_number is None
    assert certificate.subject != ca.subject
    certificate.verify_directly_issued_by(ca)
    _assert_common(certificate, ca)
    assert certificate.not_valid_before_utc >= ca.not_valid_before_utc
    assert certificate.not_valid_after_utc <= ca.not_valid_after_utc


def _assert_common(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    assert certificate.version is x509.Version.v3
    assert 0 < certificate.serial_number < 1 << 159
    assert certificate.serial_number.bit_length() > 64
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert own == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    assert len(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)) == 1
    key = issuer.public_key()
    strong = isinstance(key, ec.EllipticCurvePublicKey) and key.key_size == 384
    expected: hashes.HashAlgorithm = hashes.SHA384() if strong else hashes.SHA256()
    assert certificate.signature_hash_algorithm is not None
    assert certificate.signature_hash_algorithm.name == expected.name
    assert certificate.signature_algorithm_oid in {
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA256,
    }


def _assert_validity(certificate: x509.Certificate, issued: datetime, days: int) -> None:
    start = certificate.not_valid_before_utc
    assert start == issued.astimezone(UTC).replace(microsecond=0) - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == start + timedelta(days=days, seconds=-1)


def _extension_names(certificate: x509.Certificate) -> set[str]:
    return {extension.oid._name for extension in certificate.extensions}


def _critical_names(certificate: x509.Certificate) -> set[str]:
    return {extension.oid._name for extension in certificate.extensions if extension.critical}


def _key_usage(certificate: x509.Certificate) -> set[str]:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    names = {
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign",
    }  # fmt: skip
    return {name for name in names if getattr(usage, name)}


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)

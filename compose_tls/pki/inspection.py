"""What a certificate says."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.utils import CryptographyDeprecationWarning

from compose_tls.observation import CertificateFacts
from compose_tls.pki.keys import key_type_of

_Value = TypeVar("_Value", bound=x509.ExtensionType)


def facts_of(certificate: x509.Certificate) -> CertificateFacts:
    """The facts of a certificate. The serial number is in hex, two digits an octet."""
    dns_names, ip_addresses = names_of(certificate)
    with quiet():
        serial = f"{certificate.serial_number:x}"
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=serial.zfill(len(serial) + len(serial) % 2),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_type=key_type_of(certificate.public_key()),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        dns_names=dns_names,
        ip_addresses=ip_addresses,
        is_ca=is_ca(certificate),
        permitted_dns=permitted_dns_of(certificate),
    )


@contextmanager
def quiet() -> Iterator[None]:
    """No warning of cryptography about a certificate that somebody else made.

    It warns about old practice, such as a root with the serial number 0, on the user's terminal.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield


def extension(
    certificate: x509.Certificate | x509.CertificateSigningRequest, kind: type[_Value]
) -> x509.Extension[_Value] | None:
    """The extension of that kind; ``None`` when there is none."""
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def names_of(
    certificate: x509.Certificate | x509.CertificateSigningRequest,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The DNS names and the IP addresses of the subject alternative name."""
    names = extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return (), ()
    return (
        tuple(names.value.get_values_for_type(x509.DNSName)),
        tuple(map(str, names.value.get_values_for_type(x509.IPAddress))),
    )


def permitted_dns_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS subtrees that a CA may issue for (RFC 5280 section 4.2.1.10); empty for any name."""
    constraints = extension(certificate, x509.NameConstraints)
    permitted = constraints.value.permitted_subtrees if constraints else None
    return tuple(name.value for name in permitted or () if isinstance(name, x509.DNSName))


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether the certificate may issue others, by its basic constraints."""
    constraints = extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.value.ca


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Whether subject and issuer are one, as in a root."""
    return certificate.subject == certificate.issuer


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's name stands in the certificate and its key made the signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True

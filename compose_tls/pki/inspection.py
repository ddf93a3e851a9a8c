"""Reads the fields of certificates, and finds the chain between them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from compose_tls.observation import CertificateFacts
from compose_tls.pki.keys import key_type_of

_Value = TypeVar("_Value", bound=x509.ExtensionType)


def parts_of(value: bytes) -> list[bytes]:
    """What a constructed value of DER holds, each with its tag and length (X.690 section 8.1)."""
    place, end = _content(value, 0)
    found: list[bytes] = []
    while place < end:
        _, after = _content(value, place)
        found.append(value[place:after])
        place = after
    return found


def _content(der: bytes, place: int) -> tuple[int, int]:
    """Where the content of a value begins and ends."""
    first = der[place + 1]
    width = max(0, first - 0x80)
    begin = place + 2 + width
    return begin, begin + (int.from_bytes(der[place + 2 : begin], "big") if width else first)


def facts_of(
    certificate: x509.Certificate, above: Sequence[x509.Certificate] = ()
) -> CertificateFacts:
    """The facts of a certificate. The serial number is in hex, two digits an octet.

    Args:
        certificate: What they are of.
        above: Where its issuers are: it is valid for no longer than the first of them (RFC 5280
            section 6.1.3).
    """
    dns_names, ip_addresses = names_of(certificate)
    with quiet():
        serial = f"{certificate.serial_number:x}"
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=serial.zfill(len(serial) + len(serial) % 2),
        not_before=certificate.not_valid_before_utc,
        not_after=earliest_end(certificate, *issuers_of(certificate, above)),
        key_type=key_type_of(certificate.public_key()),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        dns_names=dns_names,
        ip_addresses=ip_addresses,
        is_ca=is_ca(certificate),
        permitted_dns=permitted_dns_of(certificate),
    )


def earliest_end(*chain: x509.Certificate) -> datetime:
    """When the first certificate of a chain ends."""
    return min(one.not_valid_after_utc for one in chain)


@contextmanager
def quiet() -> Iterator[None]:
    """No warning of cryptography about a file that someone else made.

    It warns about old practice, such as a root with the serial number 0, on the user's terminal.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
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


def subtrees_of(
    ca: x509.Certificate,
) -> tuple[tuple[x509.GeneralName, ...], tuple[x509.GeneralName, ...]]:
    """What a CA may issue for, and what not (RFC 5280 section 4.2.1.10); both empty for anything."""
    limits = extension(ca, x509.NameConstraints)
    if limits is None:
        return (), ()
    return tuple(limits.value.permitted_subtrees or ()), tuple(limits.value.excluded_subtrees or ())


def permitted_dns_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS subtrees that a CA may issue for (RFC 5280 section 4.2.1.10); empty for any name."""
    permitted, _ = subtrees_of(certificate)
    return tuple(name.value for name in permitted if isinstance(name, x509.DNSName))


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether the certificate may issue others, by its basic constraints."""
    constraints = extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.value.ca


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it ends its chain, as a root does.

    That subject and issuer are one is not enough: a CA may issue under its own name for a new key.
    """
    return _leads_to(certificate, certificate)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's name is in the certificate and its key made the signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _leads_to(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether clients take one for the issuer of the other.

    They go by the key identifiers too (RFC 5280 section 4.2.1.1). A signature that cannot be verified
    here, for SHA-1 say, is not a reason to look for another issuer: it is refused as what it is.
    """
    authority = extension(certificate, x509.AuthorityKeyIdentifier)
    own = extension(issuer, x509.SubjectKeyIdentifier)
    wanted = authority.value.key_identifier if authority else None
    if own and wanted is not None and wanted != own.value.digest:
        return False
    # To the byte, as Go and rustls do.
    if certificate.issuer.public_bytes() != issuer.subject.public_bytes():
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    return True


def names_another_issuer(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether its authority key identifier has serial number and issuer of another certificate.

    OpenSSL and BoringSSL compare them (X509_check_akid), for a root that signed itself as well.
    """
    authority = extension(certificate, x509.AuthorityKeyIdentifier)
    if authority is None or authority.value.authority_cert_serial_number is None:
        return False
    names = [
        name.value
        for name in authority.value.authority_cert_issuer or ()
        if isinstance(name, x509.DirectoryName)
    ]
    serial = authority.value.authority_cert_serial_number
    return serial != issuer.serial_number or (bool(names) and names[0] != issuer.issuer)


def chain_to(
    certificate: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
) -> tuple[x509.Certificate, ...]:
    """The certificates above ``certificate``, in order, as far as they can be found.

    Where several lead up, it is the first, as gRPC and Node have it (X509_verify_cert). Go, Java and
    rustls look for another one where that is wrong.

    Args:
        certificate: Where the chain begins.
        intermediates: What is sent along with it.
        trusted: The CA certificates that a client has.

    Returns:
        Issuer after issuer. The chain is complete when the last one is among ``trusted``.
    """
    anchors = set(trusted)
    named: dict[x509.Name, list[x509.Certificate]] = {}
    for one in (*trusted, *intermediates):
        named.setdefault(one.subject, []).append(one)
    # In order, and each once.
    chain: dict[x509.Certificate, None] = {}
    current = certificate
    while True:
        candidates = (one for one in named.get(current.issuer, ()) if one not in chain)
        issuer = next((one for one in candidates if _leads_to(current, one)), None)
        if issuer is None:
            return tuple(chain)
        chain[issuer] = None
        if issuer in anchors or is_self_signed(issuer):
            return tuple(chain)
        current = issuer


def issuers_of(
    certificate: x509.Certificate, others: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Issuer after issuer, as far as they are among the others; a root has none."""
    if is_self_signed(certificate):
        return ()
    return chain_to(certificate, [one for one in others if one != certificate], ())


def in_order(
    certificate: x509.Certificate, others: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """The others as a server is to send them: issuer after issuer, then what is not part of that chain.

    Source: RFC 8446 section 4.4.2; a PKCS #12 file knows no order, and people append in any.
    """
    chain = issuers_of(certificate, others)
    return (*chain, *(one for one in others if one not in chain))

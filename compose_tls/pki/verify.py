"""Whether certificates that the user brings will work, said before a TLS library says it in its words.

What passes here still has to pass the rehearsal.
cryptography's own verifier is not used: it is documented as unstable, gives no reason that a person
could act on, and refuses names with an underscore.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509

from compose_tls.errors import IssuerMismatch, NameNotCovered, ProfileViolation
from compose_tls.pki.certificate_rules import CLIENT_AUTH, SERVER_AUTH, Judged
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import chain_to, extension, is_self_issued, issuers_of, names_of
from compose_tls.pki.names import covers
from compose_tls.pki.pem import read_certificates


def check_server(
    pair: CertificateWithKey, ca_pem: bytes, *, names: Iterable[str], now: datetime, path: str
) -> None:
    """Make sure that clients which trust ``ca_pem`` will accept a server certificate.

    Args:
        pair: The certificate, its key, and the intermediates that lead to the CA.
        ca_pem: The certificates that clients trust, PEM or DER.
        names: The DNS names and IP addresses that clients use.
        now: The time to judge by, aware.
        path: How errors name the certificate file.

    Raises:
        DemoCertificate: It is the public demo certificate of Milvus images.
        ProfileViolation: Wrong purpose, weak key or signature, or what strict clients refuse.
        CertificateExpired: It, or an intermediate, has expired.
        CertificateNotYetValid: It, or an intermediate, is not valid yet.
        IssuerMismatch: No chain leads from it to the CA.
        NameNotCovered: A name is not in it.
        NameInvalid: A name can stand in no certificate.
        CertificateUnreadable: ``ca_pem`` holds no certificate.
    """
    certificate = _check_end_entity(pair, ca_pem, SERVER_AUTH, now, path)
    dns_names, ip_addresses = names_of(certificate)
    missing = [name for name in names if not covers(name, dns_names, ip_addresses)]
    if missing:
        held = ", ".join([*dns_names, *ip_addresses])
        raise NameNotCovered(
            f"{path} is not valid for {', '.join(missing)}; it is for {held}"
            if held
            else f"{path} has no subject alternative name, and its common name does not count",
            hint=f"use a certificate for {', '.join(missing)}, or a name it has as --server-name",
            path=path,
        )


def check_client(pair: CertificateWithKey, ca_pem: bytes, *, now: datetime, path: str) -> None:
    """Make sure that a server which trusts ``ca_pem`` will accept a client certificate.

    Args:
        pair: The certificate, its key, and the intermediates that lead to the CA.
        ca_pem: The certificates that the server trusts, PEM or DER.
        now: The time to judge by, aware.
        path: How errors name the certificate file.

    Raises:
        DemoCertificate: It is the public demo certificate of Milvus images.
        ProfileViolation: Wrong purpose, weak key or signature, or what strict servers refuse.
        CertificateExpired: It, or an intermediate, has expired.
        CertificateNotYetValid: It, or an intermediate, is not valid yet.
        IssuerMismatch: No chain leads from it to the CA.
        CertificateUnreadable: ``ca_pem`` holds no certificate.
    """
    _check_end_entity(pair, ca_pem, CLIENT_AUTH, now, path)


def check_ca(ca_pem: bytes, *, now: datetime, path: str) -> None:
    """Make sure that everyone will accept each certificate of a file as a CA.

    Args:
        ca_pem: One or more CA certificates, PEM or DER.
        now: The time to judge by, aware.
        path: How errors name the file.

    Raises:
        CertificateUnreadable: The file holds no certificate.
        DemoCertificate: It is the public demo CA of Milvus images.
        ProfileViolation: It is no CA, has a weak key or signature, or what strict peers refuse.
        CertificateExpired: It has expired.
        CertificateNotYetValid: It is not valid yet.
        IssuerMismatch: It is an intermediate, and its root is not in the file.
    """
    certificates = read_certificates(ca_pem, path)
    for certificate in certificates:
        Judged(certificate, path, path).check_as_ca(now)
        chain = (certificate, *issuers_of(certificate, certificates))
        _check_path_lengths(chain, path)
        if not is_self_issued(chain[-1]):
            name, above = (n.rfc4514_string() for n in (chain[-1].subject, chain[-1].issuer))
            raise IssuerMismatch(
                f"{path} ends with the intermediate CA {name}: the root {above} is missing",
                hint=f"append the certificate of {above} to {path}: clients trust whole chains only",
                path=path,
            )


def _check_end_entity(
    pair: CertificateWithKey,
    ca_pem: bytes,
    purpose: tuple[x509.ObjectIdentifier, str],
    now: datetime,
    path: str,
) -> x509.Certificate:
    certificate, *intermediates = read_certificates(pair.full_chain_pem, path)
    judged = Judged(certificate, path, path)
    judged.check_always(now)
    judged.check_as_end_entity(purpose)
    trusted = read_certificates(ca_pem, "the CA file")
    chain = chain_to(certificate, intermediates, trusted)
    last = chain[-1] if chain else certificate
    if last not in trusted:
        raise _issuer_mismatch(last, trusted, path)
    for issuer in chain:
        kind = "CA" if issuer is last else "intermediate"
        title = f"the {kind} {issuer.subject.rfc4514_string()} of {path}"
        Judged(issuer, title, path).check_as_ca(now)
    _check_path_lengths(chain, path)
    return certificate


def _check_path_lengths(chain: Iterable[x509.Certificate], path: str) -> None:
    """Make sure that no CA stands over more CAs than it may: RFC 5280 section 4.2.1.9.

    Args:
        chain: CA after CA, that of the end entity first.
        path: How errors name the file.
    """
    for below, ca in enumerate(chain):
        constraints = extension(ca, x509.BasicConstraints)
        allowed = constraints.value.path_length if constraints else None
        if allowed is not None and below > allowed:
            raise ProfileViolation(
                f"the CA {ca.subject.rfc4514_string()} of {path} may stand over {allowed} other CAs, "
                f"and stands over {below} (path length)",
                hint="use a certificate that it issued itself, or a CA with a greater path length",
                path=path,
            )


def _issuer_mismatch(
    last: x509.Certificate, trusted: Iterable[x509.Certificate], path: str
) -> IssuerMismatch:
    issuer = last.issuer.rfc4514_string()
    namesake = any(ca.subject == last.issuer for ca in trusted)
    return IssuerMismatch(
        f"{path} was issued by another CA than the given one, although both are named {issuer}"
        if namesake
        else f"{path} leads to the CA {issuer}, which is not the given one",
        hint=f"give the CA that issued {path}, or append the missing intermediate certificates "
        f"to {path}",
        path=path,
    )

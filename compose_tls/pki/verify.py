"""Whether certificates of the user will work, checked before a TLS library fails.

What passes here still has to pass the rehearsal.
cryptography's own verifier is not used: it is documented as unstable, gives no reason that a person
could act on, and refuses names with an underscore.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from cryptography import x509

from compose_tls.errors import CertificateError, IssuerMismatch, NameNotCovered, ProfileViolation
from compose_tls.pki.certificate_rules import (
    CLIENT_AUTH,
    SERVER_AUTH,
    Judged,
    Purpose,
)
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import (
    chain_to,
    extension,
    is_ca,
    is_self_signed,
    issuers_of,
    names_of,
)
from compose_tls.pki.issuing_limits import (
    require_links,
    require_permitted_below,
    require_policies,
    require_read_as_sent,
    require_sendable,
)
from compose_tls.pki.names import covers
from compose_tls.pki.pem import read_certificates
from compose_tls.pki.refusing_clients import refusing_clients, refusing_sdks, with_chain
from compose_tls.pki.system_trust import is_public
from compose_tls.vocabulary import RENEW_BEFORE, TlsWarning


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
        ProfileViolation: Wrong purpose, or it breaks another rule of certificate_rules.
        CertificateExpired: It, or an intermediate, has expired.
        CertificateNotYetValid: It, or an intermediate, is not valid yet.
        IssuerMismatch: No chain leads from it to the CA.
        NameNotCovered: A name is not in it.
        NameInvalid: A name can be in no certificate.
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


def check_served(chain_pem: bytes, ca_pem: bytes, *, now: datetime) -> tuple[TlsWarning, ...]:
    """Make sure that the SDKs take what a server sends, whose names and issuer clients have verified.

    Args:
        chain_pem: What it sends, its own certificate first, PEM.
        ca_pem: The certificates that clients trust, PEM or DER.
        now: The time to judge by, aware.

    Returns:
        Warnings with the codes ``java-clients-refuse`` and ``rustls-clients-refuse``, and that of what
        ``check_ca`` says first: of a CA that leads to another server, or to none.

    Raises:
        CertificateError: One of them refuses it, as ``check_server`` says.
    """
    sent, path = CertificateWithKey(chain_pem, b""), "the served chain"
    check_server(sent, ca_pem, names=(), now=now, path=path)
    found = [*refusing_sdks(sent, ca_pem, path=path)]
    try:
        check_ca(ca_pem, now=now, path="the CA file", server=sent)
    except CertificateError as error:
        found.append(TlsWarning(error.code, error.message, hint=error.hint))
    return tuple(found)


def check_client(pair: CertificateWithKey, ca_pem: bytes, *, now: datetime, path: str) -> None:
    """Make sure that a server which trusts ``ca_pem`` will accept a client certificate.

    Args:
        pair: The certificate, its key, and the intermediates that lead to the CA.
        ca_pem: The certificates that the server trusts, PEM or DER.
        now: The time to judge by, aware.
        path: How errors name the certificate file.

    Raises:
        DemoCertificate: It is the public demo certificate of Milvus images.
        ProfileViolation: Wrong purpose, or it breaks another rule of certificate_rules.
        CertificateExpired: It, or an intermediate, has expired.
        CertificateNotYetValid: It, or an intermediate, is not valid yet.
        IssuerMismatch: No chain leads from it to the CA.
        CertificateUnreadable: ``ca_pem`` holds no certificate.
    """
    _check_end_entity(pair, ca_pem, CLIENT_AUTH, now, path)


def check_ca(
    ca_pem: bytes,
    *,
    now: datetime,
    path: str,
    server: CertificateWithKey | None = None,
    whole: bool = True,
) -> None:
    """Make sure that everyone will accept each certificate of a file as a CA.

    Args:
        ca_pem: One or more CA certificates, PEM or DER.
        now: The time to judge by, aware.
        path: How errors name the file.
        server: The server's certificate, which may be in the file itself when it signed itself.
        whole: Whether it has to lead up to a root, as clients want it: Go's servers do not.

    Raises:
        CertificateUnreadable: The file holds no certificate.
        DemoCertificate: It is the public demo CA of Milvus images.
        ProfileViolation: It is not a CA, or breaks a rule of certificate_rules.
        CertificateExpired: It has expired.
        CertificateNotYetValid: It is not valid yet.
        IssuerMismatch: It is an intermediate, and its root is not in the file.
    """
    certificates = read_certificates(ca_pem, path)
    own, used = None, set(certificates)
    if server:
        own, *sent = read_certificates(server.full_chain_pem, path)
        # What is odd about the root of others, no client of this server looks at.
        used = set(chain_to(own, sent, certificates)) or used
    for certificate in certificates:
        if certificate == own and is_self_signed(certificate):
            continue  # judged as a server's
        name = certificate.subject.rfc4514_string()
        title = path if len(certificates) == 1 else f"the CA {name} in {path}"
        judged = Judged(certificate, title, path)
        if server and certificate not in used and is_self_signed(certificate):
            judged.check_as_bystander()
            continue
        judged.check_as_ca(now, anchor=is_self_signed(certificate))
        judged.check_form()
        chain = (certificate, *issuers_of(certificate, certificates))
        _check_path_lengths(chain, path)
        if whole and not is_self_signed(chain[-1]):
            name, above = (n.rfc4514_string() for n in (chain[-1].subject, chain[-1].issuer))
            raise IssuerMismatch(
                f"{path} ends with the intermediate CA {name}: the root {above} is missing",
                hint=f"append the certificate of {above} to {path}: Node requires complete chains",
                path=path,
            )


def concerns(
    pair: CertificateWithKey,
    ca_pem: bytes,
    *,
    now: datetime,
    path: str,
    purpose: Purpose = SERVER_AUTH,
) -> tuple[TlsWarning, ...]:
    """What a user has to know of a certificate that works.

    Args:
        pair: A certificate that ``check_server`` or ``check_client`` accepts.
        ca_pem: The certificates that the other side trusts, PEM or DER.
        now: The time to judge by, aware.
        path: How the warnings name the certificate file.
        purpose: What it is for: ``SERVER_AUTH`` or ``CLIENT_AUTH``.

    Returns:
        Those of ``refusing_clients``, and warnings with the codes ``self-signed-certificate``,
        ``public-client-ca`` and ``certificate-ends-soon``.
    """
    certificate, chain = with_chain(pair, ca_pem, path)
    found = list(refusing_clients(pair, ca_pem, path=path, purpose=purpose))
    if not chain:
        who = "NSS refuses"
        hint = "use a certificate that a CA issued, such as the one that compose-tls makes"
        if is_ca(certificate):
            who = "NSS and rustls (the SDK for Rust) refuse"
            hint += "; rustls accepts one of openssl req -x509 -addext basicConstraints=critical,CA:FALSE"
        found.append(
            TlsWarning(
                "self-signed-certificate",
                f"{path} is self-signed: every client needs a new file when it is renewed, and {who}"
                " such certificates",
                path=path,
                hint=hint,
            )
        )
    if purpose == CLIENT_AUTH:
        found += _public(chain[-1:], path)
    return (*found, *_ending(certificate, chain, now, path))


def client_ca_concerns(ca_pem: bytes, *, path: str) -> tuple[TlsWarning, ...]:
    """What a user has to know of CA certificates that clients are accepted by.

    Args:
        ca_pem: The certificates, PEM or DER.
        path: How the warning names their file.

    Returns:
        A warning with the code ``public-client-ca`` where one of them is a public one.
    """
    return tuple(_public(read_certificates(ca_pem, path), path))


def shared_ca_concerns(
    server: CertificateWithKey, ca_pem: bytes, *, path: str
) -> tuple[TlsWarning, ...]:
    """What a user has to know where the CA of a server that is provided is that of the clients too.

    A certificate for servers that is valid for clients as well (extendedKeyUsage has both, as public CAs
    have had it) tells that each of them is accepted.

    Args:
        server: The server's certificate.
        ca_pem: The CA certificates, PEM or DER.
        path: How the warning names the server's certificate.

    Returns:
        A warning with the code ``shared-client-ca``, or nothing.
    """
    certificate = read_certificates(server.certificate_pem, path)[0]
    usage = extension(certificate, x509.ExtendedKeyUsage)
    if usage is None or CLIENT_AUTH[0] not in usage.value or is_self_signed(certificate):
        return ()
    if any(map(is_public, read_certificates(ca_pem, path))):
        return ()  # told as such
    text = (
        f"{path} is valid for clients too: anyone with such a certificate from its CA, "
        f"{certificate.issuer.rfc4514_string()}, is a client of this server"
    )
    hint = "give a CA that issues only for the clients of this server, with --client-ca-cert"
    return (TlsWarning("shared-client-ca", text, path=path, hint=hint),)


def _public(issuers: Iterable[x509.Certificate], path: str) -> Iterator[TlsWarning]:
    for issuer in filter(is_public, issuers):
        yield TlsWarning(
            "public-client-ca",
            f"the CA of {path}, {issuer.subject.rfc4514_string()}, is a public one: "
            "every holder of a certificate from it is accepted as a client of this server",
            path=path,
            hint="give a CA of your own for clients, with --client-ca-cert and --client-ca-key",
        )


def _ending(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate], now: datetime, path: str
) -> Iterator[TlsWarning]:
    first = min((certificate, *chain), key=lambda one: one.not_valid_after_utc)
    end = first.not_valid_after_utc
    left = end - now
    if first is certificate and left > RENEW_BEFORE:
        return
    hours, days = left // timedelta(hours=1), left.days
    amount = f"{days} days" if days > 1 else f"{hours} hours"
    if first is certificate:
        text, hint = f"{path} ends in {amount}, on {end:%Y-%m-%d %H:%M} UTC", "have it renewed"
    else:
        text = (
            f"{path} is valid for only {amount}: its CA {first.subject.rfc4514_string()} ends on "
            f"{end:%Y-%m-%d %H:%M} UTC, earlier"
        )
        hint = "use a certificate of a CA that is valid longer"
    yield TlsWarning("certificate-ends-soon", text, path=path, hint=hint)


def _check_end_entity(
    pair: CertificateWithKey,
    ca_pem: bytes,
    purpose: Purpose,
    now: datetime,
    path: str,
) -> x509.Certificate:
    certificate, *intermediates = read_certificates(pair.full_chain_pem, path)
    trusted = read_certificates(ca_pem, "the CA file")
    # A self-signed certificate is its own CA.
    own = is_self_signed(certificate) and certificate in trusted
    judged = Judged(certificate, path, path)
    judged.check_always(now)
    judged.check_form()
    judged.check_as_end_entity(purpose, trusted=own)
    chain = () if own else chain_to(certificate, intermediates, trusted)
    for one in intermediates:
        if one not in chain:
            Judged(one, f"{one.subject.rfc4514_string()} in {path}", path).check_read()
    sent = (certificate, *intermediates)
    if purpose == SERVER_AUTH:  # Go takes what clients send up to 256 KiB
        require_sendable(sent, path=path)
    if own:
        return certificate
    last = chain[-1] if chain else certificate
    if last not in trusted:
        raise _issuer_mismatch(last, trusted, path)
    for issuer in chain:
        kind = "CA" if issuer is last else "intermediate"
        title = f"the {kind} {issuer.subject.rfc4514_string()} of {path}"
        anchor = issuer is last and is_self_signed(issuer)
        above = Judged(issuer, title, path)
        above.check_as_ca(now, purpose, anchor=anchor)
        above.check_form()
    _check_path_lengths(chain, path)
    require_links((certificate, *chain), path)
    if purpose == SERVER_AUTH:
        require_read_as_sent(sent, trusted, path=path)
    require_policies((certificate, *chain), path=path)
    require_permitted_below((certificate, *chain), path=path)
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
                f"the CA {ca.subject.rfc4514_string()} of {path} may have {allowed} CAs below "
                f"it, and has {below} (path length)",
                hint="use a certificate that it issued itself, or a CA with a greater path length",
                path=path,
            )


def _issuer_mismatch(
    last: x509.Certificate, trusted: Iterable[x509.Certificate], path: str
) -> IssuerMismatch:
    issuer = last.issuer.rfc4514_string()
    namesake = any(ca.subject == last.issuer for ca in trusted)
    return IssuerMismatch(
        f"{path} was issued by a different CA with the name of the given one, {issuer}"
        if namesake
        else f"{path} leads to the CA {issuer}, which is not the given one",
        hint=f"give the CA that issued {path}, or append the missing intermediate certificates "
        f"to {path}",
        path=path,
    )

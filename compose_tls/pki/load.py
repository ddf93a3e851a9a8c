"""Certificates and keys from the bytes of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from compose_tls.errors import CertificateError, KeyMismatch
from compose_tls.layout import CA, CLIENT_CA, SERVER
from compose_tls.observation import CertificateFacts, PkiFacts
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import facts_of, in_order, is_ca, is_issued_by, is_self_signed
from compose_tls.pki.keys import private_key_pem, public_key_der
from compose_tls.pki.pem import certificate_pem, read_certificates, read_private_key
from compose_tls.pki.system_trust import is_public, missing_roots

_SHORT: Final = 127


def certificate_facts(pem: bytes, *, path: str) -> CertificateFacts:
    """What the first certificate of a file says; it ends with the first of its issuers there.

    Args:
        pem: The bytes of the file, PEM or DER.
        path: How errors name the file.

    Raises:
        CertificateUnreadable: The file holds no certificate that can be read.
    """
    certificate, *others = read_certificates(pem, path)
    return facts_of(certificate, others)


def subjects(pem: bytes, *, path: str) -> dict[bytes, str]:
    """The subjects of the certificates of a file: in DER, as TLS names CAs, and as text.

    Raises:
        CertificateUnreadable: The file holds no certificate that can be read.
    """
    return {
        one.subject.public_bytes(): one.subject.rfc4514_string()
        for one in read_certificates(pem, path)
    }


def issuers(pem: bytes, *, path: str) -> frozenset[bytes]:
    """Who issued the certificates of a file, in DER as TLS names CAs.

    Raises:
        CertificateUnreadable: The file holds no certificate that can be read.
    """
    return frozenset(one.issuer.public_bytes() for one in read_certificates(pem, path))


def name_text(name: bytes) -> str:
    """A distinguished name in DER as text; what is none, in hex.

    The library reads names only within something larger: here a signing request (RFC 2986 section 4)
    with an empty key and signature, which no one looks at.
    """
    public = bytes.fromhex("300a300506032b6570030100")
    asked = _sequence(b"\x02\x01\x00", name, public, b"\xa0\x00")
    request = _sequence(asked, bytes.fromhex("300506032b6570"), b"\x03\x01\x00")
    try:
        return x509.load_der_x509_csr(request).subject.rfc4514_string()
    except (ValueError, TypeError):
        return name.hex()


def _sequence(*parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    width = (size.bit_length() + 7) // 8 if size > _SHORT else 0  # X.690 section 8.1.3
    head = bytes((0x80 | width,)) + size.to_bytes(width, "big") if width else bytes((size,))
    return b"\x30" + head + content


def bundle_facts(pem: bytes, *, path: str) -> tuple[CertificateFacts, ...]:
    """What every certificate of a file says, in the order of the file.

    Args:
        pem: The bytes of the file, PEM or DER.
        path: How errors name the file.

    Raises:
        CertificateUnreadable: The file holds no certificate that can be read.
    """
    return tuple(map(facts_of, read_certificates(pem, path)))


def load_certificates(
    content: bytes, *, path: str, passphrase: bytes | None = None, whole: bool = True
) -> bytes:
    """The certificates of a file and nothing else of it, PEM: what may be handed out as ``ca.pem``.

    An intermediate CA whose root is not in the file, as in certbot's chain.pem, gets it from the trust
    store of this system, if it is there: Node requires complete chains. What a CA of the file
    issued for a server or client, with which certbot's fullchain.pem begins, stays out: Java would trust
    it past its end.

    Args:
        content: The bytes of the file, PEM, DER or PKCS #12; a private key in it stays out.
        path: How errors name the file.
        passphrase: What opens a PKCS #12 file.
        whole: Whether it gets that root. A server must not: it would accept all clients below.

    Raises:
        CertificateUnreadable: The file holds no certificate that can be read.
    """
    found = read_certificates(content, path, passphrase)
    certificates = [one for one in found if not _is_issued_among(one, found)]
    roots = missing_roots(certificates) if whole else ()
    return b"".join(map(certificate_pem, (*certificates, *roots)))


def _is_issued_among(certificate: x509.Certificate, others: Iterable[x509.Certificate]) -> bool:
    """Whether it is no CA, and one of the others, that is one, issued it."""
    return not is_ca(certificate) and any(
        is_ca(one) and is_issued_by(certificate, one) for one in others
    )


def is_public_ca(content: bytes, passphrase: bytes | None) -> bool:
    """Whether the CA certificates of a file are, or lead to, one that this system trusts.

    Args:
        content: The bytes of the file, PEM, DER or PKCS #12.
        passphrase: What opens a PKCS #12 file.

    Raises:
        CertificateUnreadable: The file holds no certificate that can be read.
    """
    certificates = read_certificates(content, "", passphrase)
    return any(map(is_public, (*certificates, *missing_roots(certificates))))


def load_key_pair(
    certificate: bytes,
    key: bytes,
    *,
    certificate_path: str,
    key_path: str,
    passphrase: bytes | None = None,
    of: str = "server",
) -> CertificateWithKey:
    """Read a certificate and its private key, and write both in our form, the chain in its order.

    Args:
        certificate: The bytes of the certificate file, PEM, DER or PKCS #12; in PEM the certificate of
            the key comes first.
        key: The bytes of the key file: PKCS #8, PKCS #1, SEC 1 or PKCS #12.
        certificate_path: How errors name the certificate file.
        key_path: How errors name the key file.
        passphrase: What opens an encrypted key or a PKCS #12 file.
        of: Whose they are, as their options begin: ``ca`` for ``--ca-key``.

    Raises:
        CertificateUnreadable: A file does not hold what it should, or does not open.
        KeyMismatch: The key is not that of the first certificate.
    """
    chain = read_certificates(certificate, certificate_path, passphrase)
    private_key = read_private_key(key, key_path, passphrase, of=of)
    matching = [position for position, one in enumerate(chain) if _belongs(private_key, one)]
    if 0 not in matching:
        raise KeyMismatch(
            f"the private key {key_path} does not belong to the certificate {certificate_path}",
            hint=f"put the certificate of the key first in {certificate_path}"
            if matching
            else "give the key that the certificate was requested with",
            path=key_path,
        )
    return CertificateWithKey(
        certificate_pem(chain[0]),
        private_key_pem(private_key),
        b"".join(map(certificate_pem, in_order(chain[0], chain[1:]))),
    )


def survey(
    pem_files: Mapping[str, tuple[bytes | None, bytes | None]],
    next_ca: tuple[bytes | None, bytes | None] = (None, None),
    requests: Mapping[str, bytes | None] = {},
) -> PkiFacts:
    """Find out what an existing PKI directory can be used for. Damaged files are just not usable.

    Args:
        pem_files: Certificate and key file of each role; ``None`` for a file that is not there. That of
            the clients' own CA is there where they have one.
        next_ca: Those of the CA that is to take over.
        requests: The signing request of each role.
    """
    found = {
        role: certificate
        for role, (content, _) in pem_files.items()
        if (certificate := _first(content)) is not None
    }
    ca = _all(pem_files.get(CA, (None, None))[0])
    above = dict.fromkeys(found, ca)
    if CLIENT_CA in pem_files:
        theirs = [role for role in found if role not in {CA, SERVER}]
        above |= dict.fromkeys(theirs, _all(pem_files[CLIENT_CA][0]))
    usable = {
        role
        for role, certificate in found.items()
        if (trusted := above[role])
        and (
            is_ca(certificate) == (role in {CA, CLIENT_CA})
            # A server that signed itself is its own CA, whatever it calls itself.
            or (role == SERVER and certificate in trusted and is_self_signed(certificate))
        )
        and (role in {CA, CLIENT_CA} or any(is_issued_by(certificate, one) for one in trusted))
        and _key_fits(certificate, pem_files[role][1])
    }
    following = _first(next_ca[0])
    fits = following is not None and is_ca(following) and _key_fits(following, next_ca[1])
    return PkiFacts(
        {
            role: facts_of(certificate, (*_all(pem_files[role][0]), *above[role]))
            for role, certificate in found.items()
        },
        frozenset(usable),
        next_ca=facts_of(following) if following is not None and fits else None,
        requests={
            role: names
            for role, content in requests.items()
            if (names := _requested(content, pem_files[role][1])) is not None
        },
    )


def _requested(request: bytes | None, key: bytes | None) -> frozenset[str] | None:
    """The names that a request of a key asks for; ``None`` where there are not both."""
    if request is None or key is None:
        return None
    from compose_tls.pki.signing_request import requested_names  # noqa: PLC0415 - few projects have one

    return requested_names(request, key)


def whole_pairs(
    pairs: Mapping[str, tuple[bytes | None, bytes | None]], trusted: bytes | None
) -> dict[str, tuple[CertificateFacts, bool]]:
    """The certificates, by name, that have their key next to them, and whether a trusted CA issued them.

    Args:
        pairs: Certificate and key file of each; ``None`` for a file that is not there.
        trusted: The CA certificates, PEM.
    """
    cas = _all(trusted)
    return {
        name: (facts_of(certificate), any(is_issued_by(certificate, ca) for ca in cas))
        for name, (content, key) in pairs.items()
        if (certificate := _first(content)) is not None and _key_fits(certificate, key)
    }


def is_issued_here(content: bytes | None, cas: bytes) -> bool:
    """Whether one of some CAs, PEM, issued the first certificate of a file."""
    certificate = _first(content)
    return certificate is not None and any(is_issued_by(certificate, ca) for ca in _all(cas))


def foreign_keys(pairs: Mapping[Path, tuple[bytes | None, bytes | None]]) -> frozenset[Path]:
    """The private keys that are not of their certificates, by their paths; damaged ones are of none.

    Args:
        pairs: Certificate and key file of each; what has no certificate, or was not read, is left out.
    """
    return frozenset(
        path
        for path, (content, key) in pairs.items()
        if key is not None
        and (certificate := _first(content)) is not None
        and not _key_fits(certificate, key)
    )


def _first(content: bytes | None) -> x509.Certificate | None:
    return next(iter(_all(content)), None)


def _all(content: bytes | None) -> tuple[x509.Certificate, ...]:
    if content is None:
        return ()
    try:
        return read_certificates(content, "")
    except CertificateError:
        return ()


def _key_fits(certificate: x509.Certificate, content: bytes | None) -> bool:
    if content is None:
        return False
    try:
        return _belongs(read_private_key(content, ""), certificate)
    except CertificateError:
        return False


def _belongs(key: PrivateKeyTypes, certificate: x509.Certificate) -> bool:
    return public_key_der(key.public_key()) == public_key_der(certificate.public_key())

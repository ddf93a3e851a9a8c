"""Reads certificates or a private key from the bytes of a file, or says what it contains instead."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from compose_tls.errors import CertificateUnreadable
from compose_tls.patterns import regex
from compose_tls.pki.inspection import quiet
from compose_tls.pki.keys import load_private_key
from compose_tls.pki.pkcs12 import is_pkcs12, read_pkcs12, require_affordable
from compose_tls.shell import quoted

MOST_BYTES: Final = 1 << 20
"""The largest file that is read, in bytes: four times the roots of Debian's ca-certificates."""

# RFC 7468 section 2; text around the blocks is allowed and ignored.
_BOUNDARY = regex(rb"-----(BEGIN|END) ([A-Z0-9 ]+)-----")

# cryptography's ways of saying that it cannot read something; some of a wrong ASN.1 type get past it.
_MALFORMED = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)

# As it says where it stopped. ITU-T X.680 section 41.4 has the characters.
_PRINTABLE: Final = "PrintableString"

_KEY_LABELS = frozenset(
    {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"}
)

_PKCS8: Final = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"

# The type signedData (RFC 5652 section 5.1) at the beginning of a DER structure. AD CS has it in PEM
# as well, under "CERTIFICATE", which openssl pkcs7 takes.
_PKCS7 = regex(rb"\x30[\x80-\x84].{0,4}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", re.DOTALL)

# What no reader takes, by how a file begins, and what makes it one that we take.
_DISGUISES: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"\xff\xfe", "is text in UTF-16", "iconv -f UTF-16 -t UTF-8 {path}"),
    (b"\xfe\xff", "is text in UTF-16", "iconv -f UTF-16 -t UTF-8 {path}"),
    (b"LS0tLS1CRUdJTi", "is PEM in base64, as a Kubernetes Secret has it", "base64 -d {path}"),
    (
        b"\xfe\xed\xfe\xed",
        "is a Java key store",
        "keytool -importkeystore -srckeystore {path} -destkeystore {path}.p12 -deststoretype PKCS12",
    ),
)

_SWAPPED = (
    "give the certificate and its key in their own options: perhaps they are the wrong way round"
)
_REQUEST = ("a signing request", "give the certificate that the CA made of it")

# What a file may hold instead, by the label of its first block, and what to do then.
_OTHER_KINDS = {
    "CERTIFICATE": ("a certificate", _SWAPPED),
    "PRIVATE KEY": ("a private key", _SWAPPED),
    "RSA PRIVATE KEY": ("a private key", _SWAPPED),
    "EC PARAMETERS": ("a private key", _SWAPPED),
    "EC PRIVATE KEY": ("a private key", _SWAPPED),
    "ENCRYPTED PRIVATE KEY": ("a private key", _SWAPPED),
    "OPENSSH PRIVATE KEY": ("an OpenSSH key", "convert it: ssh-keygen -p -m PKCS8 -f {path}"),
    "PUBLIC KEY": ("a public key", "give the file that belongs here"),
    "CERTIFICATE REQUEST": _REQUEST,
    "NEW CERTIFICATE REQUEST": _REQUEST,
    "PKCS7": ("a PKCS #7 bundle", "convert it: openssl pkcs7 -print_certs -in {path}"),
    "X509 CERTIFICATE": (
        "a certificate under its older label",
        "convert it: openssl x509 -in {path}",
    ),
    "TRUSTED CERTIFICATE": (
        "a certificate in OpenSSL's own form",
        "convert it: openssl x509 -in {path}",
    ),
}


def read_certificates(
    content: bytes, path: str, passphrase: bytes | None = None
) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM or PKCS #12 file in its order, or the one of a DER file.

    Args:
        content: The bytes of the file.
        path: How errors name it.
        passphrase: What opens it; ``None`` where nothing has to.

    Raises:
        CertificateUnreadable: There is no certificate, or one that cannot be read.
    """
    _require_small(content, path)
    blocks = pem_blocks(content)
    found = [block for label, block in blocks if label == "CERTIFICATE"]
    if blocks and not found:
        raise _wrong_kind(blocks[0][0], "certificate", path)
    try:
        with quiet():
            if found:
                certificates = tuple(map(x509.load_pem_x509_certificate, found))
            elif is_pkcs12(content):
                certificates = read_pkcs12(content, path, passphrase).certificates
                if not certificates:
                    raise _wrong_kind("PRIVATE KEY", "certificate", path)
            else:
                certificates = (x509.load_der_x509_certificate(content),)
            for certificate in certificates:
                _read_through(certificate)
    except _MALFORMED as error:
        if _is_der_key(content):
            raise _wrong_kind("PRIVATE KEY", "certificate", path) from None
        if _PRINTABLE in str(error):
            raise CertificateUnreadable(
                f"{path} holds a certificate with a name that is a PrintableString, and has a character"
                " that those do not have, such as & or *",
                hint="have it issued with that name as UTF8String",
                path=path,
            ) from None
        raise _malformed(content, "certificate", path) from None
    return certificates


def read_private_key(
    content: bytes, path: str, passphrase: bytes | None = None, *, of: str = "server"
) -> PrivateKeyTypes:
    """The first private key of a PEM file, or the one of a PKCS #12, PKCS #8, PKCS #1 or SEC 1 file.

    Args:
        content: The bytes of the file.
        path: How errors name it.
        passphrase: What opens it; ``None`` where nothing has to.
        of: Whose it is, as its options begin: ``server`` for ``--server-key``.

    Raises:
        CertificateUnreadable: There is no private key, or one that does not open or cannot be read.
    """
    _require_small(content, path)
    if is_pkcs12(content):
        key = read_pkcs12(content, path, passphrase).private_key
        if key is None:
            raise _wrong_kind("CERTIFICATE", "private key", path)
        return key
    blocks = pem_blocks(content)
    found = [block for label, block in blocks if label in _KEY_LABELS]
    if blocks and not found:
        raise _wrong_kind(blocks[0][0], "private key", path)
    try:
        with quiet():
            return load_private_key(found[0] if found else content)
    except TypeError:  # cryptography's way of saying that it needs a passphrase
        return _opened(found[0] if found else content, path, passphrase, of)
    except _MALFORMED:
        if _is_der_certificate(content):
            raise _wrong_kind("CERTIFICATE", "private key", path) from None
        raise _malformed(content, "private key", path) from None


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """One certificate in PEM, with one final newline."""
    return certificate.public_bytes(Encoding.PEM)


def certificate_der(content: bytes) -> bytes:
    """All certificates of a file, DER, one after the other.

    Raises:
        CertificateUnreadable: There is no certificate, or one that cannot be read.
    """
    certificates = read_certificates(content, "the CA file")
    return b"".join(certificate.public_bytes(Encoding.DER) for certificate in certificates)


def _opened(content: bytes, path: str, passphrase: bytes | None, of: str) -> PrivateKeyTypes:
    if passphrase is None:
        raise CertificateUnreadable(
            f"the private key {path} is encrypted, and no passphrase was given",
            hint=f"name a file with its passphrase: --{of}-passphrase-file FILE; or give an unencrypted "
            f"copy: openssl pkey -in {quoted(path)} -out unencrypted.key",
            path=path,
        )
    # Others in PEM take one round: OpenSSL's EVP_BytesToKey(3).
    if content.startswith(_PKCS8) or not content.startswith(b"-----BEGIN"):
        require_affordable(_der_of(content), passphrase, path)
    try:
        with quiet():
            return load_private_key(content, passphrase)
    except _MALFORMED:
        raise CertificateUnreadable(
            f"the passphrase does not open the private key {path}, or it is damaged",
            hint=f"try it: openssl pkey -noout -in {quoted(path)}",
            path=path,
        ) from None


def pem_blocks(content: bytes) -> list[tuple[str, bytes]]:
    """The label and the bytes of each whole block, in one pass over the content."""
    blocks: list[tuple[str, bytes]] = []
    begun: re.Match[bytes] | None = None
    for boundary in _BOUNDARY.finditer(content):
        if boundary[1] == b"BEGIN":
            begun = boundary
        elif begun is not None and begun[2] == boundary[2]:
            block = content[begun.start() : boundary.end()]
            blocks.append((boundary[2].decode(), block + b"\n"))
            begun = None
    return blocks


def _der_of(content: bytes) -> bytes:
    if not content.startswith(b"-----BEGIN"):
        return content
    _, _, body, *_ = (*content.split(b"-----", 3), b"", b"")
    # Headers are before an empty line, which the library looks for in this order.
    for gap in (b"\n\n", b"\r\n\r\n"):
        if gap in body:
            body = body.split(gap, 1)[1]
            break
    try:
        return b64decode(b"".join(body.split()), validate=True)
    except ValueError:
        return b""


def _require_small(content: bytes, path: str) -> None:
    if len(content) > MOST_BYTES:
        raise CertificateUnreadable(
            f"{path} is larger than {MOST_BYTES >> 10} KiB, too large for a certificate file",
            hint="give a file with the certificates that are needed here, and no others",
            path=path,
        )


def _read_through(certificate: x509.Certificate) -> None:
    """Look at every part that is read later: cryptography decodes them only when asked."""
    if certificate.serial_number < 0:
        # RFC 5280 section 4.1.2.2; Go, and so Milvus, reads no such certificate from 1.23 on.
        msg = "negative serial number"
        raise ValueError(msg)
    _ = (
        certificate.subject,
        certificate.issuer,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.public_key(),
        certificate.extensions,
    )


def _is_der_key(content: bytes) -> bool:
    try:
        load_private_key(content)
    except TypeError:  # encrypted, and so a key
        return True
    except _MALFORMED:
        return False
    return True


def _is_der_certificate(content: bytes) -> bool:
    try:
        with quiet():
            x509.load_der_x509_certificate(content)
    except _MALFORMED:
        return False
    return True


def _wrong_kind(label: str, wanted: str, path: str) -> CertificateUnreadable:
    found, hint = _OTHER_KINDS.get(
        label, (f"a block {label!r}", f"give a PEM, DER or PKCS #12 file with a {wanted}")
    )
    return CertificateUnreadable(
        f"{path} holds {found}, not a {wanted}", hint=hint.format(path=quoted(path)), path=path
    )


def _malformed(content: bytes, wanted: str, path: str) -> CertificateUnreadable:
    named = quoted(path)
    for begin, what, command in _DISGUISES:
        if content.startswith(begin):
            hint = f"convert it: {command.format(path=named)}"
            return CertificateUnreadable(f"{path} {what}", hint=hint, path=path)
    if _PKCS7.match(_der_of(content)):
        form = "" if b"-----BEGIN" in content else "-inform DER "
        return CertificateUnreadable(
            f"{path} holds a PKCS #7 bundle, not a {wanted}",
            hint=f"convert it: openssl pkcs7 {form}-print_certs -in {named}",
            path=path,
        )
    if not content.strip():
        reason = "is empty"
    elif b"-----BEGIN" in content:
        reason = f"holds a {wanted} that is cut short, damaged or of an unknown kind"
    else:
        reason = f"holds no {wanted} in PEM, DER or PKCS #12"
    return CertificateUnreadable(
        f"{path} {reason}", hint=f"give a PEM, DER or PKCS #12 file with a {wanted}", path=path
    )

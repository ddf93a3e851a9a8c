"""PKCS #12 (RFC 7292): certificate, key and chain in one file, under a passphrase."""

from __future__ import annotations

import codecs
import re
from dataclasses import field
from math import prod
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from compose_tls.errors import CertificateUnreadable
from compose_tls.patterns import regex
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import quiet
from compose_tls.pki.keys import IssuingKey, load_private_key
from compose_tls.shell import quoted
from compose_tls.values import dataclass

# RFC 7292 section 4: a PFX is a SEQUENCE that begins with version 3; no certificate or key does.
_PFX: Final = regex(
    rb"\x30(?:[\x00-\x7f]|\x80|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL
)


MOST_ITERATIONS: Final = 2_000_000
"""How many rounds a passphrase may take in all, for its key, its certificates and its checksum.

OWASP's Password Storage Cheat Sheet (2023) asks for 600,000 rounds of PBKDF2 with SHA-256: three times
that and a little more, which takes a second.
"""

# X.690 section 8.1: what is read of it. OpenSSL nests 30 deep, too.
_INTEGER: Final = 0x02
_OCTETS: Final = 0x04
_SEQUENCE: Final = 0x10
_END: Final = b"\0\0"
_CONSTRUCTED: Final = 0x20
_HIGH_TAG: Final = 0x1F
_INDEFINITE: Final = 0x80
_DEEPEST: Final = 30
_DATA: Final = bytes.fromhex("2a864886f70d010701")  # RFC 2315 section 14
_LAYERS: Final = 2  # the AuthenticatedSafe, and in it SafeContents (RFC 7292 section 4)
_SCRYPT: Final = 3


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a PKCS #12 file holds; the certificate of the key comes first."""

    certificates: tuple[x509.Certificate, ...]
    private_key: PrivateKeyTypes | None = field(repr=False)


def passphrase_in(content: bytes) -> bytes:
    """The passphrase that a file holds, without its last line break and a byte order mark."""
    return content.removeprefix(codecs.BOM_UTF8).removesuffix(b"\n").removesuffix(b"\r")


def is_pkcs12(content: bytes) -> bool:
    """Whether the bytes of a file are those of a PKCS #12 file."""
    return _PFX.match(content) is not None


def read_pkcs12(content: bytes, path: str, passphrase: bytes | None) -> Bundle:
    """Open a PKCS #12 file.

    Args:
        content: Its bytes.
        path: How errors name it.
        passphrase: What opens it; ``None`` for a file without one.

    Raises:
        CertificateUnreadable: The passphrase does not open it, or it is damaged.
    """
    require_affordable(content, passphrase, path)
    try:
        with quiet():
            found = pkcs12.load_pkcs12(content, passphrase)
    except (ValueError, UnsupportedAlgorithm):
        if passphrase is None:
            raise CertificateUnreadable(
                f"the PKCS #12 file {path} needs a passphrase, or is damaged",
                hint="name a file with its passphrase, such as --server-passphrase-file FILE",
                path=path,
            ) from None
        raise CertificateUnreadable(
            f"the passphrase does not open the PKCS #12 file {path}, or it is damaged",
            hint=f"try it: openssl pkcs12 -info -noout -in {quoted(path)}",
            path=path,
        ) from None
    held = ([found.cert] if found.cert else []) + found.additional_certs
    return Bundle(tuple(one.certificate for one in held), found.key)


def require_affordable(content: bytes, passphrase: bytes | None, path: str) -> None:
    """Make sure that a passphrase can be tried on an encrypted file, in a second at most.

    Args:
        content: DER, or BER as older programs write it.
        passphrase: What is to open it.
        path: How errors name the file.

    Raises:
        CertificateUnreadable: The passphrase is not text, or trying it takes too long.
    """
    try:
        (passphrase or b"").decode()
    except UnicodeDecodeError:
        # RFC 7292 appendix B.1 and RFC 8018 section 3: a passphrase is text.
        raise CertificateUnreadable(
            f"the passphrase for {path} is not UTF-8",
            hint="save the passphrase file as UTF-8 text",
            path=path,
        ) from None
    try:
        rounds = _rounds(_first(content))
    except ValueError:
        raise CertificateUnreadable(
            f"{path} is encrypted in a form that cannot be read, or is damaged",
            hint="export it again, with openssl pkcs12 or openssl pkcs8 -topk8",
            path=path,
        ) from None
    if rounds > MOST_ITERATIONS:
        raise CertificateUnreadable(
            f"{path} asks for {rounds:,} rounds for one passphrase, more than {MOST_ITERATIONS:,}",
            hint="export it again with fewer: openssl pkcs12, or openssl pkcs8 -topk8, with -iter 600000",
            path=path,
        )


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of ASN.1 in BER (X.690 section 8), as older programs write it, and as OpenSSL reads it.

    Attributes:
        tag: With its class, without the bit that says how it is encoded.
        content: The octets of a primitive one.
        parts: The elements of a constructed one.
    """

    tag: int
    content: bytes
    parts: tuple[_Element, ...] = ()

    def octets(self) -> bytes:
        """Those of a string; one in pieces has them in pieces of any kind."""
        return self.content + b"".join(part.octets() for part in self.parts)


def _first(content: bytes) -> _Element:
    """The first element; what comes after it is left to who reads it.

    Raises:
        ValueError: There is none, or one of a form that no program writes.
    """
    return _Reader(content).element(0, len(content), _DEEPEST)[0]


@dataclass(slots=True)
class _Reader:
    """Reads elements, as many as there are in a large file of keys and certificates."""

    content: bytes
    left: int = 20_000

    def element(self, at: int, end: int, depth: int) -> tuple[_Element, int]:
        """One element, and where the next one begins."""
        self.left -= 1
        head = self.content[at : min(at + 2, end)]
        if len(head) < len("TL") or head[0] & _HIGH_TAG == _HIGH_TAG or not depth or not self.left:
            raise ValueError
        tag, size, at = head[0], head[1], at + 2
        endless = size == _INDEFINITE
        if size > _INDEFINITE:
            width = size - _INDEFINITE
            size = int.from_bytes(self.content[at : at + width], "big")
            at += width
        stop = end if endless else at + size
        if stop > end:
            raise ValueError
        if not tag & _CONSTRUCTED:
            if endless:
                raise ValueError
            return _Element(tag, self.content[at:stop]), stop
        parts = []
        while endless or at < stop:
            if endless and self.content[at : min(at + 2, end)] == _END:
                stop = at + len(_END)
                break
            part, at = self.element(at, stop, depth - 1)
            parts.append(part)
        return _Element(tag & ~_CONSTRUCTED, b"", tuple(parts)), stop


def _rounds(element: _Element, layers: int = _LAYERS) -> int:
    """The rounds that all key derivations in an encrypted file take together.

    They are INTEGERs behind a salt, which is an OCTET STRING (RFC 8018 appendix A, RFC 7292 section 4).
    Of scrypt (RFC 7914 section 7) they are cost, block size and parallelization.

    Raises:
        ValueError: The content of a part that holds more such parts cannot be read.
    """
    tags = [part.tag for part in element.parts]
    total = 0
    if element.tag == _SEQUENCE and _OCTETS in tags:
        behind = element.parts[tags.index(_OCTETS) :]
        found = [int.from_bytes(part.content, "big") for part in behind if part.tag == _INTEGER]
        total = prod(found[:_SCRYPT]) if len(found) >= _SCRYPT else sum(found[:1])
    match element.parts:
        case (_Element(_, kind), _Element(parts=(string,))) if kind == _DATA:
            if not layers:
                raise ValueError
            return total + _rounds(_first(string.octets()), layers - 1)
    return total + sum(_rounds(part, layers) for part in element.parts)


def pkcs12_of(pair: CertificateWithKey, ca_pem: bytes, *, name: str, passphrase: bytes) -> bytes:
    """A certificate, its key, its chain and the CA certificates as a PKCS #12 file.

    It is encrypted with AES-256 and checked with SHA-256 (RFC 8018, RFC 7292 section 4), which Java reads
    from 8u301 on (JDK-8153005); the RC2 and 3DES of older ones are not written.

    Args:
        pair: The certificate and its key.
        ca_pem: The CA certificates that its owner is to trust.
        name: What programs list the entry as.
        passphrase: What opens the file.
    """
    certificate, *chain = x509.load_pem_x509_certificates(pair.full_chain_pem)
    key = load_private_key(pair.private_key_pem)
    if not isinstance(key, IssuingKey):
        msg = "a pair of ours has an ECDSA or RSA key"
        raise TypeError(msg)
    trusted = x509.load_pem_x509_certificates(ca_pem)
    others = [*chain, *(ca for ca in trusted if ca not in chain)]
    return pkcs12.serialize_key_and_certificates(
        name.encode(), key, certificate, others, BestAvailableEncryption(passphrase)
    )

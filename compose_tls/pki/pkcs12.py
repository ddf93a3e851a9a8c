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

# A salt with the rounds behind it in ASN.1 (X.690 section 8): an OCTET STRING, then INTEGERs. Before it
# is the head of their SEQUENCE (RFC 8018 appendix A.2), or in MacData (RFC 7292 section 4) a digest.
_DIGESTS: Final = (20, 28, 32, 48, 64)
_BEFORE: Final = (
    rb"\x30[\x00-\x80]",
    rb"\x30\x81.",
    rb"\x30\x82..",
    *(rb"\x04" + re.escape(bytes([size])) + b".{%d}" % size for size in _DIGESTS),
)
_SALT: Final = regex(
    rb"(?=\x04(?:([\x00-\x7f])|\x81(.)|\x82(..)))(?:"
    + b"|".join(b"(?<=" + before + b")" for before in _BEFORE)
    + b")",
    re.DOTALL,
)
_INTEGER: Final = 0x02
_LONGEST_INTEGER: Final = 5  # octets: OpenSSL reads 31 bits
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
    rounds = _rounds(content)
    if rounds > MOST_ITERATIONS:
        raise CertificateUnreadable(
            f"{path} asks for {rounds:,} rounds for one passphrase, more than {MOST_ITERATIONS:,}",
            hint="export it again with fewer: openssl pkcs12, or openssl pkcs8 -topk8, with -iter 600000",
            path=path,
        )


def _rounds(content: bytes) -> int:
    """The rounds that all key derivations in an encrypted file take together.

    They are looked for, and not parsed: older programs write BER, and the library says itself what it
    cannot read. Of scrypt (RFC 7914 section 7) they are cost, block size and parallelization.
    """
    total = 0
    for found in _SALT.finditer(content):
        size = next(size for size in found.groups() if size is not None)
        salt = found.start() + 1 + len(size) + (found[1] is None)
        numbers = _integers(content, salt + int.from_bytes(size, "big"))
        total += prod(numbers) if len(numbers) == _SCRYPT else sum(numbers[:1])
    return total


def _integers(content: bytes, position: int) -> list[int]:
    """The INTEGERs that stand one after the other, up to three."""
    numbers: list[int] = []
    while len(numbers) < _SCRYPT and content[position : position + 1] == bytes([_INTEGER]):
        size = int.from_bytes(content[position + 1 : position + 2], "big")
        if size > _LONGEST_INTEGER:
            break
        numbers.append(int.from_bytes(content[position + 2 : position + 2 + size], "big"))
        position += 2 + size
    return numbers


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

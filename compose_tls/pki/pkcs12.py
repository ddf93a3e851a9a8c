"""PKCS #12 (RFC 7292): certificate, key and chain in one file, under a passphrase."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from compose_tls.errors import CertificateUnreadable
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import quiet
from compose_tls.pki.keys import IssuingKey, load_private_key

# RFC 7292 section 4: a PFX is a SEQUENCE that begins with version 3; no certificate or key does.
_PFX: Final = re.compile(
    rb"\x30(?:[\x00-\x7f]|\x80|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a PKCS #12 file holds; the certificate of the key comes first."""

    certificates: tuple[x509.Certificate, ...]
    private_key: PrivateKeyTypes | None = field(repr=False)


def passphrase_in(content: bytes) -> bytes:
    """The passphrase that a file holds: its last line break does not belong to it."""
    return content.removesuffix(b"\n").removesuffix(b"\r")


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
            hint=f"try it: openssl pkcs12 -info -noout -in {path}",
            path=path,
        ) from None
    held = ([found.cert] if found.cert else []) + found.additional_certs
    return Bundle(tuple(one.certificate for one in held), found.key)


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

"""The root certificates that this system trusts, as the programs of its other users do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from cryptography import x509

from compose_tls.errors import CertificateUnreadable
from compose_tls.pki.inspection import is_issued_by, is_self_signed, issuers_of
from compose_tls.pki.pem import pem_blocks, read_certificates

# Where Go looks (crypto/x509, root_linux.go and root_bsd.go), where OpenSSL names no file of its own.
_PLACES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def missing_roots(certificates: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The roots that the CA certificates of a file lead to, and that are not among them."""
    tops = [(one, *issuers_of(one, certificates))[-1] for one in certificates]
    found = [
        next((root for root in _roots(store_file()) if is_issued_by(top, root)), None)
        for top in tops
        if not is_self_signed(top)
    ]
    return tuple(dict.fromkeys(root for root in found if root is not None))


def is_public(certificate: x509.Certificate) -> bool:
    """Whether everyone's programs trust a CA, and it issues for everyone."""
    return certificate in _roots(store_file())


def public_roots() -> bytes:
    """The roots that this system trusts, PEM without comments; nothing where there is no such file."""
    store = store_file()
    try:
        blocks = pem_blocks(Path(store).read_bytes()) if store else []
    except OSError:
        return b""
    return b"".join(block for label, block in blocks if label == "CERTIFICATE")


def store_file() -> str | None:
    """The file that holds the roots that this system trusts; ``None`` where none is found."""
    import ssl  # noqa: PLC0415 - 20 ms, and few files lack their root

    own = ssl.get_default_verify_paths().cafile
    return own or next((place for place in _PLACES if Path(place).is_file()), None)


@cache
def _roots(store: str | None) -> tuple[x509.Certificate, ...]:
    if store is None:
        return ()
    try:
        blocks = pem_blocks(Path(store).read_bytes())
    except OSError:
        return ()
    found: list[x509.Certificate] = []
    for label, block in blocks:
        if label == "CERTIFICATE":
            try:
                found += read_certificates(block, store)
            except CertificateUnreadable:
                continue  # a store may hold what this library does not read
    return tuple(found)

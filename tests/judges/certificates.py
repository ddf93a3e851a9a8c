"""What the judges get to see: certificates of every key type, issued under every option."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    pkcs12,
)

from compose_tls.changes import CertificateOrder
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_all
from compose_tls.pki.keys import IssuingKey, generate_key, load_private_key
from compose_tls.pki.names import split_names
from compose_tls.vocabulary import KeyType
from tests.unit.pki.minting import SUBJECT, mint

KEY_TYPES: Final[tuple[KeyType, ...]] = get_args(KeyType)
STORE_PASSPHRASE: Final = b"changeit"

_NAMES: Final = ("localhost", "milvus_standalone", "milvus.example", "127.0.0.1", "::1")
CLIENT_NAME: Final = "client.milvus.internal"
_NON_ASCII: Final = "O=Größe und Söhne,L=北京,C=DE"


@dataclass(frozen=True, slots=True)
class Presented:
    """What one end of a connection shows, and what the other makes of it.

    Attributes:
        ca_pem: The root that the other end trusts.
        names: The names by which it is reached; none for a client.
    """

    role: Literal["server", "client"]
    pair: CertificateWithKey
    ca_pem: bytes
    names: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str | None, ...]:
        """The names to judge it by; one question without a name for a client."""
        return self.names or (None,)


@dataclass(frozen=True, slots=True)
class Issued:
    """Certificates of one key type under one option.

    Attributes:
        ours: Each certificate that we made, by its profile; a brought CA is not ours.
    """

    ours: Mapping[str, bytes]
    server: Presented
    client: Presented


def _orders(
    key_type: KeyType,
    *,
    names: Sequence[str] = _NAMES,
    subject: str = SUBJECT,
    permitted: Sequence[str] = (),
) -> list[CertificateOrder]:
    return [
        CertificateOrder(
            "ca", f"CN=compose-tls CA,{subject}", key_type, 3650, permitted_dns=tuple(permitted)
        ),
        CertificateOrder("server", f"CN=localhost,{subject}", key_type, 825, tuple(names)),
        CertificateOrder("client", f"CN=client,{subject}", key_type, 825, (CLIENT_NAME,)),
    ]


def _plain(key_type: KeyType) -> Issued:
    return _under_our_ca(_orders(key_type), _NAMES)


def _constrained(key_type: KeyType) -> Issued:
    return _under_constraints(key_type, [name for name in _NAMES if "_" not in name])


def _constrained_underscore(key_type: KeyType) -> Issued:
    return _under_constraints(key_type, _NAMES)


def _under_constraints(key_type: KeyType, names: Sequence[str]) -> Issued:
    permitted, _ = split_names([*names, CLIENT_NAME])
    return _under_our_ca(_orders(key_type, names=names, permitted=permitted), names)


def _idna(key_type: KeyType) -> Issued:
    return _under_our_ca(
        _orders(key_type, names=["bücher.example", "例え.テスト"]),
        ["xn--bcher-kva.example", "xn--r8jz45g.xn--zckzah"],
    )


def _wildcard(key_type: KeyType) -> Issued:
    return _under_our_ca(_orders(key_type, names=["*.milvus.example"]), ["one.milvus.example"])


def _non_ascii(key_type: KeyType) -> Issued:
    return _under_our_ca(_orders(key_type, subject=_NON_ASCII), _NAMES)


def _intermediate(key_type: KeyType) -> Issued:
    root = mint("brought root", ca=True, key=_brought_key(key_type))
    lower = mint("brought issuer", ca=True, issuer=root, key=generate_key(key_type))
    issued = issue_all(_orders(key_type)[1:], lower, datetime.now(UTC))
    return _seen(issued["server"], issued["client"], root.certificate_pem, _NAMES)


OPTIONS: Final[Mapping[str, Callable[[KeyType], Issued]]] = {
    "as enable has it": _plain,
    "name-constrained CA": _constrained,
    "name-constrained CA, name with an underscore": _constrained_underscore,
    "under an intermediate CA": _intermediate,
    "IDNA names": _idna,
    "wildcard": _wildcard,
    "non-ASCII subject": _non_ascii,
}


@cache
def issued(option: str, key_type: KeyType) -> Issued:
    """Certificates of a key type under an option, made once."""
    return OPTIONS[option](key_type)


@cache
def foreign(key_type: KeyType) -> Issued:
    """The same for the same names, from a CA that nobody here trusts."""
    return _plain(key_type)


@cache
def _brought_key(key_type: KeyType) -> IssuingKey:
    return generate_key(key_type)


def _under_our_ca(orders: list[CertificateOrder], names: Sequence[str]) -> Issued:
    made = issue_all(orders, None, datetime.now(UTC))
    return _seen(
        made["server"],
        made["client"],
        made["ca"].certificate_pem,
        names,
        {"ca": made["ca"].certificate_pem},
    )


def _seen(
    server: CertificateWithKey,
    client: CertificateWithKey,
    ca_pem: bytes,
    names: Sequence[str],
    ours: Mapping[str, bytes] | None = None,
) -> Issued:
    return Issued(
        {**(ours or {}), "server": server.certificate_pem, "client": client.certificate_pem},
        Presented("server", server, ca_pem, tuple(names)),
        Presented("client", client, ca_pem),
    )


@dataclass(frozen=True, slots=True)
class Files:
    """One end's certificates in files, as programs want them; ``ca`` is the root to trust."""

    ca: Path
    leaf: Path
    intermediates: Path
    chain: Path
    key: Path
    store: Path


def written(shown: Presented, directory: Path) -> Files:
    """Write what one end shows, and the root to trust."""
    files = Files(
        *(
            directory / f"{shown.role}-{name}"
            for name in ("ca.pem", "leaf.pem", "above.pem", "chain.pem", "key.pem", "store.p12")
        )
    )
    files.ca.write_bytes(shown.ca_pem)
    files.leaf.write_bytes(shown.pair.certificate_pem)
    files.intermediates.write_bytes(shown.pair.chain_pem)
    files.chain.write_bytes(shown.pair.full_chain_pem)
    files.key.write_bytes(shown.pair.private_key_pem)
    return files


def write_store(shown: Presented, path: Path) -> None:
    """Write certificate, chain and key as PKCS #12 too, as Java wants them."""
    certificate, *above = x509.load_pem_x509_certificates(shown.pair.full_chain_pem)
    key = load_private_key(shown.pair.private_key_pem)
    assert isinstance(key, IssuingKey)
    protection = BestAvailableEncryption(STORE_PASSPHRASE)
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"peer", key, certificate, above, protection)
    )

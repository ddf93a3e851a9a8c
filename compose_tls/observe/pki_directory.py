"""Certificates and keys: those at hand, and those that the user brings. No key leaves this module."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError
from compose_tls.layout import NEXT_CA, SERIAL_FILE
from compose_tls.observation import PkiFacts
from compose_tls.observe.file_reader import Reader
from compose_tls.state.recorded import State
from compose_tls.vocabulary import CertificateRole

Pair: TypeAlias = tuple[bytes | None, bytes | None]
"""The bytes of a certificate and of its private key."""

_END_ENTITIES: tuple[CertificateRole, ...] = ("server", "client")
_ROLES: tuple[CertificateRole, ...] = ("ca", *_END_ENTITIES)


def read_pki(directory: Path, config: TlsConfig, state: State | None, reader: Reader) -> PkiFacts:
    """Read the PKI directory and the TLS directory, also that of an earlier enable.

    Args:
        directory: The project directory.
        config: The settings; they say where certificates and keys are.
        state: What an earlier enable left.
        reader: Remembers the files.

    Raises:
        FileUnreadable: A file may not be read.
    """
    pki, tls = directory / config.pki_dir, directory / config.tls_dir
    pairs: dict[CertificateRole, Pair] = {}
    for role in _ROLES:
        certificate, key = pki / f"{role}.pem", pki / f"{role}.key"
        pairs[role] = (reader.content(certificate), reader.secret(key))
    for place in {tls, directory / state.tls_dir} if state else {tls}:
        reader.secret(place / "server.key")
        for name in ("server.pem", "ca.pem", ".gitignore"):
            reader.content(place / name)
    reader.content(pki / ".gitignore")
    next_ca = (reader.content(pki / f"{NEXT_CA}.pem"), reader.secret(pki / f"{NEXT_CA}.key"))
    requests: dict[CertificateRole, bytes | None] = {
        role: reader.content(pki / f"{role}.csr") for role in _END_ENTITIES
    }
    reader.content(pki / SERIAL_FILE)
    brought = _brought(directory, config, reader, pairs)
    if not any(certificate for certificate, _ in pairs.values()):
        return PkiFacts({}, frozenset())
    from compose_tls.pki.load import survey  # noqa: PLC0415 - cryptography costs 75 ms

    return replace(survey(pairs, next_ca, requests), brought=brought)


def _brought(
    directory: Path,
    config: TlsConfig,
    reader: Reader,
    pairs: Mapping[CertificateRole, Pair],
) -> frozenset[CertificateRole]:
    """The roles whose certificate and key, as the user names them, lie in the PKI directory.

    There they lie in our own form, without what else the user's files hold.
    """
    if config.ca_cert is None:
        return frozenset()
    from compose_tls.pki.load import (  # noqa: PLC0415 - cryptography costs 75 ms
        load_certificates,
        load_key_pair,
    )
    from compose_tls.pki.pkcs12 import passphrase_in  # noqa: PLC0415 - as above

    def named(role: CertificateRole, suffix: str) -> bytes | None:
        # A certificate file may hold the key as well, so none is kept in mind.
        name: str | None = getattr(config, f"{role}_{suffix}")
        return reader.secret(directory / name) if name else None

    def passphrase(role: CertificateRole) -> bytes | None:
        content = named(role, "passphrase_file")
        return None if content is None else passphrase_in(content)

    found: set[CertificateRole] = set()
    trusted = named("ca", "cert")
    with suppress(CertificateError):
        if trusted and pairs["ca"][0] == load_certificates(
            trusted, path="", passphrase=passphrase("ca")
        ):
            found.add("ca")
    for role in _END_ENTITIES:
        certificate, key = named(role, "cert"), named(role, "key")
        if certificate is None or key is None:
            continue
        with suppress(CertificateError):
            pair = load_key_pair(
                certificate,
                key,
                certificate_path="",
                key_path="",
                passphrase=passphrase(role),
            )
            if pairs[role] == (pair.full_chain_pem, pair.private_key_pem):
                found.add(role)
    return frozenset(found)

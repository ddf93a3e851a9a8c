"""Certificates and keys: those at hand, and those that the user brings. No key leaves this module."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError
from compose_tls.files import PEM_LIMIT, ProjectFiles
from compose_tls.layout import (
    CA,
    CA_CERTIFICATE,
    CERTIFICATE,
    CLIENT,
    IGNORE_FILE,
    KEY,
    NEXT_CA_CERTIFICATE,
    NEXT_CA_KEY,
    PROXY,
    PUBLIC_ROOTS,
    REQUEST,
    SERIAL_FILE,
    SERVER,
    SERVER_CERTIFICATE,
    SERVER_KEY,
    STACK,
    STACK_CA,
    STACK_FILES,
)
from compose_tls.observation import PkiFacts
from compose_tls.observe.file_reader import FileReader
from compose_tls.state.recorded import BroughtFiles, State, brought_files

Pair: TypeAlias = tuple[bytes | None, bytes | None]
"""The bytes of a certificate and of its private key."""

_END_ENTITIES: Final = (SERVER, CLIENT)
_OWN: Final = (CA, *_END_ENTITIES)


def read_pki(
    directory: Path, config: TlsConfig, state: State | None, reader: FileReader
) -> PkiFacts:
    """Read the PKI directory and the TLS directory, also that of an earlier enable.

    Args:
        directory: The project directory.
        config: The settings; they say where certificates and keys are.
        state: What an earlier enable left.
        reader: Remembers the files.

    Raises:
        FileUnreadable: A file may not be read.
    """
    content = partial(reader.content, limit=PEM_LIMIT)
    pki, tls = directory / config.pki_dir, directory / config.served_dir
    pairs: dict[str, Pair] = {}
    for name in _OWN:
        certificate, key = pki / f"{name}{CERTIFICATE}", pki / f"{name}{KEY}"
        pairs[name] = (content(certificate), reader.secret(key))
    before = directory / state.settings.served_dir if state else tls
    # Where the record leads outside, it is not the user who says so.
    known = ProjectFiles(directory, reader.outside).is_inside(before)
    for place in {tls, before} if known else {tls}:
        reader.secret(place / SERVER_KEY)
        for name in (SERVER_CERTIFICATE, CA_CERTIFICATE, IGNORE_FILE):
            content(place / name)
    content(pki / IGNORE_FILE)
    next_ca = (content(pki / NEXT_CA_CERTIFICATE), reader.secret(pki / NEXT_CA_KEY))
    requests: dict[str, bytes | None] = {
        name: content(pki / f"{name}{REQUEST}") for name in _END_ENTITIES
    }
    content(pki / SERIAL_FILE)
    provided = _provided(directory, config, reader, pairs)
    stack = _read_stack(directory, config, state, reader)
    if not any(certificate for certificate, _ in pairs.values()):
        return PkiFacts({}, frozenset())
    from compose_tls.pki.load import survey  # noqa: PLC0415 - cryptography costs 75 ms

    found = replace(survey(pairs, next_ca, requests), provided=provided)
    if not stack:
        return found
    # Those of the parts have a CA of their own.
    parts = survey({CA if name == STACK_CA else name: pair for name, pair in stack.items()})
    ca = {STACK_CA: parts.certificates[CA]} if CA in parts.certificates else {}
    others = {name: one for name, one in parts.certificates.items() if name != CA}
    usable = {STACK_CA if name == CA else name for name in parts.usable}
    return replace(
        found,
        certificates={**found.certificates, **ca, **others},
        usable=found.usable | usable,
    )


def _read_stack(
    directory: Path, config: TlsConfig, state: State | None, reader: FileReader
) -> dict[str, Pair]:
    """What parts of the project have, where any of them has something; the pairs of the PKI directory."""
    pki, tls = directory / config.pki_dir, directory / config.tls_dir
    before = directory / state.settings.tls_dir if state else tls
    known = ProjectFiles(directory, reader.outside).is_inside(before)
    ca = reader.content(pki / f"{STACK_CA}{CERTIFICATE}", PEM_LIMIT)
    # What parts have stays after a disable, of which nothing is recorded.
    served = [(PROXY, name) for name in (SERVER_CERTIFICATE, SERVER_KEY, CA_CERTIFICATE)]
    held = [(folder, name) for folder, files in STACK_FILES.items() for name, _ in files]
    for root in {tls, before} if known else {tls}:
        reader.content(root / IGNORE_FILE)
        for folder, name in (*served, *held) if ca else served:
            path = root / folder / name
            if path not in reader.files:
                reader.secret(path) if path.suffix == KEY else reader.content(path)
    if ca is None:
        return {}
    reader.content(pki / PUBLIC_ROOTS)
    return {
        name: (
            reader.content(pki / f"{name}{CERTIFICATE}", PEM_LIMIT),
            reader.secret(pki / f"{name}{KEY}"),
        )
        for name in STACK
    }


def _provided(
    directory: Path,
    config: TlsConfig,
    reader: FileReader,
    pairs: Mapping[str, Pair],
) -> frozenset[str]:
    """The identities whose certificate and key, as the user names them, lie in the PKI directory.

    There they lie in our own form, without what else the user's files hold.
    """
    if config.ca_cert is None:
        return frozenset()
    from compose_tls.pki.load import (  # noqa: PLC0415 - cryptography costs 75 ms
        load_certificates,
        load_key_pair,
    )
    from compose_tls.pki.pkcs12 import passphrase_in  # noqa: PLC0415 - as above

    def content(path: Path | None) -> bytes | None:
        # A certificate file may hold the key as well, so none is kept in mind.
        return reader.secret(path) if path else None

    def passphrase(files: BroughtFiles) -> bytes | None:
        found = content(files.passphrase)
        return None if found is None else passphrase_in(found)

    found: set[str] = set()
    files = brought_files(directory, config, CA)
    trusted = content(files.certificate)
    with suppress(CertificateError):
        if trusted and pairs[CA][0] == load_certificates(
            trusted, path="", passphrase=passphrase(files)
        ):
            found.add(CA)
    for name in _END_ENTITIES:
        if getattr(config, f"{name}_cert") is None:
            continue
        files = brought_files(directory, config, name)
        certificate, key = content(files.certificate), content(files.key)
        if certificate is None or key is None:
            continue
        with suppress(CertificateError):
            pair = load_key_pair(
                certificate,
                key,
                certificate_path="",
                key_path="",
                passphrase=passphrase(files),
            )
            if pairs[name] == (pair.full_chain_pem, pair.private_key_pem):
                found.add(name)
    return frozenset(found)

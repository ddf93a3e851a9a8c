"""Certificates and keys: those available, and those that the user brings. No key leaves this module."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from compose_tls import layout
from compose_tls.config import TlsConfig
from compose_tls.config.own_files import BroughtFiles, brought_files
from compose_tls.errors import CertificateError
from compose_tls.files import PEM_LIMIT, YAML_LIMIT, ProjectFiles
from compose_tls.observation import PkiFacts
from compose_tls.observe.file_reader import FileReader
from compose_tls.project.model import makes_client_ca, may_have_client_ca
from compose_tls.state.recorded import State

Pair: TypeAlias = tuple[bytes | None, bytes | None]
"""The bytes of a certificate and of its private key."""

_END_ENTITIES: Final = (layout.SERVER, layout.CLIENT)
_OWN: Final = (layout.CA, *_END_ENTITIES)
# The public roots of a system are 200 KiB and more.
_ROOTS_LIMIT: Final = YAML_LIMIT


def read_pki(
    directory: Path,
    config: TlsConfig,
    state: State | None,
    reader: FileReader,
    services: Iterable[str],
) -> PkiFacts:
    """Read the PKI directory and the TLS directory, also that of an earlier enable.

    Args:
        directory: The project directory.
        config: The settings; they say where certificates and keys are.
        state: What an earlier enable left.
        reader: Remembers the files.
        services: The services of the project, which may have identities and directories of their own.

    Raises:
        FileUnreadable: A file may not be read.
    """
    content = partial(reader.content, limit=PEM_LIMIT)
    pki, tls = directory / config.pki_dir, directory / config.served_dir
    pairs = {name: _pair(pki, name, reader) for name in _OWN}
    shown: dict[Path, Pair] = {}
    before = directory / state.settings.served_dir if state else tls
    # Where the record leads outside, it is not the user who says so.
    known = reader.project.is_inside(before)
    for place in {tls, before} if known else {tls}:
        shown[place / layout.SERVER_KEY] = _pair(place, layout.SERVER, reader)
        for name in (layout.CA_CERTIFICATE, layout.IGNORE_FILE):
            content(place / name)
        # The guide of Milvus leaves all keys in one directory.
        for stray in (place / name for name in (*layout.CA_KEYS, layout.CLIENT_KEY)):
            if reader.project.is_inside(stray) and stray.is_file():
                reader.unread(stray)
    content(pki / layout.IGNORE_FILE)
    clients = _pair(pki, layout.CLIENT_CA, reader)
    if may_have_client_ca(config) and clients[0] is not None:
        pairs[layout.CLIENT_CA] = clients
    roots = {config.tls_dir, *([state.settings.tls_dir] if state and known else [])}
    recorded = [one.service for one in (state.neighbours if state else None) or ()]
    named = [
        name
        for name in dict.fromkeys((*services, *recorded))
        if re.match(layout.NEIGHBOUR_NAME, name)
    ]
    pairs |= _pairs_of_neighbours(pki, named, reader)
    for root in roots:
        shown |= dict(
            _shown_to_neighbours(directory / layout.neighbours_directory(root), named, reader)
        )
    next_ca = _pair(pki, layout.NEXT_CA, reader)
    requests: dict[str, bytes | None] = {
        name: content(pki / f"{name}{layout.REQUEST}") for name in _END_ENTITIES
    }
    content(pki / layout.SERIAL_FILE)
    provided, names = _provided(directory, config, reader, pairs)
    public = makes_client_ca(config) and _is_public(directory, config, reader)
    stack = _read_stack(directory, config, state, reader, shown)
    if not any(certificate for certificate, _ in (*pairs.values(), *shown.values())):
        return PkiFacts({}, frozenset(), public_ca=public, brought_names=names)
    from compose_tls.pki.load import foreign_keys, survey  # noqa: PLC0415 - cryptography costs 75 ms

    found = replace(
        survey(pairs, next_ca, requests), provided=provided, public_ca=public, brought_names=names
    )
    if stack:
        parts = survey(
            {layout.CA if name == layout.STACK_CA else name: pair for name, pair in stack.items()}
        )
        found = _with_parts(found, parts)
    kept = {**pairs, **stack}
    # What is a copy of a pair that belongs together does so as well.
    sound = {kept[name] for name in found.usable}
    shown |= {pki / f"{name}{layout.KEY}": pair for name, pair in kept.items()}
    rest = {path: pair for path, pair in shown.items() if pair not in sound}
    return replace(found, foreign_keys=foreign_keys(rest))


def _pair(directory: Path, name: str, reader: FileReader) -> Pair:
    """A certificate and its key, as far as they are there."""
    certificate = reader.content(directory / f"{name}{layout.CERTIFICATE}", PEM_LIMIT)
    return certificate, reader.secret(directory / f"{name}{layout.KEY}")


def _with_parts(found: PkiFacts, parts: PkiFacts) -> PkiFacts:
    """The same with the certificates of the parts of the project, which have a CA of their own."""
    ca = {layout.STACK_CA: parts.certificates[layout.CA]} if layout.CA in parts.certificates else {}
    others = {name: one for name, one in parts.certificates.items() if name != layout.CA}
    return replace(
        found,
        certificates={**found.certificates, **ca, **others},
        usable=found.usable
        | {layout.STACK_CA if name == layout.CA else name for name in parts.usable},
    )


def _pairs_of_neighbours(pki: Path, names: Iterable[str], reader: FileReader) -> dict[str, Pair]:
    """What services of the project show to Milvus."""
    pairs: dict[str, Pair] = {}
    if (pki / layout.CLIENTS_DIRECTORY).is_dir():
        for name in map(layout.client_identity, names):
            if (pki / f"{name}{layout.CERTIFICATE}").exists():
                pairs[name] = _pair(pki, name, reader)
    return pairs


def _read_stack(
    directory: Path,
    config: TlsConfig,
    state: State | None,
    reader: FileReader,
    shown: dict[Path, Pair],
) -> dict[str, Pair]:
    """What parts of the project have, where any of them has something; the pairs of the PKI directory.

    What is below the TLS directory goes into ``shown``.
    """
    pki, tls = directory / config.pki_dir, directory / config.tls_dir
    before = directory / state.settings.tls_dir if state else tls
    known = reader.project.is_inside(before)
    ca = reader.content(pki / f"{layout.STACK_CA}{layout.CERTIFICATE}", PEM_LIMIT)
    has_parts = ca is not None or any(
        one.name in layout.STACK for one in (state.identities if state else ())
    )
    # What parts have stays after a disable, of which nothing is recorded.
    served = {
        layout.PROXY: [
            (name, name)
            for name in (layout.SERVER_CERTIFICATE, layout.SERVER_KEY, layout.CA_CERTIFICATE)
        ]
    }
    for root in {tls, before} if known else {tls}:
        for name in (layout.IGNORE_FILE, layout.CA_CERTIFICATE):
            reader.content(root / name)
        for folder, files in {**served, **(layout.STACK_FILES if has_parts else {})}.items():
            places = {name: root / folder / there for there, name in files}
            for name, path in places.items():
                if layout.holds_key(path.name) and path not in shown:
                    certificate = places[f"{layout.identity_of(name)}{layout.CERTIFICATE}"]
                    shown[path] = (reader.content(certificate), reader.secret(path))
                elif not layout.holds_key(path.name):
                    reader.content(path)
    if not has_parts:
        return {}
    reader.content(pki / layout.PUBLIC_ROOTS)
    return {name: _pair(pki, name, reader) for name in layout.STACK}


def _shown_to_neighbours(
    place: Path, names: Iterable[str], reader: FileReader
) -> Iterator[tuple[Path, Pair]]:
    """Read what services that talk to Milvus get to see; of that, the pairs."""
    if not place.is_dir():
        return
    reader.content(place / layout.IGNORE_FILE, PEM_LIMIT)
    for name in names:
        for file in (layout.CA_CERTIFICATE, layout.NEIGHBOUR_ROOTS):
            reader.content(place / name / file, _ROOTS_LIMIT)
        yield place / name / layout.CLIENT_KEY, _pair(place / name, layout.CLIENT, reader)


def _provided(
    directory: Path,
    config: TlsConfig,
    reader: FileReader,
    pairs: Mapping[str, Pair],
) -> tuple[frozenset[str], frozenset[str]]:
    """The identities whose certificate and key, as the user names them, are in the PKI directory.

    There they are in our own form, without what else the user's files hold. And the names of the server.
    """
    if config.ca_cert is None and config.client_ca_cert is None:
        return frozenset(), frozenset()
    from compose_tls.pki.load import (  # noqa: PLC0415 - cryptography costs 75 ms
        certificate_facts,
        load_certificates,
        load_key_pair,
    )

    found: set[str] = set()
    names: set[str] = set()
    for name in (layout.CA, layout.CLIENT_CA):
        files = _brought(directory, config, name)
        trusted = _content(files.certificate, reader)
        if trusted is None or name not in pairs:
            continue
        with suppress(CertificateError):
            opens, whole = _passphrase(files, reader), name == layout.CA
            if pairs[name][0] == load_certificates(trusted, path="", passphrase=opens, whole=whole):
                found.add(name)
    for name in _END_ENTITIES:
        if getattr(config, f"{name}_cert") is None:
            continue
        files = _brought(directory, config, name)
        certificate, key = (_content(path, reader) for path in (files.certificate, files.key))
        if certificate is None or key is None:
            continue
        with suppress(CertificateError):
            pair = load_key_pair(
                certificate,
                key,
                certificate_path="",
                key_path="",
                passphrase=_passphrase(files, reader),
            )
            if pairs[name] == (pair.full_chain_pem, pair.private_key_pem):
                found.add(name)
            if name == layout.SERVER:
                facts = certificate_facts(pair.certificate_pem, path="")
                names |= {*facts.dns_names, *facts.ip_addresses}
    return frozenset(found), frozenset(names)


def _is_public(directory: Path, config: TlsConfig, reader: FileReader) -> bool:
    """Whether the server CA, as the user names it, is one that issues for everyone."""
    from compose_tls.pki.load import is_public_ca  # noqa: PLC0415 - cryptography costs 75 ms

    files = _brought(directory, config, layout.CA)
    trusted = _content(files.certificate, reader)
    with suppress(CertificateError):
        opens = _passphrase(files, reader)
        return trusted is not None and is_public_ca(trusted, opens)
    return False


def _brought(directory: Path, config: TlsConfig, name: str) -> BroughtFiles:
    return brought_files(directory, config, name, ProjectFiles(directory).has_file)


def _content(path: Path | None, reader: FileReader) -> bytes | None:
    """The bytes of a file; it may hold a key as well, so none is kept in mind."""
    return reader.secret(path) if path else None


def _passphrase(files: BroughtFiles, reader: FileReader) -> bytes | None:
    from compose_tls.pki.pkcs12 import passphrase_in  # noqa: PLC0415 - cryptography costs 75 ms

    found = _content(files.passphrase, reader)
    return None if found is None else passphrase_in(found)

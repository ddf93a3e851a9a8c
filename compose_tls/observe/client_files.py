"""The files of further clients and servers, and of CAs that gave way, for commands that look at them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from compose_tls.config import TlsConfig
from compose_tls.files import PEM_LIMIT
from compose_tls.layout import CERTIFICATE, FURTHER_DIRECTORIES, KEY
from compose_tls.observation import ClientFacts, FileFacts
from compose_tls.observe.file_reader import FileReader
from compose_tls.pki.load import foreign_keys, whole_pairs
from compose_tls.project.model import Project


def with_clients(project: Project, config: TlsConfig) -> Project:
    """The same, and what other commands than ``enable`` left in the PKI directory.

    Keys are matched with the certificates next to them, and not kept.

    Args:
        project: The project as it was read.
        config: The settings; they say where the PKI directory is.

    Raises:
        FileUnreadable: A certificate may not be read.
    """
    reader = FileReader(project.directory)
    pki = project.directory / config.pki_dir
    pairs: dict[Path, tuple[bytes | None, bytes | None]] = {}
    seen = project.observation
    known = seen.files
    for path in (path for name in FURTHER_DIRECTORIES for path in sorted((pki / name).glob("*"))):
        if path.suffix == CERTIFICATE:
            content, key = reader.content(path, PEM_LIMIT), path.with_suffix(KEY)
            pairs[key] = (content, None if known.get(key) else reader.secret(key))
        elif path not in pairs:
            reader.unread(path)
    for path in (*pki.glob("ca-*"), *pki.glob("client-ca-*")):
        reader.unread(path)
    # What was read already says more.
    files, obstacles = {**reader.files, **known}, seen.obstacles | reader.obstacles
    pki_facts = replace(seen.pki, foreign_keys=seen.pki.foreign_keys | foreign_keys(pairs))
    seen = replace(seen, files=files, obstacles=obstacles, pki=pki_facts)
    return replace(project, observation=seen)


def read_clients(
    project: Path,
    directory: Path,
    names: Iterable[str],
    suffixes: Iterable[str],
    trusted: bytes | None,
) -> tuple[ClientFacts, ...]:
    """Look at what lies under the names of clients. No key leaves this function.

    Args:
        project: The project directory.
        directory: Where the files are.
        names: The names.
        suffixes: What the names of the files end in.
        trusted: The CA certificates of the project, PEM.

    Raises:
        FileUnreadable: A file may not be read.
        OutsideProject: A link in the project leads outside.
    """
    reader = FileReader(project)
    files: dict[str, dict[str, FileFacts | None]] = {}
    pairs: dict[str, tuple[bytes | None, bytes | None]] = {}
    for name in names:
        contents = {suffix: reader.secret(directory / f"{name}{suffix}") for suffix in suffixes}
        files[name] = {suffix: reader.files[directory / f"{name}{suffix}"] for suffix in contents}
        pairs[name] = contents.get(CERTIFICATE), contents.get(KEY)
    whole = whole_pairs(pairs, trusted)
    return tuple(ClientFacts(name, files[name], *whole.get(name, (None, False))) for name in files)

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
from compose_tls.pki.load import whole_pairs
from compose_tls.project.model import Project


def with_clients(project: Project, config: TlsConfig) -> Project:
    """The same, and what other commands than ``enable`` left in the PKI directory.

    Keys are not read: no one matches them but the command that makes them.

    Args:
        project: The project as it was read.
        config: The settings; they say where the PKI directory is.

    Raises:
        FileUnreadable: A certificate may not be read.
    """
    reader = FileReader(project.directory)
    pki = project.directory / config.pki_dir
    for path in (path for name in FURTHER_DIRECTORIES for path in sorted((pki / name).glob("*"))):
        reader.content(path, PEM_LIMIT) if path.suffix == CERTIFICATE else reader.unread(path)
    for path in (*pki.glob("ca-*"), *pki.glob("client-ca-*")):
        reader.unread(path)
    # What was read already says more.
    files = {**reader.files, **project.observation.files}
    return replace(project, observation=replace(project.observation, files=files))


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

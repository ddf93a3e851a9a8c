"""The command that checks a server of which nothing is recorded, with what a client of it has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from compose_tls.errors import ComposeTlsError
from compose_tls.files import PEM_LIMIT, ProjectFiles
from compose_tls.layout import CA_CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY, SERVER_CERTIFICATE
from compose_tls.pki.load import certificate_facts
from compose_tls.pki.names import covers
from compose_tls.project.declared_tls import DeclaredTls
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows.next_step import own_command
from compose_tls.workflows.preamble import Opened

_OPTIONS: Final = {
    CA_CERTIFICATE: "--ca-cert",
    CLIENT_CERTIFICATE: "--client-cert",
    CLIENT_KEY: "--client-key",
}


def as_any_server(
    opened: Opened, told: Iterable[DeclaredTls], met: str, *, host: str | None, port: int | None
) -> str:
    """How to check a server that enable has not set up, for a hint.

    Args:
        opened: What the command works on.
        told: What each Milvus of the project will do for its clients.
        met: The host where clients meet the first.
        host: The host that was given.
        port: The port that was given.
    """
    place = {"--host": host, "--port": str(port or "")}
    given = [word for option, value in place.items() if value for word in (option, value)]
    for one in told:
        for directory in _directories(one, opened):
            if all((directory / name).is_file() for name in _needed(one)):
                given += _files(_needed(one), directory, opened.start)
                given += _name(one, ProjectFiles(opened.root), met)
                return f"or check the server as it is: {own_command(opened, 'check', *given)}"
    return (
        "to check a server that already has TLS, give --ca-cert with the file of its CA: "
        "compose-tls check --help"
    )


def _directories(one: DeclaredTls, opened: Opened) -> Iterator[Path]:
    """Where the files of a client may lie, in the project."""
    beside = [file.path.parent for file in one.files if file.path]
    for place in dict.fromkeys((opened.root / opened.config.pki_dir, *beside) if beside else ()):
        if Path(os.path.realpath(place)).is_relative_to(opened.root):
            yield place


def _needed(one: DeclaredTls) -> list[str]:
    return list(_OPTIONS)[: None if one.mode is TlsMode.MUTUAL else 1]


def _files(names: Iterable[str], directory: Path, start: Path) -> Iterator[str]:
    for name in names:
        yield from (_OPTIONS[name], os.path.relpath(directory / name, start))


def _name(one: DeclaredTls, files: ProjectFiles, host: str) -> Iterator[str]:
    """The name to verify, where the certificate is not for the host."""
    for file in one.files:
        if file.name == SERVER_CERTIFICATE and file.path:
            try:
                found = files.read(file.path, PEM_LIMIT)
                facts = certificate_facts(found.content if found else b"", path=str(file.path))
                held = covers(host, facts.dns_names, facts.ip_addresses)
            except (OSError, ComposeTlsError):
                return
            if not held:
                for name in (*facts.dns_names, *facts.ip_addresses)[:1]:
                    yield from ("--server-name", name)

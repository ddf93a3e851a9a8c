"""The files that Milvus is configured to open, for the command that says what they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from compose_tls.errors import ProjectError
from compose_tls.files import PEM_LIMIT
from compose_tls.layout import SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.observe.file_reader import FileReader
from compose_tls.project.declared_tls import DeclaredTls, told_files
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.vocabulary import TlsMode


def read_shown(reader: FileReader, milvus: Iterable[MilvusService]) -> None:
    """Read the certificates that services show, as far as they can be read and are in the project.

    Args:
        reader: Remembers the files.
        milvus: The services.
    """
    shown = (file for one in milvus for file in told_files(one, TlsMode.ONE_WAY))
    for file in shown:
        if file.name == SERVER_CERTIFICATE and file.path and _inside(file.path, reader.directory):
            with suppress(ProjectError):
                reader.content(file.path, PEM_LIMIT)


def with_tls_files(project: Project, declared: Iterable[DeclaredTls]) -> Project:
    """The same, and the certificates that mounts give, from any CA; no key is kept.

    What is outside the project is not read either: the author of its files would choose it.

    Args:
        project: The project as it was read.
        declared: What its services are told.

    Raises:
        FileUnreadable: A certificate may not be read.
    """
    reader, seen = FileReader(project.directory), project.observation
    pairs: dict[Path, tuple[bytes | None, bytes | None]] = {}
    for one in declared:
        found: dict[str, bytes | None] = {}
        for file in one.files:
            path = file.path
            if path is None or not _inside(path, project.directory):
                continue
            if file.name != SERVER_KEY:
                found[file.name] = (
                    seen.content(path) if path in seen.files else reader.content(path)
                )
            elif path not in seen.files:
                found[file.name] = reader.secret(path)
                pairs[path] = (found.get(SERVER_CERTIFICATE), found[SERVER_KEY])
    files, obstacles = {**reader.files, **seen.files}, seen.obstacles | reader.obstacles
    seen = replace(seen, files=files, obstacles=obstacles)
    if not pairs:
        return replace(project, observation=seen)
    from compose_tls.pki.load import foreign_keys  # noqa: PLC0415 - cryptography costs 75 ms

    pki = replace(seen.pki, foreign_keys=seen.pki.foreign_keys | foreign_keys(pairs))
    return replace(project, observation=replace(seen, pki=pki))


def changed_at(paths: Iterable[Path], *, settings: Iterable[Path] = ()) -> Mapping[Path, datetime]:
    """When files were changed, in UTC; what cannot be looked at is left out.

    Args:
        paths: The files.
        settings: Those of them that a previous file, put back with its old time, must not hide in:
            of them the change of the inode counts as well.
    """
    found: dict[Path, datetime] = {}
    strict = frozenset(settings)
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            time = max(status.st_mtime, status.st_ctime) if path in strict else status.st_mtime
            found[path] = datetime.fromtimestamp(time, UTC)
    return found


def _inside(path: Path, directory: Path) -> bool:
    return path.resolve().is_relative_to(directory.resolve())

"""The files that Milvus is told to open, for the command that says what they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from compose_tls.layout import SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.observe.file_reader import FileReader
from compose_tls.project.declared_tls import DeclaredTls
from compose_tls.project.model import Project


def with_tls_files(project: Project, declared: Iterable[DeclaredTls]) -> Project:
    """The same, and the certificates that mounts give, from any CA; no key is kept.

    What lies outside the project is not read either: the author of its files would choose it.

    Args:
        project: The project as it was read.
        declared: What its services are told.

    Raises:
        FileUnreadable: A certificate may not be read.
    """
    reader = FileReader(project.directory)
    seen = project.observation
    pairs: dict[Path, tuple[bytes | None, bytes | None]] = {}
    for one in declared:
        found: dict[str, bytes | None] = {}
        for file in one.files:
            path = file.path
            if path is None or path in seen.files or not _inside(path, project.directory):
                continue
            is_key = file.name == SERVER_KEY
            found[file.name] = reader.secret(path) if is_key else reader.content(path)
            if is_key:
                pairs[path] = (found.get(SERVER_CERTIFICATE), found[SERVER_KEY])
    files = {**reader.files, **seen.files}
    if not pairs:
        return replace(project, observation=replace(seen, files=files))
    from compose_tls.pki.load import foreign_keys  # noqa: PLC0415 - cryptography costs 75 ms

    pki = replace(seen.pki, foreign_keys=seen.pki.foreign_keys | foreign_keys(pairs))
    return replace(project, observation=replace(seen, files=files, pki=pki))


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
            status = os.stat(path)  # noqa: PTH116 - of a path that is only looked at
            time = max(status.st_mtime, status.st_ctime) if path in strict else status.st_mtime
            found[path] = datetime.fromtimestamp(time, UTC)
    return found


def _inside(path: Path, directory: Path) -> bool:
    return path.resolve().is_relative_to(directory.resolve())

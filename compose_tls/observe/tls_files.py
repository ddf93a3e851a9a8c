"""The files that Milvus is told to open, for the command that says what they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from compose_tls.layout import SERVER_KEY
from compose_tls.observe.file_reader import FileReader
from compose_tls.project.declared_tls import DeclaredTls
from compose_tls.project.model import Project


def with_tls_files(project: Project, declared: Iterable[DeclaredTls]) -> Project:
    """The same, and the certificates that mounts give, of whoever they are; no key is read.

    What lies outside of the project is not read either: whoever wrote its files would choose it.

    Args:
        project: The project as it was read.
        declared: What its services are told.

    Raises:
        FileUnreadable: A certificate may not be read.
    """
    reader = FileReader(project.directory)
    known = project.observation.files
    for file in (file for one in declared for file in one.files):
        path = file.path
        if path is None or path in known or not _inside(path, project.directory):
            continue
        reader.unread(path) if file.name == SERVER_KEY else reader.content(path)
    return replace(
        project, observation=replace(project.observation, files={**reader.files, **known})
    )


def changed_at(paths: Iterable[Path], *, settings: Iterable[Path] = ()) -> Mapping[Path, datetime]:
    """When files were changed, in UTC; what cannot be looked at is left out.

    Args:
        paths: The files.
        settings: Those of them that a file of before, put back with its old time, must not hide in:
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

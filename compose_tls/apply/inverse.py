"""The inverse of an applied plan, for a deployment that fails."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from compose_tls.apply.preconditions import missing_directories
from compose_tls.changes import (
    CreateFile,
    FileChange,
    KeepFile,
    MakeDirectory,
    PatchFile,
    Pending,
    Plan,
    RemoveDirectory,
    RemoveFile,
    sha256,
)
from compose_tls.files import CHANGED_LIMIT, read_regular
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class Previous:
    """A file of compose-tls before it was replaced or removed."""

    content: bytes = field(repr=False)
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a plan is about to replace, remove and make.

    Attributes:
        files: What is there and will be something else.
        made: The directories that are not there yet, parents first.
        removed: The directories that may go, with their modes.
    """

    files: Mapping[Path, Previous]
    made: tuple[Path, ...]
    removed: Mapping[Path, int]


def snapshot(plan: Plan) -> Snapshot:
    """Record what a plan replaces, before it is applied.

    What cannot be read is left out: the plan cannot be applied either, and says why.
    """
    files: dict[Path, Previous] = {}
    removed: dict[Path, int] = {}
    for change in plan.changes:
        path = change.path
        try:
            if isinstance(change, CreateFile | RemoveFile) and change.before is not None:
                found = read_regular(path, CHANGED_LIMIT)
                if found is not None:
                    owner = found.status.st_uid, found.status.st_gid
                    files[path] = Previous(
                        found.content, stat.S_IMODE(found.status.st_mode), *owner
                    )
            elif isinstance(change, RemoveDirectory):
                removed[path] = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
    return Snapshot(files, tuple(path for path, _ in missing_directories(plan)), removed)


def inverse(
    plan: Plan, contents: Mapping[str, bytes], before: Snapshot
) -> tuple[Plan, dict[str, bytes]]:
    """The plan that undoes an applied plan, and the contents it needs.

    Args:
        plan: The plan that was applied.
        contents: What it was applied with.
        before: What was remembered before.

    Returns:
        What to call ``apply`` with.
    """
    changes: list[FileChange] = []
    needed: dict[str, bytes] = {}
    for change in reversed(plan.changes):
        match change:
            case PatchFile(path=path, old=old, new=new):
                changes.append(PatchFile(path, new, old))
            case CreateFile(path=path, content=content):
                written = contents[content.name] if isinstance(content, Pending) else content
                changes.append(_back(path, sha256(written), before, needed))
            case RemoveFile(path=path) if path in before.files:
                changes.append(_back(path, None, before, needed))
            case RemoveDirectory(path=path) if path in before.removed:
                changes.append(MakeDirectory(path, before.removed[path]))
            case RemoveFile() | RemoveDirectory() | MakeDirectory() | KeepFile():
                pass
    changes += [RemoveDirectory(path) for path in reversed(before.made)]
    return Plan(plan.directory, tuple(changes)), needed


def _back(
    path: Path, now: str | None, before: Snapshot, needed: dict[str, bytes]
) -> CreateFile | RemoveFile:
    """Give a file back its previous content, or take it away where there was none."""
    previous = before.files.get(path)
    if previous is None:
        return RemoveFile(path, now)
    name = f"previous {path}"
    needed[name] = previous.content
    return CreateFile(path, Pending(name), previous.mode, now, previous.uid, previous.gid)

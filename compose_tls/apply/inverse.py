"""The way back from a plan that was applied: for a deployment that does not come up."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from compose_tls.changes import (
    CreateFile,
    FileChange,
    MakeDirectory,
    PatchFile,
    Pending,
    Plan,
    RemoveDirectory,
    RemoveFile,
    sha256,
)


@dataclass(frozen=True, slots=True)
class Previous:
    """A file of ours before it was replaced."""

    content: bytes = field(repr=False)
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a plan is about to replace."""

    files: Mapping[Path, Previous]
    directories: frozenset[Path]
    """The directories that are there already."""


def snapshot(plan: Plan) -> Snapshot:
    """Remember, before a plan is applied, what it replaces."""
    files: dict[Path, Previous] = {}
    directories: set[Path] = set()
    for change in plan.changes:
        if isinstance(change, CreateFile) and change.before is not None:
            status = change.path.stat()
            files[change.path] = Previous(
                change.path.read_bytes(), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
            )
        elif isinstance(change, MakeDirectory) and change.path.is_dir():
            directories.add(change.path)
    return Snapshot(files, frozenset(directories))


def inverse(
    plan: Plan, contents: Mapping[str, bytes], before: Snapshot
) -> tuple[Plan, dict[str, bytes]]:
    """The plan that takes an applied plan back, and the contents it needs.

    Args:
        plan: The plan that was applied.
        contents: What it was applied with.
        before: What was remembered before.
    """
    changes: list[FileChange] = []
    needed: dict[str, bytes] = {}
    for change in reversed(plan.changes):
        match change:
            case PatchFile(path=path, old=old, new=new):
                changes.append(PatchFile(path, new, old))
            case CreateFile(path=path, content=content):
                written = contents[content.name] if isinstance(content, Pending) else content
                previous = before.files.get(path)
                if previous is None:
                    changes.append(RemoveFile(path, sha256(written)))
                    continue
                name = f"previous {path}"
                needed[name] = previous.content
                changes.append(
                    CreateFile(
                        path,
                        Pending(name),
                        previous.mode,
                        sha256(written),
                        previous.uid,
                        previous.gid,
                    )
                )
            case MakeDirectory(path=path) if path not in before.directories:
                changes.append(RemoveDirectory(path))
            case _:
                pass
    return Plan(plan.directory, tuple(changes)), needed

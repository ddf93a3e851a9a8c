"""Converts the changes of a plan into steps on this disk: target, method, staged file."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path

from compose_tls.apply.file_ops import naming
from compose_tls.apply.journal import Step, StepAction, journal_path, name_in
from compose_tls.apply.preconditions import (
    can_give,
    digest,
    missing_directories,
    mount_points,
    require_writable,
    require_yielding,
)
from compose_tls.changes import (
    Content,
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
from compose_tls.errors import ProjectChanged
from compose_tls.files import ProjectFiles, real_path
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class Write:
    """A step and what it stages: the bytes, and the mode and owner the file is born with."""

    step: Step
    content: bytes = field(repr=False)
    mode: int
    uid: int | None = None
    gid: int | None = None
    like: Path | None = None
    """The file whose extended attributes it takes over."""


class Steps:
    """The steps of a plan. Where a path of the plan leads outside the project, there are none."""

    def __init__(self, plan: Plan, contents: Mapping[str, bytes], files: ProjectFiles) -> None:
        self.plan = plan
        self.contents = contents
        self.files = files
        self.mounts = mount_points()
        self._places: dict[Path, Path] = {}

    def writes(self) -> list[Write]:
        """What is staged.

        Raises:
            OSError: A file will not let itself be replaced.
            OutsideProject: A path leads outside.
        """
        return [write for change in self.plan.changes if (write := self._write_of(change))]

    def removals(self) -> list[Step]:
        """What is removed; raises like ``writes``."""
        return [step for change in self.plan.changes if (step := self._removal_of(change))]

    def directories(self) -> list[tuple[Path, int]]:
        """The directories to be made and their modes, parents first; raises like ``writes``."""
        missing = missing_directories(self.plan)
        return [(self.files.require_inside(path), mode) for path, mode in missing]

    def require_writable(self, directories: Iterable[Path], steps: Iterable[Step]) -> None:
        """Make sure that no journal is begun where it, or what it is about to stage, cannot be written.

        Raises:
            OSError: A directory is read-only.
        """
        places = [*directories, *(self.files.root / step.target for step in steps)]
        asked: dict[Path, Path] = {}
        for path in [journal_path(self.files.root), *places] if places else []:
            asked.setdefault(path.parent, path)
        for parent, path in asked.items():
            with naming(path):
                require_writable(parent)

    def compare(self) -> None:
        """Every file must still be what the plan was made from.

        Raises:
            ProjectChanged: One is not.
        """
        for change in self.plan.changes:
            if isinstance(change, MakeDirectory | RemoveDirectory):
                continue
            unknown = isinstance(change, KeepFile | RemoveFile) and change.before is None
            if not unknown and digest(change.path) != change.before:
                name = self.plan.relative(change.path)
                raise ProjectChanged(
                    f"{name} changed while compose-tls was running",
                    hint="run the command again: it makes a new plan from the files as they are now",
                    path=name,
                )

    def _write_of(self, change: FileChange) -> Write | None:
        match change:
            case PatchFile(path=path, old=old, new=new) if old != new:
                target = self.files.require_inside(path)
                status = target.stat()
                mode = stat.S_IMODE(status.st_mode)
                if status.st_nlink > 1 or not can_give(status) or str(target) in self.mounts:
                    # A rename would cut a hard link, take the file from its owner, or be refused.
                    step = self._step(target, "overwrite", change.before, new)
                    return Write(step, new, mode)
                step = self._step(target, "replace", change.before, new)
                return Write(step, new, mode, status.st_uid, status.st_gid, target)
            case CreateFile(path=path, mode=mode, uid=uid, gid=gid):
                content = self._content(change.content)
                step = self._step(self._place(path), "replace", change.before, content)
                return Write(step, content, mode, uid, gid)
            case _:
                return None

    def _removal_of(self, change: FileChange) -> Step | None:
        match change:
            case RemoveFile(path=path, before=before):
                return self._step(self._place(path), "remove", before)
            case RemoveDirectory(path=path) if path.is_dir():
                place = real_path(path.parent) / path.name
                # The user named it: its place need not be theirs to give.
                place = place if place in self.files.outside else self._place(path)
                return Step(name_in(place, self.files.root), "remove-directory")
            case _:
                return None

    def _place(self, path: Path) -> Path:
        """Where a file of compose-tls really lies, itself not followed where it is a link."""
        parent = path.parent
        if parent not in self._places:
            self._places[parent] = self.files.require_inside(parent)
        return self._places[parent] / path.name

    def _step(
        self, target: Path, action: StepAction, before: str | None, content: bytes | None = None
    ) -> Step:
        if target.exists():
            require_yielding(target, action, self.mounts)
        if before is None:
            # What the plan had no need to read: recovery has to know it again.
            with contextlib.suppress(PermissionError):
                before = digest(target)
        after = None if content is None else sha256(content)
        return Step(name_in(target, self.files.root), action, before, after)

    def _content(self, content: Content) -> bytes:
        return self.contents[content.name] if isinstance(content, Pending) else content

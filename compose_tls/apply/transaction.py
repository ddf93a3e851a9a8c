"""Applying a plan."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from compose_tls.apply.file_ops import FileOps, PosixFileOps, naming
from compose_tls.apply.journal import (
    Journal,
    Step,
    StepAction,
    journal_path,
    name_in,
    unfinished_journal_path,
)
from compose_tls.apply.preconditions import (
    can_give,
    digest,
    is_mount_point,
    missing_directories,
    require_yielding,
)
from compose_tls.apply.recover import drop, recover, roll_forward
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
    relative,
)
from compose_tls.errors import ComposeTlsError, ProjectChanged, WriteFailed


def apply(plan: Plan, contents: Mapping[str, bytes], ops: FileOps | None = None) -> None:
    """Carry out a plan: all of it, or nothing. The project's lock must be held.

    Args:
        plan: The plan.
        contents: What the plan's ``Pending`` contents stand for.
        ops: How to change the disk; the real file system by default.

    Raises:
        ProjectChanged: A file is no longer what the plan was made from.
        WriteFailed: The disk refused; nothing has changed, or the next command finishes it.
    """
    _Transaction(plan, contents, ops or PosixFileOps()).run()


@dataclass(frozen=True, slots=True)
class _Write:
    """A step and what it stages: the bytes, and the mode and owner the file is born with."""

    step: Step
    content: bytes = field(repr=False)
    mode: int
    uid: int | None = None
    gid: int | None = None
    like: Path | None = None
    """The file whose extended attributes it takes over."""


class _Transaction:
    def __init__(self, plan: Plan, contents: Mapping[str, bytes], ops: FileOps) -> None:
        self.plan = plan
        self.contents = contents
        self.ops = ops
        self.directory = plan.directory
        self.path = journal_path(plan.directory)

    def run(self) -> None:
        try:
            self.compare()
            writes = [w for change in self.plan.changes if (w := self.write_of(change))]
            removals = [s for change in self.plan.changes if (s := self.removal_of(change))]
            directories = missing_directories(self.plan)
        except OSError as error:
            raise self.failed(error) from None
        if not writes and not removals and not directories:
            return
        journal = Journal(
            self.directory,
            f".compose-tls-{secrets.token_hex(4)}",
            (*(write.step for write in writes), *removals),
            tuple(name_in(path, self.directory) for path, _ in directories),
        )
        try:
            self.stage(journal, writes, directories)
            # What the journal says from here on is that there is no way back, only on.
            self.ops.rename(unfinished_journal_path(self.directory), self.path)
        except BaseException as error:
            self.settle()
            if isinstance(error, OSError):
                raise self.failed(error) from None
            raise
        self.commit(journal)

    def stage(
        self, journal: Journal, writes: list[_Write], directories: list[tuple[Path, int]]
    ) -> None:
        """Bring everything onto the disk that the commit needs: it only moves and removes."""
        self.write_journal(journal)
        self.ops.rename(unfinished_journal_path(self.directory), self.path)
        self.ops.sync_directory(self.directory)
        for path, mode in directories:
            with naming(path):
                self.ops.make_directory(path, mode)
        for write in writes:
            staged = journal.staged(write.step)
            with naming(journal.target(write.step)):
                self.ops.write_new(
                    staged, write.content, mode=write.mode, uid=write.uid, gid=write.gid
                )
                if write.like is not None:
                    self.ops.copy_attributes(write.like, staged)
        places = [*(path for path, _ in directories), *(journal.staged(w.step) for w in writes)]
        for directory in dict.fromkeys(path.parent for path in places):
            self.ops.sync_directory(directory)
        # Staging takes time: what changed meanwhile is not ours to overwrite.
        self.compare()
        self.write_journal(replace(journal, complete=True))

    def write_journal(self, journal: Journal) -> None:
        with naming(self.path):
            self.ops.write_new(
                unfinished_journal_path(self.directory),
                journal.render(),
                mode=0o600,
                uid=None,
                gid=None,
            )

    def commit(self, journal: Journal) -> None:
        """A failure in here is finished by the next command, an interruption at once."""
        try:
            self.ops.sync_directory(self.directory)
            roll_forward(journal, self.ops)
            drop(self.directory, self.ops)
        except OSError as error:
            raise WriteFailed(
                f"writing stopped half-way: {error.strerror or error}",
                hint="mend that and run the command again: it first finishes this one",
                path=self.name(error),
            ) from None
        except BaseException:
            self.settle()
            raise

    def settle(self) -> None:
        """Go back, or on, as the journal on disk says; if even that fails, the next command does."""
        with contextlib.suppress(OSError, ComposeTlsError):
            recover(self.directory, self.ops)

    def compare(self) -> None:
        """Every file must still be what the plan was made from."""
        for change in self.plan.changes:
            if isinstance(change, MakeDirectory | RemoveDirectory):
                continue
            unknown = isinstance(change, KeepFile | RemoveFile) and change.before is None
            if not unknown and digest(change.path) != change.before:
                name = self.plan.relative(change.path)
                raise ProjectChanged(
                    f"{name} was changed by somebody else meanwhile",
                    hint="run the command again: it plans anew from what is there now",
                    path=name,
                )

    def write_of(self, change: FileChange) -> _Write | None:
        match change:
            case PatchFile(path=path, old=old, new=new) if old != new:
                target = path.resolve()
                status = target.stat()
                mode = stat.S_IMODE(status.st_mode)
                if status.st_nlink > 1 or not can_give(status) or is_mount_point(target):
                    # A rename would cut a hard link, take the file from its owner, or be refused.
                    step = self.step(target, "overwrite", change.before)
                    return _Write(step, new, mode)
                step = self.step(target, "replace", change.before)
                return _Write(step, new, mode, status.st_uid, status.st_gid, target)
            case CreateFile(path=path, mode=mode, uid=uid, gid=gid):
                content = self.content(change.content)
                return _Write(self.step(path, "replace", change.before), content, mode, uid, gid)
            case _:
                return None

    def removal_of(self, change: FileChange) -> Step | None:
        match change:
            case RemoveFile(path=path, before=before):
                return self.step(path, "remove", before)
            case RemoveDirectory(path=path) if path.is_dir():
                return Step(name_in(path, self.directory), "remove-directory")
            case _:
                return None

    def step(self, target: Path, action: StepAction, before: str | None) -> Step:
        if target.exists():
            require_yielding(target, action)
        return Step(name_in(target, self.directory), action, before)

    def content(self, content: Content) -> bytes:
        return self.contents[content.name] if isinstance(content, Pending) else content

    def failed(self, error: OSError) -> WriteFailed:
        return WriteFailed(
            f"the project cannot be written: {error.strerror or error}; nothing was changed",
            hint="make the project writable for you (and the disk not full), then run it again",
            path=self.name(error),
        )

    def name(self, error: OSError) -> str | None:
        return (
            relative(Path(os.fsdecode(error.filename)), self.directory) if error.filename else None
        )

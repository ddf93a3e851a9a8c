"""Applying a plan."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compose_tls.apply.file_ops import FileOps, PosixFileOps
from compose_tls.apply.journal import Journal, Step, journal_path, unfinished_journal_path
from compose_tls.apply.recover import drop, roll_back, roll_forward
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
from compose_tls.errors import ProjectChanged, WriteFailed


def apply(plan: Plan, contents: Mapping[str, bytes], ops: FileOps | None = None) -> None:
    """Carry out a plan: all of it, or nothing. The project's lock must be held.

    Args:
        plan: The plan.
        contents: What the plan's ``Pending`` contents stand for.
        ops: How to change the disk; the real file system by default.

    Raises:
        ProjectChanged: A file is no longer what the plan was made from.
        WriteFailed: The disk refused; nothing has changed.
    """
    _Transaction(plan, contents, ops or PosixFileOps()).run()


@dataclass(frozen=True, slots=True)
class _Write:
    """A file to stage: where it goes, its bytes, and the mode and owner it is born with."""

    target: Path
    content: bytes
    mode: int
    uid: int | None
    gid: int | None
    in_place: bool


class _Transaction:
    def __init__(self, plan: Plan, contents: Mapping[str, bytes], ops: FileOps) -> None:
        self.plan = plan
        self.contents = contents
        self.ops = ops

    def run(self) -> None:
        for change in self.plan.changes:
            self.compare(change)
        writes = [w for change in self.plan.changes if (w := self.write_of(change)) is not None]
        removed = [c.path for c in self.plan.changes if isinstance(c, RemoveFile | RemoveDirectory)]
        directories = [
            (change.path, change.mode)
            for change in self.plan.changes
            if isinstance(change, MakeDirectory) and not change.path.is_dir()
        ]
        if not writes and not removed and not directories:
            return
        suffix = f".compose-tls-{secrets.token_hex(4)}"
        staged = {w.target: w.target.with_name(f".{w.target.name}{suffix}") for w in writes}
        steps = [Step(str(w.target), str(staged[w.target]), w.in_place) for w in writes]
        steps += [Step(str(path), None) for path in removed]
        journal = Journal(False, tuple(steps), tuple(str(path) for path, _ in directories))
        try:
            self.stage(journal, writes, staged, directories)
        except BaseException as error:
            with contextlib.suppress(OSError):
                roll_back(journal, self.ops)
                drop(self.plan.directory, self.ops)
            if isinstance(error, OSError):
                raise self.failed(error) from None
            raise
        self.commit(journal)

    def stage(
        self,
        journal: Journal,
        writes: list[_Write],
        staged: dict[Path, Path],
        directories: list[tuple[Path, int]],
    ) -> None:
        self.put_journal(journal)
        for path, mode in directories:
            self.ops.make_directory(path, mode)
        for write in writes:
            self.ops.write_new(
                staged[write.target], write.content, mode=write.mode, uid=write.uid, gid=write.gid
            )
            if write.target.exists():
                _copy_attributes(write.target, staged[write.target])
        for directory in dict.fromkeys(path.parent for path in staged.values()):
            self.ops.sync_directory(directory)
        # Staging takes time: what changed meanwhile is not ours to overwrite.
        for change in self.plan.changes:
            self.compare(change)

    def commit(self, journal: Journal) -> None:
        """From here on there is no way back, only on: a failure is finished by the next command."""
        complete = Journal(True, journal.steps, journal.directories)
        try:
            self.put_journal(complete)
            roll_forward(complete, self.ops)
            drop(self.plan.directory, self.ops)
        except OSError as error:
            raise WriteFailed(
                f"writing stopped half-way: {error.strerror or error}",
                hint="mend that and run the command again: it first finishes this one",
                path=self.name(error),
            ) from None

    def put_journal(self, journal: Journal) -> None:
        path = journal_path(self.plan.directory)
        staged = unfinished_journal_path(self.plan.directory)
        self.ops.remove(staged)
        self.ops.write_new(staged, journal.render(), mode=0o600, uid=None, gid=None)
        self.ops.rename(staged, path)
        self.ops.sync_directory(self.plan.directory)

    def compare(self, change: FileChange) -> None:
        """Every file must still be what the plan was made from."""
        if isinstance(change, MakeDirectory | RemoveDirectory):
            return
        before = change.before
        if isinstance(change, KeepFile) and before is None:
            return
        try:
            found: str | None = hashlib.sha256(change.path.read_bytes()).hexdigest()
        except FileNotFoundError:
            found = None
        except OSError as error:
            raise self.failed(error) from None
        if found != before:
            name = self.plan.relative(change.path)
            raise ProjectChanged(
                f"{name} was changed by somebody else meanwhile",
                hint="run the command again: it plans anew from what is there now",
                path=name,
            )

    def write_of(self, change: FileChange) -> _Write | None:
        match change:
            case PatchFile(path=path, new=new):
                target = path.resolve()
                status = target.stat()
                mode = stat.S_IMODE(status.st_mode)
                own = status.st_uid == os.geteuid()
                # A rename would cut a hard link, and take the file from an owner who is not us.
                in_place = status.st_nlink > 1 or (not own and os.geteuid() != 0)
                uid, gid = (None, None) if in_place else (status.st_uid, status.st_gid)
                return _Write(target, new, mode, uid, gid, in_place)
            case CreateFile(path=path, mode=mode, uid=uid, gid=gid):
                return _Write(path, self.content(change.content), mode, uid, gid, False)
            case MakeDirectory() | RemoveFile() | RemoveDirectory() | KeepFile():
                return None

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
            relative(Path(os.fsdecode(error.filename)), self.plan.directory)
            if error.filename
            else None
        )


def _copy_attributes(source: Path, target: Path) -> None:
    """Extended attributes (access lists, SELinux labels) go over to the new file where they can."""
    if not hasattr(os, "listxattr"):
        return
    with contextlib.suppress(OSError):
        for name in os.listxattr(source):
            with contextlib.suppress(OSError):
                os.setxattr(target, name, os.getxattr(source, name))

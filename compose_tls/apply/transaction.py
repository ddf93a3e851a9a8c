"""Applying a plan."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from compose_tls.apply.file_ops import PosixFileOps, naming
from compose_tls.apply.journal import (
    Journal,
    journal_path,
    name_in,
    unfinished_journal_path,
)
from compose_tls.apply.preconditions import nothing_changed
from compose_tls.apply.recover import carry_out
from compose_tls.apply.rolling import drop, hold, put_in_force, roll_forward, store
from compose_tls.apply.staging import Steps, Write
from compose_tls.changes import Plan, RemoveDirectory, relative
from compose_tls.errors import ComposeTlsError, WriteFailed
from compose_tls.files import JOURNAL_LIMIT, ProjectFiles, read_regular
from compose_tls.layout import PRIVATE
from compose_tls.signals import deferred
from compose_tls.vocabulary import TlsWarning

_SHOWN = 5


def apply(
    plan: Plan,
    contents: Mapping[str, bytes],
    ops: PosixFileOps | None = None,
    *,
    outside: Iterable[Path] = (),
) -> tuple[TlsWarning, ...]:
    """Carry out a plan: all of it, or nothing. The project's lock must be held.

    Signals are held back meanwhile; until the last file is staged, one still ends it.

    Args:
        plan: The plan.
        contents: What the plan's ``Pending`` contents stand for.
        ops: How to change the disk; the real file system by default.
        outside: Files and directories outside the project that the user names on the command line
            or in the environment: only these are written there.

    Returns:
        A warning for each directory that should have gone and is still there.

    Raises:
        OutsideProject: A path of the plan leads outside the project; nothing was changed.
        ProjectChanged: A file is no longer what the plan was made from; nothing was changed.
        WriteFailed: The disk refused; nothing has changed, or the next command finishes it.
        KeyboardInterrupt: The user interrupted it; its note says what became of the files.
    """
    transaction = _Transaction(plan, contents, ops or PosixFileOps(), outside)
    try:
        with deferred() as interrupted:
            transaction.run(interrupted)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(transaction.standing())
        raise
    return transaction.kept_directories()


class _Transaction:
    def __init__(
        self, plan: Plan, contents: Mapping[str, bytes], ops: PosixFileOps, outside: Iterable[Path]
    ) -> None:
        files = ProjectFiles(plan.directory, outside)
        self.plan = plan
        self.steps = Steps(plan, contents, files)
        self.ops = ops
        self.directory = files.root
        self.suffix = f".compose-tls-{secrets.token_hex(4)}"
        self.path = journal_path(self.directory)
        self.committed = False
        self.done = False

    def run(self, interrupted: Collection[int]) -> None:
        """Stage and commit, unless a signal comes before all is staged."""
        try:
            self.steps.compare()
            writes, directories = self.steps.writes(), self.steps.directories()
            steps = (*(write.step for write in writes), *self.steps.removals())
            self.steps.require_writable((path for path, _ in directories), steps)
        except OSError as error:
            raise nothing_changed(error, self.name(error)) from None
        if not steps and not directories:
            self.done = True
            return
        names = tuple(name_in(path, self.directory) for path, _ in directories)
        journal = Journal(self.directory, self.suffix, steps, names)
        try:
            self.stage(journal, writes, directories)
            self.store_complete(journal, interrupted)
            # What the journal says from here on is that there is no way back, only on.
            self.committed = True
            self.ops.rename(unfinished_journal_path(self.directory), self.path)
        except BaseException as error:
            self.settle()
            if self.done:
                # The disk reported an error, and had done it.
                return
            if isinstance(error, OSError):
                if self.committed:
                    raise self.stopped(error) from None
                raise nothing_changed(error, self.name(error)) from None
            raise
        self.commit(replace(journal, complete=True))

    def stage(
        self, journal: Journal, writes: list[Write], directories: list[tuple[Path, int]]
    ) -> None:
        """Write everything that the commit needs; the commit itself only renames and removes."""
        store(journal, self.ops)
        self.require_permissions(unfinished_journal_path(self.directory))
        put_in_force(journal, self.ops)
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
        self.steps.compare()
        hold(journal, self.ops)

    def store_complete(self, journal: Journal, interrupted: Collection[int]) -> None:
        """Write the journal that lets recovery go on, unless the user wants to go back."""
        store(replace(journal, complete=True), self.ops)
        if interrupted:
            raise KeyboardInterrupt

    def require_permissions(self, journal: Path) -> None:
        """Refuse a file system without permissions: others could read private keys."""
        status = journal.stat()
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != PRIVATE:
            raise WriteFailed(
                "this file system does not store owners and permissions; nothing was changed",
                hint="move the project to one that does: others could read its private keys here",
                path=str(self.directory),
            )

    def commit(self, journal: Journal) -> None:
        """Rename and remove. After a failure, the next command completes it; after a signal, this one."""
        try:
            self.ops.sync_directory(self.directory)
            roll_forward(journal, self.ops, untouched=True)
            drop(self.directory, self.ops)
        except OSError as error:
            raise self.stopped(error) from None
        except BaseException:
            self.settle()
            raise
        self.done = True

    def settle(self) -> None:
        """Undo or complete, by the journal on disk; if that fails, the next command does it."""
        with contextlib.suppress(OSError, ValueError, ComposeTlsError):
            # Only this transaction knows its suffix, so the owner is not checked.
            found = read_regular(self.path, JOURNAL_LIMIT)
            journal = Journal.parse(found.content, self.directory) if found else None
            if journal is not None and journal.suffix == self.suffix:
                self.committed = journal.complete
                self.done = carry_out(journal, self.ops).outcome == "finished"
            elif journal is None:
                drop(self.directory, self.ops)

    def standing(self) -> str:
        """What became of the files, for the user who interrupted it."""
        if self.done:
            return "all files are written"
        if os.path.lexists(self.path):
            return "the files are partly written: the next command completes them"
        return "no file was changed"

    def kept_directories(self) -> tuple[TlsWarning, ...]:
        """The directories that should have been removed."""
        return tuple(
            _kept(change.path, self.plan.relative(change.path))
            for change in self.plan.changes
            if isinstance(change, RemoveDirectory) and change.path.is_dir()
        )

    def stopped(self, error: OSError) -> WriteFailed:
        return WriteFailed(
            f"writing stopped before it was complete: {error.strerror or error}",
            hint="correct that and run the command again: it completes this one first",
            path=self.name(error),
        )

    def name(self, error: OSError) -> str | None:
        return (
            relative(Path(os.fsdecode(error.filename)), self.directory) if error.filename else None
        )


def _kept(path: Path, name: str) -> TlsWarning:
    """Why a directory is still there."""
    inside = sorted(entry.name for entry in path.iterdir())
    shown = ", ".join(inside[:_SHOWN]) + (", …" if len(inside) > _SHOWN else "")
    reason = f"it still contains: {shown}" if inside else "it cannot be removed"
    hint = f"remove {name} by hand, unless something in it is still needed"
    return TlsWarning("directory-kept", f"{name} stays: {reason}", name, hint)

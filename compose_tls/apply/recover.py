"""Recovery: completes a journal if everything was staged, otherwise undoes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import (
    JOURNAL,
    Journal,
    journal_path,
    read_journal,
    unfinished_journal_path,
)
from compose_tls.apply.preconditions import digest
from compose_tls.apply.rolling import drop, roll_back, roll_forward
from compose_tls.changes import relative
from compose_tls.errors import RecoveryFailed
from compose_tls.files import real_path
from compose_tls.signals import deferred
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class Recovery:
    """The outcome of a recovery.

    Attributes:
        outcome: ``finished``: what it was about to write is written. ``taken-back``: the files are as
            they were before it.
        files: The files concerned, as the journal names them.
    """

    outcome: Literal["finished", "taken-back"]
    files: tuple[str, ...]


def recover(
    directory: Path, ops: PosixFileOps, outside: Iterable[Path] = (), *, accepted: bool = False
) -> Recovery | None:
    """Finish what an interrupted command left. The project's lock must be held.

    Args:
        directory: The project directory.
        ops: How to change the disk.
        outside: What the user names outside the project, on the command line or in the environment.
        accepted: Whether the user accepts that files outside are edited.

    Returns:
        What was done; ``None`` where there was nothing to finish.

    Raises:
        ForeignJournal: The journal is not that of a command of this user.
        ProjectChanged: A file was written to in the very moment; all files are as they were.
        RecoveryFailed: The journal cannot be read or carried out, or a file that it is about to
            replace was edited since.
    """
    directory = real_path(directory)
    path = journal_path(directory)
    # Nothing is written where there is nothing to finish: the project may be on read-only ground.
    if not os.path.lexists(path) and not os.path.lexists(unfinished_journal_path(directory)):
        return None
    journal = read_journal(directory, outside, accepted=accepted)
    try:
        with deferred():
            if journal is None:
                drop(directory, ops)
                return None
            return carry_out(journal, ops)
    except OSError as error:
        named = (
            f", at {relative(Path(os.fsdecode(error.filename)), directory)}"
            if error.filename
            else ""
        )
        raise RecoveryFailed(
            f"an interrupted command cannot be finished: {error.strerror or error}{named}",
            hint=f"make the project writable and try again; {JOURNAL} lists the files it touches",
            path=JOURNAL,
        ) from None


def carry_out(journal: Journal, ops: PosixFileOps) -> Recovery:
    """Complete or undo a journal.

    Raises:
        OSError: The disk refused.
        ProjectChanged: A file was written to in the very moment; all files are as they were.
        RecoveryFailed: A file was edited after the interruption.
    """
    forward = journal.complete and not journal.returning
    if forward:
        _compare(journal)
        roll_forward(journal, ops)
    else:
        roll_back(journal, ops)
    drop(journal.directory, ops)
    outcome: Literal["finished", "taken-back"] = "finished" if forward else "taken-back"
    return Recovery(outcome, tuple(step.target for step in journal.steps))


def _compare(journal: Journal) -> None:
    """What was edited after the interruption is not ours to write over; nor is what we did not stage.

    A file that is overwritten in place may be half-way between two contents, and tells nothing.
    """
    for step in journal.steps:
        target = journal.target(step)
        staged = os.path.lexists(journal.staged(step))
        waits = {"replace": staged, "remove": os.path.lexists(target)}
        edited = waits.get(step.action) and _found(target) != step.before
        if edited or (staged and _found(journal.staged(step)) != step.after):
            raise RecoveryFailed(
                f"{step.target} was edited after a command was interrupted",
                hint=f"put {step.target} back as it was and try again; or, to keep it, remove "
                f"{JOURNAL} and the hidden files with {journal.suffix} in their names",
                path=step.target,
            )


def _found(path: Path) -> str | None:
    try:
        return digest(path)
    except PermissionError:
        return None

"""Carrying a journal to its end: forward when everything was staged, else back."""

from __future__ import annotations

import os
from pathlib import Path

from compose_tls.apply.file_ops import FileOps, naming
from compose_tls.apply.journal import (
    JOURNAL,
    Journal,
    journal_path,
    unfinished_journal_path,
)
from compose_tls.apply.preconditions import digest
from compose_tls.errors import RecoveryFailed


def recover(directory: Path, ops: FileOps) -> bool:
    """Finish what an interrupted command left. The project's lock must be held.

    Args:
        directory: The project directory.
        ops: How to change the disk.

    Returns:
        Whether there was anything to finish.

    Raises:
        RecoveryFailed: The journal cannot be read or carried out, or a file that it is about to
            replace was edited since.
    """
    path = journal_path(directory)
    # Nothing is written where there is nothing to finish: the project may lie on read-only ground.
    if not os.path.lexists(path) and not os.path.lexists(unfinished_journal_path(directory)):
        return False
    try:
        try:
            journal = Journal.parse(path.read_bytes(), directory)
        except FileNotFoundError:
            drop(directory, ops)
            return False
        if journal.complete:
            _compare(journal)
            roll_forward(journal, ops)
        else:
            roll_back(journal, ops)
        drop(directory, ops)
    except (OSError, ValueError) as error:
        raise RecoveryFailed(
            f"an interrupted command cannot be finished: {error}",
            hint=f"make the project writable and try again; {JOURNAL} lists the files it touches",
            path=JOURNAL,
        ) from None
    return True


def roll_forward(journal: Journal, ops: FileOps) -> None:
    """Put every staged file in its place. Steps that are done already are passed over."""
    for step in journal.steps:
        target, staged = journal.target(step), journal.staged(step)
        with naming(target):
            if step.action == "remove-directory":
                ops.remove_directory(target)
            elif step.action == "remove":
                ops.remove(target)
            elif not staged.exists():
                continue
            elif step.action == "overwrite":
                ops.overwrite(target, staged.read_bytes())
                ops.remove(staged)
            else:
                ops.rename(staged, target)
    _sync(journal, ops)


def roll_back(journal: Journal, ops: FileOps) -> None:
    """Take every staged file and every new directory away again."""
    for step in journal.steps:
        ops.remove(journal.staged(step))
    for directory in reversed(journal.made()):
        ops.remove_directory(directory)
    _sync(journal, ops)


def drop(directory: Path, ops: FileOps) -> None:
    """End the transaction."""
    ops.remove(unfinished_journal_path(directory))
    ops.remove(journal_path(directory))
    ops.sync_directory(directory)


def _compare(journal: Journal) -> None:
    """What was edited after the interruption is not ours to write over.

    A file that is overwritten in place may be half-way between two contents, and tells nothing.
    """
    for step in journal.steps:
        target = journal.target(step)
        waits = {"replace": journal.staged(step).exists(), "remove": os.path.lexists(target)}
        if waits.get(step.action) and _found(target) != step.before:
            raise RecoveryFailed(
                f"{step.target} was edited after a command was interrupted",
                hint=f"put {step.target} back as it was and try again; or, to keep it, remove "
                f"{JOURNAL} and the hidden files ending in {journal.suffix}",
                path=step.target,
            )


def _found(path: Path) -> str | None:
    try:
        return digest(path)
    except PermissionError:
        return None


def _sync(journal: Journal, ops: FileOps) -> None:
    """Make every entry durable before the journal goes: in the directories, and of new ones."""
    paths = [*(journal.target(step) for step in journal.steps), *journal.made()]
    for directory in dict.fromkeys(path.parent for path in paths):
        if directory.is_dir():
            ops.sync_directory(directory)

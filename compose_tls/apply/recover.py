"""Carrying a journal to its end: forward when everything was staged, else back."""

from __future__ import annotations

import errno
from pathlib import Path

from compose_tls.apply.file_ops import FileOps
from compose_tls.apply.journal import JOURNAL, Journal, journal_path, unfinished_journal_path
from compose_tls.errors import RecoveryFailed


def recover(directory: Path, ops: FileOps) -> bool:
    """Finish what an interrupted command left. The project's lock must be held.

    Args:
        directory: The project directory.
        ops: How to change the disk.

    Returns:
        Whether there was anything to finish.

    Raises:
        RecoveryFailed: The journal cannot be read or carried out.
    """
    path = journal_path(directory)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        ops.remove(unfinished_journal_path(directory))
        return False
    try:
        journal = Journal.parse(content)
        if journal.complete:
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
        target = Path(step.target)
        if step.staged is None:
            if target.is_dir():
                ops.remove_directory(target)
            else:
                ops.remove(target)
            continue
        staged = Path(step.staged)
        if not staged.exists():
            continue
        if step.in_place or not _renamed(staged, target, ops):
            ops.overwrite(target, staged.read_bytes())
            ops.remove(staged)
    _sync(journal, ops)


def _renamed(staged: Path, target: Path, ops: FileOps) -> bool:
    try:
        ops.rename(staged, target)
    except OSError as error:
        # A file that is itself a mount point can be written, but not replaced.
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def roll_back(journal: Journal, ops: FileOps) -> None:
    """Take every staged file and every new directory away again."""
    for step in journal.steps:
        if step.staged is not None:
            ops.remove(Path(step.staged))
    for directory in reversed(journal.directories):
        ops.remove_directory(Path(directory))


def drop(directory: Path, ops: FileOps) -> None:
    """End the transaction."""
    ops.remove(journal_path(directory))
    ops.sync_directory(directory)


def _sync(journal: Journal, ops: FileOps) -> None:
    for directory in dict.fromkeys(Path(step.target).parent for step in journal.steps):
        if directory.is_dir():
            ops.sync_directory(directory)

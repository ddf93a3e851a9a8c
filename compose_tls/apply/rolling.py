"""Rolls a journal forward (renames every staged file) or back (removes all staged files)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from compose_tls.apply.file_ops import PosixFileOps, naming
from compose_tls.apply.journal import (
    Journal,
    Step,
    journal_path,
    unfinished_journal_path,
)
from compose_tls.apply.preconditions import digest
from compose_tls.errors import ProjectChanged
from compose_tls.files import CHANGED_LIMIT, JOURNAL_LIMIT, read_regular
from compose_tls.layout import PRIVATE


def roll_forward(journal: Journal, ops: PosixFileOps, *, untouched: bool = False) -> None:
    """Move every staged file into place. Completed steps are skipped.

    Args:
        journal: The journal, complete.
        ops: How to change the disk.
        untouched: Whether no step can have been begun: then files that are overwritten are still whole,
            and tell whether someone has edited them.

    Raises:
        OSError: The disk refused.
        ProjectChanged: A file was edited in the very moment; all files are as they were.
    """
    edited = _move_all(journal, ops, untouched=untouched)
    if edited is not None:
        _return(journal, ops)
        raise ProjectChanged(
            f"{edited.target} was changed by another program at the same moment; nothing was written",
            hint="run the command again: it makes a new plan from the files as they are now",
            path=edited.target,
        )
    for step, _ in _moves(journal):
        _remove_if_there(journal.held(step), ops)
    for step in journal.steps:
        target = journal.target(step)
        with naming(target):
            if step.action == "remove-directory":
                ops.remove_directory(target)
            elif step.action == "overwrite":
                staged = read_regular(journal.staged(step), CHANGED_LIMIT)
                if staged is not None:
                    ops.overwrite(target, staged.content)
                    ops.remove(journal.staged(step))
    _sync(journal, ops)


def roll_back(journal: Journal, ops: PosixFileOps) -> None:
    """Remove every staged file and every new directory."""
    for step in journal.steps:
        target = journal.target(step)
        with naming(target):
            if journal.returning and step.action in {"replace", "remove"}:
                _put_back(journal, step, ops)
            _remove_if_there(journal.held(step), ops)
            ops.remove(journal.staged(step))
    for directory in reversed(journal.made()):
        ops.remove_directory(directory)
    _sync(journal, ops)


def hold(journal: Journal, ops: PosixFileOps) -> None:
    """Give the files that will go a second name: a program that has one open may still write to it."""
    for step, target in _moves(journal):
        if step.before is not None and os.path.lexists(target):
            with naming(target):
                ops.hold(target, journal.held(step))


def store(journal: Journal, ops: PosixFileOps) -> None:
    """Write a journal next to the one that is in force."""
    with naming(journal_path(journal.directory)):
        unfinished, content = unfinished_journal_path(journal.directory), journal.render()
        if len(content) > JOURNAL_LIMIT:
            raise OSError(errno.EFBIG, "too many files at once")
        ops.write_new(unfinished, content, mode=PRIVATE, uid=os.geteuid(), gid=None)


def put_in_force(journal: Journal, ops: PosixFileOps) -> None:
    """Make the last stored journal the current one."""
    ops.rename(unfinished_journal_path(journal.directory), journal_path(journal.directory))
    ops.sync_directory(journal.directory)


def drop(directory: Path, ops: PosixFileOps) -> None:
    """End the transaction."""
    ops.remove(unfinished_journal_path(directory))
    ops.remove(journal_path(directory))
    ops.sync_directory(directory)


def _moves(journal: Journal) -> Iterator[tuple[Step, Path]]:
    """The steps that take another file's place, or a file away."""
    for step in journal.steps:
        if step.action in {"replace", "remove"}:
            yield step, journal.target(step)


def _is_waiting(journal: Journal, step: Step) -> bool:
    waits_for = journal.staged(step) if step.action == "replace" else journal.target(step)
    return os.path.lexists(waits_for)


def _move_all(journal: Journal, ops: PosixFileOps, *, untouched: bool) -> Step | None:
    """Replace and remove. Stops at a file that someone edits meanwhile, while all can be put back.

    Returns:
        The step whose file was edited.
    """
    known = [step for step, _ in _moves(journal) if step.before is not None]
    # Without hard links, or where an earlier look had found all in order, there is only the way on.
    reversible = all(os.path.lexists(journal.held(step)) for step in known)
    for step, target in _moves(journal):
        if not _is_waiting(journal, step):
            continue
        if reversible and step.before is not None and not _is_held(journal, step):
            return step
        with naming(target):
            if step.action == "replace":
                ops.rename(journal.staged(step), target)
            else:
                ops.remove(target)
    if not reversible:
        return None
    in_place = [step for step in journal.steps if step.action == "overwrite" and untouched]
    whole = {**{s: journal.held(s) for s in known}, **{s: journal.target(s) for s in in_place}}
    return next((step for step, path in whole.items() if digest(path) != step.before), None)


def _is_held(journal: Journal, step: Step) -> bool:
    """Whether the file that is about to go is still the one that was held."""
    target = journal.target(step)
    return os.path.lexists(target) and os.path.samestat(target.lstat(), journal.held(step).lstat())


def _return(journal: Journal, ops: PosixFileOps) -> None:
    """Put all files back, also across a kill."""
    returning = replace(journal, returning=True)
    # An earlier attempt may have been killed while it wrote that.
    _remove_if_there(unfinished_journal_path(journal.directory), ops)
    store(returning, ops)
    put_in_force(returning, ops)
    roll_back(returning, ops)
    drop(journal.directory, ops)


def _put_back(journal: Journal, step: Step, ops: PosixFileOps) -> None:
    target, held = journal.target(step), journal.held(step)
    if _is_waiting(journal, step):
        return
    if os.path.lexists(held):
        ops.rename(held, target)
    elif step.before is None and step.after is not None and digest(target) == step.after:
        ops.remove(target)


def _remove_if_there(path: Path, ops: PosixFileOps) -> None:
    if os.path.lexists(path):
        ops.remove(path)


def _sync(journal: Journal, ops: PosixFileOps) -> None:
    """Make every entry durable before the journal goes: in the directories, and of new ones."""
    paths = [*(journal.target(step) for step in journal.steps), *journal.made()]
    for directory in dict.fromkeys(path.parent for path in paths):
        if directory.is_dir():
            ops.sync_directory(directory)

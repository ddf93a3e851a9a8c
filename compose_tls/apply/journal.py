"""The journal of a transaction: which files it changes, and whether all of it is staged."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal, get_args

from compose_tls.errors import ForeignJournal, RecoveryFailed
from compose_tls.files import JOURNAL_LIMIT, ProjectFiles, read_regular, real_path
from compose_tls.layout import PRIVATE
from compose_tls.patterns import regex
from compose_tls.values import dataclass

JOURNAL = ".compose-tls.journal"

_FORMAT: Final = "compose-tls journal 2"
_SUFFIX = regex(r"\.compose-tls-[0-9a-f]{8}")

StepAction = Literal["replace", "overwrite", "remove", "remove-directory"]


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a transaction.

    Attributes:
        target: The real path that changes, relative to the project where it is inside.
        action: ``replace``: the staged file is renamed over the target. ``overwrite``: its bytes are
            copied into the target, which keeps its identity (hard links, a foreign owner).
        before: SHA-256 of the target that goes; ``None`` where there is none, or none to be read.
        after: SHA-256 of what is staged.
    """

    target: str
    action: StepAction
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """A transaction on disk.

    Until ``complete``, recovery goes back: nothing but staged files is there yet. From then on it goes
    on, unless ``returning``: then a file that goes had been written to in that very moment, and all of
    them are put back. The names of staged files follow from their targets.
    """

    directory: Path
    suffix: str
    steps: tuple[Step, ...]
    directories: tuple[str, ...]
    complete: bool = False
    returning: bool = False

    def target(self, step: Step) -> Path:
        """The file that a step changes."""
        return self.directory / step.target

    def staged(self, step: Step) -> Path:
        """The file next to the target that holds the new bytes."""
        target = self.target(step)
        return target.with_name(f".{target.name}{self.suffix}")

    def held(self, step: Step) -> Path:
        """The second name of a file that goes, until it is certain that no one wrote to it."""
        target = self.target(step)
        return target.with_name(f".{target.name}{self.suffix}-old")

    def made(self) -> list[Path]:
        """The directories that the transaction makes, parents first."""
        return [self.directory / name for name in self.directories]

    def render(self) -> bytes:
        """The journal as bytes."""
        values = {
            "format": _FORMAT,
            "complete": self.complete,
            "returning": self.returning,
            "suffix": self.suffix,
            "steps": [asdict(step) for step in self.steps],
            "directories": self.directories,
        }
        return json.dumps(values).encode()

    @classmethod
    def parse(cls, content: bytes, directory: Path) -> Journal:
        """Read the journal of a project.

        Raises:
            ValueError: It is not one.
        """
        try:
            values: Any = json.loads(content)
            steps = tuple(Step(**step) for step in values["steps"])
            directories = tuple(values["directories"])
            flags = values["complete"], values["returning"]
            journal = cls(directory, values["suffix"], steps, directories, *flags)
            sound = values["format"] == _FORMAT and _SUFFIX.fullmatch(journal.suffix)
            sound = sound and all(isinstance(flag, bool) for flag in flags)
            names = [*directories, *(step.target for step in steps)]
            # ``with_name`` needs a name, and the system cannot be asked for one with a NUL in it.
            sound = sound and all(Path(name).name and "\0" not in name for name in names)
            digests = [digest for step in steps for digest in (step.before, step.after)]
            sound = sound and all(d is None or isinstance(d, str) for d in digests)
        except (TypeError, KeyError, RecursionError) as error:
            msg = f"the journal is damaged: {error}"
            raise ValueError(msg) from None
        if not sound or any(step.action not in get_args(StepAction) for step in steps):
            msg = "the journal is damaged"
            raise ValueError(msg)
        return journal


def read_journal(
    directory: Path, outside: Iterable[Path], *, accepted: bool = False
) -> Journal | None:
    """The journal that an interrupted command of this user left in a project; ``None`` without one.

    A journal says which files to move and to remove, so it is believed only as far as no one else can
    have made it: git gives no file the mode of ours, and every path in it is in the project.

    Args:
        directory: The project directory.
        outside: What the user names outside the project.
        accepted: Whether the user accepts that files outside are edited. What such an edit moves lies
            next to the file, where no project can put it.

    Raises:
        ForeignJournal: It is not ours, or names what is outside.
        RecoveryFailed: It is ours and damaged.
    """
    path = journal_path(real_path(directory))
    try:
        _require_ours(path.lstat())
        found = read_regular(path, JOURNAL_LIMIT)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise foreign(JOURNAL, f"it cannot be read: {error.strerror}") from None
    if found is None:
        # The command that was running here has ended.
        return None
    _require_ours(found.status)
    try:
        journal = Journal.parse(found.content, path.parent)
    except ValueError as error:
        raise RecoveryFailed(
            f"an interrupted command cannot be finished: {error}",
            hint=f"restore {JOURNAL}, or look at the files that it lists and remove it",
            path=JOURNAL,
        ) from None
    _require_inside(journal, outside, accepted=accepted)
    return journal


def unfinished(directory: Path) -> bool:
    """Whether a command of this user was interrupted in a project, or is running there now.

    Raises:
        ForeignJournal: There is a journal, but not one of ours: no command will finish it.
    """
    try:
        return read_journal(directory, (Path("/"),)) is not None
    except RecoveryFailed:
        # The commands that finish it say what is wrong with it.
        return True


def _require_ours(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise foreign(JOURNAL, "it is not a regular file")
    require_ours(JOURNAL, status, PRIVATE)


def require_ours(name: str, status: os.stat_result, ours: int) -> None:
    """Make sure that the files of an interrupted command belong to this user and are private.

    Args:
        name: What it is called.
        status: Whose it is, and its mode.
        ours: The mode with which it was made.

    Raises:
        ForeignJournal: It is not.
    """
    if status.st_uid != os.geteuid():
        raise foreign(
            name,
            f"it belongs to user {status.st_uid}",
            "if that user interrupted a command here, run one as that user; otherwise look at it",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode != ours:
        raise foreign(name, f"its mode is {mode:04o}, expected {ours:04o}")


def _require_inside(journal: Journal, outside: Iterable[Path], *, accepted: bool) -> None:
    files = ProjectFiles(journal.directory, outside)
    edits = {
        journal.target(step)
        for step in journal.steps
        if step.action in {"replace", "overwrite"} and step.before and step.after
    }
    for path in (*map(journal.target, journal.steps), *journal.made()):
        place = path.parent
        apart = path.name == ".." or real_path(place) != place
        if apart or not (files.is_inside(place) or (accepted and path in edits)):
            again = " with --accept outside-project" if path in edits and not apart else ""
            raise foreign(
                JOURNAL,
                f"it names {path}, which is outside the project or behind a link",
                "if a command of yours that named that place was interrupted, run that command again"
                f"{again}; otherwise look at it",
            )


def foreign(name: str, reason: str, hint: str = "look at it") -> ForeignJournal:
    """The error for a journal that no command of this user wrote."""
    return ForeignJournal(
        f"{name} was not written by a command of yours, so it is not applied: {reason}",
        hint=f"{hint}, and remove it if you do not recognize it",
        path=name,
    )


def name_in(path: Path, directory: Path) -> str:
    """The name of a path in a journal, relative, so that the project can be moved before recovery."""
    return str(path.relative_to(directory) if path.is_relative_to(directory) else path)


def journal_path(directory: Path) -> Path:
    """Where the journal of a project is while a transaction runs."""
    return directory / JOURNAL


def unfinished_journal_path(directory: Path) -> Path:
    """Where the journal is written before it is put in its place."""
    return directory / f"{JOURNAL}.new"

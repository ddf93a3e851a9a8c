"""The journal of a transaction: which files it changes, and whether all of it is staged."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

JOURNAL = ".compose-tls.journal"

_SUFFIX = re.compile(r"\.compose-tls-[0-9a-f]{8}")

StepAction = Literal["replace", "overwrite", "remove", "remove-directory"]


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a transaction.

    Attributes:
        target: The real path that changes, relative to the project where it lies inside.
        action: ``replace``: the staged file is renamed over the target. ``overwrite``: its bytes are
            copied into the target, which keeps its identity (hard links, a foreign owner).
        before: SHA-256 of the target that goes; ``None`` where there is none, or none to be read.
    """

    target: str
    action: StepAction
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """A transaction on disk. Until ``complete``, recovery goes back; from then on, it goes on.

    The name of a staged file follows from its target: a journal that came with somebody else's
    project cannot name files to move or to delete.
    """

    directory: Path
    suffix: str
    steps: tuple[Step, ...]
    directories: tuple[str, ...]
    complete: bool = False

    def target(self, step: Step) -> Path:
        """The file that a step changes."""
        return self.directory / step.target

    def staged(self, step: Step) -> Path:
        """The file beside the target that holds the new bytes."""
        target = self.target(step)
        return target.with_name(f".{target.name}{self.suffix}")

    def made(self) -> list[Path]:
        """The directories that the transaction makes, parents first."""
        return [self.directory / name for name in self.directories]

    def render(self) -> bytes:
        """The journal as bytes."""
        steps = [{"target": s.target, "action": s.action, "before": s.before} for s in self.steps]
        return json.dumps(
            {
                "complete": self.complete,
                "suffix": self.suffix,
                "steps": steps,
                "directories": self.directories,
            }
        ).encode()

    @classmethod
    def parse(cls, content: bytes, directory: Path) -> Journal:
        """Read the journal of a project.

        Raises:
            ValueError: It is not one.
        """
        values: Any = json.loads(content)
        try:
            steps = tuple(Step(**step) for step in values["steps"])
            journal = cls(
                directory,
                values["suffix"],
                steps,
                tuple(values["directories"]),
                complete=values["complete"],
            )
            sound = _SUFFIX.fullmatch(journal.suffix) and isinstance(journal.complete, bool)
            texts = [*journal.directories, *(step.target for step in steps)]
            sound = sound and all(isinstance(text, str) for text in texts)
        except (TypeError, KeyError) as error:
            msg = f"the journal is damaged: {error}"
            raise ValueError(msg) from None
        if not sound or any(step.action not in get_args(StepAction) for step in steps):
            msg = "the journal is damaged"
            raise ValueError(msg)
        return journal


def name_in(path: Path, directory: Path) -> str:
    """How a journal names a path: so that the project may be moved before it is recovered."""
    return str(path.relative_to(directory) if path.is_relative_to(directory) else path)


def journal_path(directory: Path) -> Path:
    """Where the journal of a project is while a transaction runs."""
    return directory / JOURNAL


def unfinished_journal_path(directory: Path) -> Path:
    """Where the journal is written before it is put in its place."""
    return directory / f"{JOURNAL}.new"

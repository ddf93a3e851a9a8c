"""The journal of a transaction: what is staged where, and whether all of it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

JOURNAL = ".compose-tls.journal"


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a transaction.

    Attributes:
        target: The real path that changes.
        staged: The file beside it that holds the new bytes; ``None`` to remove the target.
        in_place: Whether the bytes are copied over instead of renamed: a file with several hard
            links, or one that is itself a mount point, keeps its identity.
    """

    target: str
    staged: str | None
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Journal:
    """A transaction on disk. Until ``complete``, recovery goes back; from then on, it goes on."""

    complete: bool
    steps: tuple[Step, ...]
    directories: tuple[str, ...]

    def render(self) -> bytes:
        """The journal as bytes."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def parse(cls, content: bytes) -> Journal:
        """Read a journal.

        Raises:
            ValueError: It is not one.
        """
        values: dict[str, Any] = json.loads(content)
        try:
            steps = tuple(Step(**step) for step in values["steps"])
            return cls(bool(values["complete"]), steps, tuple(values["directories"]))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(str(error)) from None


def journal_path(directory: Path) -> Path:
    """Where the journal of a project is while a transaction runs."""
    return directory / JOURNAL


def unfinished_journal_path(directory: Path) -> Path:
    """Where the journal is written before it is put in its place."""
    return directory / f"{JOURNAL}.new"

"""Steps that several commands begin with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import JOURNAL, unfinished
from compose_tls.apply.lock import locked
from compose_tls.apply.recover import Recovery, recover
from compose_tls.changes import Plan
from compose_tls.compose.discovery import project_root
from compose_tls.config import TlsConfig
from compose_tls.errors import ProjectLocked, WrongUsage
from compose_tls.results import FileResult
from compose_tls.vocabulary import TlsWarning

OnEvent = Callable[[str], None]


def silent(_: str) -> None:
    """Progress that nobody listens to."""


def now() -> datetime:
    """The time, aware, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def project_directory(
    directory: str | os.PathLike[str], config: TlsConfig, environment: Mapping[str, str]
) -> Path:
    """The real path of the project that a directory belongs to.

    Raises:
        WrongUsage: There is no such directory.
    """
    path = Path(directory)
    if not path.is_dir():
        raise WrongUsage(
            f"there is no directory {path}",
            hint="name the project directory with -C",
            path=str(path),
        )
    return project_root(path.resolve(), config.file, environment)


def environment_of(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    """The given variables, or those of the process."""
    return os.environ if environment is None else environment


@contextmanager
def writing(
    directory: Path, outside: Iterable[Path] = (), *, dry_run: bool = False
) -> Iterator[list[TlsWarning]]:
    """Hold the project for writing; what an interrupted command left is finished first.

    Args:
        directory: The project.
        outside: What the user names outside of it.
        dry_run: Whether nothing is going to be written after all: then it is only looked at.

    Yields:
        What is to be told with the result: that something was finished.

    Raises:
        ForeignJournal: What was left is not of a command of this user.
        ProjectLocked: Another compose-tls works here, or in a dry run was interrupted.
        RecoveryFailed: What was left cannot be finished.
    """
    if dry_run:
        reading(directory)
        yield []
        return
    with locked(directory):
        recovery = recover(directory, PosixFileOps(), outside)
        yield [] if recovery is None else [_recovered(recovery)]


def reading(directory: Path) -> None:
    """Make sure that a command that must not write sees a whole project.

    Raises:
        ForeignJournal: There is a journal that no command will finish.
        ProjectLocked: A command was interrupted, or is at work.
    """
    if unfinished(directory):
        raise ProjectLocked(
            "an earlier compose-tls was interrupted half-way, or is still at work",
            hint="run compose-tls enable or disable: it finishes the earlier one first",
            path=JOURNAL,
        )


def _recovered(recovery: Recovery) -> TlsWarning:
    done = {"finished": "finished first", "taken-back": "taken back"}[recovery.outcome]
    return TlsWarning(
        "recovered",
        f"an earlier command had been interrupted, and was {done}: {', '.join(recovery.files)}",
    )


def file_results(plan: Plan) -> tuple[FileResult, ...]:
    """What a plan does to each file, as results."""
    return tuple(
        FileResult(path=plan.relative(path), action=action) for path, action in plan.files()
    )

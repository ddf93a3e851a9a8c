"""Steps that several commands begin with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import JOURNAL, unfinished
from compose_tls.apply.lock import locked
from compose_tls.apply.recover import recover
from compose_tls.changes import Plan
from compose_tls.compose.discovery import project_root
from compose_tls.config import TlsConfig, load, named_by
from compose_tls.errors import ProjectLocked, WrongUsage
from compose_tls.results import FileResult

OnEvent = Callable[[str], None]

Settings: TypeAlias = TlsConfig | Mapping[str, Any] | None
"""The settings of a command: whole; or options, which the environment and compose-tls.toml complete."""


def silent(_: str) -> None:
    """Progress that nobody listens to."""


def now() -> datetime:
    """The time, aware, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works on, settled once.

    Attributes:
        root: The project directory, its real path.
        config: The settings, all layers merged.
        variables: The process environment, for Compose.
        now: The time that the command judges by.
    """

    root: Path
    config: TlsConfig
    variables: Mapping[str, str] = field(repr=False)
    now: datetime


def open_project(
    directory: str | os.PathLike[str],
    settings: Settings,
    environment: Mapping[str, str] | None,
) -> Opened:
    """Settle the project directory, the settings and the time: in this order, here and nowhere else.

    Args:
        directory: Where to start: the project directory, or one below it.
        settings: The settings; options alone are completed by the environment and compose-tls.toml.
        environment: The process environment; that of this process by default.

    Raises:
        WrongUsage: There is no such directory.
        SettingsError: The settings contradict each other, or one is not known.
    """
    path = Path(directory)
    if not path.is_dir():
        raise WrongUsage(
            f"there is no directory {path}",
            hint="name the project directory with -C",
            path=str(path),
        )
    variables = os.environ if environment is None else environment
    given = TlsConfig() if settings is None else settings
    if isinstance(given, TlsConfig):
        root = project_root(path.resolve(), given.file, variables)
        return Opened(root, given, variables, now())
    root = project_root(path.resolve(), named_by(given, variables), variables)
    return Opened(root, load(root, given, variables), variables, now())


@contextmanager
def writing(directory: Path, *, dry_run: bool = False) -> Iterator[None]:
    """Hold the project for writing; what an interrupted command left is finished first.

    Args:
        directory: The project.
        dry_run: Whether nothing is going to be written after all: then it is only looked at.

    Raises:
        ProjectLocked: Another compose-tls works here, or in a dry run was interrupted.
        RecoveryFailed: What was left cannot be finished.
    """
    if dry_run:
        reading(directory)
        yield
        return
    with locked(directory):
        recover(directory, PosixFileOps())
        yield


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


def file_results(plan: Plan) -> tuple[FileResult, ...]:
    """What a plan does to each file, as results."""
    return tuple(
        FileResult(path=plan.relative(path), action=action) for path, action in plan.files()
    )

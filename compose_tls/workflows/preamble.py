"""Steps that several commands begin with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import JOURNAL, unfinished
from compose_tls.apply.lock import locked
from compose_tls.apply.recover import recover
from compose_tls.changes import Plan, relative
from compose_tls.compose.discovery import named_files, project_root, variables_of
from compose_tls.config import PLACES, SETTINGS_FILE, TlsConfig, completed, load, outermost
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.errors import InvalidSetting, ProjectLocked, WrongUsage
from compose_tls.observe.file_reader import FileReader
from compose_tls.project.model import state_path
from compose_tls.results import FileResult
from compose_tls.state.recorded import read_state

OnEvent = Callable[[str], None]

Settings: TypeAlias = TlsConfig | Mapping[str, Any] | None
"""The settings of a command: whole; or options, which the environment and compose-tls.toml complete."""


_FILES: Final = (
    frozenset(name for name in TlsConfig.model_fields if name.endswith(("_cert", "_key", "_file")))
    - PLACES
)
"""Files that the user names, PLACES apart."""


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
        start: Where the command works: Compose's own options are relative to it.
        given: The settings of flags, variables and compose-tls.toml.
        config: The same, over what the last enable recorded.
        variables: The process environment, for Compose.
        now: The time that the command judges by.
        typed: The settings that the user gave for this command, and not in compose-tls.toml.
        enabling: Whether the command can change what an earlier enable put in place.
    """

    root: Path
    start: Path
    given: TlsConfig
    config: TlsConfig
    variables: Mapping[str, str] = field(repr=False)
    now: datetime
    typed: frozenset[str]
    enabling: bool = False

    @property
    def invocation(self) -> ComposeInvocation:
        """The project as it is given to Docker Compose: with the options that the user gave."""
        config, start = self.config, self.start
        base = config.project_directory
        return ComposeInvocation(
            start,
            files=tuple(start / name for name in config.file),
            environment=self.variables,
            project_name=config.project_name,
            project_directory=start / base if base else None,
            env_files=tuple(start / name for name in config.env_file),
            profiles=config.profile,
        )

    @property
    def named_places(self) -> tuple[Path, ...]:
        """The compose files that the user names: they alone may lie outside of the project."""
        names = named_files(self.config.file, self.variables)
        return tuple(Path(os.path.normpath(self.start / name)) for name in names)

    def settled(self) -> Opened:
        """The same, with what is recorded now."""
        path = state_path(self.root, self.given)
        state = read_state(FileReader(self.root).content(path), relative(path, self.root))
        recorded = state.settings if state else None
        return replace(self, config=completed(self.given, recorded, enabling=self.enabling))


def open_project(
    directory: str | os.PathLike[str],
    settings: Settings,
    environment: Mapping[str, str] | None,
    *,
    enabling: bool = False,
) -> Opened:
    """Settle the project directory, the settings and the time: in this order, here and nowhere else.

    Args:
        directory: Where to start: the project directory, or one below it.
        settings: The settings; options alone are completed by the environment and compose-tls.toml.
        environment: The process environment; that of this process by default.
        enabling: Whether the command can change what an earlier enable put in place.

    Raises:
        WrongUsage: There is no such directory.
        SettingsError: The settings contradict each other, or one is not known.
        StateUnreadable: state.json is damaged.
    """
    path = Path(directory)
    if not path.is_dir():
        raise WrongUsage(
            f"there is no directory {path}",
            hint="name the place to work in with -C",
            path=str(path),
        )
    variables = os.environ if environment is None else environment
    start = path.resolve()
    if settings is None or isinstance(settings, TlsConfig):
        given = TlsConfig() if settings is None else settings
        root, typed = _root(start, dict(given), variables), frozenset(given.model_fields_set)
    else:
        outer = outermost(settings, variables)
        typed = frozenset(outer)
        beside = _root(start, outer, variables)
        given = _from(beside, start, load(beside, settings, variables, incomplete=True), outer)
        root = _root(start, dict(given), variables)
        _require_below(beside, root)
        given = _seen_from(root, given, {n: start if n in outer else beside for n in _FILES})
    if isinstance(settings, TlsConfig):
        given = _seen_from(root, given, dict.fromkeys(_FILES, start))
    return Opened(root, start, given, given, variables, now(), typed, enabling).settled()


def _root(start: Path, values: Mapping[str, Any], environment: Mapping[str, str]) -> Path:
    """The project directory that some settings and the environment lead to."""
    named = values.get("file", ())
    if not named:
        # .env may say COMPOSE_FILE.
        read = FileReader(start).content
        beside = start / (values.get("project_directory") or ".")
        environment = variables_of(environment, start, beside, values.get("env_file", ()), read)
    return project_root(start, named, environment, values.get("project_directory")).resolve()


def _from(beside: Path, start: Path, config: TlsConfig, outer: Mapping[str, Any]) -> TlsConfig:
    """Settings whose paths of compose-tls.toml for Compose are relative to where the command works."""

    def moved(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(_relative_to(start, beside, name) for name in value)
        return _relative_to(start, beside, value)

    here = config.model_fields_set & PLACES - set(outer)
    return _changed(config, {name: moved(getattr(config, name)) for name in here})


def _seen_from(root: Path, config: TlsConfig, given_at: Mapping[str, Path]) -> TlsConfig:
    """Settings whose other files are relative to the project, as they are recorded."""
    named = {name: getattr(config, name) for name in config.model_fields_set & _FILES}
    return _changed(
        config,
        {name: _relative_to(root, given_at[name], value) for name, value in named.items() if value},
    )


def _relative_to(there: Path, here: Path, name: str) -> str:
    """A path that is relative to one directory, relative to another one."""
    if here == there or Path(name).is_absolute():
        return name
    return os.path.relpath(here / name, there)


def _changed(config: TlsConfig, values: Mapping[str, Any]) -> TlsConfig:
    return config.model_copy(update=dict(values)) if values else config


def _require_below(settings: Path, root: Path) -> None:
    """Make sure that compose-tls.toml leads to no other project: whoever wrote it decides for its own."""
    if not root.is_relative_to(settings):
        raise InvalidSetting(
            f"{SETTINGS_FILE} names a project outside of its directory",
            hint="name it on the command line, with -f or --project-directory",
            path=SETTINGS_FILE,
        )


@contextmanager
def writing(opened: Opened, *, dry_run: bool = False) -> Iterator[Opened]:
    """Hold the project for writing; what an interrupted command left is finished first.

    Args:
        opened: The project.
        dry_run: Whether nothing is going to be written after all: then it is only looked at.

    Yields:
        The project with the settings that are recorded then.

    Raises:
        ProjectLocked: Another compose-tls works here, or in a dry run was interrupted.
        RecoveryFailed: What was left cannot be finished.
    """
    if dry_run:
        reading(opened.root)
        yield opened.settled()
        return
    with locked(opened.root):
        recover(opened.root, PosixFileOps())
        yield opened.settled()


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

"""Steps that several commands begin with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from compose_tls import listener
from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import unfinished
from compose_tls.apply.unproved import forget, is_deploying
from compose_tls.changes import Plan, relative
from compose_tls.compose.discovery import named_files
from compose_tls.config import (
    DIRECTORIES,
    ENVIRONMENT_PREFIX,
    FILES,
    TlsConfig,
    completed,
    outermost,
    require_meant,
)
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.errors import (
    ComposeTlsError,
    ConflictingSettings,
    OutsideProject,
    WrongUsage,
    settle,
)
from compose_tls.files import STATE_LIMIT, ProjectFiles, is_directory, is_file, real_path
from compose_tls.layout import STATE_FILE
from compose_tls.observation import FileFacts
from compose_tls.observe import observe
from compose_tls.observe.file_reader import FileReader
from compose_tls.observe.settings_file import given_settings
from compose_tls.project.model import Project, state_path
from compose_tls.results import FileResult
from compose_tls.shell import quoted
from compose_tls.state.recorded import State, read_state
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows.edited_elsewhere import edited_elsewhere
from compose_tls.workflows.interrupted import interrupted, recovered, taken_back
from compose_tls.workflows.project_place import (
    called,
    completed_by,
    reached_as,
    require_below,
    require_here,
    root_of,
    seen_from,
    started_from,
)

CURRENT: ContextVar[Opened | None] = ContextVar("CURRENT", default=None)
"""What the command of now has opened, for the hints of its errors."""

Settings: TypeAlias = TlsConfig | Mapping[str, Any] | None
"""The settings of a command: whole; or options, which the environment and compose-tls.toml complete."""


def now() -> datetime:
    """The time, aware, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works on, settled once.

    Attributes:
        root: The project directory, its real path.
        start: Where the command works, its real path: Compose's own options are relative to it.
        reached: The same place by the name that it has for the user, symbolic links included: after that
            Compose names the project.
        given: The settings of flags, variables and compose-tls.toml.
        config: The same, over what the last enable recorded.
        variables: The process environment, for Compose.
        now: The time that the command judges by.
        typed: The settings that the user gave for this command, and not in compose-tls.toml.
        enabling: Whether the command can change what an earlier enable put in place.
        told: What is to be reported with the result: that an interrupted command was finished.
        lock: The descriptor that holds the project's lock, while there is one.
        seen: What was read for these settings, such as the record: it is not read again for the project.
    """

    root: Path
    start: Path
    given: TlsConfig
    config: TlsConfig
    variables: Mapping[str, str] = field(repr=False)
    now: datetime
    typed: frozenset[str]
    enabling: bool
    told: tuple[TlsWarning, ...] = ()
    lock: tuple[int, ...] = ()
    reached: Path = Path()
    seen: Mapping[Path, FileFacts | None] = field(default_factory=dict, repr=False)

    @property
    def completed(self) -> Mapping[str, str]:
        """What Compose interpolates with, where it is run."""
        reader = FileReader(self.start, seen=self.seen)
        return completed_by(self.start, dict(self.config), self.variables, reader)

    @property
    def invocation(self) -> ComposeInvocation:
        """The project as it is given to Docker Compose: with the options that the user gave."""
        config, start = self.config, self.reached
        base = config.project_directory
        return ComposeInvocation(
            start,
            files=tuple(start / name for name in config.file),
            environment=self.variables,
            project_name=config.project_name,
            project_directory=start / base if base else None,
            env_files=tuple(start / name for name in config.env_file),
            profiles=config.profile,
            inherited=self.lock,
        )

    @property
    def named_places(self) -> tuple[Path, ...]:
        """What the user names outside the project: only there something is written outside.

        compose-tls.toml can name nothing there, so what is given is the user's own word.
        """
        files = [self.start / name for name in named_files(self.given.file, self.variables)]
        ours = [self.root / getattr(self.given, name) for name in DIRECTORIES]
        places = (Path(os.path.normpath(path)) for path in (*files, *ours))
        return tuple(place for place in places if not place.is_relative_to(self.root))

    def observed(self, *, without_ours: bool = False) -> Project:
        """The project, read once; the argument and the errors are those of ``observe``."""
        place = called(self.reached, self.root, self.config, self.completed)
        return observe(
            self.root,
            self.config,
            self.variables,
            start=self.start,
            outside=self.named_places,
            without_ours=without_ours,
            called=place.name,
            seen=self.seen,
        )

    def settled(self) -> Opened:
        """The same, with what is recorded now.

        Raises:
            OutsideProject: Files of ours are outside the project, and it is not the user who says so.
            StateUnreadable: state.json is damaged.
        """
        self._require_own_word("pki_dir", self.given)
        path = state_path(self.root, self.given)
        if "pki_dir" not in self.given.model_fields_set and not os.path.lexists(path):
            there = list(filter(self._is_record, self.root.glob(f"*/{STATE_FILE}")))
            if len(there) == 1:
                given = self.given.model_copy(update={"pki_dir": there[0].parent.name})
                return replace(self, given=given, typed=self.typed | {"pki_dir"}).settled()
        reader = FileReader(self.root, self.named_places)
        state = self._record(path, reader)
        recorded = state.settings if state else None
        config = completed(self.given, recorded, enabling=self.enabling)
        for name in sorted(DIRECTORIES):
            self._require_own_word(name, config)
        beside = FileReader(self.start, seen=self.seen)
        completed_by(self.start, dict(config), self.variables, beside)
        return replace(self, config=config, seen={**beside.files, **reader.files})

    def _record(self, path: Path, reader: FileReader) -> State | None:
        return read_state(reader.content(path, STATE_LIMIT), relative(path, self.root))

    def _is_record(self, path: Path) -> bool:
        """Whether an enable with another --pki-dir has left its record there."""
        try:
            reader = FileReader(self.root, self.named_places)
            return not path.parent.is_symlink() and self._record(path, reader) is not None
        except ComposeTlsError:
            return False

    def writable(self, plan: Plan) -> tuple[tuple[Path, ...], tuple[TlsWarning, ...]]:
        """The places outside the project that a plan may write to, and what is to be said of them.

        A file that the project leads to (by a link, a mount, ``include``) is edited there only if the
        user accepts that; nothing is ever made or removed there.

        Raises:
            OutsideProject: It is to be edited, and the user has not accepted that.
            ValueInTheWay: Something else is where a file or directory of ours has to go.
        """
        from compose_tls.apply.preconditions import require_unobstructed  # noqa: PLC0415 - not needed for reading

        require_unobstructed(plan)
        led, refusal = edited_elsewhere(plan, ProjectFiles(self.root, self.named_places))
        told = (settle(refusal, self.config.accept),) if refusal else ()
        return (*self.named_places, *led), told

    def _require_own_word(self, name: str, config: TlsConfig) -> None:
        place: str = getattr(config, name)
        if not ProjectFiles(self.root, self.named_places).is_inside(Path(place)):
            real = real_path(self.root / place)
            variable = ENVIRONMENT_PREFIX + name.upper()
            raise OutsideProject(
                f"{place} leads outside the project, to {real}",
                hint="files of a project must stay inside it; if you intend this, set"
                f" {variable}={quoted(str(real))}",
                path=place,
            )


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
        settings: The settings; options are completed by the environment and compose-tls.toml.
        environment: The process environment; that of this process by default.
        enabling: Whether the command can change what an earlier enable put in place.

    Raises:
        WrongUsage: There is no such directory, or the current one has been removed.
        SettingsError: The settings contradict each other, or one is not known.
        StateUnreadable: state.json is damaged.
        OutsideProject: The project says that it is, or has something of ours, elsewhere.
    """
    path = Path(directory)
    if not is_directory(path):
        file = is_file(path)
        raise WrongUsage(
            f"{path} is a file, not a directory" if file else f"there is no directory {path}",
            hint="name a compose file with -f, its directory with -C"
            if file
            else "name an existing directory with -C",
            path=str(path),
        )
    require_here()
    variables = os.environ if environment is None else environment
    start = path.resolve()
    reader = FileReader(start)
    if settings is None or isinstance(settings, TlsConfig):
        given = TlsConfig() if settings is None else settings
        root = root_of(start, dict(given), variables, reader)
        typed = frozenset(given.model_fields_set)
    else:
        outer = outermost(settings, variables)
        typed = frozenset(outer)
        beside = root_of(start, outer, variables, reader)
        given = started_from(beside, start, given_settings(beside, settings, variables), outer)
        root = root_of(start, dict(given), variables, reader)
        require_below(beside, root)
        given = seen_from(root, given, {n: start if n in outer else beside for n in FILES})
    if isinstance(settings, TlsConfig):
        given = seen_from(root, given, dict.fromkeys(FILES, start))
    require_meant(given)
    reached = reached_as(path, start, variables)
    opened = Opened(root, start, given, given, variables, now(), typed, enabling, reached=reached)
    opened = replace(opened, seen=reader.files)
    CURRENT.set(opened)
    return opened.settled()


def open_directory(
    directory: Path, settings: Settings, environment: Mapping[str, str] | None, start: Path
) -> Opened:
    """Settle the settings and the time for a directory that is to become a project.

    What is above it does not count; nor does the directory have to be there.

    Args:
        directory: The directory.
        settings: As for ``open_project``.
        environment: As for ``open_project``.
        start: Where paths on the command line are relative to.

    Raises:
        SettingsError: As for ``open_project``; or something names another project.
        OutsideProject: As there.
    """
    variables = os.environ if environment is None else environment
    root = directory.resolve()
    if settings is None or isinstance(settings, TlsConfig):
        given = TlsConfig() if settings is None else settings
        outer = {name: getattr(given, name) for name in given.model_fields_set}
    else:
        outer = outermost(settings, variables)
        given = given_settings(root, settings, variables)
    names = [name for name in ("file", "project_directory", "service") if getattr(given, name)]
    if names or variables.get("COMPOSE_FILE"):
        what = f"--{names[0].replace('_', '-')}" if names else "COMPOSE_FILE"
        raise ConflictingSettings(
            f"{what} names a project, but init creates one that docker compose finds by itself",
            hint=f"leave {what} out; compose-tls init DIR names the directory",
        )
    given = seen_from(root, given, {n: start if n in outer else root for n in FILES})
    opened = Opened(
        root, root, given, given, variables, now(), frozenset(outer), True, reached=root
    )
    CURRENT.set(opened)
    return opened.settled()


@contextmanager
def writing(
    opened: Opened,
    outside: Iterable[Path] = (),
    *,
    dry_run: bool = False,
    on_event: listener.OnEvent = listener.silent,
) -> Iterator[Opened]:
    """Hold the project for writing; what an interrupted command left is finished first.

    Args:
        opened: The project.
        outside: What else the user names outside it.
        dry_run: Whether nothing is going to be written after all: then it is only looked at.
        on_event: Told about progress, where previous services have to be started.

    Yields:
        The project with the settings that are recorded then, and what is to be reported with the result.

    Raises:
        ForeignJournal: What was left is not of a command of this user.
        ProjectLocked: Another compose-tls works here, or in a dry run was interrupted.
        RecoveryFailed: What was left cannot be finished.
    """
    if dry_run:
        reading(opened.root)
        if is_deploying(opened.root):
            raise interrupted()
        yield opened
        return
    from compose_tls.apply.lock import locked  # noqa: PLC0415 - not needed for reading
    from compose_tls.apply.recover import recover  # noqa: PLC0415 - as above

    with locked(opened.root) as descriptor:
        # What was read before may be another thing by now.
        opened = replace(opened, lock=(descriptor,), seen={})
        places = (*opened.named_places, *outside)
        accepted = OutsideProject.code in opened.config.accept
        recovery = recover(opened.root, PosixFileOps(), places, accepted=accepted)
        told: tuple[TlsWarning, ...] = (recovered(recovery),) if recovery else ()
        if is_deploying(opened.root):
            on_event("an earlier command was interrupted while deploying: undoing that")
            from compose_tls.workflows.deployment_undo import take_back  # noqa: PLC0415 - has the engine's client

            taken = take_back(opened.root, opened.invocation, places, on_event, accepted=accepted)
            told += taken_back(taken)
        else:
            # One that was killed before it had begun.
            forget(opened.root)
        try:
            yield replace(opened.settled(), told=told)
        except ComposeTlsError as error:
            error.warnings = (*told, *error.warnings)
            raise


def reading(directory: Path) -> None:
    """Make sure that a command that must not write sees a whole project.

    Raises:
        ForeignJournal: There is a journal that no command will finish.
        ProjectLocked: A command was interrupted, or is running.
    """
    if unfinished(directory):
        raise interrupted()


def file_results(plan: Plan) -> tuple[FileResult, ...]:
    """What a plan does to each file, as results."""
    return tuple(
        FileResult(path=plan.relative(path), action=action) for path, action in plan.files()
    )

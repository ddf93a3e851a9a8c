"""The project: its compose files, what configures Milvus, and what an earlier enable left."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from compose_tls.changes import relative, sha256
from compose_tls.compose.compose_project import ComposeProject, load_project
from compose_tls.compose.definition import Reader
from compose_tls.compose.discovery import (
    DEFAULT_FILES,
    compose_files,
    name_of,
    named_files,
    variables_of,
)
from compose_tls.compose.interpolate import interpolate
from compose_tls.config import TlsConfig
from compose_tls.errors import ComposeFileNotFound, OutsideProject, ServiceRenamed, settle
from compose_tls.files import ENV_LIMIT, STATE_LIMIT, ProjectFiles, names_in
from compose_tls.layout import mounted_beside
from compose_tls.observation import FileFacts, Observation
from compose_tls.observe.file_reader import FileReader
from compose_tls.observe.neighbour_configuration import read_neighbours
from compose_tls.observe.pki_directory import read_pki
from compose_tls.observe.tls_files import read_shown
from compose_tls.project.milvus_services import milvus_services
from compose_tls.project.mode_edits import is_mode, mode_in
from compose_tls.project.model import Project, named_services, state_path
from compose_tls.project.renamed import renamed, with_names
from compose_tls.shell import typed
from compose_tls.state.recorded import EditRecord, FileRecord, read_state
from compose_tls.state.undo import is_of_lines, undo
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.query import roots

_PROJECT_NAME: Final = "COMPOSE_PROJECT_NAME"


def observe(
    directory: Path,
    config: TlsConfig,
    environment: Mapping[str, str],
    *,
    start: Path | None = None,
    outside: Iterable[Path] = (),
    without_ours: bool = False,
    drafts: Mapping[Path, bytes] = {},
    called: str | None = None,
    seen: Mapping[Path, FileFacts | None] = {},
) -> Project:
    """Read everything that a plan for this project may depend on: each file once, in one go.

    Args:
        directory: The project directory.
        config: The settings; they say which files count.
        environment: The process environment.
        start: Where Compose is run, and what its own options are relative to; the project directory
            by default.
        outside: What the user names outside the project.
        without_ours: Whether the project is wanted without what an earlier enable put in.
        drafts: Files that are going to be made, read as if they were there.
        called: What the project directory is called where a link leads to it; Compose names the project
            after that.
        seen: Files that were read already, by this very command.

    Raises:
        ComposeFileNotFound: There is no compose file.
        FileUnreadable: A file of the project may not be read, or is not a file.
        NotAComposeFile: A compose file defines no services.
        YamlSyntax: A compose file cannot be parsed.
        StateUnreadable: state.json is damaged.
        OutsideProject: A link in the project leads outside.
        EditRefused: What an earlier enable put in cannot be taken out.
    """
    directory = directory.resolve()
    reader = FileReader(directory, outside, seen)
    for draft, text in drafts.items():
        reader.assume(draft, text)
    reading = _Reading(directory, config, environment, start or directory, called, reader)
    try:
        reading.find_files()
    except ComposeFileNotFound as error:
        raise _of_script(directory, reader, error) from None
    path = state_path(directory, config)
    state = read_state(reader.content(path, STATE_LIMIT), relative(path, directory))
    names: Mapping[str, str] = {}
    if state and without_ours and ServiceRenamed.code in config.accept:
        names = renamed(state, reading.load(reading.theirs).services, directory)
        state = with_names(state, names)
    edited = state.files if state else ()
    for file in edited:
        # Read in any case: edited by an earlier enable, still in use or not.
        reader.content(directory / file.path)
    for file in edited if without_ours else ():
        reading.take_out(file)
    if reading.originals and any(map(is_of_lines, edited)):
        reading.find_files()
    made = {directory / file.path for file in edited if not file.before}
    compose = reading.load(reading.read).without(made)
    milvus = milvus_services(compose, reading.read, named_services(config, state))
    read_neighbours(compose, reader, {one.name for one in milvus})
    pki = read_pki(directory, config, state, reader, compose.services)
    read_shown(reader, milvus)
    places = mounted_beside(config.tls_dir, compose.services)
    beside = filter(reader.project.is_inside, (directory / name for name in places))
    observation = Observation(
        directory=directory,
        compose_files=reading.files,
        files=reader.files,
        variables=reading.variables,
        pki=pki,
        user_id=os.geteuid(),
        group_ids=frozenset({os.getegid(), *os.getgroups()}),
        given=frozenset(environment),
        obstacles=reader.obstacles,
        mounted={path: names_in(path) for path in (directory / config.served_dir, *beside)},
    )
    return Project(
        observation,
        compose,
        state,
        reading.originals,
        tuple(reading.kept),
        milvus,
        max(reading.modes_by_hand),
        names,
    )


@dataclass(slots=True)
class _Reading:
    """Finds and reads the files of Compose, and takes out what an earlier enable put in.

    Attributes:
        directory: The project directory.
        config: The settings.
        environment: The process environment.
        start: Where Compose is run.
        called: What the project directory is called where a link leads to it.
        reader: Reads the files.
        files: The compose files, as they were last found.
        variables: What Compose interpolates them with.
        originals: The files without what an earlier enable put in.
        kept: The places that someone changed since, by file.
        modes_by_hand: What the places of the mode say, as written or as someone changed them since.
    """

    directory: Path
    config: TlsConfig
    environment: Mapping[str, str]
    start: Path
    called: str | None
    reader: FileReader
    files: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    originals: dict[Path, bytes | None] = field(default_factory=dict)
    kept: list[tuple[str, str]] = field(default_factory=list)
    modes_by_hand: list[TlsMode] = field(default_factory=lambda: [TlsMode.OFF])

    @property
    def base(self) -> Path | None:
        """What the user names as the project directory of Compose, if anything."""
        return self.directory if self.config.project_directory else None

    def theirs(self, path: Path) -> bytes | None:
        """A file of the user as it is; one outside, to which a link leads, if the user accepts that."""
        reader = self.reader
        try:
            return reader.content(path)
        except OutsideProject as refusal:
            settle(refusal, self.config.accept)
            reader.project = ProjectFiles(reader.directory, (*reader.project.outside, path))
            return reader.content(path)

    def read(self, path: Path) -> bytes | None:
        """The same without what an earlier enable put in."""
        return self.originals[path] if path in self.originals else self.theirs(path)

    def load(self, read: Reader) -> ComposeProject:
        """What Compose makes of the files that there are.

        An override file that an earlier enable made is not there without what it put in.
        """
        present = [path for path in self.files if read(path) is not None]
        return load_project(self.directory, present, read, self.variables, self.base)

    def take_out(self, file: FileRecord) -> None:
        """Take out what is recorded of a file; a compose file may have another name by now."""
        place = self.directory / file.path
        if self.reader.content(place) is None:
            found = (p for p in self.files if sha256(self.reader.content(p) or b"") == file.after)
            place = next(found, place)
        content = self.reader.content(place)
        if content is not None:
            undone = undo(content, file, again=self._is_mode)
            self.originals[place] = undone.content
            self.kept += [(file.path, route) for route in undone.kept]
            # The settings in the record may be another's; the mode that was written there counts, too.
            written = (edit.new for edit in file.edits if is_mode(edit))
            self.modes_by_hand += [mode_in(new) for new in written if isinstance(new, str)]

    def _is_mode(self, edit: EditRecord, now: str) -> bool:
        """Who changes the mode by hand asks for another one, and has not said how it was before."""
        if not is_mode(edit) or "$" in now:
            # Who makes a variable of it decides again each time.
            return False
        self.modes_by_hand.append(mode_in(now))
        return True

    def find_files(self) -> None:
        """Find the compose files, and what Compose interpolates them with; originals are in for files.

        Compose reads ``.env`` next to the first file that ``-f`` names, or in the directory that
        ``--project-directory`` does. Else it reads that of where it is run, which may say COMPOSE_FILE,
        and then that next to the first file for what is not set.
        """
        config, start = self.config, self.start
        # Compose sets PWD itself: the shell's may be that of another directory.
        variables: Mapping[str, str] = {**self.environment, "PWD": str(start)}
        if not config.file:
            variables = self._completed(variables, start)
        names = named_files(config.file, variables)
        self.files = compose_files(
            self.directory,
            [str(start / name) for name in names],
            {},
            lambda path: self.theirs(path) is not None,
        )
        variables = self._completed(variables, self.files[0].parent)
        if config.profile:
            variables = {**variables, "COMPOSE_PROFILES": ",".join(config.profile)}
        self.variables = {**variables, _PROJECT_NAME: self._project_name(variables)}

    def _completed(self, variables: Mapping[str, str], beside: Path) -> Mapping[str, str]:
        env_file, place = self.config.env_file, self.base or beside
        return variables_of(variables, self.start, place, env_file, self._env_file)

    def _env_file(self, path: Path) -> bytes | None:
        place = Path(os.path.normpath(path))
        if place in self.originals:
            return self.originals[place]
        return self.reader.content(path, ENV_LIMIT)

    def _project_name(self, variables: Mapping[str, str]) -> str:
        """The name that Compose gives to a project; files may use it as a variable.

        Source: https://docs.docker.com/compose/how-tos/project-name/
        """
        given = self.config.project_name or variables.get(_PROJECT_NAME)
        if given:
            return given
        named = [name for path in self.files if (name := self._own_name(path, variables))]
        place = self.base or self.files[0].parent
        return named[-1] if named else name_of(self.called or place.name)

    def _own_name(self, path: Path, variables: Mapping[str, str]) -> str | None:
        """The name that a compose file gives to its project."""
        content = self.theirs(path) or b""
        if b"name:" not in content:
            return None
        document = parse(content, relative(path, self.directory))
        found = roots(document, lambda text: interpolate(text, variables))
        return next((name for root in reversed(found) if (name := root.text("name"))), None)


def _of_script(
    directory: Path, reader: FileReader, error: ComposeFileNotFound
) -> ComposeFileNotFound:
    """The error for a directory in which Milvus is started by a script; elsewhere as it was."""
    from compose_tls.targets.new_project.embed_script import (  # noqa: PLC0415 - only for this error
        CONTAINER,
        DATA,
        SCRIPT,
        compose_file_of,
        likely_run,
    )

    script = reader.content(directory / SCRIPT)
    if script is None or error.path != str(directory):
        return error
    run = likely_run(script)
    return ComposeFileNotFound(
        f"there is no compose file in {directory}: {SCRIPT} starts Milvus there, and compose-tls "
        "works on Compose projects",
        hint="compose-tls init makes a Compose project of it, with TLS; or save the text below as "
        f"{DEFAULT_FILES[2]}, remove the script's container with docker rm -f "
        f"{typed(run.container or CONTAINER)} (its data stay in {DATA}), and run this again:\n\n"
        + compose_file_of(run).decode(),
        path=error.path,
    )

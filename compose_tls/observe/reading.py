"""The project: its compose files, what configures Milvus, and what an earlier enable left."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Final

from compose_tls.changes import relative, sha256
from compose_tls.compose.compose_project import Reader as Read
from compose_tls.compose.compose_project import load_project
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
from compose_tls.files import ENV_LIMIT, STATE_LIMIT, ProjectFiles
from compose_tls.observation import Observation
from compose_tls.observe.file_reader import FileReader
from compose_tls.observe.neighbour_configuration import read_neighbours
from compose_tls.observe.pki_directory import read_pki
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
    drafts: Mapping[Path, bytes] | None = None,
    called: str | None = None,
) -> Project:
    """Read everything that a plan for this project may depend on: each file once, in one go.

    Args:
        directory: The project directory.
        config: The settings; they say which files count.
        environment: The process environment.
        start: Where Compose is run, and what its own options are relative to; the project directory
            by default.
        outside: What the user names outside of the project.
        without_ours: Whether the project is wanted without what an earlier enable put in.
        drafts: Files that are going to be made, read as if they were there.
        called: What the project directory is called where a link leads to it; Compose names the project
            after that.

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
    reader = FileReader(directory, outside)
    for draft, text in (drafts or {}).items():
        reader.assume(draft, text)
    theirs = _theirs(reader, config)
    originals: dict[Path, bytes | None] = {}

    def found_files() -> tuple[tuple[Path, ...], Mapping[str, str]]:
        return _find_files(
            directory, start or directory, config, reader, theirs, environment, originals, called
        )

    try:
        files, variables = found_files()
    except ComposeFileNotFound as error:
        raise _of_script(directory, reader, error) from None
    path = state_path(directory, config)
    state = read_state(reader.content(path, STATE_LIMIT), relative(path, directory))
    base = directory if config.project_directory else None
    names: Mapping[str, str] = {}
    if state and without_ours and ServiceRenamed.code in config.accept:
        there = load_project(directory, files, theirs, variables, base).services
        names = renamed(state, there, directory)
        state = with_names(state, names)
    for file in state.files if state else ():
        # Read in any case: edited by an earlier enable, still in use or not.
        reader.content(directory / file.path)
    ours = _Ours(reader, files, originals)
    for file in state.files if state and without_ours else ():
        ours.take_out(file)

    def read(path: Path) -> bytes | None:
        return originals[path] if path in originals else theirs(path)

    if originals and any(is_of_lines(file) for file in (state.files if state else ())):
        files, variables = found_files()
    # An override file that an earlier enable made is not there without what it put in.
    present = [path for path in files if read(path) is not None]
    compose = load_project(directory, present, read, variables, base)
    made = {directory / file.path for file in state.files if not file.before} if state else set()
    compose = compose.without(made)
    milvus = milvus_services(compose, read, named_services(config, state))
    read_neighbours(compose, reader, {one.name for one in milvus})
    pki = read_pki(directory, config, state, reader, compose.services)
    observation = Observation(
        directory=directory,
        compose_files=files,
        files=reader.files,
        variables=variables,
        pki=pki,
        user_id=os.geteuid(),
        group_ids=frozenset({os.getegid(), *os.getgroups()}),
        given=frozenset(environment),
    )
    return Project(
        observation,
        compose,
        state,
        originals,
        tuple(ours.kept),
        milvus,
        max(ours.modes_by_hand),
        names,
    )


@dataclass(slots=True)
class _Ours:
    """Takes out what an earlier enable put in.

    Attributes:
        reader: Reads the files.
        files: The compose files.
        originals: Gets the files without it.
        kept: The places that someone changed since, by file.
        modes_by_hand: What the places of the mode say that someone changed since.
    """

    reader: FileReader
    files: Sequence[Path]
    originals: dict[Path, bytes | None]
    kept: list[tuple[str, str]] = field(default_factory=list)
    modes_by_hand: list[TlsMode] = field(default_factory=lambda: [TlsMode.OFF])

    def take_out(self, file: FileRecord) -> None:
        """Take it out of a file; a compose file may have another name by now."""
        place = self.reader.directory / file.path
        if self.reader.content(place) is None:
            found = (p for p in self.files if sha256(self.reader.content(p) or b"") == file.after)
            place = next(found, place)
        content = self.reader.content(place)
        if content is not None:
            undone = undo(content, file, again=self._is_mode)
            self.originals[place] = undone.content
            self.kept += [(file.path, route) for route in undone.kept]

    def _is_mode(self, edit: EditRecord, now: str) -> bool:
        """Who changes the mode by hand asks for another one, and has not said how it was before."""
        if not is_mode(edit) or "$" in now:
            # Who makes a variable of it decides anew each time.
            return False
        self.modes_by_hand.append(mode_in(now))
        return True


def _theirs(reader: FileReader, config: TlsConfig) -> Read:
    """Reads the user's files; one outside, to which a link leads, if the user accepts that."""

    def read(path: Path) -> bytes | None:
        try:
            return reader.content(path)
        except OutsideProject as refusal:
            settle(refusal, config.accept)
            reader.project = ProjectFiles(reader.directory, (*reader.project.outside, path))
            return reader.content(path)

    return read


def _find_files(
    directory: Path,
    start: Path,
    config: TlsConfig,
    reader: FileReader,
    read: Read,
    environment: Mapping[str, str],
    originals: Mapping[Path, bytes | None],
    called: str | None,
) -> tuple[tuple[Path, ...], Mapping[str, str]]:
    """The compose files, and what Compose interpolates them with; ``originals`` stand in for files.

    Compose reads ``.env`` next to the first file that ``-f`` names, or in the directory that
    ``--project-directory`` does. Else it reads that of where it is run, which may say COMPOSE_FILE,
    and then that next to the first file for what is not set.
    """
    base = directory if config.project_directory else None

    def of_environment(path: Path) -> bytes | None:
        place = Path(os.path.normpath(path))
        return originals[place] if place in originals else reader.content(path, ENV_LIMIT)

    def completed(variables: Mapping[str, str], beside: Path) -> Mapping[str, str]:
        return variables_of(variables, start, base or beside, config.env_file, of_environment)

    # Compose sets PWD itself: the shell's may be that of another directory.
    variables: Mapping[str, str] = {**environment, "PWD": str(start)}
    if not config.file:
        variables = completed(variables, start)
    names = named_files(config.file, variables)
    files = compose_files(
        directory,
        [str(start / name) for name in names],
        {},
        lambda path: read(path) is not None,
    )
    variables = completed(variables, files[0].parent)
    if config.profile:
        variables = {**variables, "COMPOSE_PROFILES": ",".join(config.profile)}
    return files, {
        **variables,
        _PROJECT_NAME: _project_name(config, files, variables, reader.directory, read, called),
    }


def _project_name(
    config: TlsConfig,
    files: Sequence[Path],
    variables: Mapping[str, str],
    root: Path,
    read: Read,
    called: str | None,
) -> str:
    """The name that Compose gives to a project; files may use it as a variable.

    Source: https://docs.docker.com/compose/how-tos/project-name/
    """
    given = config.project_name or variables.get(_PROJECT_NAME)
    if given:
        return given
    named = [name for path in files if (name := _own_name(path, variables, root, read))]
    directory = root if config.project_directory else files[0].parent
    return named[-1] if named else name_of(called or directory.name)


def _own_name(path: Path, variables: Mapping[str, str], root: Path, read: Read) -> str | None:
    """The name that a compose file gives to its project."""
    content = read(path) or b""
    if b"name:" not in content:
        return None
    document = parse(content, relative(path, root))
    found = roots(document, lambda text: interpolate(text, variables))
    return next((name for root in reversed(found) if (name := root.text("name"))), None)


def _of_script(
    directory: Path, reader: FileReader, error: ComposeFileNotFound
) -> ComposeFileNotFound:
    """The error for a directory in which Milvus is started by a script; elsewhere as it was."""
    from compose_tls.targets.new_project.embed_script import (  # noqa: PLC0415 - for this error alone
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
        hint="compose-tls init makes one of it, with TLS; or save the text below as "
        f"{DEFAULT_FILES[2]}, remove the script's container with docker rm -f "
        f"{typed(run.container or CONTAINER)} (its data stay in {DATA}), and run this again:\n\n"
        + compose_file_of(run).decode(),
        path=error.path,
    )

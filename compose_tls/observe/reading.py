"""The project: its compose files, what configures Milvus, and what an earlier enable left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.compose import dotenv
from compose_tls.compose.compose_project import load_project
from compose_tls.compose.discovery import DEFAULT_FILES, compose_files
from compose_tls.config import TlsConfig
from compose_tls.errors import ComposeFileNotFound
from compose_tls.observation import Observation
from compose_tls.observe.file_reader import FileReader
from compose_tls.observe.neighbours import read_neighbours
from compose_tls.observe.pki_directory import read_pki
from compose_tls.project.milvus_services import milvus_services
from compose_tls.project.model import Project, named_services, state_path
from compose_tls.stack.milvus.standalone_embed import (
    CONTAINER,
    DATA,
    SCRIPT,
    USER_SETTINGS,
    compose_file,
)
from compose_tls.state.recorded import read_state
from compose_tls.state.undo import undo


def observe(
    directory: Path,
    config: TlsConfig,
    environment: Mapping[str, str],
    *,
    without_ours: bool = False,
) -> Project:
    """Read everything that a plan for this project may depend on: each file once, in one go.

    Args:
        directory: The project directory.
        config: The settings; they say which files count.
        environment: The process environment.
        without_ours: Whether the project is wanted without what an earlier enable put in.

    Raises:
        ComposeFileNotFound: There is no compose file.
        FileUnreadable: A file of the project may not be read, or is no file.
        NotAComposeFile: A compose file defines no services.
        YamlSyntax: A compose file cannot be parsed.
        StateUnreadable: state.json is damaged.
        EditRefused: What an earlier enable put in cannot be taken out.
    """
    directory = directory.resolve()
    reader = FileReader(directory)
    try:
        files, variables = _find_files(directory, config, reader, environment)
    except ComposeFileNotFound as error:
        raise _of_script(directory, reader, error) from None
    path = state_path(directory, config)
    state = read_state(reader.content(path), relative(path, directory))
    originals: dict[Path, bytes | None] = {}
    kept: list[tuple[str, str]] = []
    for file in state.files if state else ():
        # Read in any case: edited by an earlier enable, still in use or not.
        content = reader.content(directory / file.path)
        if without_ours and content is not None:
            undone = undo(content, file)
            originals[directory / file.path] = undone.content
            kept += [(file.path, route) for route in undone.kept]

    def read(path: Path) -> bytes | None:
        return originals[path] if path in originals else reader.content(path)

    # An override file that an earlier enable made is not there without what it put in.
    present = [path for path in files if read(path) is not None]
    compose = load_project(directory, present, read, variables)
    milvus = milvus_services(compose, read, named_services(config, state))
    read_neighbours(compose, reader, {one.name for one in milvus})
    pki = read_pki(directory, config, state, reader)
    observation = Observation(
        directory=directory,
        compose_files=files,
        files=reader.files,
        variables=variables,
        pki=pki,
        user_id=os.geteuid(),
        group_ids=frozenset({os.getegid(), *os.getgroups()}),
    )
    return Project(observation, compose, state, originals, tuple(kept), milvus)


def _find_files(
    directory: Path, config: TlsConfig, reader: FileReader, environment: Mapping[str, str]
) -> tuple[tuple[Path, ...], Mapping[str, str]]:
    """The compose files, and what Compose interpolates them with.

    Compose reads ``.env`` beside the first file that ``-f`` names. Else it reads that of the
    directory, which may say COMPOSE_FILE, and then that beside the first file for what is not set.
    """

    def exists(path: Path) -> bool:
        return reader.content(path) is not None

    def completed(variables: Mapping[str, str], beside: Path) -> Mapping[str, str]:
        text = (reader.content(beside / ".env") or b"").decode("utf-8", "replace")
        return {**dotenv.parse(text, variables), **variables}

    # Compose sets PWD itself: the shell's may be that of another directory.
    variables: Mapping[str, str] = {**environment, "PWD": str(directory)}
    if environment.get("COMPOSE_ENV_FILES"):
        names = environment["COMPOSE_ENV_FILES"].split(",")
        texts = [
            (reader.content(directory / name) or b"").decode("utf-8", "replace") for name in names
        ]
        variables = {**dotenv.parse("\n".join(texts), variables), **variables}
        return compose_files(directory, config.file, variables, exists), variables
    if environment.get("COMPOSE_DISABLE_ENV_FILE", "").lower() in {"1", "true"}:
        return compose_files(directory, config.file, variables, exists), variables
    if not config.file:
        variables = completed(variables, directory)
    files = compose_files(directory, config.file, variables, exists)
    return files, completed(variables, files[0].parent)


def _of_script(
    directory: Path, reader: FileReader, error: ComposeFileNotFound
) -> ComposeFileNotFound:
    """The error for a directory in which Milvus is started by a script; elsewhere as it was."""
    script = reader.content(directory / SCRIPT)
    if script is None or error.path != str(directory):
        return error
    user_settings = reader.content(directory / USER_SETTINGS) is not None
    return ComposeFileNotFound(
        f"there is no compose file in {directory}: {SCRIPT} starts Milvus there, and compose-tls "
        "works on Compose projects",
        hint=f"save the text below as {DEFAULT_FILES[2]}, remove the script's container with docker "
        f"rm -f {CONTAINER} (its data stay in {DATA}), and run this again:\n\n"
        + compose_file(script, user_settings=user_settings),
        path=error.path,
    )

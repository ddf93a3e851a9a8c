"""The project: its compose files, what configures Milvus, and what an earlier enable left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.compose import dotenv
from compose_tls.compose.compose_project import load_project
from compose_tls.compose.discovery import compose_files
from compose_tls.compose.service import Service
from compose_tls.compose.volumes import normal_target
from compose_tls.config import TlsConfig, named_places
from compose_tls.files import STATE_LIMIT
from compose_tls.observation import Observation
from compose_tls.observe.file_reader import Reader
from compose_tls.observe.pki_directory import read_pki
from compose_tls.stack.milvus.role import runs_milvus
from compose_tls.stack.milvus.settings import (
    CONFIG_DIRECTORY,
    CONFIG_DIRECTORY_VARIABLE,
    CONFIG_FILE,
    LATER_FILES,
)
from compose_tls.state.recorded import STATE_FILE, State, read_state


def observe(directory: Path, config: TlsConfig, environment: Mapping[str, str]) -> Observation:
    """Read everything that a plan for this project may depend on.

    Args:
        directory: The project directory.
        config: The settings; they say which files count.
        environment: The process environment.

    Raises:
        ComposeFileNotFound: There is no compose file.
        FileUnreadable: A file of the project may not be read, or is no file.
        NotAComposeFile: A compose file defines no services.
        YamlSyntax: A compose file cannot be parsed.
        StateUnreadable: state.json is damaged.
    """
    directory = directory.resolve()
    reader = Reader(directory, named_places(config, directory, environment))
    files, variables = _find_files(directory, config, reader, environment)
    state = _read_state(directory, config, reader)
    named = {config.service, *(state.services if state else ())}
    project = load_project(directory, files, reader.content, variables)
    for service in project.services.values():
        if service.name in named or runs_milvus(service.text("image"), service.command_line()):
            _read_configuration(service, reader)
    pki = read_pki(directory, config, state, reader)
    return Observation(
        directory=directory,
        compose_files=files,
        files=reader.files,
        variables=variables,
        pki=pki,
        user_id=os.geteuid(),
        group_ids=frozenset({os.getegid(), *os.getgroups()}),
    )


def _find_files(
    directory: Path, config: TlsConfig, reader: Reader, environment: Mapping[str, str]
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


def _read_configuration(service: Service, reader: Reader) -> None:
    """Read what configures a Milvus service, wherever it lies; nobody else's files are looked at."""
    for path in service.env_files():
        reader.content(path)
    variables = service.container_variables(reader.content)
    directory = variables.get(CONFIG_DIRECTORY_VARIABLE) or CONFIG_DIRECTORY
    names = (CONFIG_FILE, *LATER_FILES)
    for mount in (*service.mounts(), *service.config_mounts()):
        if mount.host_path is None:
            continue
        if mount.target == normal_target(directory):
            for name in names:
                reader.content(mount.host_path / name)
        elif mount.target in {normal_target(f"{directory}/{name}") for name in names}:
            reader.content(mount.host_path)
    # Not where an image happens to be: an override file may be the first to name one.
    for base in {definition.base for definition in service.definitions if definition.editable}:
        reader.content(base / CONFIG_FILE)


def _read_state(directory: Path, config: TlsConfig, reader: Reader) -> State | None:
    """Read what an earlier enable left, and the files that it edited, still in use or not."""
    path = directory / config.pki_dir / STATE_FILE
    state = read_state(reader.content(path, STATE_LIMIT), relative(path, directory))
    for file in state.files if state else ():
        reader.content(directory / file.path)
    return state

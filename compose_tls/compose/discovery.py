"""Which files Compose would load in a directory.

Source: https://docs.docker.com/compose/intro/compose-application-model/#the-compose-file, and
compose-go (cli/options.go), whose order this is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from compose_tls.compose import dotenv
from compose_tls.config import SETTINGS_FILE
from compose_tls.errors import ComposeFileNotFound, ConflictingSettings, FileUnreadable
from compose_tls.patterns import regex

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_FILES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
ENV_FILE = ".env"
# From a Git repository or a registry: https://docs.docker.com/reference/compose-file/include/
REMOTE: Final = regex(r"://|^git@|^github\.com/")
NEW_OVERRIDE = "compose.override.yaml"


def compose_files(
    directory: Path,
    chosen: Sequence[str],
    environment: Mapping[str, str],
    exists: Callable[[Path], bool],
) -> tuple[Path, ...]:
    """The files in the order in which Compose merges them.

    Args:
        directory: The project directory, absolute.
        chosen: What the user named with ``-f``; relative to the directory.
        environment: Process variables over ``.env``.
        exists: Whether a file exists.

    Raises:
        ComposeFileNotFound: There is none, or a named one is missing.
    """
    names = named_files(chosen, environment)
    if names:
        paths = tuple(Path(os.path.normpath(directory / name)) for name in names)
        for path in paths:
            if not exists(path):
                raise ComposeFileNotFound(
                    f"there is no compose file {path}",
                    hint="name an existing file with -f, or leave -f and COMPOSE_FILE out",
                    path=str(path),
                )
        return paths
    base = next((directory / name for name in DEFAULT_FILES if exists(directory / name)), None)
    if base is None:
        raise ComposeFileNotFound(
            f"there is no compose file in {directory}",
            hint=f"run compose-tls in the directory of {DEFAULT_FILES[2]}, or name that "
            "directory with -C; compose-tls init DIR creates a new project",
            path=str(directory),
        )
    override = next((directory / name for name in OVERRIDE_FILES if exists(directory / name)), None)
    return (base,) if override is None else (base, override)


def variables_of(
    environment: Mapping[str, str],
    start: Path,
    beside: Path,
    env_files: Sequence[str],
    read: Callable[[Path], bytes | None],
) -> Mapping[str, str]:
    """What Compose interpolates with: the process environment over its environment files.

    Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/

    Args:
        environment: The process environment.
        start: Where Compose is run, absolute.
        beside: Where ``.env`` is looked for, absolute.
        env_files: What the user named with ``--env-file``.
        read: Gives the bytes of a file, or ``None`` when there is none.

    Raises:
        FileUnreadable: A file that the user named is not there.
    """
    named = list(env_files) or _listed(environment.get("COMPOSE_ENV_FILES", ""), ",")
    disabled = environment.get("COMPOSE_DISABLE_ENV_FILE", "").lower() in {"1", "true"}
    contents = [read(start / name) for name in named]
    for name, content in zip(named, contents, strict=True):
        if content is None:
            raise FileUnreadable(
                f"there is no environment file {name}",
                hint="name an existing file with --env-file or COMPOSE_ENV_FILES",
                path=name,
            )
    if not named and not disabled:
        contents = [read(beside / ENV_FILE)]
    text = "\n".join((content or b"").decode("utf-8", "replace") for content in contents)
    return {**dotenv.parse(text, environment), **environment}


def project_root(
    directory: Path,
    chosen: Sequence[str],
    environment: Mapping[str, str],
    is_file: Callable[[Path], bool],
    project_directory: str | None = None,
) -> Path:
    """The directory of the project that Compose would load from a directory.

    Args:
        directory: Where to start, absolute.
        chosen: What the user named with ``-f``; then, or with ``COMPOSE_FILE``, nothing is searched.
        environment: What Compose interpolates with there.
        is_file: Whether a file is there; a directory above the project may be closed to its user.
        project_directory: What the user named with ``--project-directory``.

    Returns:
        What the user named, else where the first file that is named lies, else the first directory
        upwards with a compose file or with settings, which may name one, else ``directory`` itself.

    Raises:
        ComposeFileNotFound: The user named one that lies elsewhere.
    """
    if project_directory:
        return Path(os.path.normpath(directory / project_directory))
    if names := named_files(chosen, environment):
        if any(map(REMOTE.search, names)):
            raise ComposeFileNotFound(
                "a remote compose file is not fetched",
                hint="save a copy of it, and name that with -f",
            )
        return Path(os.path.normpath(directory / names[0])).parent
    for place in (directory, *directory.parents):
        if any(is_file(place / name) for name in (*DEFAULT_FILES, SETTINGS_FILE)):
            return place
    return directory


def name_of(directory: str) -> str:
    """The name that Compose gives to the project of a directory; empty where it gives none.

    Args:
        directory: What the directory is called.

    Source: https://docs.docker.com/compose/how-tos/project-name/, and compose-go
    """
    return re.sub(r"[^a-z0-9_-]", "", directory.lower()).lstrip("_-")


def override_file(
    files: Sequence[Path], chosen: Sequence[str], exists: Callable[[Path], bool]
) -> Path:
    """The override file that Compose loads by itself: the one that is there, else a new one.

    Args:
        files: The files that Compose loads now.
        chosen: What the user named with ``-f`` or ``COMPOSE_FILE``.
        exists: Whether a file exists.

    Raises:
        ConflictingSettings: With named files, Compose looks for no override.
    """
    if chosen:
        raise ConflictingSettings(
            "Compose does not look for an override file if files are named with -f or COMPOSE_FILE",
            hint="use --style in-place, or name the override file as well and no --style",
        )
    base = files[0].parent
    return next(
        (base / name for name in OVERRIDE_FILES if exists(base / name)), base / NEW_OVERRIDE
    )


def named_files(chosen: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The files that the user names, with ``-f`` or with ``COMPOSE_FILE``."""
    return list(chosen) or _from_environment(environment)


def _from_environment(environment: Mapping[str, str]) -> list[str]:
    separator = environment.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    return _listed(environment.get("COMPOSE_FILE", ""), separator)


def _listed(value: str, separator: str) -> list[str]:
    return [name for name in value.split(separator) if name]

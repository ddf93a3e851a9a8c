"""Where a project is, and its paths: from the command line, the environment and compose-tls.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from compose_tls.compose.discovery import ENV_FILE, named_files, project_root, variables_of
from compose_tls.config import FILES, PLACES, SETTINGS_FILE, TlsConfig
from compose_tls.errors import InvalidSetting, OutsideProject, WrongUsage
from compose_tls.files import ENV_LIMIT, is_file, real_path
from compose_tls.observe.file_reader import FileReader
from compose_tls.shell import quoted


def root_of(
    start: Path, values: Mapping[str, Any], environment: Mapping[str, str], reader: FileReader
) -> Path:
    """The project directory that some settings and the environment lead to."""
    named, base = values.get("file", ()), values.get("project_directory")
    completed = environment
    if not named:
        # .env may say COMPOSE_FILE.
        completed = completed_by(start, values, environment, reader)
    root = project_root(start, named, completed, is_file, base).resolve()
    own_word = base or named or named_files((), environment)
    files = named_files(named, completed)
    if files and not own_word and not root.is_relative_to(start):
        raise OutsideProject(
            f"COMPOSE_FILE of .env names a project outside this directory, in {root}",
            hint=f"name it on the command line, if you intend it: -f {quoted(files[0])}",
            path=ENV_FILE,
        )
    return root


def completed_by(
    start: Path, values: Mapping[str, Any], environment: Mapping[str, str], reader: FileReader
) -> Mapping[str, str]:
    """The environment with what its files add, where Compose is run."""
    read = partial(reader.content, limit=ENV_LIMIT)
    beside = start / (values.get("project_directory") or ".")
    return variables_of(environment, start, beside, values.get("env_file", ()), read)


def reached_as(path: Path, start: Path, variables: Mapping[str, str]) -> Path:
    """A directory as Compose takes it: seen from $PWD, where that is right (os.Getwd of Go)."""
    told, here = Path(variables.get("PWD", "")), Path.cwd()
    base = told if told.is_absolute() and real_path(told) == here else here
    named = Path(os.path.normpath(base / path))
    return named if real_path(named) == start else start


def called(reached: Path, root: Path, config: TlsConfig, variables: Mapping[str, str]) -> Path:
    """The project directory by the name after which Compose names the project, links included.

    Args:
        reached: Where the command works, as the user reaches it.
        root: The project directory, its real path.
        config: The settings.
        variables: What Compose interpolates with there.
    """
    if config.project_directory:
        return Path(os.path.normpath(reached / config.project_directory))
    if names := named_files(config.file, variables):
        return Path(os.path.normpath(reached / names[0])).parent
    return next((place for place in (reached, *reached.parents) if real_path(place) == root), root)


def started_from(
    beside: Path, start: Path, config: TlsConfig, outer: Mapping[str, Any]
) -> TlsConfig:
    """Settings whose paths of compose-tls.toml for Compose are relative to where the command works."""

    def moved(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(_relative_to(start, beside, name) for name in value)
        return _relative_to(start, beside, value)

    here = config.model_fields_set & PLACES - set(outer)
    return _changed(config, {name: moved(getattr(config, name)) for name in here})


def seen_from(root: Path, config: TlsConfig, given_at: Mapping[str, Path]) -> TlsConfig:
    """Settings whose other files are relative to the project, as they are recorded."""
    named = {name: getattr(config, name) for name in config.model_fields_set & FILES}
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


def require_below(settings: Path, root: Path) -> None:
    """Make sure that compose-tls.toml leads to no other project: its author decides only for that one."""
    if not root.is_relative_to(settings):
        raise InvalidSetting(
            f"{SETTINGS_FILE} names a project outside its directory",
            hint="name it on the command line, with -f or --project-directory",
            path=SETTINGS_FILE,
        )


def require_here() -> None:
    """Paths are told as seen from the current directory, which can be gone.

    Raises:
        WrongUsage: It is.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        raise WrongUsage(
            "the current directory has been removed", hint="cd to one that is there, and try again"
        ) from None

"""Reads compose-tls.toml: before the project, which it names."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compose_tls.config import SETTINGS_FILE, TlsConfig, merged
from compose_tls.errors import InvalidSetting
from compose_tls.files import SETTINGS_LIMIT, ProjectFiles


def given_settings(
    directory: Path, flags: Mapping[str, Any], environment: Mapping[str, str]
) -> TlsConfig:
    """The settings of flags, variables and compose-tls.toml; the errors are also those of ``merged``.

    Args:
        directory: The project directory, where compose-tls.toml may lie.
        flags: Settings from the command line; ``None`` values and empty tuples mean "not given".
        environment: The process environment.

    Raises:
        InvalidSetting: compose-tls.toml cannot be read, or is not valid TOML.
        OutsideProject: compose-tls.toml lies outside the project.
    """
    files = ProjectFiles(directory)
    return merged(_table(files), flags, environment, lambda path: files.is_inside(Path(path)))


def _table(files: ProjectFiles) -> dict[str, Any]:
    path = files.root / SETTINGS_FILE
    reason = "it is not a regular file"
    try:
        found = files.read(path, SETTINGS_LIMIT)
    except OSError as error:
        found, reason = None, error.strerror or str(error)
    if found is None and not os.path.lexists(path):
        return {}
    if found is None:
        raise InvalidSetting(
            f"{SETTINGS_FILE} cannot be read: {os.strerror(errno.EISDIR) if path.is_dir() else reason}",
            hint=f"make {SETTINGS_FILE} readable or remove it",
            path=SETTINGS_FILE,
        )
    import tomllib

    try:
        return tomllib.loads(found.content.decode())
    except (ValueError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        raise InvalidSetting(
            f"{SETTINGS_FILE} is not valid TOML: {error}",
            hint="correct the file",
            path=SETTINGS_FILE,
            line=int(line[1]) if line else None,
        ) from None

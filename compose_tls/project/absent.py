"""How a file is told that is not there, or is none."""

from __future__ import annotations

import os
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.shell import moved_away


def in_the_way(path: Path, directory: Path) -> str:
    """The command that makes room where a file has to be and something else is; else empty.

    Args:
        path: The place of the file.
        directory: The project directory.
    """
    if path.is_file() or not os.path.lexists(path):
        return ""
    return moved_away(relative(path, directory))


def absence(path: Path, directory: Path) -> str:
    """What is to be said of a file that could not be read as one."""
    name = relative(path, directory)
    return f"{name} is not a regular file" if in_the_way(path, directory) else f"{name} is gone"

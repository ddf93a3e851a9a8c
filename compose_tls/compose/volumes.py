"""Volume entries of a service: short and long syntax.

Source: https://docs.docker.com/reference/compose-file/services/#volumes
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True)
class Mount:
    """One volume entry.

    Attributes:
        target: The absolute path in the container, without a trailing slash.
        source: The source as written in the file, or ``None`` for an anonymous volume.
        host_path: Where a bind mount's source is on the host; ``None`` for other volumes.
        options: The options of the short syntax (``ro``, ``z`` …).
        long: Whether it is written in long syntax.
        file: The compose file with the entry.
        line: Its line, counted from 1.
    """

    target: str
    source: str | None
    host_path: Path | None
    options: tuple[str, ...]
    long: bool
    file: Path
    line: int


def split_short(entry: str) -> tuple[str | None, str, tuple[str, ...]]:
    """Source, target and options of a short entry, as written."""
    parts = _split(entry)
    if len(parts) == 1:
        return None, parts[0], ()
    options = tuple(parts[2].split(",")) if len(parts) > 2 else ()  # noqa: PLR2004 - source:target:options
    return parts[0], parts[1], options


def _split(entry: str) -> list[str]:
    """Split at the colons that separate: not inside ``${…}``, not after a Windows drive letter."""
    parts = [""]
    depth = 0
    for index, character in enumerate(entry):
        if entry.startswith("${", index):
            depth += 1
        elif character == "}" and depth:
            depth -= 1
        drive = len(parts[-1]) == 1 and _WINDOWS_DRIVE.match(entry, index - 1)
        if character == ":" and depth == 0 and not drive:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def is_path(source: str) -> bool:
    """Whether the source of a short entry is a host path rather than a named volume."""
    return source.startswith((".", "/", "~")) or bool(_WINDOWS_DRIVE.match(source))


def normal_target(target: str) -> str:
    """A container path in its shortest form."""
    return posixpath.normpath(target)

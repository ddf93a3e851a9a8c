"""The variables that a Dockerfile sets for the containers of its image.

Source: https://docs.docker.com/reference/dockerfile/#env
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Final

from compose_tls.compose.interpolate import interpolate
from compose_tls.errors import ProjectError
from compose_tls.patterns import regex

_COMMENT: Final = regex(r"(?m)^[ \t]*#[^\n]*\n?")
_CONTINUED: Final = regex(r"\\[ \t]*\r?\n")
_ASSIGNMENT: Final = regex(r"[\w.-]+=")


def variables(text: str, arguments: Mapping[str, str]) -> dict[str, str]:
    """What its ``ENV`` lines set, those of all stages.

    Args:
        text: The Dockerfile.
        arguments: The build arguments; they win over the defaults of ``ARG``.
    """
    known: dict[str, str] = {}
    found: dict[str, str] = {}
    for line in _CONTINUED.sub(" ", _COMMENT.sub("", text)).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction.upper() not in {"ARG", "ENV"}:
            continue
        for name, value in _assignments(rest.strip()):
            try:
                known[name] = interpolate(value, known)
            except ProjectError:
                return found
            if instruction.upper() == "ENV":
                found[name] = known[name]
            else:
                known[name] = arguments.get(name, known[name])
    return found


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    if not _ASSIGNMENT.match(text):
        # ENV NAME the whole rest; ARG NAME.
        name, _, value = text.partition(" ")
        yield name, value.strip()
        return
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    for word in words:
        name, _, value = word.partition("=")
        yield name, value

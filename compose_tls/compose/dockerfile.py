"""What a Dockerfile gives to the containers of its image: variables, and files of the context.

Sources: https://docs.docker.com/reference/dockerfile/#env and #copy
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Final

from compose_tls.compose.interpolate import interpolate
from compose_tls.errors import ProjectError
from compose_tls.patterns import regex

_COMMENT: Final = regex(r"(?m)^[ \t]*#[^\n]*\n?")
_CONTINUED: Final = regex(r"\\[ \t]*\r?\n")
_BOUND: Final = regex(r"--mount=(?:(?!.*\btype=)|.*\btype=bind)")
_ASSIGNMENT: Final = regex(r"[\w.-]+=")


def variables(text: str, arguments: Mapping[str, str]) -> dict[str, str]:
    """What its ``ENV`` lines set, those of all stages.

    Args:
        text: The Dockerfile.
        arguments: The build arguments; they win over the defaults of ``ARG``.
    """
    known: dict[str, str] = {}
    found: dict[str, str] = {}
    for instruction, rest in _instructions(text):
        if instruction not in {"ARG", "ENV"}:
            continue
        for name, value in _assignments(rest):
            try:
                known[name] = interpolate(value, known)
            except ProjectError:
                return found
            if instruction == "ENV":
                found[name] = known[name]
            else:
                known[name] = arguments.get(name, known[name])
    return found


def copied(text: str) -> Iterator[str]:
    """What is copied from the build context, relative to it; ``.`` where that is not said for certain."""
    for instruction, rest in _instructions(text):
        words = rest.split()
        flags = list(takewhile(lambda word: word.startswith("--"), words))
        if instruction == "RUN" and any(_BOUND.match(flag) for flag in flags):
            yield "."
        if instruction not in {"ADD", "COPY"} or any(flag.startswith("--from=") for flag in flags):
            continue
        # Also as a list in JSON.
        sources = [word.strip('[]",') for word in words[len(flags) : -1]]
        for source in sources:
            unclear = not source or "$" in source or "\\" in source
            yield "." if unclear else posixpath.normpath(f"/{source}").lstrip("/") or "."


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    for line in _CONTINUED.sub(" ", _COMMENT.sub("", text)).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction.upper() == "ONBUILD":
            instruction, _, rest = rest.strip().partition(" ")
        yield instruction.upper(), rest.strip()


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

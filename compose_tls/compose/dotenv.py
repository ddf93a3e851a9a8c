"""The .env file of a project, and env_file files.

Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from compose_tls.compose.interpolate import interpolate, require_short
from compose_tls.patterns import regex
from compose_tls.values import dataclass

_LINE = regex(
    r"""(?mx) ^ [^\S\n]* (?:export[^\S\n]+)? (?P<name> [^\s=:\#]+ ) [^\S\n]*
    (?: [=:] [^\S\n]* (?:
      '(?P<single> (?:\\'|[^'])* )' [^\n]* | "(?P<double> (?:\\.|[^"\\])* )" [^\n]*
      | (?P<plain> [^\n]* ) ) )? \r? $"""
)
# "$$" is an escaped "$" in interpolation.
_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\"": '"', r"\\": "\\", r"\$": "$$"}

# execve(2): all strings that a process is given have 6 MiB at most. A file of full size has less.
_MOST: Final = 6 << 20


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where an environment file gives a variable its value.

    Attributes:
        start: Where the value starts, inside its quotes, counted in characters of the text.
        value: It, as it is written.
        line: Its line, counted from 1.
    """

    start: int
    value: str
    line: int


def assignment(text: str, name: str) -> Assignment | None:
    """The place that decides on a variable, the last one; ``None`` where none gives it a value.

    Args:
        text: The file, without a byte order mark.
        name: The variable.
    """
    found = None
    for line in _LINE.finditer(text):
        if line["name"] == name:
            part = next((p for p in ("single", "double", "plain") if line[p] is not None), None)
            found = None
            if part is not None:
                start = line.start(part)
                found = Assignment(start, line[part], text.count("\n", 0, start) + 1)
    return found


def parse(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment file; later lines may refer to earlier ones.

    Args:
        text: The file.
        environment: What its values are interpolated with, and what a bare name takes over.

    Raises:
        NotAComposeFile: The values get longer than all that a process can be given.
    """
    values: dict[str, str] = {}
    grown = 0
    known = dict(environment)
    for line in _LINE.finditer(text.lstrip("\ufeff")):
        name, single, double, plain = line.group("name", "single", "double", "plain")
        if single is not None:
            values[name] = single.replace(r"\'", "'")
        elif double is not None:
            unescaped = re.sub(r"\\.", lambda m: _ESCAPES.get(m.group(), m.group()), double)
            values[name] = interpolate(unescaped, known)
        elif plain is not None:
            values[name] = interpolate(plain.partition(" #")[0].strip(), known)
        elif name in environment:
            values[name] = environment[name]
        grown += len(values.get(name, ""))
        if grown > _MOST:
            require_short(" " * grown, _MOST)
        if name in values and name not in environment:
            known[name] = values[name]
    return values

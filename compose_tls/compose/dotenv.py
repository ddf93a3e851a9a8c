"""The .env file of a project, and env_file files.

Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from compose_tls.compose.interpolate import interpolate

_LINE = re.compile(
    r"""(?mx) ^ [^\S\n]* (?:export[^\S\n]+)? (?P<name> [^\s=:\#]+ ) [^\S\n]*
    (?: [=:] [^\S\n]* (?:
      '(?P<single> (?:\\'|[^'])* )' [^\n]* | "(?P<double> (?:\\.|[^"\\])* )" [^\n]*
      | (?P<plain> [^\n]* ) ) )? \r? $"""
)
# "$$" is how interpolation is told to leave a "$" alone.
_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\"": '"', r"\\": "\\", r"\$": "$$"}


def parse(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment file; later lines may refer to earlier ones.

    Args:
        text: The file.
        environment: What its values are interpolated with, and what a bare name takes over.
    """
    values: dict[str, str] = {}
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
        if name in values and name not in environment:
            known[name] = values[name]
    return values

"""The .env file of a project, and env_file files.

Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from compose_tls.compose.interpolate import interpolate

_LINE = re.compile(
    r"""(?mx) ^ [^\S\n]* (?:export[^\S\n]+)? (?P<name> [^\s=\#]+ ) [^\S\n]*
    (?: [=:] [^\S\n]* (?: '(?P<single> (?:\\'|[^'])* )' | "(?P<double> (?:\\.|[^"\\])* )"
    | (?P<plain> [^\n]*? ) ) (?: [^\S\n]+ \#[^\n]* )? [^\S\n]* )? \r? $"""
)
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", '\\"': '"', "\\\\": "\\", "\\$": "$"}


def parse(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment file; later lines may refer to earlier ones."""
    values: dict[str, str] = {}
    for line in _LINE.finditer(text.lstrip("\ufeff")):
        name, single, double, plain = line.group("name", "single", "double", "plain")
        if single is not None:
            values[name] = single.replace("\\'", "'")
        elif double is not None:
            raw = interpolate(double, {**values, **environment})
            values[name] = re.sub(r"\\.", lambda m: _ESCAPES.get(m.group(), m.group()), raw)
        elif plain is not None:
            values[name] = interpolate(plain.strip(), {**values, **environment})
        elif name in environment:
            values[name] = environment[name]
    return values

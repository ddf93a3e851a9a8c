"""Variables in Compose files and .env files.

Source: https://docs.docker.com/reference/compose-file/interpolation/
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":-", "-", ":?", "?", ":+", "+")


def interpolate(text: str, environment: Mapping[str, str]) -> str:
    """Replace ``$VAR`` and ``${VAR…}`` in all their forms, nested ones too; ``$$`` gives ``$``.

    A variable that is not set gives nothing, also where ``:?`` would make Compose stop. What is no
    valid substitution stays as it is.
    """
    parts: list[str] = []
    position = 0
    while True:
        dollar = text.find("$", position)
        if dollar < 0:
            return "".join((*parts, text[position:]))
        parts.append(text[position:dollar])
        value, position = _substitution(text, dollar, environment)
        parts.append(value)


def _substitution(text: str, dollar: int, environment: Mapping[str, str]) -> tuple[str, int]:
    following = text[dollar + 1 : dollar + 2]
    if following == "$":
        return "$", dollar + 2
    if following == "{":
        end = _closing_brace(text, dollar + 2)
        value = _braced(text[dollar + 2 : end], environment) if end > 0 else None
        if value is not None:
            return value, end + 1
    elif name := _NAME.match(text, dollar + 1):
        return environment.get(name.group(), ""), name.end()
    return "$", dollar + 1


def _closing_brace(text: str, start: int) -> int:
    depth = 1
    for index in range(start, len(text)):
        if text.startswith("${", index):
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    return -1


def _braced(body: str, environment: Mapping[str, str]) -> str | None:
    name = _NAME.match(body)
    if name is None:
        return None
    value, rest = environment.get(name.group()), body[name.end() :]
    if not rest:
        return value or ""
    operator = next((sign for sign in _OPERATORS if rest.startswith(sign)), None)
    if operator is None:
        return None
    other = rest[len(operator) :]
    present = value is not None and (value != "" or not operator.startswith(":"))
    if operator.endswith("+"):
        return interpolate(other, environment) if present else ""
    if present:
        return value or ""
    return interpolate(other, environment) if operator.endswith("-") else ""

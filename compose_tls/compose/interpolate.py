"""Variables in Compose files and .env files.

Source: https://docs.docker.com/reference/compose-file/interpolation/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compose_tls.errors import NotAComposeFile
from compose_tls.patterns import regex

_NAME = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACE = regex(r"\$\{|\}")
# execve(2): a string that a process is given has at most 32 pages.
LONGEST_VALUE: Final = 128 << 10
_OPERATORS = (":-", "-", ":?", "?", ":+", "+")


def interpolate(text: str, environment: Mapping[str, str]) -> str:
    """Replace ``$VAR`` and ``${VAR…}`` in all their forms, nested ones too; ``$$`` gives ``$``.

    A variable that is not set gives nothing, also where ``:?`` would make Compose stop. What is not
    a valid substitution stays as it is. Each character is looked at once, however deep they are nested.

    Raises:
        NotAComposeFile: The value gets longer than any that a process can be given.
    """
    if "$" not in text:
        return text
    closing = _closing_braces(text)
    parts: list[str] = []
    # Where the defaults end that are being read, the innermost one last.
    ends: list[int] = []
    position = 0
    while True:
        end = ends[-1] if ends else len(text)
        dollar = text.find("$", position, end)
        if dollar < 0:
            parts.append(text[position:end])
            if not ends:
                return require_short("".join(parts), max(LONGEST_VALUE, len(text)))
            position = ends.pop() + 1
            continue
        parts.append(text[position:dollar])
        value, position, inside = _substitution(text, dollar, closing, environment)
        parts.append(value)
        if inside:
            ends.append(inside)


def require_short(text: str, most: int) -> str:
    """A text that variables have made, if it is not too long: each line can double the one before.

    Raises:
        NotAComposeFile: It is.
    """
    if len(text) > most:
        raise NotAComposeFile(
            f"a value has more than {most >> 10} KiB with its variables",
            hint="look at variables that are made of others, in .env and in the compose files",
        )
    return text


def _substitution(
    text: str, dollar: int, closing: Mapping[int, int], environment: Mapping[str, str]
) -> tuple[str, int, int]:
    """What stands for a substitution, where to read on, and where that ends if it is a default."""
    if text.startswith("$", dollar + 1):
        return "$", dollar + 2, 0
    if dollar in closing:
        end = closing[dollar]
        name = _NAME.match(text, dollar + 2, end)
        if name is None:
            return "$", dollar + 1, 0
        value = environment.get(name.group())
        if name.end() == end:
            return value or "", end + 1, 0
        operator = next((o for o in _OPERATORS if text.startswith(o, name.end(), end)), None)
        if operator is None:
            return "$", dollar + 1, 0
        present = value is not None and (value != "" or not operator.startswith(":"))
        sign = operator[-1]
        if (sign == "+" and present) or (sign == "-" and not present):
            return "", name.end() + len(operator), end
        return (value or "") if present and sign != "+" else "", end + 1, 0
    if name := _NAME.match(text, dollar + 1):
        return environment.get(name.group(), ""), name.end(), 0
    return "$", dollar + 1, 0


def _closing_braces(text: str) -> dict[int, int]:
    """The brace that closes each ``${``, by the place of its ``$``."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACE.finditer(text):
        if match.group() == "${":
            opened.append(match.start())
        elif opened:
            found[opened.pop()] = match.start()
    return found

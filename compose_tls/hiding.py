"""What is not printed of a text that someone else wrote: passwords, tokens and keys, where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from compose_tls.patterns import regex

HIDDEN: Final = "***"

# A length for every part: a text of someone else is looked at in one pass.
_IN_ADDRESS: Final = regex(
    r"(?:(?<=://)([^\s:/@\"'<>]{0,256}):[^\s\"'<>\\]{1,256}@)"
    r"|(?<![\w.:/-])([\w.-]{1,64}):[^\s\"'<>\\/@]{1,256}@(?=[\w.-]{1,253}:\d)"
)
# A token can stand where the name of a user does.
_IN_FRONT: Final = regex(r"(?<=//)[^/@\s\"'<>]{1,256}@")
_NAME: Final = regex(
    r"(?:pass(?:w|phrase)|secret|token(?!iz)|credential|(?:access|account|api|master|private|secret)[._-]?key)"
    r"[\w.-]{0,64}",
    re.IGNORECASE,
)
_BEFORE: Final = regex(r"(?:\s|-(?=\s))*[\"']?[\w.-]*")
_SEPARATOR: Final = regex(
    r"[\"']?(?:[ \t]{0,64}[:=][ \t]{0,64}|(?=[\"',\s])[\"']?,?[ \t]{0,64})[\"']?"
)
_VALUE: Final = regex(r"[^\s\"',}\]&]*")
_OPTION: Final = regex(r"(?<![\w-])--?[\w.-]*\Z")
# Not secret: a switch, a name that Compose puts in, the beginning of a list.
_OPEN: Final = regex(
    r"(?:true|false|yes|no|on|off|null|~|[01]|\$\w+|\$\{\w+\}|[\[{&*!].*)?[\"']?", re.IGNORECASE
)
# A small number that a name counts is none either: MAX_TOKENS, tokenTTL.
_COUNTS: Final = regex(
    r"tokens|(?:^|[_.-])(?:max|min|num)|length|limit|count|size|ttl|expir|(?:second|minute|hour|day)s",
    re.IGNORECASE,
)
_FRONT: Final = regex(r"(?<![\w.-])[\w.-]*\Z")
_COUNT: Final = regex(r"\d[\d_]{0,6}(?=[\"',}\]\s]|\Z)")
_BLOCK: Final = regex(r"[|>][\d+-]{0,2}\s*(?:#.*)?")
_ENTRY: Final = regex(r"\s*(?:-\s|#|[\"']?[\w.-]+[\"']?:\s)")
_OF_A_PLACE: Final = ("file", "path", "dir", "directory", "enabled", "secrets")


def without_credentials(text: str) -> str:
    """A text whose addresses hold no password: ``http://user:***@host``."""
    return _IN_ADDRESS.sub(lambda found: f"{found[1] or found[2] or ''}:{HIDDEN}@", text)


def without_secrets(lines: list[str]) -> Iterator[str]:
    """The lines of a configuration, as many, in which no value is to be seen whose name says secret.

    Args:
        lines: With their ends.
    """
    below, empty = -1, False
    for line in lines:
        indent = len(line) - len(line.lstrip(" "))
        if (-1 < below < indent and not (empty and _ENTRY.match(line))) or not line.strip():
            yield f"{line[:indent]}{HIDDEN}{_end(line)}" if line.strip() else line
            empty = False
            continue
        below = -1
        found = _NAME.search(line)
        whole = found and _BEFORE.fullmatch(line, 0, found.start()) and _assigned(line, found)
        if not found or not whole or _is_open(line, found, whole.end()):
            yield _IN_FRONT.sub(f"{HIDDEN}@", without_credentials(_among_others(line)))
            continue
        value = line[whole.end() :].strip()
        shown = _BLOCK.fullmatch(value) or _OPEN.fullmatch(value)
        if not value or value[0] not in "[{&*!" or not shown:
            below, empty = indent, not value
        yield line if shown else f"{line[: whole.end()]}{HIDDEN}{_end(line)}"


def _assigned(line: str, found: re.Match[str]) -> re.Match[str] | None:
    separator = _SEPARATOR.match(line, found.end())
    return separator if separator and (":" in separator[0] or "=" in separator[0]) else None


def _is_open(line: str, found: re.Match[str], value: int) -> bool:
    """Whether a name says that its value, which begins there, is none of what it names."""
    front = _FRONT.search(line, max(0, found.start() - 64), found.start())
    name = f"{front[0] if front else ''}{found[0]}"
    return name.lower().endswith(_OF_A_PLACE) or bool(
        _COUNT.match(line, value) and _COUNTS.search(name)
    )


def _among_others(line: str) -> str:
    """A line with other things in it: a command, a mapping in braces."""
    parts, at = [], 0
    for found in _NAME.finditer(line):
        separator = _SEPARATOR.match(line, found.end())
        option = _OPTION.search(line, max(0, found.start() - 64), found.start())
        if (
            found.start() < at
            or separator is None
            or not (option or _assigned(line, found))
            or _is_open(line, found, separator.end())
        ):
            continue
        value = _VALUE.match(line, separator.end())
        if value is not None and not _OPEN.fullmatch(value[0]):
            parts += [line[at : value.start()], HIDDEN]
            at = value.end()
    return "".join((*parts, line[at:]))


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]

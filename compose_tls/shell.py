"""Words as they are typed into a shell, whatever a project calls its things."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from typing import Final

_SPECIAL: Final = {"\\": r"\\", "'": r"\'"}


def quoted(word: str) -> str:
    """A word for a shell; what a terminal does not show as it is, in the spelling of ``$'…'``.

    That is in POSIX since its issue 8 (Shell Command Language, section 2.2.4); bash, zsh and ksh have
    had it for long.
    """
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_spelled, word))}'"


def joined(words: Iterable[str]) -> str:
    """Words as one command line."""
    return " ".join(map(quoted, words))


def typed(*services: str) -> str:
    """Names behind a command; one that begins like an option has them behind ``--``."""
    return joined(behind(services))


def behind(services: Iterable[str]) -> list[str]:
    """Names as the last arguments of a command, behind ``--`` where one begins like an option."""
    found = [*services]
    return ["--", *found] if any(name.startswith("-") for name in found) else found


def _spelled(character: str) -> str:
    if character.isprintable():
        return _SPECIAL.get(character, character)
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))

"""Quoting of words for a shell."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from string import ascii_letters, digits
from typing import Final

_AS_IT_IS: Final = frozenset(ascii_letters + digits + "/._ ")


def quoted(word: str) -> str:
    """A word for any POSIX shell; what a terminal does not show as it is comes from ``printf``, in octal.

    A line end that is last does not outlive ``$(…)``: there it is ``$'…'``, which bash, zsh and ksh have,
    and POSIX since its issue 8 (Shell Command Language, section 2.2.4).
    """
    if word.isprintable():
        return shlex.quote(word)
    spelled = "".join(map(_spelled, word))
    return f"$'{spelled}'" if word.endswith("\n") else f"\"$(printf '{spelled}')\""


def joined(words: Iterable[str]) -> str:
    """Words as one command line."""
    return " ".join(map(quoted, words))


def typed(*services: str) -> str:
    """Names behind a command; one that begins like an option has them behind ``--``."""
    return joined(behind(services))


def moved_away(name: str) -> str:
    """The command that moves what has a name in the project out of the way."""
    return f"mv {typed(name, f'{name}.old')}"


def behind(services: Iterable[str]) -> list[str]:
    """Names as the last arguments of a command, behind ``--`` where one begins like an option."""
    found = [*services]
    return ["--", *found] if any(name.startswith("-") for name in found) else found


def _spelled(character: str) -> str:
    if character in _AS_IT_IS:
        return character
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(character))

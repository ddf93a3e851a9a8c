"""String literals of other languages: any path is read back as it was.

What can be printed stays readable; everything else is escaped, line separators above all.
Sources: the lexical grammars of ECMAScript (12.9.4), C# (6.4.5.6), Java (3.10.5) and Go (string
literals).
"""

from __future__ import annotations

import json
from collections.abc import Callable


def javascript(text: str) -> str:
    """A string literal of JavaScript or TypeScript."""
    return _quoted(text, _json_escape)


def csharp(text: str) -> str:
    """A regular string literal of C#."""
    return _quoted(text, _json_escape)


def java(text: str) -> str:
    r"""A string literal of Java, in ASCII.

    javac before 18 reads a file in the encoding of the machine. It replaces ``\u`` before it looks
    for strings, so that a line feed has to be ``\n``, as in JSON.
    """
    return json.dumps(text)


def go(text: str) -> str:
    """An interpreted string literal of Go, whose strings are bytes."""
    return _quoted(text, _utf8_bytes)


def _quoted(text: str, escaped: Callable[[str], str]) -> str:
    return f'"{"".join(_character(character, escaped) for character in text)}"'


def _character(character: str, escaped: Callable[[str], str]) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else escaped(character)


def _json_escape(character: str) -> str:
    # What JSON escapes, JavaScript and C# read too: \n and its like, and UTF-16 units.
    return json.dumps(character)[1:-1]


def _utf8_bytes(character: str) -> str:
    # Bytes of a path that are not UTF-8 reach Python as lone surrogates (PEP 383).
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))

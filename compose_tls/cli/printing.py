"""Everything that is printed passes here: what comes from files never steers a terminal."""

from __future__ import annotations

import re

import click

# C0 and C1 controls and DEL (ECMA-48), but for what ends and indents lines of text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


def clean(text: str) -> str:
    r"""A text whose control characters are spelled, as ``\x1b``; line ends and tabs stay."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def say(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Print a text, on standard error with ``err``."""
    click.echo(clean(text) + end, err=err, nl=False)

"""All printing: text from files never controls a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TextIO

import click

from compose_tls.cli.line import Line, clean

WIDEST_HELP = 100
_WIDTH = 80


def say(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Print a text, on standard error with ``err``.

    Raises:
        OSError: Standard output takes nothing.
    """
    _write(partial(click.echo, clean(text) + end, err=err, nl=False), err=err)


def _write(write: Callable[[], None], *, err: bool) -> None:
    try:
        write()
    except OSError:
        if not err:
            raise
        # What the command does is more important than its messages.
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let what is written to a stream go nowhere: Python tries again at exit, in words of its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def show_lines(lines: Iterable[Line], *, err: bool = False) -> None:
    """Print lines: with colours and hanging indents on a terminal, as plain text elsewhere."""
    stream = sys.stderr if err else sys.stdout
    columns, colour = width(stream), has_colour(stream)
    if columns is None and not colour:
        for line in lines:
            say(line.plain, err=err)
        return
    from compose_tls.cli.drawing import draw

    for line in lines:
        _write(partial(draw, line, stream, columns, colour=colour), err=err)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads a stream, on a terminal that can do more than print."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def has_colour(stream: TextIO) -> bool:
    """Whether a stream gets colours.

    Sources: https://no-color.org, https://force-color.org
    """
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(stream)


def width(stream: TextIO) -> int | None:
    """The columns of a terminal; ``None`` where a stream is none, and its lines are left whole."""
    return _columns(stream) if is_terminal(stream) else None


def help_width() -> int:
    """The columns of help, as click counts them; it would load Python's archives of files for that."""
    return max(min(_columns(sys.stdout), WIDEST_HELP) - 2, 50)


def _columns(stream: TextIO) -> int:
    told = os.environ.get("COLUMNS", "")
    if told.isascii() and told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH
    except (AttributeError, OSError, ValueError):
        # No terminal, or no stream at all.
        return _WIDTH

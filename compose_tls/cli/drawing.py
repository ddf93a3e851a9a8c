"""Lines on a terminal, by rich: colours, signs, hanging indents. Plain output never loads this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from compose_tls.cli.line import Line, Piece, clean
from compose_tls.patterns import regex

_STYLES: Final[Mapping[str, str]] = {
    "strong": "bold",
    "faint": "dim",
    "good": "green",
    "bad": "bold red",
    "warning": "yellow",
    "command": "cyan",
    "added": "green",
    "removed": "red",
    "place": "cyan",
    "pass": "green",
    "fail": "bold red",
    "skip": "dim",
}

_SIGNS: Final[Mapping[str, str]] = {
    "pass": "✓",
    "fail": "✗",
    "skip": "\N{EN DASH}",
    "indent": "    ",
}

# A command behind a colon or semicolon ends with the line, or before what else is said.
_WORD: Final = regex(
    r"(?<=[:;] )(?:compose-tls|docker|docker-compose|sudo|chmod|chown|openssl) .+?(?=[,;] |$)[,;]?|\S+"
)

# A line goes on below its head, or below as much of it as leaves room for a few words.
_LITTLE: Final = 2
_ROOM: Final = 24


def draw(line: Line, stream: TextIO, columns: int | None, *, colour: bool) -> None:
    """Print a line.

    Args:
        line: The line.
        stream: Where it goes.
        columns: The width of the terminal; ``None`` where the stream is none: nothing is broken then.
        colour: Whether colours are wanted.
    """
    console = Console(
        file=stream,
        force_terminal=True,
        # Without one rich writes nothing but text: no bold either.
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        width=columns or 80,
    )
    signs = columns is not None and can_show("".join(_SIGNS.values()), stream)
    head, body = _text(line.head, signs=signs), _text(line.body, signs=signs)
    text = head + body
    lines: Iterable[Text] = [text]
    if columns is not None and not line.whole:
        starts = accumulate(cell_len(_text((one,), signs=signs).plain) for one in line.head)
        indent = max((at for at in starts if columns - at >= _ROOM), default=_LITTLE)
        lines = broken(text, columns, indent)
    for one in lines:
        console.print(one, soft_wrap=True)


def cut(text: str, columns: int) -> str:
    """A text that takes no more than some columns."""
    if cell_len(text) <= columns:
        return text
    return f"{set_cell_size(text, max(0, columns - 3))}..."


def can_show(text: str, stream: TextIO) -> bool:
    """Whether the encoding of a stream has all the characters of a text."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _text(pieces: Iterable[Piece], *, signs: bool) -> Text:
    """Pieces as one text; never as markup."""
    found = Text()
    for text, style in pieces:
        shown = _SIGNS.get(style, text) if signs else text
        found.append(clean(shown), _STYLES.get(style))
    return found


def broken(text: Text, columns: int, indent: int) -> Iterator[Text]:
    """A text between its words and commands, which stay whole.

    What is too long for a line, the terminal breaks: a command can be copied as it is.
    """
    before, start, end = 0, 0, 0
    for word in _WORD.finditer(text.plain):
        if end > start and before + cell_len(text.plain[start : word.end()]) > columns:
            yield Text(" " * before) + text[start:end]
            before, start = indent, word.start()
        end = word.end()
    yield Text(" " * before) + text[start:end]

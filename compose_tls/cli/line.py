"""A line of output: pieces of text with styles, and the indentation of its continuation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from compose_tls.hiding import without_credentials
from compose_tls.patterns import regex
from compose_tls.values import dataclass

Style: TypeAlias = Literal[
    "",
    "strong",
    "faint",
    "good",
    "bad",
    "warning",
    "command",
    "added",
    "removed",
    "place",
    "pass",
    "fail",
    "skip",
    "indent",
]
"""What a piece means. Terminals draw ``pass``, ``fail`` and ``skip`` as signs, ``indent`` below them."""


# C0 and C1 controls and DEL (ECMA-48), except what ends and indents lines; and what makes a line
# look like another one: line ends of Unicode, what turns the direction of what follows (Unicode Technical
# Standard 55, section 4.1), and what is not seen (Default_Ignorable_Code_Point of Unicode, without the
# selectors that follow the signs of warnings in comments; and the marks of annotations).
_CONTROL = regex(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)"
    r"|[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164]"
    r"|[\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


_LINE_END = regex(r"[\r\n]")


class Piece(NamedTuple):
    """Some text, and what it means."""

    text: str
    style: Style = ""


Row: TypeAlias = (
    tuple[str, str | tuple[str | Piece, ...]] | tuple[str, str | tuple[str | Piece, ...], str]
)
"""A name, its value, and what stands in a column between them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        head: What stands before the column at which the line goes on, where a terminal is too narrow.
        body: The rest.
        whole: Whether it must be possible to copy it as it is, so that only the terminal breaks it.
    """

    head: tuple[Piece, ...]
    body: tuple[Piece, ...]
    whole: bool

    @property
    def plain(self) -> str:
        """Its text."""
        return "".join(piece.text for piece in (*self.head, *self.body))


def line(*parts: str | Piece, head: Iterable[str | Piece] = (), whole: bool = False) -> Line:
    """A line of texts and pieces, in which line ends are spelled: a name could hold one."""
    return Line(tuple(map(_piece, head)), tuple(map(_piece, parts)), whole)


def fields(rows: Iterable[Row]) -> Iterator[Line]:
    """Facts, one per line, their names in one column."""
    listed = list(rows)
    width = max((len(row[0]) for row in listed), default=0)
    for name, value, *column in listed:
        parts = (value,) if isinstance(value, str) else value
        yield line(*parts, head=("  ", Piece(f"{name:<{width}}", "faint"), "  ", *column))


def diff_lines(diff: str) -> Iterator[Line]:
    """A unified diff, as it is."""
    for text in diff.rstrip("\n").split("\n"):
        # A line of the diff can end as those of Windows do.
        yield Line((), (Piece(text, _diff_style(text)),), whole=True)


def _diff_style(text: str) -> Style:
    if text.startswith(("+++", "---")):
        return "strong"
    first: dict[str, Style] = {"+": "added", "-": "removed", "@": "place"}
    return first.get(text[:1], "")


def next_line(*commands: str) -> Line:
    """The next step: commands as one line for a shell, which is never broken."""
    parts: list[str | Piece] = []
    for command in commands:
        parts += [" && " if parts else "", Piece(command, "command")]
    return line(*parts, head=(Piece("next: ", "strong"),), whole=True)


def clean(text: str) -> str:
    r"""A text whose control characters are spelled, as ``\x1b``, and whose addresses hold no password.

    Line ends and tabs stay.
    """
    return _CONTROL.sub(_spelled, without_credentials(text))


def _spelled(match: re.Match[str]) -> str:
    text = match[0]
    return (
        f"\\x{ord(text):02x}"
        if text.isascii()
        else text.encode("ascii", "backslashreplace").decode()
    )


def one_line(text: str) -> str:
    """A text whose line ends are spelled as well."""
    return _LINE_END.sub(_spelled, text)


def _piece(part: str | Piece) -> Piece:
    text, style = part if isinstance(part, Piece) else Piece(part)
    return Piece(one_line(text), style)

"""Edits inside flow collections: ``[a, b]`` and ``{a: b}``, on one line or on several."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from compose_tls.patterns import regex
from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.nodes import Mapping, Sequence

Edit: TypeAlias = tuple[int, int, str]
"""The text in [start, end) becomes that."""

_COMMA = regex(r"[ \t]*,")
_REST_OF_LINE = regex(r"[ \t]*(?:(,)[ \t]*)?(?:#[^\r\n]*)?(?=[\r\n])")


def edits(
    document: Document, node: Sequence | Mapping, gone: AbstractSet[int], written: list[str]
) -> Iterator[Edit]:
    """The edits that take the entries ``gone`` out and put ``written`` at the end.

    Comments stay with the entries they follow. When nothing is left of the collection, only its
    brackets stay.
    """
    if not gone and not written:
        return
    spans = _spans(node)
    kept = [index for index in range(len(spans)) if index not in gone]
    if not kept:
        yield _whole(document, node, spans, written)
        return
    for first, last in _groups(gone):
        yield from _removal(document, spans, first, last)
    if not written:
        return
    end = spans[kept[-1]][1]
    # libyaml takes ``:,`` for part of a text, so that an empty value needs a blank.
    separator = " ," if document.text[end - 1] == ":" else ","
    if gone or not _one_entry_a_line(document, node, end):
        yield end, end, f"{separator} {', '.join(written)}"
    else:
        yield from _lines(document, end, written, separator)


def _spans(node: Sequence | Mapping) -> list[tuple[int, int]]:
    if isinstance(node, Mapping):
        return [(key.start, value.end) for key, value in node.entries]
    return [(item.start, item.end) for item in node.items]


def _groups(indexes: AbstractSet[int]) -> Iterator[tuple[int, int]]:
    """Runs of neighbours, first and last index of each."""
    for first in sorted(indexes):
        if first - 1 not in indexes:
            last = first
            while last + 1 in indexes:
                last += 1
            yield first, last


def _whole(
    document: Document, node: Sequence | Mapping, spans: list[tuple[int, int]], written: list[str]
) -> Edit:
    new = ", ".join(written)
    if spans:
        return spans[0][0], spans[-1][1], new
    inside = document.text[node.body : node.end - 1]
    padding = inside if not inside.strip(" ") else ""
    return node.body, node.body, padding + new


def _removal(
    document: Document, spans: list[tuple[int, int]], first: int, last: int
) -> Iterator[Edit]:
    text = document.text
    start, end = spans[first][0], spans[last][1]
    line = document.line_start(start)
    rest = _REST_OF_LINE.match(text, end)
    if rest and not text[line:start].strip(" \t") and (last + 1 < len(spans) or first > 0):
        # The entries have their lines to themselves.
        yield line, document.next_line(end), ""
        comma = _COMMA.match(text, spans[first - 1][1]) if first > 0 else None
        if last + 1 == len(spans) and not rest.group(1) and comma:
            yield comma.end() - 1, comma.end(), ""
    elif last + 1 < len(spans):
        yield start, _up_to(text, end, spans[last + 1][0]), ""
    else:
        yield from _last_removal(text, spans[first - 1][1], start, end)


def _up_to(text: str, end: int, following: int) -> int:
    """Where the comma of an entry ends, or the entry after it starts if only blanks are between."""
    comma = _COMMA.match(text, end)
    if not comma:
        return end
    return comma.end() if text[comma.end() : following].strip() else following


def _last_removal(text: str, before: int, start: int, end: int) -> Iterator[Edit]:
    """Take out the last entry, and the comma after the one before it."""
    comma = _COMMA.match(text, before)
    if comma and not text[comma.end() : start].strip():
        yield comma.end() - 1, end, ""
        return
    if comma:
        yield comma.end() - 1, comma.end(), ""
    yield start, end, ""


def _one_entry_a_line(document: Document, node: Sequence | Mapping, end: int) -> bool:
    last_line = document.line(end)
    return last_line not in {document.line(node.start), document.line(node.end - 1)}


def _lines(document: Document, end: int, written: list[str], separator: str) -> Iterator[Edit]:
    """New entries below the line of the last one, indented as that line is."""
    text = document.text
    line = text[document.line_start(end) : end]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    comma = _COMMA.match(text, end)
    if not comma:
        yield end, end, separator
    line_break = document.line_break(end)
    lines = f",{line_break}".join(indent + item for item in written)
    below = document.next_line(end)
    yield below, below, lines + ("," if comma else "") + line_break

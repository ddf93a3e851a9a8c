"""The geometry of block style: where new lines go, which lines an entry has, how deep things stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.libyaml import block_header, content_start
from compose_tls.yamlpatch.nodes import Mapping, Node, Scalar, Sequence
from compose_tls.yamlpatch.splice import LINE_BREAKS

_DEFAULT_STEP = 2


def insertion(document: Document, end: int, column: int, lines: list[str]) -> tuple[int, str]:
    """Where whole lines go after content that ends at ``end``, and their text with line breaks.

    They go after the line of ``end`` and after the comments below it that stand deeper than
    ``column``, since those belong to what is above. They take over the line break in use there; a
    text without a final line break stays without one.
    """
    text = document.text
    line_break = document.line_break(_last_line(document, end))
    offset = position = _line_below(document, end)
    while position < len(text):
        line = text[position : document.line_end(position)]
        content = line.lstrip(" \t")
        if content and not (content.startswith("#") and len(line) - len(content) > column):
            break
        position = document.next_line(position)
        if content:
            offset = position
    if offset and not text.endswith(LINE_BREAKS, 0, offset):
        return offset, "".join(line_break + line for line in lines)
    return offset, "".join(line + line_break for line in lines)


def insertion_above(document: Document, start: int, lines: list[str]) -> tuple[int, str] | None:
    """The same for lines above an entry; ``None`` when it does not start its line."""
    offset = document.line_start(start)
    if document.text[offset:start].strip(" "):
        return None
    line_break = document.line_break(offset)
    return offset, "".join(line + line_break for line in lines)


def occupied_lines(document: Document, start: int, end: int) -> tuple[int, int] | None:
    """The whole lines from ``start`` to ``end``; ``None`` when something else stands before it."""
    first = document.line_start(start)
    if document.text[first:start].strip(" ") not in {"", "?"}:
        return None
    return first, _line_below(document, end)


def gap(document: Document, item: Node) -> str:
    """What is between the ``-`` of an item and the item, when they share a line."""
    before = document.text[document.line_start(item.start) : item.start]
    found = before[before.rfind("-") + 1 :]
    return found if "-" in before and found and not found.strip(" ") else " "


def ends_open(document: Document, node: Node) -> bool:
    """Whether a node ends in block text that the end of the file cuts off without a line break.

    A line below would give that text its line break, and so another value.
    """
    while not isinstance(node, Scalar):
        if isinstance(node, Mapping) and not node.flow:
            node = node.entries[-1][1]
        elif isinstance(node, Sequence) and not node.flow:
            node = node.items[-1]
        else:
            return False
    text = document.text
    if node.style not in {"|", ">"} or text.endswith(LINE_BREAKS) or text[node.end :].strip(" \t"):
        return False
    return "-" not in block_header(text, content_start(text, node.start))


def separated_by_blank_lines(document: Document, node: Mapping) -> bool:
    """Whether a blank line stands before most entries of a block mapping, and may below it."""
    if _keeps_blank_lines(document, node.end):
        return False
    starts = [key.start for key, _ in node.entries[1:]]
    blank = sum(_blank_line_above(document, start) for start in starts)
    return blank * 2 > len(starts)


class Indentation:
    """How deep things stand: as nearby, else as most often in the file."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._steps: int | None = None
        self._dashes: int | None = None

    def step(self, node: Mapping) -> int:
        """How much deeper keys stand than the key of their mapping."""
        near = _most_common(self._steps_in(node))
        if near is not None:
            return near
        if self._steps is None:
            self._steps = self._in_file(self._steps_in)
        return self._steps

    def dash(self, node: Mapping) -> int:
        """How much deeper the ``-`` of a list stands than its key."""
        near = _most_common(self._dashes_in(node))
        if near is not None:
            return near
        if self._dashes is None:
            self._dashes = self._in_file(self._dashes_in)
        return self._dashes

    def _steps_in(self, node: Mapping) -> Iterator[int]:
        for key, value in node.entries:
            if isinstance(value, Mapping) and not value.flow:
                yield self._deeper(value.body, key)

    def _dashes_in(self, node: Mapping) -> Iterator[int]:
        for key, value in node.entries:
            if isinstance(value, Sequence) and not value.flow:
                yield self._deeper(value.body, key)

    def _deeper(self, offset: int, key: Node) -> int:
        return self._document.column(offset) - self._document.column(key.start)

    def _in_file(self, measure: Callable[[Mapping], Iterator[int]]) -> int:
        found = _most_common(d for node in _mappings(self._document) for d in measure(node))
        return _DEFAULT_STEP if found is None else found


def _most_common(found: Iterator[int]) -> int | None:
    counted = Counter(found).most_common(1)
    return counted[0][0] if counted else None


def _mappings(document: Document) -> Iterator[Mapping]:
    pending: list[Node] = list(document.roots)
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            yield node
            pending += [value for _, value in node.entries]
        elif isinstance(node, Sequence):
            pending += node.items


def _keeps_blank_lines(document: Document, end: int) -> bool:
    """Whether content ends in block text to which the line break, and blank lines, belong."""
    return end > 0 and document.text.endswith(LINE_BREAKS, 0, end)


def _last_line(document: Document, end: int) -> int:
    """The start of the last line of content."""
    return document.line_start(end - 1 if _keeps_blank_lines(document, end) else end)


def _line_below(document: Document, end: int) -> int:
    return document.next_line(_last_line(document, end))


def _blank_line_above(document: Document, offset: int) -> bool:
    """Whether a blank line stands directly above, or above the comment that introduces the line."""
    number = document.line(offset) - 1
    while number > 0:
        start = document.line_starts[number - 1]
        line = document.text[start : document.line_end(start)].strip()
        if not line.startswith("#"):
            return line == ""
        number -= 1
    return False

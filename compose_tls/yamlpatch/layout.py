"""The geometry of a text: where new lines go, which lines an entry has, how deep things stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from compose_tls.yamlpatch.document import Document, Mapping, Node, Sequence

_DEFAULT_STEP = 2


def insertion(document: Document, end: int, column: int, lines: list[str]) -> tuple[int, str]:
    """Where whole lines go after content that ends at ``end``, and their text with line breaks.

    They go after the line of ``end`` and after the comments below it that stand deeper than
    ``column``, since those belong to what is above. They take over the line break in use there; a
    text without a final line break stays without one.
    """
    text = document.text
    line_break = document.line_break(end)
    offset = _after_line(document, end)
    position = offset
    while position < len(text):
        line_end = document.line_end(position)
        line = text[position:line_end]
        content = line.lstrip(" \t")
        if content and not (content.startswith("#") and len(line) - len(content) > column):
            break
        position = _after_line(document, position)
        if content:
            offset = position
    if offset and text[offset - 1] not in "\r\n":
        return offset, "".join(line_break + line for line in lines)
    return offset, "".join(line + line_break for line in lines)


def _after_line(document: Document, offset: int) -> int:
    end = document.line_end(offset)
    if document.text.startswith("\r\n", end):
        return end + 2
    return min(end + 1, len(document.text))


def occupied_lines(document: Document, start: int, end: int) -> tuple[int, int] | None:
    """The whole lines from ``start`` to ``end``; ``None`` when something else stands before it."""
    first = document.line_start(start)
    if document.text[first:start].strip(" "):
        return None
    last = _after_line(document, max(end, start))
    if last == len(document.text) and document.line_end(end) == last and first > 0:
        # The last line of a text without a final line break: take the break before it instead.
        first -= 2 if document.text.startswith("\r\n", first - 2) else 1
    return first, last


def flow_insertions(
    document: Document, node: Sequence | Mapping, end: int, written: list[str]
) -> Iterator[tuple[int, str]]:
    """The insertions that add items to a flow collection whose last item ends at ``end``."""
    text = document.text
    first_line = document.line(node.start)
    last_line = document.line(end)
    indent = text[document.line_start(end) : end]
    indent = indent[: len(indent) - len(indent.lstrip(" \t"))]
    if last_line in {first_line, document.line(node.end - 1)}:
        yield end, "".join(f", {item}" for item in written)
        return
    # One item a line: ours get lines of their own, and comments stay with the items they follow.
    line_break = document.line_break(end)
    rest = text[end : document.line_end(end)].partition("#")[0]
    if "," not in rest:
        yield end, ","
    lines = f",{line_break}".join(indent + item for item in written)
    trailing = "," if "," in rest else ""
    yield _after_line(document, end), lines + trailing + line_break


def flow_removal(node: Sequence | Mapping, index: int) -> tuple[int, int]:
    """The range that takes one item out of a flow collection, its comma included."""
    nodes = node.items if isinstance(node, Sequence) else [key for key, _ in node.entries]
    ends = node.items if isinstance(node, Sequence) else [value for _, value in node.entries]
    if index + 1 < len(nodes):
        return nodes[index].start, nodes[index + 1].start
    if index > 0:
        return ends[index - 1].end, ends[index].end
    return nodes[0].start, ends[0].end


def step(document: Document, node: Mapping) -> int:
    """How much deeper keys stand than the key of their mapping: as nearby, else as in the file."""
    found = Counter(_steps(document, node)) or Counter(_everywhere(document, _steps))
    return found.most_common(1)[0][0] if found else _DEFAULT_STEP


def dash_offset(document: Document, node: Mapping) -> int:
    """How much deeper the ``-`` of a list stands than its key: as nearby, else as in the file."""
    found = Counter(_dash_offsets(document, node)) or Counter(_everywhere(document, _dash_offsets))
    return found.most_common(1)[0][0] if found else _DEFAULT_STEP


def separated_by_blank_lines(document: Document, node: Mapping) -> bool:
    """Whether a blank line stands before most entries of a block mapping."""
    starts = [key.start for key, _ in node.entries[1:]]
    blank = sum(_blank_line_above(document, start) for start in starts)
    return blank * 2 > len(starts)


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


def _steps(document: Document, node: Mapping) -> Iterator[int]:
    for key, value in node.entries:
        if isinstance(value, Mapping) and not value.flow and value.entries:
            first = value.entries[0][0]
            if document.line(first.start) > document.line(key.start):
                yield document.column(first.start) - document.column(key.start)


def _dash_offsets(document: Document, node: Mapping) -> Iterator[int]:
    for key, value in node.entries:
        if isinstance(value, Sequence) and not value.flow:
            yield document.column(value.dash) - document.column(key.start)


def _everywhere(
    document: Document, measure: Callable[[Document, Mapping], Iterator[int]]
) -> Iterator[int]:
    pending: list[Node] = list(document.roots)
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            yield from measure(document, node)
            pending += [value for _, value in node.entries]
        elif isinstance(node, Sequence):
            pending += node.items

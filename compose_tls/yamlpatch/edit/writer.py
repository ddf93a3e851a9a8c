"""The edits as splices: values written in their places, lines added and taken out."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as ReadMapping
from collections.abc import Sequence as ReadSequence
from collections.abc import Set as AbstractSet

from compose_tls.yamlpatch import style
from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.edit import block_layout, block_text, flow, in_place
from compose_tls.yamlpatch.edit.guard import EditGuard
from compose_tls.yamlpatch.intent import EditTree, Item, Route, Text, Value
from compose_tls.yamlpatch.libyaml import block_header, content_start
from compose_tls.yamlpatch.nodes import Alias, Mapping, Node, Scalar, Sequence
from compose_tls.yamlpatch.query import MERGE
from compose_tls.yamlpatch.splice import Splice


class Writer:
    """Collects splices.

    Attributes:
        found: What was collected, in the order of the calls.
    """

    def __init__(self, document: Document, guard: EditGuard) -> None:
        self.found: list[Splice] = []
        self._document = document
        self._guard = guard
        self._indentation = block_layout.Indentation(document)

    def look(self, mapping: Mapping, sequence: Sequence | None = None) -> style.Look:
        """How a new entry of a mapping, or a new item of a sequence in it, should look."""
        key_quote = style.common_quote(key for key, _ in mapping.entries) or ""
        quote = style.common_quote(_values(sequence or mapping))
        return style.Look(
            quote=key_quote if quote is None else quote,
            key_quote=key_quote,
            step=self._indentation.step(mapping),
            dash=self._indentation.dash(mapping),
        )

    def replace(self, start: int, end: int, new: str) -> None:
        """Put ``new`` where [start, end) is."""
        self.found.append(Splice(start, self._document.text[start:end], new))

    def write_scalar(
        self, parent: Mapping, key: Node, node: Scalar, written: str, route: Route
    ) -> None:
        """Put text instead of a scalar; its anchor and the comments around it stay.

        Raises:
            EditRefused: A ``? key`` without a value.
        """
        text = self._document.text
        start, end = content_start(text, node.start), node.end
        if start >= end:
            self.replace(end, end, f"{self._colon(parent, key, node, route)} {written}")
            return
        if node.style in {"|", ">"}:
            end = start + len(text[start:end].rstrip("\r\n"))
            header = start + len(block_header(text, start))
            written += text[header : self._document.line_end(start)].rstrip()
        self.replace(start, end, written)

    def reword(self, node: Scalar, value: str) -> bool:
        """Put other words into the lines of a scalar; ``False`` where more would change."""
        text = self._document.text
        start, end = content_start(text, node.start), node.end
        if node.style in {"|", ">"}:
            start = self._document.line_end(start)
        elif node.style:
            start, end = start + 1, end - 1
        body = text[start:end].rstrip("\r\n")
        if not {"\n", "\r"} & {*body}:
            return False
        new = block_text.reworded(body, node.value, value, plain=node.style not in {"|", ">"})
        if new is None:
            return False
        self.replace(start, start + len(body), new)
        return True

    def change_items(
        self, parent: Mapping, node: Sequence, gone: AbstractSet[int], items: ReadSequence[Item]
    ) -> bool:
        """Put items in the places of those that go; ``False`` where not each of them has one."""
        found = in_place.edits(self._document, node, gone, items, self.look(parent, node))
        for start, end, new in found or ():
            self.replace(start, end, new)
        return found is not None

    def fill(
        self,
        parent: Mapping,
        key: Node,
        node: Scalar,
        value: ReadMapping[str, Value] | tuple[Item, ...],
        route: Route,
    ) -> None:
        """Put a collection instead of an empty value or a null.

        Raises:
            EditRefused: A ``? key`` without a value.
        """
        look = self.look(parent)
        if parent.flow:
            self.write_scalar(parent, key, node, style.flow_value(value, look), route)
            return
        self._colon(parent, key, node, route)
        text = self._document.text
        if node.value:
            start = content_start(text, node.start)
            while text[start - 1] in " \t":
                start -= 1
            self.replace(start, node.end, "")
        lines = style.block_value(value, self._document.column(key.start), look)
        # No comment below is skipped: commented-out entries of the list stay after ours.
        self._insert(*block_layout.insertion(self._document, node.end, len(text), lines))

    def put_beside_merge(self, parent: Mapping, key: Node, alias: Alias, tree: EditTree) -> None:
        """Put a mapping instead of an alias: what the alias stands for, merged, and new entries.

        The anchor and every other alias of it keep their meaning.
        """
        text = self._document.text
        start = alias.start
        while text[start - 1] in " \t":
            start -= 1
        self.replace(start, alias.end, "")
        look = self.look(parent)
        column = self._document.column(key.start) + look.step
        lines = [" " * column + f"{MERGE}: {text[alias.start : alias.end]}"]
        for name, leaf in tree.children.items():
            lines += style.block_entry(name, leaf.value(), column, look)
        self._insert(*block_layout.insertion(self._document, alias.end, len(text), lines))

    def add_entries(self, node: Mapping, entries: ReadMapping[str, Value], route: Route) -> None:
        """Put new entries at the end of a block mapping.

        Raises:
            EditRefused: The file ends inside its only value, which starts in another entry's line.
        """
        look = self.look(node)
        column = self._document.column(node.body)
        blank = column == 0 and block_layout.separated_by_blank_lines(self._document, node)
        lines: list[str] = []
        for name, value in entries.items():
            lines += [""] if blank else []
            lines += style.block_entry(name, value, column, look)
        if not block_layout.ends_open(self._document, node):
            self._insert(*block_layout.insertion(self._document, node.end, column, lines))
        elif len(node.entries) > 1:
            self._insert(
                *block_layout.insertion(self._document, node.entries[-2][1].end, column, lines)
            )
        elif place := block_layout.insertion_above(self._document, node.body, lines):
            self._insert(*place)
        else:
            self._guard.refuse(node, route, "its text ends the file without a line break")

    def append_items(
        self,
        parent: Mapping,
        node: Sequence,
        items: ReadSequence[Item],
        route: Route,
    ) -> None:
        """Put new items at the end of a block sequence.

        Raises:
            EditRefused: The file ends inside its last item.
        """
        last = node.items[-1]
        if block_layout.ends_open(self._document, last):
            self._guard.refuse(last, route, "its last item ends the file without a line break")
        look = self.look(parent, node)
        column = self._document.column(node.body)
        gap = block_layout.gap(self._document, last)
        in_braces = isinstance(last, Mapping) and last.flow
        lines: list[str] = []
        for item in items:
            if in_braces and not isinstance(item, Text):
                lines.append(" " * column + "-" + gap + style.flow_value(item, look))
            else:
                lines += style.block_item(item, column, gap, look)
        self._insert(*block_layout.insertion(self._document, node.end, column, lines))

    def edit_flow(
        self, node: Sequence | Mapping, gone: AbstractSet[int], written: list[str]
    ) -> None:
        """Take entries out of a flow collection, and put new ones at its end."""
        for start, end, new in flow.edits(self._document, node, gone, written):
            self.replace(start, end, new)

    def remove_entries(self, node: Mapping, gone: AbstractSet[int], route: Route) -> None:
        """Take entries out of a block mapping, with their lines.

        Raises:
            EditRefused: Something else starts in the line of an entry.
        """
        for index in gone:
            key, value = node.entries[index]
            self._remove_lines(key.start, value.end, node, route)

    def remove_items(self, node: Sequence, gone: AbstractSet[int], route: Route) -> None:
        """Take items out of a block sequence, with their lines.

        Raises:
            EditRefused: Something else starts in the line of an item.
        """
        for index in gone:
            item = node.items[index]
            dash = self._document.text.rfind("-", 0, item.start)
            self._remove_lines(dash, item.end, node, route)

    def _remove_lines(self, start: int, end: int, node: Node, route: Route) -> None:
        lines = block_layout.occupied_lines(self._document, start, end)
        if lines is None:
            self._guard.refuse(node, route, "it shares its line with something else")
        self.replace(*lines, "")

    def _insert(self, start: int, new: str) -> None:
        self.replace(start, start, new)

    def _colon(self, parent: Mapping, key: Node, node: Scalar, route: Route) -> str:
        """The colon to write before an empty value that has none, as in ``{a}`` and ``? a``."""
        if node.end > key.end:
            return ""
        if not parent.flow:
            self._guard.refuse(key, route, "its key has no colon")
        return ":"


def _values(node: Mapping | Sequence) -> Iterator[Node]:
    """The values of a mapping; the items of a sequence and what the mappings among them hold."""
    if isinstance(node, Mapping):
        yield from (value for _, value in node.entries)
        return
    for item in node.items:
        yield item
        if isinstance(item, Mapping):
            yield from (value for _, value in item.entries)

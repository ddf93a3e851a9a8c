"""From intents to splices: the places in the text that change, and what stands there afterwards."""

from __future__ import annotations

from collections.abc import Mapping as ReadMapping
from dataclasses import dataclass
from typing import NoReturn

from compose_tls.errors import EditRefused, ValueInTheWay
from compose_tls.yamlpatch import layout, render
from compose_tls.yamlpatch.document import (
    Alias,
    Document,
    Mapping,
    Node,
    Scalar,
    Sequence,
    reads_as,
)
from compose_tls.yamlpatch.intent import EditTree, Route, Text, Value

# !override replaces a value when Compose merges files; what stands under it is edited as usual.
# https://docs.docker.com/reference/compose-file/merge/
_TRANSPARENT_TAGS = frozenset({None, "!override"})


@dataclass(frozen=True, slots=True)
class Splice:
    """``old`` at ``start`` becomes ``new``. Offsets count characters of the original text."""

    start: int
    old: str
    new: str


def splices(document: Document, root: Mapping, tree: EditTree) -> tuple[Splice, ...]:
    """The splices that carry out a tree of intents, in the order of the text.

    Raises:
        EditRefused: A place that cannot be edited without touching something else.
        ValueInTheWay: A value of another kind stands where ours has to go.
    """
    editor = _Editor(document)
    if editor.edit_mapping(root, tree, ()):
        editor.refuse(root, (), "nothing would be left of the file")
    return tuple(sorted(editor.found, key=lambda splice: splice.start))


class _Editor:
    """Walks document and intents together; each ``edit_…`` tells whether nothing is left."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.found: list[Splice] = []

    def edit_mapping(self, node: Mapping, tree: EditTree, route: Route) -> bool:
        missing: dict[str, Value] = {}
        gone: list[int] = []
        places = {
            key.value: i for i, (key, _) in enumerate(node.entries) if isinstance(key, Scalar)
        }
        for name, subtree in tree.children.items():
            if name not in places:
                if not subtree.idle:
                    missing[name] = subtree.value()
            elif self.edit_entry(node, places[name], subtree, (*route, name)):
                gone.append(places[name])
        if gone and len(gone) == len(node.entries) and not missing:
            return True
        for index in gone:
            self.remove(node, index, route)
        if missing:
            self.add_entries(node, missing, route)
        return False

    def edit_entry(self, parent: Mapping, index: int, tree: EditTree, route: Route) -> bool:
        key, value = parent.entries[index]
        if tree.remove:
            return True
        if tree.put is not None:
            self.put_scalar(key, value, tree.put, route)
            return False
        self.require_own(value, route)
        if isinstance(value, Sequence) and (tree.appended or tree.removed_items):
            return self.edit_sequence(value, tree, route)
        if isinstance(value, Mapping) and tree.children:
            return self.edit_mapping(value, tree, route)
        if tree.idle:
            return False
        if isinstance(value, Scalar) and value.is_null:
            self.fill_empty(parent, key, value, tree.value())
            return False
        self.in_the_way(value, route, "a list" if tree.appended else "a mapping")

    def edit_sequence(self, node: Sequence, tree: EditTree, route: Route) -> bool:
        removed = [
            index
            for index, item in enumerate(node.items)
            if any(reads_as(item, wanted) for wanted in tree.removed_items)
        ]
        if removed and len(removed) == len(node.items) and not tree.appended:
            return True
        for index in removed:
            self.remove(node, index, route)
        if tree.appended:
            self.append(node, tree.appended)
        return False

    def put_scalar(self, key: Node, node: Node, text: Text, route: Route) -> None:
        if isinstance(node, Alias):
            self.replace(node.start, node.end, render.scalar(text, "", flow=True))
            return
        if not isinstance(node, Scalar):
            self.in_the_way(node, route, "a single value")
        if node.tag is not None or node.anchor is not None:
            self.refuse(node, route, "the value carries a tag or an anchor")
        quote: render.Quote = node.style if node.style in {"'", '"'} else ""
        written = render.scalar(text, quote, flow=True)
        if node.start == node.end:
            self.insert(self.after_colon(key), f" {written}")
        else:
            self.replace(node.start, node.end, written)

    def append(self, node: Sequence, items: list[Text | ReadMapping[str, Text]]) -> None:
        quote = render.common_quote(node.items)
        if node.flow:
            self.add_to_flow(node, [render.flow_value(item, quote) for item in items])
            return
        column = self.document.column(node.dash)
        gap = self.gap(node.items[-1])
        lines = [line for item in items for line in render.block_item(item, column, gap, quote)]
        self.insert_lines(node.end, column, lines)

    def gap(self, item: Node) -> str:
        """What stands between the ``-`` of an item and the item, when they share a line."""
        before = self.document.text[self.document.line_start(item.start) : item.start]
        gap = before[before.rfind("-") + 1 :]
        return gap if "-" in before and gap and not gap.strip(" ") else " "

    def add_entries(self, node: Mapping, entries: dict[str, Value], route: Route) -> None:
        quote = render.common_quote([value for _, value in node.entries])
        if node.flow:
            self.add_to_flow(node, [render.flow_entry(k, v, quote) for k, v in entries.items()])
            return
        first = node.entries[0][0].start
        if "?" in self.document.text[self.document.line_start(first) : first]:
            self.refuse(node, route, "the mapping is written with explicit keys (?)")
        column = self.document.column(first)
        blank = column == 0 and layout.separated_by_blank_lines(self.document, node)
        lines: list[str] = []
        for name, value in entries.items():
            lines += [""] if blank else []
            lines += self.entry_lines(node, name, value, column, quote)
        self.insert_lines(node.end, column, lines)

    def entry_lines(
        self, parent: Mapping, name: str, value: Value, column: int, quote: render.Quote
    ) -> list[str]:
        step = layout.step(self.document, parent)
        dash = layout.dash_offset(self.document, parent)
        return render.block_entry(name, value, column, step, dash, quote)

    def add_to_flow(self, node: Sequence | Mapping, written: list[str]) -> None:
        values = node.items if isinstance(node, Sequence) else [v for _, v in node.entries]
        if values:
            for start, new in layout.flow_insertions(self.document, node, values[-1].end, written):
                self.insert(start, new)
        else:
            bracket = "[" if isinstance(node, Sequence) else "{"
            self.insert(self.document.text.index(bracket, node.start) + 1, ", ".join(written))

    def fill_empty(self, parent: Mapping, key: Node, node: Scalar, value: Value) -> None:
        colon = self.after_colon(key)
        if parent.flow:
            self.replace(colon, max(colon, node.start + len(node.value)), "")
            self.insert(colon, f" {render.flow_value(value, '')}")
            return
        if node.value:
            self.replace(colon, node.end, "")
        column = self.document.column(key.start)
        lines = self.entry_lines(parent, "", value, column, "")[1:]
        self.insert_lines(node.end, len(self.document.text), lines)

    def remove(self, node: Sequence | Mapping, index: int, route: Route) -> None:
        if node.flow:
            self.replace(*layout.flow_removal(node, index), "")
            return
        if isinstance(node, Sequence):
            end = node.items[index].end
            start = self.document.text.rfind("-", 0, node.items[index].start)
        else:
            start, end = node.entries[index][0].start, node.entries[index][1].end
        lines = layout.occupied_lines(self.document, start, end)
        if lines is None:
            self.refuse(node, route, "it shares its line with something else")
        self.replace(*lines, "")

    def after_colon(self, key: Node) -> int:
        return self.document.text.index(":", key.end) + 1

    def insert_lines(self, end: int, column: int, lines: list[str]) -> None:
        self.insert(*layout.insertion(self.document, end, column, lines))

    def insert(self, start: int, new: str) -> None:
        self.found.append(Splice(start, "", new))

    def replace(self, start: int, end: int, new: str) -> None:
        old = self.document.text[start:end]
        if old != new:
            self.found.append(Splice(start, old, new))

    def require_own(self, node: Node, route: Route) -> None:
        """Refuse what an edit would change elsewhere too."""
        if isinstance(node, Alias):
            self.refuse(node, route, "it is an alias (*): an edit would change its anchor as well")
        if id(node) in self.document.aliased:
            self.refuse(node, route, "it carries an anchor (&) that other places refer to")
        if node.tag not in _TRANSPARENT_TAGS:
            self.refuse(node, route, f"it carries the tag {node.tag}")

    def refuse(self, node: Node, route: Route, reason: str) -> NoReturn:
        place = ".".join(route) or "the document"
        raise EditRefused(
            f"{place} cannot be edited: {reason}",
            hint="make the edit by hand, or write the value out at this place",
            path=self.document.name,
            line=self.document.line(node.start),
        )

    def in_the_way(self, node: Node, route: Route, wanted: str) -> NoReturn:
        kind = {Scalar: "a single value", Sequence: "a list"}.get(type(node), "a mapping")
        raise ValueInTheWay(
            f"{'.'.join(route)} holds {kind} where {wanted} has to stand",
            hint="correct that value",
            path=self.document.name,
            line=self.document.line(node.start),
        )

"""Asking a document: a route leads to a value and its place, aliases resolved, merge keys followed.

Source: https://yaml.org/type/merge.html; what is in the mapping itself wins, then earlier merges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadMapping
from typing import TypeAlias

from compose_tls.values import dataclass
from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.nodes import Mapping, Node, Scalar, Sequence, item_of, reads_as, resolve

MERGE = "<<"

Step: TypeAlias = str | int | Callable[[str], bool]
"""A key, a position in a list, or the first key or text in a list that a function accepts."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value of a document. A null is a value too; it has no text.

    Attributes:
        document: The document.
        node: The node as it is there, maybe an alias.
        expand: How the reader of the file takes a text, for example with its variables replaced.
    """

    document: Document
    node: Node
    expand: Callable[[str], str]

    @property
    def line(self) -> int:
        """Its line, counted from 1."""
        return self.document.line(self.node.start)

    @property
    def tag(self) -> str | None:
        """Its tag."""
        return resolve(self.node).tag

    @property
    def is_null(self) -> bool:
        """Whether it is null or nothing at all."""
        value = resolve(self.node)
        return isinstance(value, Scalar) and value.is_null

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(resolve(self.node), Sequence)

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(resolve(self.node), Mapping)

    @property
    def written(self) -> str | None:
        """A scalar as the file has it, not expanded; ``None`` for a collection."""
        value = resolve(self.node)
        return value.value if isinstance(value, Scalar) else None

    @property
    def size(self) -> int:
        """How many items or entries are written in a collection itself."""
        value = resolve(self.node)
        if isinstance(value, Scalar):
            return 0
        return len(value.items if isinstance(value, Sequence) else value.entries)

    def query(self, *route: Step, merged: bool = True) -> Found | None:
        """What a route leads to.

        Args:
            route: The way from here.
            merged: Whether merge keys are followed.
        """
        node: Node | None = self.node
        for step in route:
            node = _next(resolve(node), step, merged=merged) if node else None
        return self._found(node) if node else None

    def text(self, *route: Step) -> str | None:
        """The single text there, expanded; ``None`` where there is none."""
        found = self.query(*route)
        written = None if found is None or found.is_null else found.written
        return None if written is None else self.expand(written)

    def texts(self, *route: Step) -> list[str]:
        """The texts in the list there, or the single one."""
        found = self.query(*route)
        if found is None:
            return []
        values = found.items() if found.is_list else [found]
        return [text for value in values if (text := value.text()) is not None]

    def pairs(self, *route: Step) -> dict[str, str]:
        """The texts in the mapping there, by key."""
        values = self.entries(*route).items()
        return {key: text for key, value in values if (text := value.text()) is not None}

    def items(self, *route: Step) -> list[Found]:
        """The items of the list there; none where there is no list."""
        found = self.query(*route)
        value = resolve(found.node) if found else None
        return [self._found(item) for item in value.items] if isinstance(value, Sequence) else []

    def entries(self, *route: Step, merged: bool = True) -> dict[str, Found]:
        """The values of the mapping there, by key; none where there is no mapping."""
        found = self.query(*route, merged=merged)
        value = resolve(found.node) if found else None
        if not isinstance(value, Mapping):
            return {}
        nodes = fields(value) if merged else _own(value)
        return {key: self._found(node) for key, node in nodes.items()}

    def own_entries(self, accepts: Callable[[str], bool]) -> Iterator[tuple[str, Found]]:
        """The entries written in this mapping itself, those whose keys a function accepts."""
        value = resolve(self.node)
        if isinstance(value, Mapping):
            for key, node in _own(value).items():
                if accepts(key):
                    yield key, self._found(node)

    def reads_as(self, wanted: str | ReadMapping[str, str]) -> bool:
        """Whether it is a scalar with this value, or a flat mapping with these."""
        return reads_as(resolve(self.node), wanted)

    def as_item(self) -> str | dict[str, str]:
        """As an intent names this item of a list; an empty text where none can."""
        return item_of(self.node)

    def _found(self, node: Node) -> Found:
        return Found(self.document, node, self.expand)


def roots(document: Document, expand: Callable[[str], str] = str) -> list[Found]:
    """Each document of a stream as a whole."""
    return [Found(document, node, expand) for node in document.roots]


def query(document: Document, *route: Step, merged: bool = True) -> Found | None:
    """What a route leads to in the first document of a stream."""
    whole = roots(document)
    return whole[0].query(*route, merged=merged) if whole else None


def inherited(document: Document, *route: str) -> str | None:
    """The text that merge keys give a place, whatever its mapping says itself; ``None`` for none."""
    there = query(document, *route[:-1], merged=False)
    mapping = resolve(there.node) if there else None
    sources = map(fields, _merged(mapping)) if isinstance(mapping, Mapping) else ()
    found = next((resolve(one[route[-1]]) for one in sources if route[-1] in one), None)
    return found.value if isinstance(found, Scalar) else None


def fields(node: Mapping) -> dict[str, Node]:
    """Every key of a mapping, inherited ones included."""
    # Each mapping counts once, the first time: what it says again never wins. That also ends cycles,
    # and the 2^n ways through n mappings that merge the one before twice.
    order: list[Mapping] = []
    seen: set[int] = set()
    pending = [node]
    while pending:
        mapping = pending.pop()
        if id(mapping) not in seen:
            seen.add(id(mapping))
            order.append(mapping)
            pending += reversed(_merged(mapping))
    found: dict[str, Node] = {}
    for mapping in reversed(order):
        found |= _own(mapping)
    return found


def _own(node: Mapping) -> dict[str, Node]:
    return {
        key.value: value
        for key, value in node.entries
        if isinstance(key, Scalar) and not _is_merge(key)
    }


def _merged(node: Mapping) -> list[Mapping]:
    found: list[Mapping] = []
    for key, value in node.entries:
        if isinstance(key, Scalar) and _is_merge(key):
            source = resolve(value)
            sources = source.items if isinstance(source, Sequence) else [source]
            found += [m for m in map(resolve, sources) if isinstance(m, Mapping)]
    return found


def _is_merge(key: Scalar) -> bool:
    return key.value == MERGE and key.style == ""


def _next(node: Scalar | Sequence | Mapping, step: Step, *, merged: bool) -> Node | None:
    if isinstance(node, Mapping):
        if isinstance(step, str):
            inherits = merged and node.get(MERGE) is not None
            return node.get(step) or (fields(node).get(step) if inherits else None)
        if isinstance(step, int):
            return None
        nodes = fields(node) if merged else _own(node)
        return next((value for key, value in nodes.items() if step(key)), None)
    if not isinstance(node, Sequence) or isinstance(step, str):
        return None
    if isinstance(step, int):
        return node.items[step] if -len(node.items) <= step < len(node.items) else None
    texts = ((item, resolve(item)) for item in node.items)
    return next((i for i, value in texts if isinstance(value, Scalar) and step(value.value)), None)

"""The proof: the new text means exactly the old one with the intents carried out, and nothing else.

Written apart from the editor, on the two parsed documents only.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as ReadMapping

from compose_tls.yamlpatch.intent import EditTree, Route, Text, Value
from compose_tls.yamlpatch.nodes import Alias, Mapping, Node, Scalar, Sequence, reads_as, resolve
from compose_tls.yamlpatch.query import MERGE
from compose_tls.yamlpatch.style import is_string


class Proof:
    """Compares two node graphs. What aliases stand for is compared once."""

    def __init__(self) -> None:
        self._same: set[tuple[int, int]] = set()

    def holds(self, old: Node, new: Node, tree: EditTree | None) -> bool:
        """Whether ``new`` is ``old`` with the intents of ``tree`` carried out."""
        if tree is None:
            return self._is_same(old, new)
        if isinstance(old, Alias) and isinstance(new, Mapping) and tree.only_puts:
            return self._merge_holds(old, new, tree)
        old, new = resolve(old), resolve(new)
        if tree.put is not None:
            return _is_value(new, tree.put)
        if old.tag != new.tag:
            return False
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            return self._mapping_holds(old, new, tree)
        if isinstance(old, Sequence) and isinstance(new, Sequence):
            return self._sequence_holds(old, new, tree)
        if tree.idle:
            return self._is_same(old, new)
        return isinstance(old, Scalar) and old.is_null and _is_value(new, tree.value())

    def _mapping_holds(self, old: Mapping, new: Mapping, tree: EditTree) -> bool:
        expected: list[tuple[Node, Node, EditTree | None]] = []
        names: set[str] = set()
        for key, value in old.entries:
            subtree = None
            if isinstance(key, Scalar):
                names.add(key.value)
                subtree = tree.children.get(key.value)
            if subtree is None or not _nothing_left(value, subtree):
                expected.append((key, value, subtree))
        wanted = {
            name: subtree.value()
            for name, subtree in tree.children.items()
            if name not in names and not subtree.idle
        }
        kept: list[tuple[Node, Node]] = []
        added: list[tuple[str, Node]] = []
        for key, value in new.entries:
            if isinstance(key, Scalar) and key.value in wanted:
                added.append((key.value, value))
            else:
                kept.append((key, value))
        if len(kept) != len(expected) or [name for name, _ in added] != list(wanted):
            return False
        return all(
            self._is_same(old_key, new_key) and self.holds(old_value, value, subtree)
            for (old_key, old_value, subtree), (new_key, value) in zip(expected, kept, strict=True)
        ) and all(_is_value(value, wanted[name]) for name, value in added)

    def _merge_holds(self, old: Alias, new: Mapping, tree: EditTree) -> bool:
        """Whether ``new`` merges what the alias stands for, and has the intended entries besides."""
        names = [name.value if isinstance(name, Scalar) else None for name, _ in new.entries]
        return (
            names == [MERGE, *tree.children]
            and new.tag is None
            and isinstance(old.target, Mapping)
            and isinstance(new.entries[0][1], Alias)
            and self._is_same(old, new.entries[0][1])
            and all(
                _is_value(value, leaf.value())
                for (_, value), leaf in zip(new.entries[1:], tree.children.values(), strict=True)
            )
        )

    def _sequence_holds(self, old: Sequence, new: Sequence, tree: EditTree) -> bool:
        expected = [item for item in old.items if not _removed(item, tree)]
        if len(new.items) != len(expected) + len(tree.appended):
            return False
        kept, added = new.items[: len(expected)], new.items[len(expected) :]
        return self._are_same(expected, kept) and all(
            _is_value(item, wanted) for item, wanted in zip(added, tree.appended, strict=True)
        )

    def _is_same(self, old: Node, new: Node) -> bool:
        if isinstance(old, Scalar) and isinstance(new, Scalar):
            return old.value == new.value and old.style == new.style and old.tag == new.tag
        if isinstance(old, Alias) or isinstance(new, Alias):
            pair = (id(resolve(old)), id(resolve(new)))
            if pair in self._same:
                return True
            self._same.add(pair)
            return self._is_same(resolve(old), resolve(new))
        if old.tag != new.tag:
            return False
        if isinstance(old, Sequence) and isinstance(new, Sequence):
            return self._are_same(old.items, new.items)
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            return False
        if len(old.entries) != len(new.entries):
            return False
        for (old_key, old_value), (key, value) in zip(old.entries, new.entries, strict=True):
            if not (self._is_same(old_key, key) and self._is_same(old_value, value)):
                return False
        return True

    def _are_same(self, old: list[Node], new: list[Node]) -> bool:
        return len(old) == len(new) and all(map(self._is_same, old, new))


def says_the_same(old: Node, new: Node, unordered: Collection[Route]) -> bool:
    """Whether two nodes hold the same texts, in whatever quotes; what is empty says nothing.

    Args:
        old: A node.
        new: Another.
        unordered: The routes of lists of which the order means nothing.
    """
    return _said(old, unordered, ()) == _said(new, unordered, ())


def _said(node: Node, unordered: Collection[Route], route: Route) -> object:
    match node:
        case Alias():
            return "*", node.target.anchor
        case Scalar():
            return node.tag, node.anchor, None if node.is_null else node.value
        case Sequence():
            items = [_said(item, unordered, (*route, "")) for item in node.items]
            return node.tag, node.anchor, sorted(items, key=repr) if route in unordered else items
        case Mapping(tag=None, anchor=None, entries=[(Scalar(value="<<"), Alias() as merged)]):
            return _said(merged, unordered, route)
        case Mapping():
            entries = [
                (
                    _said(key, unordered, route),
                    _said(value, unordered, (*route, key.value if isinstance(key, Scalar) else "")),
                )
                for key, value in node.entries
                if not _is_empty(value)
            ]
            return node.tag, node.anchor, entries


def _is_empty(node: Node) -> bool:
    match node:
        case Scalar():
            return node.is_null
        case Sequence():
            return not node.items
        case Mapping():
            return all(_is_empty(value) for _, value in node.entries)
        case Alias():
            return False


def _nothing_left(node: Node, tree: EditTree) -> bool:
    """Whether the intents take away all of a node, so that its key goes as well."""
    if tree.remove:
        return True
    node = resolve(node)
    if isinstance(node, Sequence) and tree.removed_items:
        return not tree.appended and all(_removed(item, tree) for item in node.items)
    if isinstance(node, Mapping) and tree.children and tree.idle:
        return all(
            isinstance(key, Scalar)
            and key.value in tree.children
            and _nothing_left(value, tree.children[key.value])
            for key, value in node.entries
        )
    return False


def _removed(item: Node, tree: EditTree) -> bool:
    return any(reads_as(item, wanted) for wanted in tree.removed_items)


def _is_value(node: Node, wanted: Value) -> bool:
    """Whether a node reads as the value that was to be written, and carries nothing else."""
    if isinstance(wanted, Text):
        return (
            isinstance(node, Scalar)
            and node.value == wanted.value
            and node.tag is None
            and (not wanted.string or is_string(node))
        )
    if isinstance(wanted, ReadMapping):
        return (
            isinstance(node, Mapping)
            and len(node.entries) == len(wanted)
            and all(
                isinstance(key, Scalar) and key.value == name and _is_value(value, item)
                for (key, value), (name, item) in zip(node.entries, wanted.items(), strict=True)
            )
        )
    return (
        isinstance(node, Sequence)
        and len(node.items) == len(wanted)
        and all(_is_value(item, one) for item, one in zip(node.items, wanted, strict=True))
    )

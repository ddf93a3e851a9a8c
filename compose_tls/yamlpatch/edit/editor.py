"""From intents to splices: walks the document and the tree of intents together."""

from __future__ import annotations

from compose_tls.yamlpatch import style
from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.edit.guard import EditGuard
from compose_tls.yamlpatch.edit.writer import Writer
from compose_tls.yamlpatch.intent import EditTree, Intent, Item, Route, Text, Value
from compose_tls.yamlpatch.nodes import Alias, Mapping, Node, Scalar, Sequence, reads_as, resolve
from compose_tls.yamlpatch.query import fields
from compose_tls.yamlpatch.splice import Splice, settled


def splices(
    document: Document, root: Mapping, tree: EditTree, intents: tuple[Intent, ...]
) -> tuple[Splice, ...]:
    """The splices that carry out a tree of intents, in the order of the text.

    Raises:
        EditRefused: A place that cannot be edited without touching something else.
        ValueInTheWay: A value of another kind stands where ours has to go.
    """
    guard = EditGuard(document, intents)
    writer = Writer(document, guard)
    guard.require_own(root, ())
    if _Editor(writer, guard).edit_mapping(root, tree, ()):
        guard.refuse(root, (), "nothing would be left of the file")
    return settled(document.text, writer.found)


class _Editor:
    """Each ``edit_…`` tells whether nothing would be left, so that the key has to go as well."""

    def __init__(self, writer: Writer, guard: EditGuard) -> None:
        self._writer = writer
        self._guard = guard

    def edit_mapping(self, node: Mapping, tree: EditTree, route: Route) -> bool:
        missing: dict[str, Value] = {}
        gone: set[int] = set()
        places = {
            key.value: i for i, (key, _) in enumerate(node.entries) if isinstance(key, Scalar)
        }
        for name, subtree in tree.children.items():
            if name not in places:
                if not subtree.idle:
                    missing[name] = subtree.value()
            elif self._edit_entry(node, places[name], subtree, (*route, name)):
                gone.add(places[name])
        if gone and len(gone) == len(node.entries) and not missing:
            return True
        self._guard.require_not_inherited(node, missing, route)
        if node.flow:
            look = self._writer.look(node)
            written = [style.flow_entry(name, value, look) for name, value in missing.items()]
            self._writer.edit_flow(node, gone, written)
            return False
        self._writer.remove_entries(node, gone, route)
        if missing:
            self._writer.add_entries(node, missing, route)
        return False

    def _edit_entry(self, parent: Mapping, index: int, tree: EditTree, route: Route) -> bool:
        key, value = parent.entries[index]
        if tree.remove:
            return True
        if tree.put is not None:
            self._put(parent, key, value, tree.put, route)
            return False
        if tree.idle and not _finds(value, tree):
            return False
        if isinstance(value, Alias) and _is_mergeable(value) and tree.only_puts and not parent.flow:
            self._put_beside_merge(parent, key, value, tree, route)
            return False
        self._guard.require_own(value, route)
        if isinstance(value, Sequence) and (tree.appended or tree.removed_items):
            return self._edit_sequence(parent, value, tree, route)
        if isinstance(value, Mapping) and tree.children:
            return self.edit_mapping(value, tree, route)
        wanted = tree.value()
        if isinstance(value, Scalar) and value.is_null and not isinstance(wanted, Text):
            self._writer.fill(parent, key, value, wanted, route)
            return False
        self._guard.in_the_way(value, route, "a list" if tree.appended else "a mapping")

    def _edit_sequence(self, parent: Mapping, node: Sequence, tree: EditTree, route: Route) -> bool:
        gone = {
            index
            for index, item in enumerate(node.items)
            if any(reads_as(item, wanted) for wanted in tree.removed_items)
        }
        if gone and len(gone) == len(node.items) and not tree.appended:
            return True
        if self._reworded(node, gone, tree.appended):
            return False
        if self._writer.change_items(parent, node, gone, tree.appended):
            return False
        if node.flow:
            look = self._writer.look(parent, node)
            written = [style.flow_value(item, look) for item in tree.appended]
            self._writer.edit_flow(node, gone, written)
            return False
        self._writer.remove_items(node, gone, route)
        if tree.appended:
            self._writer.append_items(parent, node, tree.appended, route)
        return False

    def _reworded(self, node: Sequence, gone: set[int], items: list[Item]) -> bool:
        """Put other words into the last item, where that is text of several lines."""
        if len(items) != 1 or gone != {len(node.items) - 1}:
            return False
        last, item = node.items[-1], items[0]
        if not (isinstance(last, Scalar) and isinstance(item, Text) and last.style in {"|", ">"}):
            return False
        return self._writer.reword(last, item.value)

    def _put(self, parent: Mapping, key: Node, node: Node, text: Text, route: Route) -> None:
        current = resolve(node)
        if not isinstance(current, Scalar):
            self._guard.in_the_way(node, route, "a single value")
        if _says(current, text):
            return
        if isinstance(node, Alias):
            # The alias goes, its anchor keeps its value.
            self._writer.replace(node.start, node.end, style.scalar(text, "", flow=parent.flow))
            return
        self._guard.require_own(current, route)
        if self._writer.reword(current, text.value):
            return
        quote: style.Quote = current.style if current.style in {"'", '"'} else ""
        written = style.scalar(text, quote, flow=parent.flow)
        self._writer.write_scalar(parent, key, current, written, route)

    def _put_beside_merge(
        self, parent: Mapping, key: Node, alias: Alias, tree: EditTree, route: Route
    ) -> None:
        target = alias.target
        if not isinstance(target, Mapping) or all(
            _says(target.get(name), leaf.put) for name, leaf in tree.children.items()
        ):
            return
        merged = fields(target)
        for name in tree.children:
            if name in merged and not isinstance(resolve(merged[name]), Scalar):
                self._guard.in_the_way(merged[name], (*route, name), "a single value")
        self._writer.put_beside_merge(parent, key, alias, tree)


def _says(node: Node | None, text: Text | None) -> bool:
    """Whether a node already is the scalar that was to be put there."""
    value = resolve(node) if node else None
    return (
        isinstance(value, Scalar)
        and text is not None
        and value.value == text.value
        and value.tag is None
        and not (text.string and not style.is_string(value))
    )


def _is_mergeable(node: Alias) -> bool:
    """Whether what an alias stands for can be merged (``<<``) into a mapping of its own."""
    return isinstance(node.target, Mapping) and node.target.tag is None


def _finds(node: Node, tree: EditTree) -> bool:
    """Whether a removal in the tree has something to remove here."""
    node = resolve(node)
    if isinstance(node, Sequence):
        return any(reads_as(item, wanted) for item in node.items for wanted in tree.removed_items)
    if not isinstance(node, Mapping):
        return False
    for key, value in node.entries:
        below = tree.children.get(key.value) if isinstance(key, Scalar) else None
        if below is not None and (below.remove or _finds(value, below)):
            return True
    return False

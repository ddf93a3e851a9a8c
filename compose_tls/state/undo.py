"""Taking edits back: to the byte while the file is as enable left it, by meaning after that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compose_tls.changes import sha256
from compose_tls.state.model import EditRecord, FileRecord, SpliceRecord
from compose_tls.yamlpatch.document import Document, Mapping, Node, Scalar, parse, reads_as, resolve
from compose_tls.yamlpatch.document import Sequence as SequenceNode
from compose_tls.yamlpatch.intent import (
    Append,
    Intent,
    Put,
    RemoveItem,
    RemoveKey,
    Route,
    Text,
)
from compose_tls.yamlpatch.patch import Patched, patch, revert
from compose_tls.yamlpatch.splice import Splice


@dataclass(frozen=True, slots=True)
class Undone:
    """A file without our edits.

    Attributes:
        content: Its bytes; ``None`` where it goes, as enable made it.
        exact: Whether this is the very file from before enable.
        kept: Our places that somebody changed since, and that therefore stay.
    """

    content: bytes | None = field(repr=False)
    exact: bool
    kept: tuple[str, ...] = ()


def undo(content: bytes, record: FileRecord) -> Undone:
    """Take the recorded edits out of a file.

    Args:
        content: The file as it is now.
        record: What enable did to it.

    Raises:
        YamlSyntax: The file was changed since and cannot be read.
        EditRefused: An edit cannot be taken back without touching something else.
    """
    if sha256(content) == record.before:
        return Undone(content, exact=True)
    if sha256(content) == record.after and record.before is None:
        return Undone(None, exact=True)
    if sha256(content) == record.after:
        splices = [Splice(s.start, s.old, s.new) for s in record.splices]
        original = revert(content, record.path, splices)
        if original is not None and sha256(original) == record.before:
            return Undone(original, exact=True)
    document = parse(content, record.path)
    intents: list[Intent] = []
    kept: list[str] = []
    for edit in record.edits:
        found = _inverse(document, edit)
        if found is None:
            kept.append(".".join(edit.route))
        else:
            intents += found
    return Undone(patch(content, record.path, intents).content, exact=False, kept=tuple(kept))


def record(path: str, content: bytes, intents: Sequence[Intent], patched: Patched) -> FileRecord:
    """What is to be remembered of a patch."""
    document = parse(content, path)
    return FileRecord(
        path=path,
        before=sha256(content),
        after=sha256(patched.content),
        splices=tuple(SpliceRecord(start=s.start, old=s.old, new=s.new) for s in patched.splices),
        edits=tuple(_edit(document, intent) for intent in intents),
    )


def record_new(path: str, content: bytes, intents: Sequence[Intent]) -> FileRecord:
    """What is to be remembered of a file that is made from intents."""
    nothing = parse(b"", path)
    edits = tuple(_edit(nothing, intent) for intent in intents)
    return FileRecord(path=path, after=sha256(content), splices=(), edits=edits)


def _edit(document: Document, intent: Intent) -> EditRecord:
    match intent:
        case Put(route=route, value=value):
            node = _at(document, route)
            if isinstance(node, Scalar) and not node.is_null:
                return EditRecord(kind="set", route=route, new=value.value, old=node.value)
            return EditRecord(kind="added-key", route=route, new=value.value)
        case Append(route=route, item=Text(value=text)):
            return EditRecord(kind="added-item", route=route, new=text)
        case Append(route=route, item=dict(item)):
            texts = {key: value.value for key, value in item.items()}
            return EditRecord(kind="added-item", route=route, new=texts)
        case RemoveItem(route=route, item=str(old)):
            return EditRecord(kind="removed-item", route=route, old=old)
        case _:
            msg = f"enable makes no edit of the kind {intent!r}"
            raise AssertionError(msg)


def _inverse(document: Document, edit: EditRecord) -> list[Intent] | None:
    """The intents that take an edit back; ``None`` when its place says something else by now."""
    node = _at(document, edit.route)
    match edit:
        case EditRecord(kind="added-item", route=route, new=str() | dict() as item):
            items = node.items if isinstance(node, SequenceNode) else []
            return [RemoveItem(route, item)] if any(reads_as(i, item) for i in items) else []
        case EditRecord(kind="removed-item", route=route, old=str(old)):
            return [Append(route, Text(old, string=True))]
        case _ if node is None:
            return []
        case EditRecord(route=route, new=str(new), old=old) if reads_as(node, new):
            return [RemoveKey(route) if old is None else Put(route, Text(old))]
        case _:
            return None


def _at(document: Document, route: Route) -> Node | None:
    node: Node | None = document.root
    for key in route:
        node = node.get(key) if isinstance(node, Mapping) else None
        node = resolve(node) if node else None
    return node

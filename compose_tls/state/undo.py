"""Undoes edits: byte for byte if the file is as enable left it, otherwise entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from compose_tls.changes import sha256
from compose_tls.errors import EditRefused, YamlSyntax
from compose_tls.state.changed_since import ORDERED, restated, taken_out, whole_lists
from compose_tls.state.recorded import EditRecord, FileRecord, SpliceRecord
from compose_tls.values import dataclass
from compose_tls.yamlpatch.document import Document, decode, encode, parse
from compose_tls.yamlpatch.intent import (
    Append,
    Intent,
    Put,
    RemoveItem,
    RemoveKey,
    Route,
    Text,
)
from compose_tls.yamlpatch.query import inherited, query, roots
from compose_tls.yamlpatch.splice import Splice, applied, between_lines, found_again, settled

if TYPE_CHECKING:
    from compose_tls.yamlpatch.patch import Patched

Item: TypeAlias = str | dict[str, str]


@dataclass(frozen=True, slots=True)
class Undone:
    """A file without our edits.

    Attributes:
        content: Its bytes; ``None`` where it goes, as enable made it.
        exact: Whether this is the very file from before enable.
        left: Our edits whose places someone changed since, and that therefore stay.
    """

    content: bytes | None = field(repr=False)
    exact: bool
    left: tuple[EditRecord, ...] = ()

    @property
    def kept(self) -> tuple[str, ...]:
        """Their places."""
        return tuple(".".join(edit.route) for edit in self.left)


def undo(
    content: bytes,
    record: FileRecord,
    *,
    again: Callable[[EditRecord, str], bool] = lambda *_: False,
) -> Undone:
    """Take the recorded edits out of a file.

    Args:
        content: The file as it is now.
        record: What enable did to it.
        again: Which edits are made again, by what is in their place now, which is not kept.

    Raises:
        YamlSyntax: The file was changed since and cannot be read.
        EditRefused: An edit cannot be taken back without touching something else.
    """
    if sha256(content) == record.before:
        return Undone(content, exact=True)
    if sha256(content) == record.after and record.before is None:
        return Undone(None, exact=True)
    if sha256(content) == record.after:
        from compose_tls.yamlpatch.patch import revert  # noqa: PLC0415 - not needed for reading

        original = revert(content, _splices(record))
        if original is not None and sha256(original) == record.before:
            return Undone(original, exact=True)
    if is_of_lines(record):
        return _undone_lines(content, record)
    from compose_tls.yamlpatch.patch import edit  # noqa: PLC0415 - as above

    document = parse(content, record.path)
    record = record.model_copy(update={"edits": tuple(restated(document, record.edits))})
    intents, left = _inverses(document, record, again)
    whole = record.before is None and _is_all(document, intents)
    undone = None if whole else edit(document, intents).content
    if undone is not None:
        undone = _in_old_words(document, undone, record, again)
    return Undone(undone, exact=False, left=tuple(left))


def _taken(
    document: Document,
    edit: EditRecord,
    edits: Sequence[EditRecord],
    again: Callable[[EditRecord, str], bool],
) -> list[Intent] | None:
    """The intents that take an edit back though its place says something else; ``None`` to keep that."""
    route, there = edit.route, query(document, *edit.route, merged=False)
    if there is None:
        return None
    if not edit.kind.endswith("item"):
        if there.written is None or not again(edit, there.written):
            return None
        return [_back(document, edit)]
    if not isinstance(edit.new, str) or any(e.kind == "removed-item" for e in edits):
        return None
    items, name = [item.as_item() for item in there.items()], _identity(route, edit.new)
    same = [item for item in items if isinstance(item, str) and _identity(route, item) == name]
    return [RemoveItem(route, item) for item in same if again(edit, item)] or None


def stands(content: bytes, record: FileRecord) -> bool:
    """Whether a file says all that enable put there, wherever and whatever else it says by now.

    Args:
        content: The file as it is now.
        record: What enable did to it.

    Raises:
        YamlSyntax: The file was changed since and cannot be read.
    """
    if sha256(content) == record.after:
        return True
    if is_of_lines(record):
        lines = content.decode("utf-8", "surrogateescape").splitlines()
        return {made.new for made in record.edits} <= set(map(_line_digest, lines))
    document = parse(content, record.path)
    # What was taken out of a list and put in again, further down, is there.
    again = {(made.route, made.new) for made in record.edits if isinstance(made.new, str)}
    return all(
        _holds(document, made)
        for made in record.edits
        if not (made.kind == "removed-item" and (made.route, made.old) in again)
    )


def _splices(record: FileRecord) -> list[Splice]:
    return [Splice(s.start, s.old, s.new, s.between) for s in record.splices]


def same_edits(one: FileRecord, other: FileRecord) -> bool:
    """Whether two records put the same into a file, in whatever order."""

    def told(record: FileRecord) -> list[str]:
        return sorted(
            repr((e.kind, e.route, e.new, e.kind == "removed-item" and e.old)) for e in record.edits
        )

    return told(one) == told(other)


def record(document: Document, intents: Sequence[Intent], patched: Patched) -> FileRecord:
    """What is to be remembered of a patch of a document, which is named as the record names it."""
    return FileRecord(
        path=document.name,
        before=sha256(document.content),
        after=sha256(patched.content),
        splices=tuple(
            SpliceRecord(start=s.start, old=s.old, new=s.new, between=s.between)
            for s in between_lines(decode(patched.content)[0], patched.splices)
        ),
        edits=tuple(_edit(document, intent) for intent in intents),
    )


def record_new(path: str, content: bytes, intents: Sequence[Intent]) -> FileRecord:
    """What is to be remembered of a file that is made from intents."""
    nothing = parse(b"", path)
    edits = tuple(_edit(nothing, intent) for intent in intents)
    return FileRecord(path=path, after=sha256(content), splices=(), edits=edits)


def record_values(
    path: str, content: bytes, values: Mapping[str, Splice]
) -> tuple[bytes, FileRecord]:
    """An environment file with other values of some variables, and what is to be remembered of that.

    Args:
        path: How the record names the file.
        content: The file.
        values: What changes, by the variable.
    """
    text, bom = decode(content)
    splices = settled(text, values.values())
    patched = encode(applied(text, splices) or "", bom=bom)
    edits: list[EditRecord] = []
    for name, splice in sorted(values.items(), key=lambda each: each[1].start):
        start = text.rfind("\n", 0, splice.start) + 1
        end = text.find("\n", splice.end)
        line = text[start : len(text) if end < 0 else end].rstrip("\r")
        at = splice.start - start
        new = f"{line[:at]}{splice.new}{line[at + len(splice.old) :]}"
        digests = {"new": _line_digest(new), "old": _line_digest(line)}
        edits.append(EditRecord(kind="line", route=(name,), **digests))
    made = FileRecord(
        path=path,
        before=sha256(content),
        after=sha256(patched),
        splices=tuple(SpliceRecord(start=s.start, old=s.old, new=s.new) for s in splices),
        edits=tuple(edits),
    )
    return patched, made


def is_of_lines(record: FileRecord) -> bool:
    """Whether the file is an environment file, and no YAML."""
    return any(made.kind == "line" for made in record.edits)


def _line_digest(line: str) -> str:
    return sha256(line.rstrip("\r\n").encode("utf-8", "surrogateescape"))


def _undone_lines(content: bytes, record: FileRecord) -> Undone:
    """An environment file that was changed since, with the previous lines."""
    lines = content.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    digests = [_line_digest(line) for line in lines]
    left: list[EditRecord] = []
    for made, splice in zip(record.edits, record.splices, strict=True):
        places = [n for n, digest in enumerate(digests) if digest == made.new]
        for place in places:
            lines[place] = lines[place].replace(splice.new, splice.old, 1)
        if not places and made.old not in digests:
            left.append(made)
    text = "".join(lines).encode("utf-8", "surrogateescape")
    return Undone(text, exact=False, left=tuple(left))


def _edit(document: Document, intent: Intent) -> EditRecord:
    match intent:
        case Put(route=route, value=value):
            found = query(document, *route, merged=False)
            written = found.written if found else None
            if found and written is not None and not (found.is_null and value.string):
                old = "null" if found.is_null else written
                return EditRecord(kind="set", route=route, new=value.value, old=old)
            hidden = inherited(document, *route)
            return EditRecord(kind="added-key", route=route, new=value.value, old=hidden)
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


def _holds(document: Document, edit: EditRecord) -> bool:
    there = query(document, *edit.route, merged=False)
    items = [item.as_item() for item in there.items()] if there else []
    match edit:
        case EditRecord(kind="added-item", new=new):
            return new in items
        case EditRecord(kind="removed-item", old=old):
            return old not in items
        case _:
            return there is not None and isinstance(edit.new, str) and there.reads_as(edit.new)


def _inverses(
    document: Document, record: FileRecord, again: Callable[[EditRecord, str], bool]
) -> tuple[list[Intent], list[EditRecord]]:
    """The intents that take edits back, and those whose places say something else by now."""
    ours = [made.new for made in record.edits if made.kind == "added-item" and made.new]
    intents: list[Intent] = []
    left: list[EditRecord] = []
    done: list[EditRecord] = []
    for edits, back in whole_lists(document, record.edits):
        done += edits
        intents += back or ()
        left += edits[-1:] if back is None else ()
    for made in record.edits:
        if made in done:
            continue
        found = _inverse(document, made, ours)
        if found is None:
            found = _taken(document, made, record.edits, again)
        if found is None:
            left.append(made)
        else:
            intents += found
    return intents, left


def _inverse(document: Document, edit: EditRecord, ours: Sequence[Item]) -> list[Intent] | None:
    """The intents that take an edit back; ``None`` when its place says something else by now.

    Args:
        document: The file as it is now.
        edit: The edit.
        ours: The items that were added to the lists of the file.
    """
    there = query(document, *edit.route, merged=False)
    items = [item.as_item() for item in there.items()] if there else []
    match edit:
        case EditRecord(kind="added-item", route=route, new=str() | dict() as item):
            if item in items:
                return [RemoveItem(route, item)]
            changed = any(_identity(route, i) == _identity(route, item) for i in items)
            return None if changed else []
        case EditRecord(kind="removed-item", route=route, old=str(old)):
            others = [i for i in items if i not in ours]
            settled = any(_identity(route, i) == _identity(route, old) for i in others)
            return [] if settled else [Append(route, Text(old, string=True))]
        case _ if there is None:
            return []
        case EditRecord(route=route, new=str(new)) if there.reads_as(new):
            return [_back(document, edit)]
        case _ if edit.route[-1] in ORDERED:
            return taken_out(there, edit)
        case _:
            return None


def _back(document: Document, edit: EditRecord) -> Intent:
    """What takes an edit of a key back; what that hid appears again by itself while it is merged in."""
    merged = edit.kind == "added-key" and inherited(document, *edit.route) is not None
    if edit.old is None or merged:
        return RemoveKey(edit.route)
    return Put(edit.route, Text(edit.old))


def _in_old_words(
    document: Document, undone: bytes, record: FileRecord, again: Callable[[EditRecord, str], bool]
) -> bytes:
    """The file without our edits, where what they replaced is written as it was, and stands where it did.

    The inverse of an edit knows what a value said, and not how, nor at which place of a list. So what the
    splices wrote is looked for in the text as it is, and taken back where that means the same.

    Args:
        document: The file as it is now.
        undone: The same without our edits, by their meaning.
        record: What enable did to it.
        again: Which edits are made again.
    """
    from compose_tls.yamlpatch.patch import edit  # noqa: PLC0415 - not needed for reading
    from compose_tls.yamlpatch.prove import says_the_same  # noqa: PLC0415 - as above

    meant = parse(undone, record.path)
    free = {e.route for e in record.edits if e.kind != "set" and e.route[-1] not in ORDERED}

    def is_meant(content: bytes) -> bool:
        after = parse(content, record.path)
        return len(after.roots) == len(meant.roots) and all(
            says_the_same(one, other, free)
            for one, other in zip(meant.roots, after.roots, strict=True)
        )

    def without(back: Sequence[Splice]) -> bytes | None:
        try:
            content = document.encode(applied(document.text, back) or "")
            if is_meant(content):
                return content
            then = parse(content, record.path)
            content = edit(then, _inverses(then, record, again)[0]).content
            return content if is_meant(content) else None
        except (YamlSyntax, EditRefused):
            return None

    ways = [found_again(document.text, _splices(record), late=late) for late in (False, True)]
    for way in ways:
        if (content := without(way)) is not None:
            return content
    best, taken = undone, list[Splice]()
    for one in ways[0]:
        if (content := without([*taken, one])) is not None:
            taken, best = [*taken, one], content
    return best


def _identity(route: Route, item: Item) -> str:
    """What makes two items of a list the same one to Compose: variable, container path or port."""
    if not isinstance(item, str):
        return item.get("target", "")
    if route[-1] == "environment":
        return item.partition("=")[0]
    parts = item.split(":")
    return next((part for part in reversed(parts) if part.startswith("/")), parts[-1])


def _is_all(document: Document, intents: Sequence[Intent]) -> bool:
    """Whether nothing but comments would be left of a file."""
    from compose_tls.yamlpatch.patch import edit  # noqa: PLC0415 - as above

    # Something has to stay in a file that is patched.
    stays = Put(("x-compose-tls",), Text("stays"))
    left = parse(edit(document, (*intents, stays)).content, document.name)
    return [root.size for root in roots(left)] == [1]

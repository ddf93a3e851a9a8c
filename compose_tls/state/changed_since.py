"""Recorded edits of a file that says the same in another way by now, or more than it did."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from compose_tls.state.recorded import EditRecord
from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.intent import Intent, Put, Route, Text, rewritten
from compose_tls.yamlpatch.query import Found, query

ORDERED: Final = frozenset({"command", "entrypoint", "test"})
"""Lists of which the order means something to Compose: one item of them says nothing by itself."""
_ENVIRONMENT: Final = "environment"


def restated(document: Document, edits: Sequence[EditRecord]) -> Iterator[EditRecord]:
    """The edits, those of an environment as it is written now: as a list, or as a mapping.

    Args:
        document: The file as it is now.
        edits: What enable did to it.
    """
    for edit in edits:
        *above, last = edit.route
        if above[-1:] == [_ENVIRONMENT] and _is_list(document, tuple(above)):
            yield from _as_items(tuple(above), last, edit)
        elif last == _ENVIRONMENT and _is_mapping(document, edit.route):
            yield from _as_keys(edit, edits)
        else:
            yield edit


def taken_out(there: Found, edit: EditRecord) -> list[Intent] | None:
    """What takes an edit out of a command that has more words by now; ``None`` where it is not in it.

    Args:
        there: What is in its place now: a text, or the list that was made of it.
        edit: The edit, which replaced a text.
    """
    if not isinstance(edit.new, str) or edit.old is None:
        return None
    if there.is_list:
        with suppress(ValueError):
            words = [item.written or "" for item in there.items()]
            back = _merged(shlex.split(edit.old), shlex.split(edit.new), words)
            return None if back is None else rewritten(edit.route, words, back)
        return None
    texts = (edit.old, edit.new, there.written or "")
    old, new, now = (re.findall(r"\s+|\S+", text) for text in texts)
    back = _merged(old, new, now)
    return None if back is None else [Put(edit.route, Text("".join(back), string=True))]


def whole_lists(
    document: Document, edits: Sequence[EditRecord]
) -> Iterator[tuple[list[EditRecord], list[Intent] | None]]:
    """The edits of each list whose order counts, and what takes them out of it as it is now.

    Args:
        document: The file as it is now.
        edits: What enable did to it.

    Returns:
        Edits with their intents; ``None`` where what is ours was changed.
    """
    routes = dict.fromkeys(e.route for e in edits if e.route[-1] in ORDERED and e.kind != "set")
    for route in routes:
        found = query(document, *route, merged=False)
        if found is None or not found.is_list:
            continue
        ours = [edit for edit in edits if edit.route == route and edit.kind.endswith("item")]
        old = [edit.old for edit in ours if edit.old is not None]
        new = [edit.new for edit in ours if isinstance(edit.new, str)]
        now = [item.written or "" for item in found.items()]
        # A list that is ours as a whole stands for another one: without ours, the rest would.
        whole = not old and now[:1] == new[:1]
        back = _merged(old, new, now) if not whole or new == now else None
        yield ours, None if back is None else rewritten(route, now, back)


def _as_items(route: Route, name: str, edit: EditRecord) -> Iterator[EditRecord]:
    if edit.old is not None:
        yield EditRecord(kind="removed-item", route=route, old=f"{name}={edit.old}")
    yield EditRecord(kind="added-item", route=route, new=f"{name}={edit.new}")


def _as_keys(edit: EditRecord, edits: Sequence[EditRecord]) -> Iterator[EditRecord]:
    if not isinstance(edit.new, str):
        return
    name, _, value = edit.new.partition("=")
    olds = (one.old.partition("=") for one in edits if one.route == edit.route and one.old)
    old = next((text for key, _, text in olds if key == name), None)
    route = (*edit.route, name)
    if old is None:
        yield EditRecord(kind="added-key", route=route, new=value)
    else:
        yield EditRecord(kind="set", route=route, new=value, old=old)


def _merged(old: Sequence[str], new: Sequence[str], now: Sequence[str]) -> list[str] | None:
    """The words of now, with those of old where new had put others; ``None`` where these have changed."""
    from difflib import SequenceMatcher

    kept = SequenceMatcher(None, new, now, autojunk=False).get_matching_blocks()
    result = list(now)
    changes = SequenceMatcher(None, new, old, autojunk=False).get_opcodes()
    for tag, start, end, first, last in reversed(changes):
        if tag == "equal":
            continue
        at = next((b.b - b.a for b in kept if b.a <= start and end <= b.a + b.size), None)
        if at is None:
            return None
        result[start + at : end + at] = old[first:last]
    return result


def _is_list(document: Document, route: Route) -> bool:
    found = query(document, *route, merged=False)
    return found is not None and found.is_list


def _is_mapping(document: Document, route: Route) -> bool:
    found = query(document, *route, merged=False)
    return found is not None and found.is_mapping

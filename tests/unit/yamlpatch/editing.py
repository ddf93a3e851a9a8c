"""How the tables of edits in this directory are checked."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

import pytest

from compose_tls.errors import EditRefused, ValueInTheWay, YamlSyntax
from compose_tls.yamlpatch.intent import Append, Intent, Put, RemoveItem, RemoveKey, Text
from compose_tls.yamlpatch.patch import patch, revert

NAME = "docker-compose.yml"
TLS = "./tls:/milvus/tls"


@dataclass(frozen=True)
class Edit:
    """A text, what is to change, and the text that has to come out."""

    before: str
    intents: tuple[Intent, ...]
    after: str


@dataclass(frozen=True)
class Refusal:
    """A text, an edit that must not be made, the line to name and words of the reason."""

    before: str
    intents: tuple[Intent, ...]
    line: int
    reason: str
    error: type[EditRefused | ValueInTheWay | YamlSyntax] = EditRefused


def route(place: str) -> tuple[str, ...]:
    return tuple(place.split("."))


def append(place: str, item: str | dict[str, str] = TLS, *, string: bool = True) -> Append:
    if isinstance(item, str):
        return Append(route(place), Text(item, string=string))
    return Append(route(place), {name: Text(value) for name, value in item.items()})


def put(place: str, value: str, *, string: bool = False) -> Put:
    return Put(route(place), Text(value, string=string))


def drop(place: str) -> RemoveKey:
    return RemoveKey(route(place))


def take(place: str, item: str | dict[str, str] = TLS) -> RemoveItem:
    return RemoveItem(route(place), item)


def check_edit(edit: Edit) -> None:
    """The edit comes out to the byte with every line end and with a byte order mark, and goes back."""
    for line_end in ("\n", "\r\n", "\r"):
        for mark in (b"", codecs.BOM_UTF8):
            before = mark + edit.before.replace("\n", line_end).encode()
            after = mark + edit.after.replace("\n", line_end).encode()
            _check_bytes(before, edit.intents, after)


def _check_bytes(before: bytes, intents: tuple[Intent, ...], after: bytes) -> None:
    patched = patch(before, NAME, intents)
    assert patched.content.decode("utf-8-sig") == after.decode("utf-8-sig")
    assert patched.content == after
    assert revert(after, patched.splices) == before
    again = [intent for intent in intents if not isinstance(intent, Append)]
    assert patch(after, NAME, again).content == after
    assert patch(after, NAME, again).splices == ()


def check_refusal(refusal: Refusal) -> None:
    """The edit is refused with path, line, reason and the edit to make by hand."""
    with pytest.raises(refusal.error) as caught:
        patch(refusal.before.encode(), NAME, refusal.intents)
    error = caught.value
    assert (error.path, error.line) == (NAME, refusal.line)
    assert refusal.reason in error.message
    assert error.hint
    if isinstance(error, EditRefused) and error.hint.startswith("by hand"):
        assert any(intent.route[-1] in error.hint for intent in refusal.intents)

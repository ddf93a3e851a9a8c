"""Properties that hold for every file and every edit, whatever its style."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from compose_tls.errors import EditRefused, ProjectError, ValueInTheWay
from compose_tls.yamlpatch.intent import Append, Intent, Item, Put, RemoveItem, RemoveKey, Text
from compose_tls.yamlpatch.patch import Patched, patch, revert
from tests.unit.yamlpatch import oracle
from tests.unit.yamlpatch.texts import documents

_NAME = "compose.yaml"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_NEW_KEYS = ("new", "volumes", "tlsMode", "on")
_TEXTS = (
    "./tls:/milvus/tls:ro", "${D:-.}/tls:/milvus/tls", "1", "false", "yes", "19530:19530", "22:22",
    "1e3", "0o17", "2001-01-01", "", "it's", 'say "x"', "a: b", "# no", "- x", "日本", "[x]", "x ",
    "null", "~", "a\tb",
)  # fmt: skip

_PROFILE = settings(max_examples=100, derandomize=True, database=None)


@dataclass(frozen=True)
class Edit:
    """A file, what it means, and intents on it."""

    content: bytes
    root: oracle.Value = field(repr=False)
    intents: tuple[Intent, ...]


@st.composite
def edits(draw: st.DrawFn, *, shared: bool, removing: bool) -> Edit:
    """An edit of a random file at random places; some are impossible."""
    content = draw(documents(shared=shared))
    root = oracle.read(content)
    assume(isinstance(root.content, dict))
    places = list(oracle.walk(root))
    intents: list[Intent] = []
    for _ in range(draw(st.integers(1, 3))):
        route, value = draw(st.sampled_from(places))
        if removing and draw(st.booleans()):
            intents += draw(_removal(route, value))
        else:
            intents.append(draw(_addition(route, value)))
    return Edit(content, root, tuple(intents))


@st.composite
def _addition(draw: st.DrawFn, route: tuple[str, ...], value: oracle.Value) -> Intent:
    text = Text(draw(st.sampled_from(_TEXTS)), string=draw(st.booleans()))
    items: tuple[Item, ...] = (text, text, {"type": Text("bind"), "source": text})
    if isinstance(value.content, list):
        return Append(route, draw(st.sampled_from(items)))
    if isinstance(value.content, str) and draw(st.integers(0, 3)):
        return Put(route, text)
    below = (*route, draw(st.sampled_from(_NEW_KEYS)))
    if draw(st.booleans()):
        below = (*below, "deeper")
    return Put(below, text) if draw(st.booleans()) else Append(below, text)


@st.composite
def _removal(draw: st.DrawFn, route: tuple[str, ...], value: oracle.Value) -> list[Intent]:
    if isinstance(value.content, list) and value.content and draw(st.booleans()):
        item = draw(st.sampled_from(value.content)).content
        if isinstance(item, str):
            return [RemoveItem(route, item)]
    return [RemoveKey(route)] if route else []


@_PROFILE
@given(edits(shared=False, removing=False))
def test_additions_to_files_without_shared_nodes_are_made(edit: Edit) -> None:
    # Nothing goes below a last item that is block text cut off by the end of the file.
    cut_off = _has_block_text(edit) and not edit.content.endswith((b"\n", b"\r"))
    check(edit, may_refuse=cut_off)


@_PROFILE
@given(edits(shared=False, removing=True))
def test_removals_and_additions_mean_what_was_intended(edit: Edit) -> None:
    # A comment below what is taken out may not become part of block text above it.
    check(edit, may_refuse=_has_block_text(edit))


@_PROFILE
@given(edits(shared=True, removing=True))
def test_shared_nodes_are_left_alone_or_refused(edit: Edit) -> None:
    check(edit, may_refuse=True)


@_PROFILE
@given(edits(shared=True, removing=True), st.data())
def test_files_with_typing_errors_are_edited_or_give_one_clear_error(
    edit: Edit, data: st.DataObject
) -> None:
    text = edit.content.decode()
    place = data.draw(st.integers(0, len(text)))
    typed = data.draw(st.sampled_from(":#-[]{}&*!|>'\"%@?, \t\n\r~<\\\x00\u2028\ufeff"))
    cut = data.draw(st.integers(0, 2))
    content = (text[:place] + typed + text[place + cut :]).encode()
    try:
        patched = patch(content, _NAME, edit.intents)
    except ValueError:
        assume(condition=False)
        raise
    except ProjectError as error:
        event(error.code)
        refused = error
    else:
        assert revert(patched.content, patched.splices) == content
        return
    assert refused.path == _NAME
    assert refused.hint
    assert refused.line is not None or "contains no mapping" in refused.message


def check(edit: Edit, *, may_refuse: bool) -> None:
    """An edit is refused with its place, or means what was intended and touches nothing else."""
    try:
        wanted = oracle.expected(edit.root, edit.intents)
    except oracle.InTheWay:
        wanted = None
    try:
        patched = patch(edit.content, _NAME, edit.intents)
    except ValueError:
        event("contradictory")
        assume(condition=False)
        raise
    except (EditRefused, ValueInTheWay) as error:
        refused = error
    else:
        assert wanted is not None
        assert oracle.means(oracle.read(patched.content), wanted)
        assert revert(patched.content, patched.splices) == edit.content
        _check_repetition(edit, patched)
        _check_lines(edit, patched)
        return
    event(f"refused: {refused.message.partition(': ')[2]}")
    assert may_refuse or wanted is None, refused.message
    assert refused.path == _NAME
    assert refused.line is not None


def _has_block_text(edit: Edit) -> bool:
    return b"|" in edit.content or b">" in edit.content


def _check_repetition(edit: Edit, patched: Patched) -> None:
    again = [intent for intent in edit.intents if isinstance(intent, Put)]
    assert patch(patched.content, _NAME, again) == Patched(patched.content, ())


def _check_lines(edit: Edit, patched: Patched) -> None:
    before, after = _lines(edit.content), _lines(patched.content)
    touched = _touched(edit.root, edit.intents)
    kept = [line for number, line in enumerate(before) if number not in touched]
    open_end = not edit.content.endswith((b"\n", b"\r"))
    if open_end and kept:
        # The last line may get a line break, or lose the one that it had above lines taken out.
        last = kept.pop().rstrip("\r\n")
        assert last in {"", *(line.rstrip("\r\n") for line in after)}
    rest = iter(after)
    assert all(line in rest for line in kept), "a line changed or moved"
    assert _ends(after) <= (_ends(before) or {"\n"})
    if not any(isinstance(intent, RemoveItem | RemoveKey) for intent in edit.intents):
        assert patched.content.endswith((b"\n", b"\r")) is not open_end


def _lines(content: bytes) -> list[str]:
    return _LINE.findall(content.decode("utf-8-sig"))


def _ends(lines: list[str]) -> set[str]:
    return {line[len(line.rstrip("\r\n")) :] for line in lines} - {""}


def _touched(root: oracle.Value, intents: tuple[Intent, ...]) -> set[int]:
    """The lines that intents may change, counted from 0."""
    touched: set[int] = set()
    for intent in intents:
        value = root
        for name in intent.route:
            child = value.content.get(name) if isinstance(value.content, dict) else None
            if value.flow:
                touched.update(value.lines)
            if child is None:
                break
            if child.alias:
                touched.update(child.lines)
            elif isinstance(intent, RemoveItem | RemoveKey) or not child.content:
                touched.update(range(child.key_line, child.lines.start + 1))
            value = child
        touched |= _touched_at(value, intent, intents)
    return touched


def _touched_at(value: oracle.Value, intent: Intent, intents: tuple[Intent, ...]) -> set[int]:
    everything = set(range(value.key_line, value.lines.stop))
    if value.flow or isinstance(value.content, str) or isinstance(intent, RemoveKey):
        return everything
    if not isinstance(intent, RemoveItem) or not isinstance(value.content, list):
        return set()
    gone = [i.item for i in intents if isinstance(i, RemoveItem) and i.route == intent.route]
    if all(item.content in gone for item in value.content):
        return everything
    return {n for item in value.content for n in range(item.key_line, item.lines.stop)}

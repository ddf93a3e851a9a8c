"""Properties that hold for every file and every edit, whatever its style."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from compose_tls.errors import EditRefused, ValueInTheWay
from compose_tls.yamlpatch.intent import Append, Intent, Put, RemoveItem, RemoveKey, Text
from compose_tls.yamlpatch.patch import patch, revert
from tests.unit.yamlpatch import oracle
from tests.unit.yamlpatch.texts import documents

_NAME = "compose.yaml"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_NEW_KEYS = ("new", "volumes", "tlsMode", "on")
_TEXTS = (
    "./tls:/milvus/tls:ro", "${D:-.}/tls:/milvus/tls", "1", "false", "yes", "19530:19530", "22:22", "1e3", "0o17",
    "2001-01-01", "", "it's", 'say "x"', "a: b", "# no", "- x", "日本", "[x]", "x ", "null", "~", "a\tb",
)


@dataclass(frozen=True)
class Edit:
    """A file, what it means, and intents on it."""

    content: bytes
    root: oracle.Value = field(repr=False)
    intents: tuple[Intent, ...] = ()


@st.composite
def edits(draw: st.DrawFn, *, shared: bool, removing: bool) -> Edit:
    content = draw(documents(shared=shared))
    root = oracle.read(content)
    assume(isinstance(root.content, dict))
    places = list(oracle.walk(root))
    removed: list[Intent] = []
    intents: list[Intent] = []
    for _ in range(draw(st.integers(1, 3))):
        route, value = draw(st.sampled_from(places))
        text = Text(draw(st.sampled_from(_TEXTS)), string=draw(st.booleans()))
        if removing and draw(st.booleans()):
            removed += draw(_removal(route, value))
            continue
        if isinstance(value.content, list):
            intents.append(Append(route, draw(_item(text))))
        elif isinstance(value.content, str) and draw(st.integers(0, 3)):
            intents.append(Put(route, text))
        else:
            below = (*route, draw(st.sampled_from(_NEW_KEYS)))
            if draw(st.booleans()):
                below = (*below, "deeper")
            intents.append(Put(below, text) if draw(st.booleans()) else Append(below, text))
    return Edit(content, root, (*removed, *intents))


@st.composite
def _removal(draw: st.DrawFn, route: tuple[str, ...], value: oracle.Value) -> list[Intent]:
    if isinstance(value.content, list) and value.content and draw(st.booleans()):
        item = draw(st.sampled_from(value.content)).content
        if isinstance(item, str):
            return [RemoveItem(route, item)]
    return [RemoveKey(route)] if route else []


@st.composite
def _item(draw: st.DrawFn, text: Text) -> Text | dict[str, Text]:
    return draw(st.sampled_from((text, text, {"type": Text("bind"), "source": text})))


def _lines(content: bytes) -> list[str]:
    return _LINE.findall(content.decode("utf-8-sig"))


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
            if isinstance(intent, RemoveItem | RemoveKey) or not child.content:
                touched.add(child.key_line)
            value = child
        if value.flow or isinstance(value.content, str):
            touched.update(value.lines)
        elif isinstance(intent, RemoveKey):
            touched.update(range(value.key_line, value.lines.stop))
        elif isinstance(intent, RemoveItem) and isinstance(value.content, list):
            for item in value.content:
                touched.update(range(item.key_line, item.lines.stop))
    return touched


def _is_subsequence(some: list[str], all_lines: list[str]) -> bool:
    rest = iter(all_lines)
    return all(line in rest for line in some)


def _check(edit: Edit, *, may_refuse: bool) -> None:
    try:
        wanted = oracle.expected(edit.root, edit.intents)
    except oracle.InTheWay:
        wanted = None
    try:
        patched = patch(edit.content, _NAME, edit.intents)
    except ValueError as error:
        assert "contradict" in str(error)
        assume(False)
        return
    except (EditRefused, ValueInTheWay) as error:
        assert error.path == _NAME
        assert error.line is not None
        event(f"refused: {error.message.partition(': ')[2]}")
        assert may_refuse or wanted is None, error.message
        return
    assert wanted is not None
    assert oracle.means(oracle.read(patched.content), wanted)
    assert revert(patched.content, _NAME, patched.splices) == edit.content
    puts = [intent for intent in edit.intents if isinstance(intent, Put)]
    if puts:
        again = patch(patched.content, _NAME, puts)
        assert (again.content, again.splices) == (patched.content, ())
    before, after = _lines(edit.content), _lines(patched.content)
    touched = _touched(edit.root, edit.intents)
    kept = [line for number, line in enumerate(before) if number not in touched]
    open_end = not edit.content.endswith((b"\n", b"\r"))
    if open_end and kept:
        # The last line may get a line break, or lose the one that it had above lines taken out.
        last = kept.pop().rstrip("\r\n")
        assert last in {"", *(line.rstrip("\r\n") for line in after)}
    assert _is_subsequence(kept, after)
    ends = {_end(line) for line in before} - {""}
    assert {_end(line) for line in after} - {""} <= (ends or {"\n"})
    if not any(isinstance(i, RemoveItem | RemoveKey) for i in edit.intents):
        assert patched.content.endswith((b"\n", b"\r")) is not open_end


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


_PROFILE = settings(
    max_examples=int(__import__("os").environ.get("N", "250")), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


@_PROFILE
@given(edits(shared=False, removing=False))
def test_additions_to_files_without_shared_nodes_are_always_made(edit: Edit) -> None:
    _check(edit, may_refuse=False)


@_PROFILE
@given(edits(shared=False, removing=True))
def test_removals_and_additions_mean_what_was_intended(edit: Edit) -> None:
    _check(edit, may_refuse=False)


@_PROFILE
@given(edits(shared=True, removing=True))
def test_shared_nodes_are_left_alone_or_refused(edit: Edit) -> None:
    _check(edit, may_refuse=True)

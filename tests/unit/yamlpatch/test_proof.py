"""The proof on its own: it must see every change that was not intended, whoever made it."""

from __future__ import annotations

import pytest

from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Intent, gather
from compose_tls.yamlpatch.prove import Proof
from tests.unit.yamlpatch.editing import append, drop, put, take


def _holds(before: str, intents: list[Intent], after: str) -> bool:
    old = parse(before.encode(), "before").root
    new = parse(after.encode(), "after").root
    assert old is not None
    assert new is not None
    return Proof().holds(old, new, gather(intents))


@pytest.mark.parametrize(
    ("before", "intents", "after"),
    [
        pytest.param("a: 0", [put("a", "1")], "a: 1", id="a value"),
        pytest.param("a: 0\nb: 1", [put("c", "2")], "a: 0\nc: 2\nb: 1", id="a new key anywhere"),
        pytest.param("v: [a]", [append("v", "b")], "v: [a, b]", id="a new item"),
        pytest.param("v:", [append("v", {"a": "b"})], "v: [{a: b}]", id="a list for null"),
        pytest.param("v: [a, b]", [take("v", "a")], "v: [b]", id="an item less"),
        pytest.param("v: [a]\nb: 1", [take("v", "a")], "b: 1", id="a list less"),
        pytest.param("m: {a: 1}\nb: 1", [drop("m.a")], "b: 1", id="a mapping less"),
        pytest.param("x: &x {a: 1}\nm: *x", [drop("y")], "x: &x {a: 1}\nm: *x", id="nothing"),
        pytest.param(
            "a: &a [*a]", [put("b", "1")], "a: &a [*a]\nb: 1", id="a list that holds itself"
        ),
    ],
)
def test_it_holds_for_what_was_intended(before: str, intents: list[Intent], after: str) -> None:
    assert _holds(before, intents, after)


@pytest.mark.parametrize(
    ("before", "intents", "after"),
    [
        pytest.param("a: 0", [put("a", "1")], "a: 0", id="the edit not made"),
        pytest.param("a: 0", [put("a", "1")], "a: [1]", id="another kind of value"),
        pytest.param("a: 0", [put("a", "1", string=True)], "a: 1", id="a number for a string"),
        pytest.param("a: 0", [put("a", "1")], "a: !!str 1", id="a tag"),
        pytest.param("a: 0\nb: 1", [put("a", "1")], "a: 1\nb: 2", id="another value changed"),
        pytest.param("a: 0\nb: 1", [put("a", "1")], "a: 1\nb: '1'", id="another value quoted"),
        pytest.param("a: 0\nb: 1", [put("a", "1")], "a: 1", id="another key gone"),
        pytest.param("a: 0\nb: 1", [put("a", "1")], "a: 1\nb: 1\nc: 1", id="another key new"),
        pytest.param("a: 0\nb: 1", [put("a", "1")], "a: 1\nc: 1", id="another key renamed"),
        pytest.param(
            "a: 0\nb: 1\nc: 1", [put("a", "1")], "a: 1\nc: 1\nb: 1", id="keys in another order"
        ),
        pytest.param(
            "a: 0\nb: [1]", [put("a", "1")], "a: 1\nb: [2]", id="an item of another list changed"
        ),
        pytest.param(
            "a: 0\nb: [1]", [put("a", "1")], "a: 1\nb: [1, 1]", id="an item of another list new"
        ),
        pytest.param(
            "a: 0\nb: {c: 1}",
            [put("a", "1")],
            "a: 1\nb: {c: 1, d: 1}",
            id="a key of another mapping new",
        ),
        pytest.param(
            "a: 0\nb: {c: 1}",
            [put("a", "1")],
            "a: 1\nb: {d: 1}",
            id="a key of another mapping renamed",
        ),
        pytest.param(
            "a: 0\nb: {c: 1}", [put("a", "1")], "a: 1\nb: c", id="another mapping a value"
        ),
        pytest.param("a: 0\nb: [c]", [put("a", "1")], "a: 1\nb: !x [c]", id="another list tagged"),
        pytest.param(
            "a: 0\nb: [c]", [put("a", "1")], "a: 1\nb: {c: 1}", id="another list a mapping"
        ),
        pytest.param("v: [a]", [append("v", "b")], "v: [b, a]", id="the item in another place"),
        pytest.param("v: [a]", [append("v", "b")], "v: [b]", id="the item instead of another"),
        pytest.param("v: [a]", [append("v", "b")], "v: [a, {b: c}]", id="the item a mapping"),
        pytest.param("v: [a]", [append("v", {"b": "c"})], "v: [a, b]", id="the item a text"),
        pytest.param(
            "v: [a]", [append("v", {"b": "c"})], "v: [a, {b: d}]", id="the item another mapping"
        ),
        pytest.param("v: [a]", [append("v", "b")], "v: !x [a, b]", id="the list tagged"),
        pytest.param("v:", [append("v", "b")], "v: b", id="a text for a list"),
        pytest.param("v:", [append("v", "b")], "v: [b, b]", id="one item too many"),
        pytest.param("v: x", [append("v", "b")], "v: [b]", id="a value overwritten"),
        pytest.param("v: [a, b]", [take("v", "a")], "v: [a]", id="another item gone"),
        pytest.param("v: [a]\nb: 1", [take("v", "a")], "v: []\nb: 1", id="an empty list left"),
        pytest.param("m: {a: 1}\nb: 1", [drop("m.a")], "m:\nb: 1", id="a null left"),
        pytest.param("m: {a: 1, c: 1}\nb: 1", [drop("m.a")], "b: 1", id="more than intended gone"),
        pytest.param(
            "x: &x [a]\nm: *x", [append("m", "b")], "x: &x [a, b]\nm: *x", id="an anchor changed"
        ),
        pytest.param(
            "x: &x [a]\nm: *x\nb: 0", [put("b", "1")], "x: [a]\nm: [b]\nb: 1", id="an alias changed"
        ),
    ],
)
def test_it_fails_for_everything_else(before: str, intents: list[Intent], after: str) -> None:
    assert not _holds(before, intents, after)


def test_it_ends_on_aliases_of_aliases() -> None:
    # Every list holds the one before twice: 2^90 items when written out.
    lists = "".join(f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]\n" for n in range(1, 90))
    text = f"l0: &l0 [a]\n{lists}b: 0\n"
    assert _holds(text, [put("b", "1")], text.replace("b: 0", "b: 1"))
    assert not _holds(text, [put("b", "1")], text.replace("b: 0", "b: 1").replace("[a]", "[c]"))

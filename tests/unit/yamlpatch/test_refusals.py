"""What is refused: with the file, the line, the reason and the edit to make by hand."""

from __future__ import annotations

import pytest

from compose_tls.errors import EditRefused, ValueInTheWay, YamlSyntax
from compose_tls.yamlpatch.intent import Intent
from compose_tls.yamlpatch.patch import patch
from tests.unit.yamlpatch.editing import (
    NAME,
    Refusal,
    append,
    check_refusal,
    drop,
    put,
    take,
)

REFUSALS = {
    "a list that is an alias": Refusal(
        "x: &x\n- a\nm:\n  v: *x\n", (append("m.v"),), 4, "m.v cannot be edited: it is an alias"
    ),
    "a list that an alias refers to": Refusal(
        "m:\n  v: &x\n  - a\nn:\n  v: *x\n", (append("m.v"),), 2, "other places refer to"
    ),
    "a mapping that a merge key refers to": Refusal(
        "m: &m\n  e:\n    A: 1\nn:\n  <<: *m\n", (put("m.e.B", "1"),), 1, "other places refer to"
    ),
    "a service that is an alias": Refusal(
        "m: &m\n  a: 1\nn: *m\n", (put("n.b.c", "1"),), 3, "n cannot be edited: it is an alias"
    ),
    "a mapping that is an alias, in braces": Refusal(
        "m: &m\n  a: 1\nn: {o: *m }\n",
        (put("n.o.b", "1"),),
        3,
        "o cannot be edited: it is an alias",
    ),
    "an alias of a mapping with a tag": Refusal(
        "m: &m !t\n  a: 1\nn: *m\n", (put("n.b", "1"),), 3, "n cannot be edited: it is an alias"
    ),
    "a value that an alias refers to": Refusal(
        "a: &a 0\nb: *a\n", (put("a", "1"),), 1, "other places refer to"
    ),
    "an item in a list that an alias refers to": Refusal(
        "a: &a [x, y]\nb: *a\n", (take("a", "x"),), 1, "other places refer to"
    ),
    "a list that a merge key brings in": Refusal(
        "x: &x\n  v: [a]\nm:\n  image: y\n  <<: *x\n",
        (append("m.v"),),
        5,
        "m.v cannot be edited: it is inherited through a merge key",
    ),
    "a mapping that one of several merge keys brings in": Refusal(
        "x: &x\n  v: 1\ny: &y\n  e: {A: 1}\nm:\n  <<: [*x, *y]\n",
        (put("m.e.B", "1"),),
        6,
        "inherited",
    ),
    "a mapping that a merge key of a merge key brings in": Refusal(
        "x: &x\n  e: {A: 1}\ny: &y\n  <<: *x\nm:\n  <<: *y\n", (put("m.e.B", "1"),), 6, "inherited"
    ),
    "a key whose anchor others refer to": Refusal(
        "a: &a 1\nb: *a\n", (drop("a"),), 1, "proof that nothing else changes"
    ),
    "an anchor that hides an earlier one": Refusal(
        "a: &a 1\nb: &a 2\nc: *a\n", (drop("b"),), 2, "proof that nothing else changes"
    ),
    "a document that refers to itself": Refusal(
        "--- &r\na: *r\n", (put("b", "1"),), 1, "the document cannot be edited"
    ),
    "a list under !reset": Refusal(
        "v: !reset\n- a\n", (append("v"),), 1, "it carries the tag !reset"
    ),
    "an empty list under !reset": Refusal("v: !reset []\n", (append("v"),), 1, "the tag !reset"),
    "a value under a tag": Refusal(
        "a: !!int 0\n", (put("a", "1"),), 1, "the tag tag:yaml.org,2002:int"
    ),
    "a mapping under an unknown tag": Refusal(
        "m: !x\n  a: 1\n", (put("m.a", "2"),), 1, "the tag !x"
    ),
    "several documents": Refusal(
        "a: 1\n---\nb: 2\n", (put("a", "2"),), 3, "several YAML documents"
    ),
    "an empty second document": Refusal(
        "a: 1\n---\n", (put("a", "2"),), 3, "several YAML documents"
    ),
    "a list where a mapping has to stand": Refusal(
        "e:\n- A=1\n",
        (put("e.B", "1"),),
        2,
        "e holds a list where a mapping is required",
        ValueInTheWay,
    ),
    "a mapping where a list has to stand": Refusal(
        "v: {a: b}\n",
        (append("v"),),
        1,
        "v holds a mapping where a list is required",
        ValueInTheWay,
    ),
    "a text where a list has to stand": Refusal(
        "m:\n  v: ''\n", (append("m.v"),), 2, "m.v holds a single value", ValueInTheWay
    ),
    "a mapping where a single value has to stand": Refusal(
        "x: &x {}\na: *x\n",
        (put("a", "1"),),
        2,
        "a holds a mapping where a single value",
        ValueInTheWay,
    ),
    "an empty value under !override": Refusal(
        "v: !override\nx: 1\n", (append("v"),), 1, "v holds a single value", ValueInTheWay
    ),
    "a mapping that a merge key brings in, where a value has to stand": Refusal(
        "x: &x\n  e: {A: 1}\nm:\n  <<: *x\n",
        (put("m.e", "1"),),
        2,
        "m.e holds a mapping",
        ValueInTheWay,
    ),
    "a list in the mapping that an alias stands for, where a value has to stand": Refusal(
        "x: &x\n  v: [a]\nm: *x\n", (put("m.v", "1"),), 2, "m.v holds a list", ValueInTheWay
    ),
    "a list": Refusal("- a\n", (put("a", "1"),), 1, "contains no mapping"),
    "a text": Refusal("\na\n", (put("a", "1"),), 2, "contains no mapping"),
    "a list whose last item the end of the file cuts off": Refusal(
        "v:\n  - |\n    a", (append("v"),), 2, "v cannot be edited: its last item ends the file"
    ),
    "a mapping of nothing but cut-off text, in the line of another key": Refusal(
        "? x\n: a: |\n    b", (put("x.c", "1"),), 2, "its text ends the file"
    ),
    "an explicit key without a value": Refusal(
        "? a\n", (put("a", "1"),), 1, "its key has no colon"
    ),
    "an explicit key without a list": Refusal("? a\n? b\n", (append("a"),), 1, "has no colon"),
    "a key in the line of another one": Refusal(
        "? x\n: a: 1\n  b: 2\n", (drop("x.a"),), 2, "it shares its line with something else"
    ),
    "an item in the line of its explicit key": Refusal(
        "? v\n: - a\n  - b\n", (take("v", "a"),), 2, "it shares its line with something else"
    ),
    "the only key of the file": Refusal("a: 1\n", (drop("a"),), 1, "nothing would be left"),
    "a comment that would become text": Refusal(
        "a: |\n  x\nb: 1\n   # c\nd: 1\n", (drop("b"),), 3, "proof that nothing else changes"
    ),
    "a value that UTF-8 cannot hold": Refusal("a: 1\n", (put("a", "\udc80"),), 1, "proof"),
    "a tab that indents": Refusal(
        "a: 1\nb:\n\t- c\n", (put("a", "2"),), 3, "a tab indents this line", YamlSyntax
    ),
    "a key twice in one mapping": Refusal(
        "m:\n  a: 1\n  b: 2\n  'a': 3\n",
        (put("m.a", "2"),),
        4,
        "the key a is here again (first in line 2)",
        YamlSyntax,
    ),
    "a key twice in braces": Refusal(
        "m: {a: 1,\n  a: 2}\n", (put("m.a", "2"),), 2, "(first in line 1)", YamlSyntax
    ),
    "two merge keys in one mapping": Refusal(
        "x: &x {a: 1}\nm:\n  <<: *x\n  <<: *x\n",
        (put("m.a", "2"),),
        4,
        "the key << is here again",
        YamlSyntax,
    ),
    "an anchor whose name holds a dot": Refusal(
        "a: 1\nb: &x.y 1\n", (put("a", "2"),), 2, "did not find expected alphabetic", YamlSyntax
    ),
    "an alias without an anchor": Refusal(
        "a: 1\nb: *c\n", (put("a", "2"),), 2, "the alias *c has no anchor", YamlSyntax
    ),
    "an alias to an anchor of another document": Refusal(
        "a: &x 1\n---\nb: *x\n", (put("a", "2"),), 3, "the alias *x has no anchor", YamlSyntax
    ),
    "a bracket that never closes": Refusal(
        "a: [b\nc: d\n", (put("a", "2"),), 2, "is not valid YAML: did not find expected", YamlSyntax
    ),
    "a control character": Refusal(
        "# é\na: \x07\n", (put("a", "2"),), 2, "it contains the character '\\x07'", YamlSyntax
    ),
    "an escape beyond Unicode": Refusal(
        'a: 1\nb: "\\UFFFFFFFF"\n', (put("a", "2"),), 2, "is not valid YAML", YamlSyntax
    ),
    "lists within lists without end": Refusal(
        f"a: {'[' * 200}{']' * 200}\n", (put("a", "2"),), 1, "nested too deeply", YamlSyntax
    ),
    "two byte order marks": Refusal(
        "\ufeff\ufeffa: 1\n", (put("a", "2"),), 1, "a byte order mark that is not", YamlSyntax
    ),
    "a byte order mark at the start of a line": Refusal(
        "# c\n\ufeffa: 1\n", (put("a", "2"),), 2, "a byte order mark that is not", YamlSyntax
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_an_edit_is_refused_at(refusal: Refusal) -> None:
    check_refusal(refusal)


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"---\n...\n", b"null\n"])
def test_a_file_without_a_mapping_is_refused(content: bytes) -> None:
    with pytest.raises(EditRefused, match="contains no mapping"):
        patch(content, NAME, [put("a", "1")])


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param("a: é\n".encode("latin-1"), 1, id="Latin-1"),
        pytest.param("a: é\n".encode("utf-16"), 1, id="UTF-16"),
        pytest.param(b"\xef\xbb\xbfa: 1\nb: \xff\n", 2, id="a broken byte after a byte order mark"),
    ],
)
def test_what_is_not_utf_8_is_refused(content: bytes, line: int) -> None:
    with pytest.raises(YamlSyntax, match="is not UTF-8 text") as caught:
        patch(content, NAME, [put("a", "1")])
    assert (caught.value.path, caught.value.line) == (NAME, line)


def test_lines_are_counted_by_every_kind_of_line_break() -> None:
    with pytest.raises(YamlSyntax) as caught:
        patch(b"a: 1\rb: 2\r\nc: 3\nc: 4\n", NAME, [put("a", "1")])
    assert caught.value.line == 4
    assert "first in line 3" in caught.value.message


def test_the_edit_to_make_by_hand_names_each_intent_of_the_place() -> None:
    intents: list[Intent] = [
        append("m.v", "./tls:/milvus/tls"),
        append("m.v", {"type": "bind", "source": "./tls"}),
        take("m.v", "old"),
        take("m.v", {"type": "bind"}),
        put("a", "1"),
    ]
    with pytest.raises(EditRefused) as caught:
        patch(b"x: &x [old]\na: 0\nm:\n  v: *x\n", NAME, intents)
    assert caught.value.hint == (
        "by hand: add ./tls:/milvus/tls to m.v; add {type: bind, source: ./tls} to m.v;"
        " remove old from m.v; remove {type: bind} from m.v"
    )
    with pytest.raises(EditRefused) as caught:
        patch(b"a: &a 0\nb: *a\n", NAME, [drop("b"), drop("a")])
    assert caught.value.hint == "by hand: remove b; remove a"


@pytest.mark.parametrize(
    "intents",
    [
        pytest.param([put("a", "1"), append("a", "1")], id="a value and an item"),
        pytest.param([put("a.b", "1"), append("a", "1")], id="a mapping and an item"),
        pytest.param([put("a", "1"), put("a.b", "1")], id="a value and a mapping"),
        pytest.param([drop("x.a"), put("x.a.b", "1")], id="something and nothing"),
    ],
)
def test_intents_that_contradict_each_other_are_a_bug(intents: list[Intent]) -> None:
    with pytest.raises(ValueError, match="contradict"):
        patch(b"x: 1\n", NAME, intents)


def test_of_two_values_put_at_one_place_the_later_stays() -> None:
    assert patch(b"a: 0\n", NAME, [put("a", "1"), put("a", "2")]).content == b"a: 2\n"


@pytest.mark.parametrize(
    ("value", "more"),
    [
        ("[]", False),
        ("null", False),
        ("{}", False),
        ("{A: b}", True),
        ("[a]", True),
        ("\n  A: b", True),
    ],
)
def test_what_reset_drops_is_not_put_in_force_by_hand(value: str, more: bool) -> None:
    with pytest.raises(EditRefused) as caught:
        patch(f"e: !reset {value}\n".encode(), NAME, [put("e.B", "1")])

    assert caught.value.hint.startswith("by hand: write !override instead of !reset; ")
    assert ("remove its content" in caught.value.hint) is more

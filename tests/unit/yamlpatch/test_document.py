"""The node graph: what a text holds and where."""

from __future__ import annotations

import pytest
import yaml

from compose_tls.errors import YamlSyntax
from compose_tls.yamlpatch.document import Document, parse
from compose_tls.yamlpatch.nodes import (
    Alias,
    Mapping,
    Node,
    Scalar,
    Sequence,
    reads_as,
    resolve,
)
from compose_tls.yamlpatch.query import fields

_NAME = "compose.yaml"


def _parse(text: str) -> Document:
    return parse(text.encode(), _NAME)


def _at(document: Document, *route: str | int) -> Node:
    node: Node | None = document.root
    for step in route:
        if isinstance(step, int):
            assert isinstance(node, Sequence)
            node = node.items[step]
        else:
            assert isinstance(node, Mapping)
            node = node.get(step)
    assert node is not None
    return node


@pytest.mark.parametrize(
    ("text", "route", "place"),
    [
        pytest.param("a: b  # c\n", ("a",), "b", id="plain"),
        pytest.param("a: 'b'  # c\n", ("a",), "'b'", id="single quotes"),
        pytest.param('a: "b\n  c" # d\n', ("a",), '"b\n  c"', id="double quotes over lines"),
        pytest.param("a: b\n  c # d\ne: f\n", ("a",), "b\n  c", id="plain over lines"),
        pytest.param("a: &x !!str b\n", ("a",), "&x !!str b", id="with anchor and tag"),
        pytest.param("a: |\n  b\n\n\nc: d\n", ("a",), "|\n  b", id="literal"),
        pytest.param("a: >- # x+y\n  b\n\nc: d\n", ("a",), ">- # x+y\n  b", id="folded"),
        pytest.param("a: |+\n  b\n\n\nc: d\n", ("a",), "|+\n  b\n\n\n", id="literal that keeps"),
        pytest.param(
            "a: !c+d |\n  b\n\nc: d\n", ("a",), "!c+d |\n  b", id="literal under a tag with a plus"
        ),
        pytest.param(
            "a: |\n  b\n    \nc: d\n", ("a",), "|\n  b\n    \n", id="literal that ends in blanks"
        ),
        pytest.param("a: |\n\nc: d\n", ("a",), "|", id="literal without lines"),
        pytest.param("a:\n  - b\n  # c\n\nd: e\n", ("a",), "- b", id="block list before a comment"),
        pytest.param(
            "a:\n- b\n-\n# c\nd: e\n", ("a",), "- b\n-", id="block list at the column of its key"
        ),
        pytest.param(
            "a:\n  b: c\n  # d\ne: f\n", ("a",), "b: c", id="block mapping before a comment"
        ),
        pytest.param("a: [b, # c\n  d] # e\n", ("a",), "[b, # c\n  d]", id="flow list"),
        pytest.param("a: {b: , c}\n", ("a",), "{b: , c}", id="flow mapping"),
        pytest.param("a: [b: c , d]\n", ("a", 0), "b: c", id="single pair"),
        pytest.param("a: &x []\nb: *x # c\n", ("b",), "*x", id="alias"),
    ],
)
def test_a_node_covers_its_text_and_no_more(
    text: str, route: tuple[str | int, ...], place: str
) -> None:
    document = _parse(text)
    node = _at(document, *route)
    assert document.text[node.start : node.end] == place


@pytest.mark.parametrize(
    ("text", "before"),
    [
        pytest.param("a:\nb: 1\n", "a:", id="at the end of the line"),
        pytest.param("a:   # c\nb: 1\n", "a:", id="before blanks and a comment"),
        pytest.param("{a: , b: 1}\n", "{a:", id="in braces"),
        pytest.param("{a , b: 1}\n", "{a", id="in braces, without a colon"),
        pytest.param("{a:, b: 1}\n", "{a:", id="in braces, with nothing after the colon"),
        pytest.param("? a\n? b\n", "? a", id="of an explicit key without a colon"),
        pytest.param("? a # c: d\n\n# e\n? b\n", "? a", id="of an explicit key before a comment"),
        pytest.param("? a\n:\nb: 1\n", "? a\n:", id="of an explicit key with a colon"),
    ],
)
def test_an_empty_value_stands_where_it_would_be_written(text: str, before: str) -> None:
    node = _at(_parse(text), "a")
    assert isinstance(node, Scalar)
    assert node.is_null
    assert (node.start, node.end) == (len(before), len(before))


@pytest.mark.parametrize("text", ["a:", "a: ~", "a: null", "a: Null", "a: NULL"])
def test_null_is_null(text: str) -> None:
    node = _at(_parse(text), "a")
    assert isinstance(node, Scalar)
    assert node.is_null


@pytest.mark.parametrize("text", ["a: ''", 'a: "null"', "a: !!str", "a: nULL", "a: 0", "a: |"])
def test_what_only_looks_like_null_is_not(text: str) -> None:
    node = _at(_parse(text), "a")
    assert isinstance(node, Scalar)
    assert not node.is_null


@pytest.mark.parametrize("text", ["a: [x:]", "a: {b:, c: 1}", "a: {b:}"])
def test_what_compose_reads_and_libyaml_does_not_is_read_all_the_same(text: str) -> None:
    document = _parse(text)
    assert not document.strict
    assert isinstance(_at(document, "a"), Mapping | Sequence)


def test_tabs_before_comments_are_read_as_compose_reads_them() -> None:
    document = _parse("a:\t# b\n  - c\t# d\n")
    assert document.strict
    assert reads_as(_at(document, "a", 0), "c")


def test_without_libyaml_files_are_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    document = _parse("# without libyaml\na:\n- b\nc: {d: e}\n")
    assert not document.strict
    assert reads_as(_at(document, "a", 0), "b")
    with pytest.raises(YamlSyntax) as caught:
        _parse("# without libyaml\na: [\n")
    assert caught.value.line == 3
    with pytest.raises(YamlSyntax, match="is not valid YAML"):
        _parse('# without libyaml\na: "\\UFFFFFFFF"\n')


def test_an_alias_stands_for_its_anchor() -> None:
    document = _parse("a: &x [b]\nc: *x\nd: &y 1\n")
    alias = _at(document, "c")
    assert isinstance(alias, Alias)
    assert resolve(alias) is _at(document, "a")
    assert document.aliased == {id(_at(document, "a"))}


def test_an_anchor_can_be_given_twice() -> None:
    document = _parse("a: &x 1\nb: &x 2\nc: *x\n")
    assert resolve(_at(document, "c")) is _at(document, "b")


def test_keys_that_are_collections_are_read() -> None:
    document = _parse("{a: b}: c\n[d]: e\nf: g\n")
    assert isinstance(document.root, Mapping)
    assert document.root.get("f") is not None
    assert document.root.get("a") is None


def test_places_are_counted_in_lines_and_columns() -> None:
    document = _parse("a: 1\r\nb:\r  c: é\n  d: 2")
    node = _at(document, "b", "d")
    assert (document.line(node.start), document.column(node.start)) == (4, 5)
    assert (
        document.text[document.line_start(node.start) : document.line_end(node.start)] == "  d: 2"
    )
    assert [document.line_break(n) for n in (0, 7, 12, len(document.text))] == [
        "\r\n",
        "\r",
        "\n",
        "\r\n",
    ]
    assert document.next_line(node.start) == len(document.text)


def test_a_text_without_line_breaks_gets_unix_ones() -> None:
    assert _parse("a: 1").line_break(0) == "\n"


def test_several_documents_have_several_roots() -> None:
    assert len(_parse("a: 1\n---\nb: 1\n").roots) == 2
    assert _parse("# nothing\n").root is None


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("a: {b: c, d: e}", {"d": "e", "b": "c"}, True),
        ("a: {b: c, d: e}", {"b": "c"}, False),
        ("a: {b: c, d: [e]}", {"b": "c", "d": "e"}, False),
        ("a: {b: c}", "c", False),
        ("a: c", "c", True),
        ("a: c", {"a": "c"}, False),
    ],
)
def test_a_node_reads_as_what_it_holds(
    text: str, wanted: str | dict[str, str], expected: bool
) -> None:
    assert reads_as(_at(_parse(text), "a"), wanted) is expected


def test_merge_keys_are_followed_and_own_keys_win() -> None:
    document = _parse(
        "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\n"
        "m:\n  '<<': plain\n  <<: [*x, *y]\n  c: 3\n  ? [k]\n  : 1\n".replace("  '<<': plain\n", "")
    )
    node = _at(document, "m")
    assert isinstance(node, Mapping)
    found = {name: resolve(value) for name, value in fields(node).items()}
    assert {n: v.value for n, v in found.items() if isinstance(v, Scalar)} == {
        "a": "1",
        "b": "1",
        "c": "3",
    }


def test_a_merge_key_that_refers_to_its_own_mapping_ends() -> None:
    node = _at(_parse("m: &m\n  a: 1\n  <<: *m\n"), "m")
    assert isinstance(node, Mapping)
    assert set(fields(node)) == {"a"}

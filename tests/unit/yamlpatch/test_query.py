"""Asking a document: a route leads to a value and its place."""

from __future__ import annotations

import pytest

from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.query import Found, Step, query, roots

TEXT = """\
base: &base
  image: x  # of the base
  ports: ["1", '${P}']
  nothing: ~
one:
  <<: *base
  image: y
  labels: &labels {a: 1, b: [2], c: null}
two:
  labels: *labels
  ports: [{target: 1}, *labels, plain]
"""
DOCUMENT = parse(TEXT.encode(), "compose.yaml")


def whole() -> Found:
    [found] = roots(DOCUMENT, lambda text: text.replace("${P}", "9"))
    return found


@pytest.mark.parametrize(
    ("route", "span", "line"),
    [
        (("one", "image"), "y", 7),
        (("one", "ports"), "[\"1\", '${P}']", 3),
        (("one", "ports", 1), "'${P}'", 3),
        (("one", "ports", -1), "'${P}'", 3),
        (("two", "labels"), "*labels", 10),
        (("two", "labels", "a"), "1", 8),
        (("two", "ports", 0, "target"), "1", 11),
        (("two", lambda key: key.startswith("la"), "a"), "1", 8),
        (("one", lambda key: key == "nothing"), "~", 4),
        (("two", "ports", lambda text: text == "plain"), "plain", 11),
    ],
)
def test_a_route_leads_to_a_value_with_its_place(
    route: tuple[Step, ...], span: str, line: int
) -> None:
    found = query(DOCUMENT, *route)
    assert found is not None
    assert (DOCUMENT.text[found.node.start : found.node.end], found.line) == (span, line)


@pytest.mark.parametrize(
    "route",
    [
        ("three",),
        ("one", "image", "deeper"),
        ("one", "image", 0),
        ("one", 0),
        ("one", "ports", 2),
        ("one", "ports", -3),
        ("one", "ports", "1"),
        ("one", lambda key: key == "<<"),
        ("two", "ports", lambda text: text == "1"),
    ],
)
def test_where_nothing_stands_nothing_is_found(route: tuple[Step, ...]) -> None:
    assert query(DOCUMENT, *route) is None
    assert whole().text(*route) is None
    assert whole().texts(*route) == []
    assert whole().items(*route) == []
    assert whole().entries(*route) == {}


def test_merge_keys_can_be_left_out() -> None:
    assert query(DOCUMENT, "one", "ports", merged=False) is None
    assert list(whole().entries("one")) == ["image", "ports", "nothing", "labels"]
    assert list(whole().entries("one", merged=False)) == ["image", "labels"]


def test_texts_are_expanded_and_what_is_no_text_has_none() -> None:
    found = whole()
    assert found.text("one", "ports", 1) == "9"
    assert found.texts("one", "ports") == ["1", "9"]
    assert found.texts("one", "image") == ["y"]
    assert found.texts("two", "ports") == ["plain"]
    assert found.pairs("two", "labels") == {"a": "1"}
    assert found.text("one") is found.text("one", "nothing") is None


def test_a_value_says_what_it_is() -> None:
    def kinds(*route: Step) -> tuple[bool, bool, bool, str | None, int]:
        found = query(DOCUMENT, *route)
        assert found is not None
        return found.is_null, found.is_list, found.is_mapping, found.written, found.size

    assert kinds("one", "ports", 1) == (False, False, False, "${P}", 0)
    assert kinds("one", "ports") == (False, True, False, None, 2)
    assert kinds("two", "labels") == (False, False, True, None, 3)
    assert kinds("one", "nothing") == (True, False, False, "~", 0)


def test_items_are_named_as_intents_name_them() -> None:
    items = whole().items("two", "ports")
    assert [item.as_item() for item in items] == [{"target": "1"}, "", "plain"]
    assert items[0].reads_as({"target": "1"})
    assert items[1].reads_as("") is False


def test_a_stream_of_documents_has_a_whole_for_each() -> None:
    stream = parse(b"a: 1\n---\na: !x 2\n", "stream")
    first, second = roots(stream)
    tagged = second.query("a")
    assert first.text("a") == "1"
    assert tagged is not None
    assert tagged.tag == "!x"
    assert query(parse(b"", "empty"), "a") is None


def test_of_several_merges_the_first_wins_and_each_mapping_counts_once() -> None:
    text = "a: &a {k: 1, l: 1}\nb: &b {k: 2, m: 2}\nc: &c {<<: *b, n: 3}\nd: {<<: [*a, *c, *a]}\n"
    found = roots(parse(text.encode(), "merges"))[0]
    assert found.pairs("d") == {"k": "1", "l": "1", "m": "2", "n": "3"}

"""Scalars: replaced in their own style, written so that they stay strings where they are strings."""

from __future__ import annotations

import pytest

from compose_tls.yamlpatch.intent import Text
from compose_tls.yamlpatch.style import scalar
from tests.unit.yamlpatch import oracle
from tests.unit.yamlpatch.editing import Edit, append, check_edit, put

EDITS = {
    "words of a plain text over several lines": Edit(
        "a: etcd\n  -u http://b  \n  -c\n",
        (put("a", "etcd -u https://b -c"),),
        "a: etcd\n  -u https://b  \n  -c\n",
    ),
    "words of a text in quotes over several lines": Edit(
        "a: 'x\n  http://b c'\n", (put("a", "x https://b c"),), "a: 'x\n  https://b c'\n"
    ),
    "words that quotes would read otherwise": Edit(
        'a: "x\n  b"\n', (put("a", "x \\\\b"),), 'a: "x \\\\\\\\b"\n'
    ),
    "words that a plain text cannot have": Edit(
        "a: x\n  b\n", (put("a", "x b: #c"),), 'a: "x b: #c"\n'
    ),
    "a plain value": Edit("a: 0\n", (put("a", "2"),), "a: 2\n"),
    "a plain value before a comment": Edit(
        "a: 0   # c: d\nb: 1\n", (put("a", "2"),), "a: 2   # c: d\nb: 1\n"
    ),
    "a plain value after a wide gap": Edit("a:    0\n", (put("a", "2"),), "a:    2\n"),
    "a plain value with trailing blanks": Edit(
        "a: 0  \nb: 1\n", (put("a", "2"),), "a: 2  \nb: 1\n"
    ),
    "a plain value over several lines": Edit("a: b\n  c\nd: 1\n", (put("a", "2"),), "a: 2\nd: 1\n"),
    "a value in double quotes": Edit('a: "0"\n', (put("a", "2"),), 'a: "2"\n'),
    "a value in single quotes": Edit("a: '0'  # c\n", (put("a", "it's"),), "a: 'it''s'  # c\n"),
    "a quoted value over several lines": Edit(
        'a: "b\n  c" # d\n', (put("a", "2"),), 'a: "2" # d\n'
    ),
    "a value below its key": Edit("a:  # c\n  b\n", (put("a", "2"),), "a:  # c\n  2\n"),
    "an empty value": Edit("a:\nb: 1\n", (put("a", "2"),), "a: 2\nb: 1\n"),
    "an empty value with blanks and a comment": Edit(
        "a:   # c\nb: 1\n", (put("a", "2"),), "a: 2   # c\nb: 1\n"
    ),
    "a tab before a comment": Edit(
        "a:\t# c\nb: 0\t# d\n", (put("a", "2"), put("b", "1")), "a: 2\t# c\nb: 1\t# d\n"
    ),
    "null": Edit("a: null\n", (put("a", "2"),), "a: 2\n"),
    "literal text": Edit("a: |\n  b\n  c\n\nd: 1\n", (put("a", "2"),), "a: 2\n\nd: 1\n"),
    "folded text that is stripped, with a comment": Edit(
        "a: >-  # why\n  b\nd: 1\n", (put("a", "2"),), "a: 2  # why\nd: 1\n"
    ),
    "text that keeps its blank lines": Edit(
        "a: |+\n  b\n\n\nd: 1\n", (put("a", "2"),), "a: 2\n\n\nd: 1\n"
    ),
    "text that ends in blanks": Edit("a: |\n  b\n   \t\nd: 1\n", (put("a", "2"),), "a: 2\nd: 1\n"),
    "the same value, spelled otherwise": Edit(
        'a: "\\x62"\nc: >-\n  d\n', (put("a", "b"), put("c", "d")), 'a: "\\x62"\nc: >-\n  d\n'
    ),
    "the same characters, but not a string": Edit(
        "a: 2\nb: 'no'\n",
        (put("a", "2", string=True), put("b", "no", string=True)),
        "a: \"2\"\nb: 'no'\n",
    ),
    "a value with an anchor that nothing refers to": Edit(
        "a: &x 0\n", (put("a", "2"),), "a: &x 2\n"
    ),
    "an empty value with an anchor": Edit("a: &x\nb: 1\n", (put("a", "2"),), "a: &x 2\nb: 1\n"),
    "an alias, which leaves its anchor alone": Edit(
        "x: &x 0\na: *x  # c\n", (put("a", "2"),), "x: &x 0\na: 2  # c\n"
    ),
    "an alias to the same value": Edit("x: &x 2\na: *x\n", (put("a", "2"),), "x: &x 2\na: *x\n"),
    "the value of an explicit key": Edit("? a\n: 0\nb: 1\n", (put("a", "2"),), "? a\n: 2\nb: 1\n"),
    "the empty value of an explicit key": Edit(
        "? a\n:\nb: 1\n", (put("a", "2"),), "? a\n: 2\nb: 1\n"
    ),
    "a value in a compact mapping": Edit(
        "? k\n: a: 0\n  b: 1\n", (put("k.a", "2"),), "? k\n: a: 2\n  b: 1\n"
    ),
    "a very long line": Edit(
        f"a: {'x' * 5000}  # {'y' * 5000}\nb: 1\n",
        (put("a", "z" * 9000),),
        f"a: {'z' * 9000}  # {'y' * 5000}\nb: 1\n",
    ),
    "a key of non-ASCII characters": Edit(
        "ключ: 日本 # é\n", (put("ключ", "😀"),), "ключ: 😀 # é\n"
    ),
    "a new value where all strings have double quotes": Edit(
        'e:\n  A: "x"\n  B: true\n', (put("e.C", "z"),), 'e:\n  A: "x"\n  B: true\n  C: "z"\n'
    ),
    "a new value where all strings have single quotes": Edit(
        "e:\n  A: 'x'\n  B:\n", (put("e.C", "z"),), "e:\n  A: 'x'\n  B:\n  C: 'z'\n"
    ),
    "a new value where quotes differ": Edit(
        "e:\n  A: 'x'\n  B: \"x\"\n", (put("e.C", "z"),), "e:\n  A: 'x'\n  B: \"x\"\n  C: z\n"
    ),
    "a new number where all strings have quotes": Edit(
        "e:\n  A: 'x'\n",
        (put("e.C", "1"), put("e.D", "1", string=True)),
        "e:\n  A: 'x'\n  C: 1\n  D: '1'\n",
    ),
    "a new item where all items have quotes": Edit(
        'v:\n  - "a:/a"\n  - "b:/b"\n',
        (append("v", "c:/c"),),
        'v:\n  - "a:/a"\n  - "b:/b"\n  - "c:/c"\n',
    ),
    "a new port where ports are plain": Edit(
        "p:\n  - 9091:9091\n",
        (append("p", "19530:19530"),),
        'p:\n  - 9091:9091\n  - "19530:19530"\n',
    ),
}

# What some YAML reader takes for null, a boolean, a number, a date or a base 60 number.
TYPED = (
    "", "~", "null", "Null", "NULL", "true", "False", "yes", "No", "ON", "off", "y", "N",
    "0", "-1", "+12", "1_000", "0o17", "017", "0x1F", "0b101", "1.5", ".5", "1.", "1e3", "1.5e-3",
    "6.02E+23", ".inf", "-.Inf", ".NaN", "22:22", "190:20:30", "190:20:30.15", "19530:19530",
    "2001-01-01", "2001-1-1 0:00:00", "2001-12-14t21:59:43.10-05:00", "<<", "=",
)  # fmt: skip

AWKWARD = (
    "a: b", "a #b", "# a", "- a", "-", "? a", ": a", "a:", "a ", " a", "*a", "&a", "!a", "%a", "@a",
    "`a", "|", ">", "'a'", '"a"', "[a]", "{a}", "a, b", "a\tb", "a\nb", "a\\b", "\x07", "\x7f",
    "\x9f", "\u2028", "\ufeff", "---", "... x", "${A:-.}/b:/c", "é", "日本", "😀", "a\u00a0",
    "it's", "a}", "-a", "?a", ":a",
)  # fmt: skip


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_scalar_is_written(edit: Edit) -> None:
    check_edit(edit)


@pytest.mark.parametrize("flow", [False, True], ids=["block", "flow"])
@pytest.mark.parametrize("quote", ["", "'", '"'], ids=["plain", "single", "double"])
@pytest.mark.parametrize("value", [*TYPED, *AWKWARD])
def test_a_string_reads_back_as_that_string(value: str, quote: str, flow: bool) -> None:
    assert quote in {"", "'", '"'}
    written = scalar(
        Text(value, string=True), "'" if quote == "'" else '"' if quote else "", flow=flow
    )
    text = f"a: [{written}, x]\n" if flow else f"a:\n  - {written}\n  - x\n"
    items = oracle.read(text.encode()).content
    assert isinstance(items, dict)
    wanted = oracle.Value(None, value, new=Text(value, string=True))
    found = items["a"].content
    assert isinstance(found, list)
    assert isinstance(found[0], oracle.Value)
    assert oracle.means(found[0], wanted)
    assert len(found) == 2


@pytest.mark.parametrize(
    "value", ["./a:/b", "${A:-.}/b:/c", "/milvus/tls/ca.pem", "a b", "é", "milvus"]
)
def test_a_string_stays_plain_where_every_reader_takes_it_for_one(value: str) -> None:
    assert scalar(Text(value, string=True), "", flow=False) == value


@pytest.mark.parametrize("value", ["1", "false", "0o17"])
def test_a_number_or_boolean_stays_plain_unless_it_has_to_be_a_string(value: str) -> None:
    assert scalar(Text(value), "", flow=False) == value
    assert scalar(Text(value, string=True), "", flow=False) == f'"{value}"'

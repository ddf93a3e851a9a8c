"""Taking block entries out, and what goes with them."""

from __future__ import annotations

import pytest

from tests.unit.yamlpatch.editing import TLS, Edit, append, check_edit, drop, put, take

_LONG = {"type": "bind", "source": "./tls", "target": "/milvus/tls"}

EDITS = {
    "the last item": Edit(f"v:\n- a\n- {TLS}\nx: 1\n", (take("v"),), "v:\n- a\nx: 1\n"),
    "the first item": Edit(f"v:\n- {TLS}  # ours\n- a\nx: 1\n", (take("v"),), "v:\n- a\nx: 1\n"),
    "an item in quotes": Edit(f"v:\n- a\n- '{TLS}'\n", (take("v"),), "v:\n- a\n"),
    "an item that stands twice": Edit(f"v:\n- {TLS}\n- a\n- {TLS}\n", (take("v"),), "v:\n- a\n"),
    "an item below its dash": Edit(f"v:\n- a\n-\n  {TLS}\n", (take("v"),), "v:\n- a\n"),
    "an item that is a mapping": Edit(
        "v:\n  - a\n  - type: bind\n    source: ./tls\n    target: /milvus/tls\n  - b\n",
        (take("v", _LONG),),
        "v:\n  - a\n  - b\n",
    ),
    "an item between comments and blank lines": Edit(
        f"v:\n- a\n# above\n- {TLS}\n\n# below\n- b\n",
        (take("v"),),
        "v:\n- a\n# above\n\n# below\n- b\n",
    ),
    "the only item, and the list with it": Edit(
        f"m:\n  image: x\n  v:\n    - {TLS}\n  y: 1\n", (take("m.v"),), "m:\n  image: x\n  y: 1\n"
    ),
    "all items, one by one": Edit(
        "v:\n- a\n- b\nx: 1\n", (take("v", "a"), take("v", "b")), "x: 1\n"
    ),
    "an item that another one takes the place of": Edit(
        "v:\n- a\n- old\nx: 1\n", (take("v", "old"), append("v", "new")), "v:\n- a\n- new\nx: 1\n"
    ),
    "the only item, that another one takes the place of": Edit(
        "v:\n- old\nx: 1\n", (take("v", "old"), append("v", "new")), "v:\n- new\nx: 1\n"
    ),
    "the last item of a text without final line break": Edit(
        f"v:\n- a\n- {TLS}", (take("v"),), "v:\n- a"
    ),
    "the last two items of a text without final line break": Edit(
        f"v:\n- a\n- {TLS}\n- b", (take("v"), take("v", "b")), "v:\n- a"
    ),
    "the last item without final line break, that another one takes the place of": Edit(
        "v:\n- a\n- old", (take("v", "old"), append("v", "new")), "v:\n- a\n- new"
    ),
    "the last things of two mappings without final line break": Edit(
        "a:\n  b: 1\n  c: 2\nd: 3", (drop("a.c"), drop("d")), "a:\n  b: 1"
    ),
    "a key between the ends of what is taken out": Edit(
        "a:\n  b: 1\n  c: 2\nd: 3\n",
        (drop("a.c"), put("a.e", "4"), drop("d")),
        "a:\n  b: 1\n  e: 4\n",
    ),
    "a key with its value": Edit(
        "a: 1\nb:\n  c:\n  - d\n  # e\nf: 1\n", (drop("b"),), "a: 1\n  # e\nf: 1\n"
    ),
    "a key that holds only what is taken out": Edit(
        "a: 1\ntls:\n  b: 1\n  c: 2\n", (drop("tls.b"), drop("tls.c")), "a: 1\n"
    ),
    "keys over several levels": Edit("a:\n  b:\n    c: 1\nd: 1\n", (drop("a.b.c"),), "d: 1\n"),
    "the last key of a text without final line break": Edit("a: 1\nb: 2", (drop("b"),), "a: 1"),
    "a key whose value is text that keeps its blank lines": Edit(
        "a: |+\n  x\n\n\nb: 1\n", (drop("a"),), "b: 1\n"
    ),
    "a key whose value is empty": Edit("a:\nb: 1\n", (drop("a"),), "b: 1\n"),
    "a key whose value is an alias": Edit("x: &x 1\na: *x\n", (drop("a"),), "x: &x 1\n"),
    "an explicit key": Edit("a: 1\n? b\n: 2\nc: 3\n", (drop("b"),), "a: 1\nc: 3\n"),
    "a key that another one takes the place of": Edit(
        "m:\n  a: 1\nx: 1\n", (drop("m.a"), put("m.b", "2")), "m:\n  b: 2\nx: 1\n"
    ),
    "nothing in a shared list that does not hold the item": Edit(
        "x: &x\n- a\nm:\n  v: *x\n", (take("m.v"), take("x")), "x: &x\n- a\nm:\n  v: *x\n"
    ),
    "nothing where there is no list": Edit(
        "v: 1\ne:\n", (take("v"), take("w"), take("e.f")), "v: 1\ne:\n"
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_is_taken_out_is(edit: Edit) -> None:
    check_edit(edit)

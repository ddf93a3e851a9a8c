"""Flow collections, on one line and on several, and whole files in braces."""

from __future__ import annotations

import pytest

from tests.unit.yamlpatch.editing import TLS, Edit, append, check_edit, drop, put, take

EDITS = {
    "a list": Edit("v: [a:/a, b]  # c\n", (append("v"),), f"v: [a:/a, b, {TLS}]  # c\n"),
    "a list in quotes": Edit('v: [ "a:/a" ]\n', (append("v"),), f'v: [ "a:/a", "{TLS}" ]\n'),
    "a list without blanks": Edit("v: ['a','b']\n", (append("v"),), f"v: ['a','b', '{TLS}']\n"),
    "an empty list": Edit("v: []\nx: 1\n", (append("v"),), f"v: [{TLS}]\nx: 1\n"),
    "an empty list with a blank": Edit("v: [ ]\n", (append("v"),), f"v: [ {TLS} ]\n"),
    "an empty list over two lines": Edit(
        "v: [ # c\n  ]\n", (append("v", "a"),), "v: [a # c\n  ]\n"
    ),
    "an item that braces would break": Edit(
        "v: [a]\n", (append("v", "${A:-.}/b:/c"),), 'v: [a, "${A:-.}/b:/c"]\n'
    ),
    "a trailing comma": Edit("v: [a, ]\n", (append("v", "b"),), "v: [a, b, ]\n"),
    "one item a line": Edit(
        "v: [\n  a, # first\n  b # second\n  # end\n]\n",
        (append("v", "c"), append("v", "d")),
        "v: [\n  a, # first\n  b, # second\n  c,\n  d\n  # end\n]\n",
    ),
    "one item a line, with a trailing comma": Edit(
        "v: [\n    a,\n    b,  # second\n  ]\n",
        (append("v", "c"), append("v", "d")),
        "v: [\n    a,\n    b,  # second\n    c,\n    d,\n  ]\n",
    ),
    "several lines that start and end with an item": Edit(
        "v: [a,\n    b]\n", (append("v", "c"),), "v: [a,\n    b, c]\n"
    ),
    "mappings in a list": Edit(
        "v: [{type: bind}]\n",
        (append("v", {"type": "bind", "source": "a b"}),),
        "v: [{type: bind}, {type: bind, source: a b}]\n",
    ),
    "a single pair in a list": Edit(
        "v: [a: b , c: d ]\n", (append("v", "e"),), "v: [a: b , c: d, e ]\n"
    ),
    "a list under !override": Edit(
        "v: !override [a]\n", (append("v", "b"),), "v: !override [a, b]\n"
    ),
    "an empty list under !override": Edit(
        "v: !override []\n", (append("v", "b"),), "v: !override [b]\n"
    ),
    "a mapping": Edit("e: {A: b}\n", (put("e.C", "d"),), "e: {A: b, C: d}\n"),
    "an empty mapping": Edit(
        "e: {}\n", (put("e.C", "d"), put("e.D", "1", string=True)), 'e: {C: d, D: "1"}\n'
    ),
    "new collections in a mapping": Edit(
        "m: {image: x}\n",
        (append("m.v", "a:/b"), put("m.e.A", "1")),
        "m: {image: x, v: [a:/b], e: {A: 1}}\n",
    ),
    "a scalar in a mapping": Edit(
        "e: {A: 0, B: 'x'}\n", (put("e.A", "1"), put("e.B", "y")), "e: {A: 1, B: 'y'}\n"
    ),
    "a scalar that braces would break": Edit(
        "e: {A: x}\n", (put("e.A", "a,b"),), 'e: {A: "a,b"}\n'
    ),
    "an empty value": Edit("e: {A: , B: 1}\n", (put("e.A", "x"),), "e: {A: x , B: 1}\n"),
    "a key without a value": Edit("e: {A, B: 1}\n", (put("e.A", "x"),), "e: {A: x, B: 1}\n"),
    "a key with a colon and no blank": Edit("e: {A:, B:}\n", (put("e.A", "x"),), "e: {A: x, B:}\n"),
    "an empty value that becomes a list": Edit(
        "m: {v: , x: 1}\n", (append("m.v", "a"),), "m: {v: [a] , x: 1}\n"
    ),
    "a null that becomes a mapping": Edit(
        "m: {e: ~, x: 1}\n", (put("m.e.A", "b"),), "m: {e: {A: b}, x: 1}\n"
    ),
    "a key without a value that becomes a list": Edit(
        "m: {v}\n", (append("m.v", "a"),), "m: {v: [a]}\n"
    ),
    "an entry beside an empty value": Edit("e: {A: }\n", (put("e.B", "x"),), "e: {A: , B: x }\n"),
    "an entry beside an empty value on a line of its own": Edit(
        "e: {\n  A: # c\n}\n", (put("e.B", "x"),), "e: {\n  A: , # c\n  B: x\n}\n"
    ),
    "an alias in a mapping": Edit(
        "x: &x 0\ne: {A: *x }\n", (put("e.A", "1"),), "x: &x 0\ne: {A: 1 }\n"
    ),
    "a whole file in braces": Edit(
        '{\n  "services": {\n    "m": {\n      "image": "x",\n      "tty": true\n    }\n  }\n}\n',
        (append("services.m.volumes"), put("services.m.environment.A", "1")),
        '{\n  "services": {\n    "m": {\n      "image": "x",\n      "tty": true,\n'
        f'      "volumes": ["{TLS}"],\n      "environment": {{"A": 1}}\n    }}\n  }}\n}}\n',
    ),
    "a whole file in empty braces": Edit("{}\n", (put("tls.a", "1"),), "{tls: {a: 1}}\n"),
    "the first of two items": Edit(f"v: [{TLS}, b]\n", (take("v"),), "v: [b]\n"),
    "the last of two items": Edit(f"v: [a, {TLS}]\n", (take("v"),), "v: [a]\n"),
    "the last of two items, with a trailing comma": Edit(
        f"v: [a, {TLS},]\n", (take("v"),), "v: [a,]\n"
    ),
    "two items at the end": Edit(f"v: [a, {TLS}, b]\n", (take("v"), take("v", "b")), "v: [a]\n"),
    "two items in the middle": Edit(
        f"v: [a, {TLS}, b, c]\n", (take("v"), take("v", "b")), "v: [a, c]\n"
    ),
    "the only item": Edit(f"v: [{TLS}]\nx: 1\n", (take("v"),), "x: 1\n"),
    "an item that another one takes the place of": Edit(
        "v: [a, old]\n", (take("v", "old"), append("v", "new")), "v: [a, new]\n"
    ),
    "the only item, that another one takes the place of": Edit(
        "v: [old]\n", (take("v", "old"), append("v", "new")), "v: [new]\n"
    ),
    "an item on a line of its own": Edit(
        "v: [\n  a, # first\n  b, # second\n  c\n]\n",
        (take("v", "b"),),
        "v: [\n  a, # first\n  c\n]\n",
    ),
    "the last item on a line of its own": Edit(
        "v: [\n  a, # first\n  b # second\n]\n", (take("v", "b"),), "v: [\n  a # first\n]\n"
    ),
    "the last item on a line of its own, with a trailing comma": Edit(
        "v: [\n  a, # first\n  b, # second\n]\n", (take("v", "b"),), "v: [\n  a, # first\n]\n"
    ),
    "the last item, before the bracket": Edit(
        "v: [\n  a, # first\n  b ]\n", (take("v", "b"),), "v: [\n  a # first\n   ]\n"
    ),
    "an item whose neighbour has a comment": Edit(
        "v: [a,\n  # about b\n  b]\n", (take("v", "a"),), "v: [\n  # about b\n  b]\n"
    ),
    "an entry after an empty value": Edit("e: {A: , B: 1}\n", (drop("e.B"),), "e: {A: }\n"),
    "the first of two items, with a comment before its comma": Edit(
        "v: [a # c\n  , b]\n", (take("v", "b"),), "v: [a # c\n  , ]\n"
    ),
    "a key": Edit("e: {A: 1, B: 2, C: 3}\n", (drop("e.B"),), "e: {A: 1, C: 3}\n"),
    "the last key": Edit("e: {A: 1, B: [2]}\n", (drop("e.B"),), "e: {A: 1}\n"),
    "the only key": Edit("e: {A: 1}\nx: {}\n", (drop("e.A"),), "x: {}\n"),
    "a key that another one takes the place of": Edit(
        "e: {A: 1}\n", (drop("e.A"), put("e.B", "2")), "e: {B: 2}\n"
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_brackets_and_braces_are_edited_at(edit: Edit) -> None:
    check_edit(edit)

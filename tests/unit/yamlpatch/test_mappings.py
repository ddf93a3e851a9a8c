"""Block mappings: new keys, made on the way where they are missing."""

from __future__ import annotations

import pytest

from compose_tls.yamlpatch.intent import Intent
from compose_tls.yamlpatch.patch import create
from tests.unit.yamlpatch.editing import Edit, append, check_edit, drop, put

EDITS = {
    "a mapping of the service": Edit(
        "m:\n  environment:\n    A: b\n  x: 1\n",
        (put("m.environment.T", "1", string=True),),
        'm:\n  environment:\n    A: b\n    T: "1"\n  x: 1\n',
    ),
    "a missing mapping, as deep as its neighbours": Edit(
        "m:\n   image: x\n   labels:\n       a: b\nn: 1\n",
        (put("m.environment.T", "x"),),
        "m:\n   image: x\n   labels:\n       a: b\n   environment:\n       T: x\nn: 1\n",
    ),
    "missing keys on the way, as deep as in the rest of the file": Edit(
        "common:\n    gracefulTime: 1\n",
        (put("common.security.tlsMode", "2"),),
        "common:\n    gracefulTime: 1\n    security:\n        tlsMode: 2\n",
    ),
    "an empty mapping": Edit(
        "common:\n  security:  # c\n  x: 1\n",
        (put("common.security.tlsMode", "2"),),
        "common:\n  security:  # c\n    tlsMode: 2\n  x: 1\n",
    ),
    "a null where a mapping goes": Edit(
        "tls: ~\n", (put("tls.caPemPath", "/a"),), "tls:\n  caPemPath: /a\n"
    ),
    "several keys in one new mapping": Edit(
        "a:\n  b: 1\n",
        (put("tls.serverPemPath", "/s"), put("tls.caPemPath", "/c")),
        "a:\n  b: 1\ntls:\n  serverPemPath: /s\n  caPemPath: /c\n",
    ),
    "a new section where sections are separated by blank lines": Edit(
        "a:\n  b: 1\n\n# about c\nc:\n  d: 1\n",
        (put("tls.caPemPath", "/c"), put("x", "1")),
        "a:\n  b: 1\n\n# about c\nc:\n  d: 1\n\ntls:\n  caPemPath: /c\n\nx: 1\n",
    ),
    "a new section where the last one ends in comments": Edit(
        "a:\n  b: 1\n  # deeper\n# at the margin\n",
        (put("x", "1"),),
        "a:\n  b: 1\n  # deeper\nx: 1\n# at the margin\n",
    ),
    "new keys in nested mappings that end together": Edit(
        "a:\n  b:\n    c: 1\nz: 1\n",
        (put("a.b.d", "2"), put("a.e", "3"), put("f", "4")),
        "a:\n  b:\n    c: 1\n    d: 2\n  e: 3\nz: 1\nf: 4\n",
    ),
    "new keys in nested mappings at the end of the file": Edit(
        "a:\n  b:\n    c: 1",
        (put("f", "4"), put("a.e", "3"), put("a.b.d", "2")),
        "a:\n  b:\n    c: 1\n    d: 2\n  e: 3\nf: 4",
    ),
    "a mapping that is an alias, merged into one of its own": Edit(
        "x: &x\n  A: b\no: *x\nm:\n  environment: *x  # shared\n  # below\n  y: 1\n",
        (put("m.environment.T", "1", string=True), put("m.environment.A", "c")),
        "x: &x\n  A: b\no: *x\nm:\n  environment:  # shared\n    <<: *x\n"
        '    T: "1"\n    A: c\n  # below\n  y: 1\n',
    ),
    "a mapping that is an alias and says the same": Edit(
        "x: &x\n  A: b\nm: *x\n", (put("m.A", "b"),), "x: &x\n  A: b\nm: *x\n"
    ),
    "a mapping that is an alias, below its key": Edit(
        "x: &x\n  A: b\nm: # c\n  *x\nn: 1\n",
        (put("m.A", "c"), put("n", "2")),
        "x: &x\n  A: b\nm: # c\n\n  <<: *x\n  A: c\nn: 2\n",
    ),
    "a mapping that is an alias, at the end of the file": Edit(
        "x: &x\n  A: b\nm: *x",
        (put("m.T", "1"),),
        "x: &x\n  A: b\nm:\n  <<: *x\n  T: 1",
    ),
    "a mapping below a merge key": Edit(
        "x: &x\n  restart: always\nm:\n  <<: *x\n  image: y\n",
        (append("m.volumes", "a:/a"), put("m.restart", "no", string=True)),
        "x: &x\n  restart: always\n"
        'm:\n  <<: *x\n  image: y\n  volumes:\n    - a:/a\n  restart: "no"\n',
    ),
    "a mapping that holds only a merge key": Edit(
        "x: &x\n  a: 1\nm:\n  <<: *x  # c\n",
        (put("m.b", "2"),),
        "x: &x\n  a: 1\nm:\n  <<: *x  # c\n  b: 2\n",
    ),
    "a mapping with explicit keys": Edit(
        "? a\n: 1\n? b\n: 2\n# end\n", (put("c", "3"),), "? a\n: 1\n? b\n: 2\nc: 3\n# end\n"
    ),
    "a mapping whose last explicit key has no value": Edit(
        "? a\n: 1\n? b  # x: y\n# end\n", (put("c", "3"),), "? a\n: 1\n? b  # x: y\nc: 3\n# end\n"
    ),
    "a mapping with quoted keys": Edit(
        '"m":\n  "image": "x"\n',
        (append("m.volumes", "a:/a"),),
        '"m":\n  "image": "x"\n  "volumes":\n    - "a:/a"\n',
    ),
    "a key that YAML would read as something else": Edit(
        "a: 1\n", (put("on", "1"), put("19530", "2")), 'a: 1\n"on": 1\n"19530": 2\n'
    ),
    "a mapping with an anchor that nothing refers to": Edit(
        "m: &m\n  a: 1\nb: 1\n", (put("m.c", "1"),), "m: &m\n  a: 1\n  c: 1\nb: 1\n"
    ),
    "a mapping under !override": Edit(
        "m: !override\n  a: 1\n", (put("m.c", "1"),), "m: !override\n  a: 1\n  c: 1\n"
    ),
    "a root mapping with a tag of its own": Edit(
        "--- !!map\na: 1\n", (put("c", "1"),), "--- !!map\na: 1\nc: 1\n"
    ),
    "a removal where there is nothing": Edit("a: 1\n", (drop("b.c"), drop("a.b")), "a: 1\n"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_key_is_put_into(edit: Edit) -> None:
    check_edit(edit)


def test_a_new_file_holds_what_is_put_there_and_nothing_else() -> None:
    intents: list[Intent] = [
        append("services.m.v", "a:/a"),
        put("services.m.e.T", "1", string=True),
        drop("x"),
    ]
    assert create(intents) == b'services:\n  m:\n    v:\n      - a:/a\n    e:\n      T: "1"\n'
    assert create([]) == b""

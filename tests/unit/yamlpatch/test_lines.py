"""Comments, blank lines, line ends, byte order marks: what stands around an edit."""

from __future__ import annotations

import codecs

import pytest

from compose_tls.yamlpatch.patch import patch, revert
from tests.unit.yamlpatch.editing import NAME, TLS, Edit, append, check_edit, put

EDITS = {
    "comments after the last value and at the end of a block": Edit(
        "m:\n  volumes:\n    - a:/a  # data\n    # - b:/b\n      # deeper\n  # of m\n  x: 1\n",
        (append("m.volumes"),),
        f"m:\n  volumes:\n    - a:/a  # data\n    - {TLS}\n"
        "    # - b:/b\n      # deeper\n  # of m\n  x: 1\n",
    ),
    "a comment that stands deeper than the items": Edit(
        "v:\n  - a:/a\n      # about a\nx: 1\n",
        (append("v"),),
        f"v:\n  - a:/a\n      # about a\n  - {TLS}\nx: 1\n",
    ),
    "comments between entries": Edit(
        "v:\n  # first\n  - a:/a\n\n  # second\n  - b:/b\nx: 1\n",
        (append("v"),),
        f"v:\n  # first\n  - a:/a\n\n  # second\n  - b:/b\n  - {TLS}\nx: 1\n",
    ),
    "a new key below commented-out entries of the last list": Edit(
        "m:\n  volumes:\n    - a\n    # - b\n  # ports:\nn: 1\n",
        (put("m.image", "x"),),
        "m:\n  volumes:\n    - a\n    # - b\n  image: x\n  # ports:\nn: 1\n",
    ),
    "a comment with a tab": Edit(
        "v:\t# c\td\n  - a\t# e\n  #\tf\nx: 1\n",
        (append("v"),),
        f"v:\t# c\td\n  - a\t# e\n  - {TLS}\n  #\tf\nx: 1\n",
    ),
    "blank lines after the list": Edit(
        "m:\n  v:\n  - a\n\n  \n\nn: 1\n",
        (append("m.v"),),
        f"m:\n  v:\n  - a\n  - {TLS}\n\n  \n\nn: 1\n",
    ),
    "blank lines at the end of the file": Edit(
        "v:\n- a\n\n\n", (append("v"),), f"v:\n- a\n- {TLS}\n\n\n"
    ),
    "blanks at the end of the file": Edit("v:\n- a\n  ", (append("v"),), f"v:\n- a\n- {TLS}\n  "),
    "no final line break": Edit("v:\n- a", (append("v"),), f"v:\n- a\n- {TLS}"),
    "no final line break after a comment": Edit(
        "v:\n- a\n# c", (append("v"),), f"v:\n- a\n- {TLS}\n# c"
    ),
    "no final line break after a deeper comment": Edit(
        "v:\n- a\n # c", (append("v"),), f"v:\n- a\n # c\n- {TLS}"
    ),
    "no final line break and a new section": Edit(
        "a: 1\n\nb: 2\n\nc: 3", (put("tls.x", "1"),), "a: 1\n\nb: 2\n\nc: 3\n\ntls:\n  x: 1"
    ),
    "text as the last leaf": Edit(
        "m:\n  command: |\n    a\n\n\nn: 1\n",
        (append("m.v"),),
        f"m:\n  command: |\n    a\n  v:\n    - {TLS}\n\n\nn: 1\n",
    ),
    "text that keeps its blank lines as the last leaf": Edit(
        "m:\n  command: |+\n    a\n\n\nn: 1\n",
        (append("m.v"),),
        f"m:\n  command: |+\n    a\n\n\n  v:\n    - {TLS}\nn: 1\n",
    ),
    "folded text that keeps its blank lines as the last leaf, before a comment": Edit(
        "m:\n  command: >+ # why\n    a\n\n  # of m\n",
        (append("m.v"),),
        f"m:\n  command: >+ # why\n    a\n\n  v:\n    - {TLS}\n  # of m\n",
    ),
    "text that keeps its blank lines, where sections are separated by blank lines": Edit(
        "a: 1\n\nb: |+\n  c\n", (put("x", "1"), put("z", "2")), "a: 1\n\nb: |+\n  c\nx: 1\nz: 2\n"
    ),
    "text that ends in a line of blanks as the last leaf": Edit(
        "m:\n  command: |\n    a\n      \nn: 1\n",
        (append("m.v"),),
        f"m:\n  command: |\n    a\n      \n  v:\n    - {TLS}\nn: 1\n",
    ),
    "stripped text that the end of the file cuts off": Edit(
        "m:\n  command: |-\n    a", (append("m.v"),), f"m:\n  command: |-\n    a\n  v:\n    - {TLS}"
    ),
    "text that the end of the file cuts off": Edit(
        "m:\n  image: x  # c\n\n  # about the command\n  command: |\n    a",
        (append("m.v"),),
        f"m:\n  image: x  # c\n  v:\n    - {TLS}\n\n  # about the command\n  command: |\n    a",
    ),
    "a mapping of nothing but text that the end of the file cuts off": Edit(
        "m:\n  command: |+\n    a", (append("m.v"),), f"m:\n  v:\n    - {TLS}\n  command: |+\n    a"
    ),
    "non-ASCII text before the place": Edit(
        "# 日本語 😀 é\nm: é\nv:\n- 日本\n",
        (append("v", "ü"),),
        "# 日本語 😀 é\nm: é\nv:\n- 日本\n- ü\n",
    ),
    "line separators of Unicode in text and comments": Edit(
        'm: "a\u2028b\u0085c" # d\nv:\n- a\n',
        (append("v"),),
        f'm: "a\u2028b\u0085c" # d\nv:\n- a\n- {TLS}\n',
    ),
    "a document start": Edit("---\nv:\n- a\n", (append("v"),), f"---\nv:\n- a\n- {TLS}\n"),
    "a directive": Edit(
        "%YAML 1.1\n--- # c\nv:\n- a\n", (append("v"),), f"%YAML 1.1\n--- # c\nv:\n- a\n- {TLS}\n"
    ),
    "a document end": Edit(
        "v:\n- a\n...\n# c\n", (append("v"), put("x", "1")), f"v:\n- a\n- {TLS}\nx: 1\n...\n# c\n"
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_stands_around_stays_at(edit: Edit) -> None:
    check_edit(edit)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"v:\r\n- a\r\nx: 1\n", b"v:\r\n- a\r\n- b\r\nx: 1\n", id="CRLF there"),
        pytest.param(b"v:\r\n- a\nx: 1\r\n", b"v:\r\n- a\n- b\nx: 1\r\n", id="LF there"),
        pytest.param(b"v:\r\n- a", b"v:\r\n- a\r\n- b", id="none there"),
        pytest.param(b"v:\n- a\r# c\n", b"v:\n- a\r- b\r# c\n", id="CR there"),
        pytest.param(b"v: [a]", b"v: [a, b]", id="none at all"),
        pytest.param(b"v: &v", b"v: &v\n  - b", id="none at all but needed"),
    ],
)
def test_new_lines_end_as_the_line_above_does_in_files_that_mix_line_ends(
    before: bytes, after: bytes
) -> None:
    patched = patch(before, NAME, [append("v", "b")])
    assert patched.content == after
    assert revert(after, patched.splices) == before


def test_a_byte_order_mark_stays() -> None:
    before = codecs.BOM_UTF8 + b"v:\n- a\n"
    assert patch(before, NAME, [append("v", "b")]).content == before + b"- b\n"


def test_a_file_that_needs_no_change_keeps_its_very_bytes() -> None:
    before = codecs.BOM_UTF8 + b"a: 'x' \r\nb: 1\n"
    for intents in ([], [put("a", "x"), put("b", "1")]):
        patched = patch(before, NAME, intents)
        assert patched.content is before
        assert patched.splices == ()

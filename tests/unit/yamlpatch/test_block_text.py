"""Other words in a block scalar: its lines stay lines."""

from __future__ import annotations

import pytest

from compose_tls.yamlpatch.edit.block_text import reworded


@pytest.mark.parametrize(
    ("body", "old", "new", "lines"),
    [
        ("\n  a http://b\n  c", "a http://b c\n", "a https://b c\n", "\n  a https://b\n  c"),
        ("\n  curl -f\n  x", "curl -f x\n", "curl --ca y -f x\n", "\n  curl --ca y -f\n  x"),
        ("\n  a\n  b", "a\nb\n", "z y b\n", None),
        ("\n  a", "a\n", "2\n", None),
        ("\n  a b", "a b\n", "a  b\n", None),
        ("\n  a b c", "a b c\n", "a c\n", None),
    ],
)
def test_words_change_where_they_stand(body: str, old: str, new: str, lines: str | None) -> None:
    assert reworded(body, old, new) == lines

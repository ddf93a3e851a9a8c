"""The small rules of layer 0."""

from __future__ import annotations

import pytest

from compose_tls.vocabulary import number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("19530", 19530),
        ("4294967295", 4294967295),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("1_0", None),
        (" 1", None),
        ("٣", None),
        ("²", None),
        ("9" * 6000, None),
    ],
)
def test_a_number_of_a_stranger_is_one_that_can_count(text: str | None, value: int | None) -> None:
    assert number(text) == value

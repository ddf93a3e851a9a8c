"""Edits of a user after enable: disable gives back the user's file with them, to the byte."""

from __future__ import annotations

import difflib
from typing import Any

import yaml
from hypothesis import assume, given
from hypothesis import settings as drawn
from hypothesis import strategies as st

from compose_tls.errors import ComposeTlsError
from tests.corpus.shapes import shapes
from tests.corpus.stack_shapes import shapes as stack_shapes
from tests.unit.builders import (
    COMPOSE_FILE,
    applied,
    disable,
    edited,
    enabled,
    observation,
    text_of,
)

TEXTS = [*shapes().values(), *stack_shapes().values()]
INSERTED = ("# mine", "", "      # - ./tls:/milvus/tls", "# äöü: 中文", "    # environment:")
SETTINGS = st.fixed_dictionaries(
    {"mode": st.sampled_from([1, 2]), "scope": st.sampled_from(["proxy", "all"])}
)
PLACES = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(INSERTED)),
    min_size=1,
    max_size=3,
    unique_by=lambda p: p[0],
)


def beside(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """The places between two lines that follow each other before enable and after it, in both."""
    found = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return [(a + n, b + n) for a, b, size in found for n in range(1, size)]


# The same cases in each run: what only took a line out left nothing to find its place by, and an edit
# between it and our next line may leave it a line off.
@drawn(derandomize=True)
@given(
    st.sampled_from(TEXTS), SETTINGS, PLACES, st.sampled_from(["", "x-mine: [1, 'a']  # of mine"])
)
def test_disable_gives_back_the_file_with_the_edits_of_the_user(
    text: str, settings: dict[str, Any], places: list[tuple[float, str]], last: str
) -> None:
    try:
        after = enabled(observation(text), **settings)
    except ComposeTlsError:
        assume(False)
    made = text_of(after)
    old, new = text.splitlines(keepends=True), made.splitlines(keepends=True)
    between = beside(old, new)
    assume(between and old[-1].endswith("\n") and made != text)
    end = "\r\n" if old[0].endswith("\r\n") else "\n"
    for share, words in sorted(places, reverse=True):
        there, here = between[int(share * (len(between) - 1))]
        old.insert(there, words + end)
        new.insert(here, words + end)
    for lines in (old, new) if last else ():
        lines.append(last + end)
    wanted = "".join(old)
    # Not a part of a text of several lines.
    says = yaml.safe_load(text) | ({"x-mine": [1, "a"]} if last else {})
    assume(_read(wanted) == says)
    changed = edited(after, COMPOSE_FILE, made, "".join(new))
    back = applied(changed, disable(changed).plan.changes)

    assert text_of(back) == wanted


def _read(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None

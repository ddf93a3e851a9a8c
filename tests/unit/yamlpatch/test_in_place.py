"""Items of a list that change in their places: all others keep their lines, quotes and comments."""

from __future__ import annotations

import pytest

from compose_tls.yamlpatch.intent import Intent
from compose_tls.yamlpatch.patch import patch, revert
from tests.unit.yamlpatch.editing import NAME, append, take

CASES = {
    "on several lines": (
        "v: [\n  'a', # first\n  \"b\",\n  c, d # last\n]\n",
        ("abcd", ["A", "b", "x y", "d"]),
        "v: [\n  'A', # first\n  \"b\",\n  x y, d # last\n]\n",
    ),
    "more in front, in one line": ("v: ['a', b]\n", ("b", ["-f", "B"]), "v: ['a', \"-f\", B]\n"),
    "more in front, each in a line": (
        'v: [\n    "a",\n    "b"\n  ]\n',
        ("b", ["-f", "B"]),
        'v: [\n    "a",\n    "-f",\n    "B"\n  ]\n',
    ),
    "below each other": (
        "v:\n  # about a\n  - 'a' # a\n  -   \"b\"  # b\n  - c\n",
        ("abc", ["x", "A", "b", "C"]),
        "v:\n  # about a\n  - x\n  - 'A' # a\n  -   \"b\"  # b\n  - C\n",
    ),
    "with the line ends of Windows": (
        "v:\r\n  - a # a\r\n  - b # b\r\n",
        ("b", ["c", "B"]),
        "v:\r\n  - a # a\r\n  - c\r\n  - B # b\r\n",
    ),
    "one goes for good": ("v:\n  - a # a\n  - b\n", ("ab", ["B"]), "v:\n  - B\n"),
    "one with a tag": ("v:\n  - !!str a\n  - b\n", ("ab", ["A", "b"]), "v:\n  - A\n  - b\n"),
    "one comes at the end": ("v: ['a', b]\n", ("b", ["b", "c"]), "v: ['a', b, c]\n"),
}


@pytest.mark.parametrize(("before", "changes", "after"), CASES.values(), ids=CASES)
def test_they_are_written_where_they_stand(
    before: str, changes: tuple[str, list[str]], after: str
) -> None:
    gone, come = changes
    intents: list[Intent] = [*(take("v", one) for one in gone), *(append("v", one) for one in come)]
    patched = patch(before.encode(), NAME, intents)

    assert patched.content.decode() == after
    assert revert(after.encode(), patched.splices) == before.encode()

"""Values in environment files: changed where they stand, and taken back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose_tls.compose.dotenv import assignment, parse
from compose_tls.state.recorded import FileRecord
from compose_tls.state.undo import record_values, stands, undo
from compose_tls.yamlpatch.document import decode
from compose_tls.yamlpatch.splice import Splice

OLD, NEW = "http://", "https://"


def changed(content: bytes, *names: str) -> tuple[bytes, FileRecord]:
    """A file with another scheme in some variables."""
    text, _ = decode(content)
    splices = {}
    for name in names:
        place = assignment(text, name)
        assert place is not None
        splices[name] = Splice(place.start + place.value.index(OLD), OLD, NEW)
    return record_values(".env", content, splices)


@pytest.mark.parametrize(
    ("text", "value", "line"),
    [
        ("K=v", "v", 1),
        ("A=1\nexport K = 'v' # c\n", "v", 2),
        ('K="a\nb"\n', "a\nb", 1),
        ("K=1\nK=2\n", "2", 2),
        ("K=1\nK\n", None, None),
        ("A=K=1\n", None, None),
    ],
)
def test_the_place_that_decides_is_found(text: str, value: str | None, line: int | None) -> None:
    found = assignment(text, "K")

    assert (found.value if found else None, found.line if found else None) == (value, line)
    assert found is None or text[found.start :].startswith(found.value)


LINES = st.lists(
    st.sampled_from(
        ["", "# http://a", "X=http://a:1", "K=http://b:2", "export K='http://c'", 'K="http://d"']
    ),
    max_size=6,
)


@given(before=LINES, after=LINES, end=st.sampled_from(["\n", "\r\n"]), bom=st.booleans())
def test_one_value_changes_and_comes_back_to_the_byte(
    before: list[str], after: list[str], end: str, *, bom: bool
) -> None:
    text = end.join([*before, "K=http://milvus:19530", *after])
    content = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    patched, record = changed(content, "K")

    old = parse(text, {})
    assert parse(decode(patched)[0], {}) == {**old, "K": old["K"].replace(OLD, NEW, 1)}
    assert stands(patched, record)
    assert undo(patched, record).content == content
    assert undo(patched, record).exact


@given(lines=LINES.filter(lambda lines: not any("K=" in line for line in lines)))
def test_around_lines_of_others_ours_still_come_back(lines: list[str]) -> None:
    patched, record = changed(b"K=http://milvus:19530\n", "K")
    others = "".join(f"{line}\n" for line in lines).encode()
    undone = undo(others + patched + others, record)

    assert stands(others + patched + others, record)
    assert undone.content == others + b"K=http://milvus:19530\n" + others
    assert (undone.exact, undone.kept) == (not lines, ())


def test_a_line_that_was_changed_is_kept() -> None:
    patched, record = changed(b"K=http://milvus:19530\nL=http://milvus:19530\n", "K", "L")
    theirs = patched.replace(b"K=https://milvus", b"K=https://elsewhere")
    undone = undo(theirs, record)

    assert not stands(theirs, record)
    assert undone.content == b"K=https://elsewhere:19530\nL=http://milvus:19530\n"
    assert undone.kept == ("K",)


def test_no_value_is_in_the_record() -> None:
    _, record = changed(b"K=http://root:hidden@milvus:19530\n", "K")

    assert "hidden" not in record.model_dump_json()

import time

import pytest

from compose_tls.compose.interpolate import interpolate

VARIABLES = {"A": "a", "EMPTY": "", "NESTED": "$A"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing", "nothing"),
        ("", ""),
        ("$A/x", "a/x"),
        ("${A}x", "ax"),
        ("$A$A", "aa"),
        ("$MISSING!", "!"),
        ("${MISSING}", ""),
        ("${EMPTY}", ""),
        ("${MISSING:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${A:-d}", "a"),
        ("${MISSING-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${MISSING:-}", ""),
        ("${A:+r}", "r"),
        ("${EMPTY:+r}", ""),
        ("${EMPTY+r}", "r"),
        ("${MISSING+r}", ""),
        ("${A:?stop}", "a"),
        ("${MISSING:?stop}", ""),
        ("${A?stop}", "a"),
        ("${MISSING?stop}", ""),
        ("${MISSING:-${A}}", "a"),
        ("${MISSING:-${MISSING:-$A}}b", "ab"),
        ("${A:+${A}${A}}", "aa"),
        ("${MISSING:-a:b/c}", "a:b/c"),
        ("${MISSING-a:-b}", "a:-b"),
        ("$NESTED", "$A"),
    ],
)
def test_variables_are_replaced_in_every_form(text: str, expected: str) -> None:
    assert interpolate(text, VARIABLES) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("$$A", "$A"), ("$$$A", "$a"), ("$${A}", "${A}"), ("$$", "$")]
)
def test_a_doubled_dollar_is_a_dollar(text: str, expected: str) -> None:
    assert interpolate(text, VARIABLES) == expected


@pytest.mark.parametrize("text", ["$", "a$", "$1", "${", "${A", "${}", "${1}", "${A:b}", "${A/b}"])
def test_what_is_no_substitution_stays_as_it_is(text: str) -> None:
    assert interpolate(text, VARIABLES) == text


def test_a_malformed_substitution_does_not_keep_the_next_one_from_being_made() -> None:
    assert interpolate("${X:milvusdb/milvus}:$A", VARIABLES) == "${X:milvusdb/milvus}:a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("${NO:-" * 600 + "x" + "}" * 600, "x", id="600 deep"),
        pytest.param("${NO:-" * 50_000 + "$A" + "}" * 50_000, "a", id="50,000 deep"),
        pytest.param("${A" * 100_000, "${A" * 100_000, id="never closed"),
        pytest.param("${A:+" * 50_000 + "}" * 50_000, "", id="where set"),
        pytest.param("${" * 100_000 + "}" * 100_000, "${" * 100_000 + "}" * 100_000, id="nameless"),
    ],
)
def test_a_text_takes_the_time_of_its_length_however_deep(text: str, expected: str) -> None:
    start = time.process_time()
    assert interpolate(text, VARIABLES) == expected
    assert time.process_time() - start < 2

import time

import pytest

from compose_tls.compose.dotenv import parse

ENVIRONMENT = {"SHELL": "shell", "BOTH": "of the shell"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("K=v", "v"),
        ("K = v", "v"),
        ("K=", ""),
        ("K: v", "v"),
        ("K:v", "v"),
        ("export K=v", "v"),
        ("  K=v  ", "v"),
        ("K=v # comment", "v"),
        ("K=v#part", "v#part"),
        ("K= # no comment", "# no comment"),
        ("K=v\t# no comment", "v\t# no comment"),
        ("K='v'rest", "v"),
        ('K="v"# comment', "v"),
        ("K='open", "'open"),
        ("K=it's", "it's"),
        ("K=a=b:c", "a=b:c"),
        ("K=$SHELL", "shell"),
        ("K=${MISSING:-d}", "d"),
        ("K=a$$b", "a$b"),
        (r"K=a\nb", r"a\nb"),
        ("K='v'", "v"),
        ("K='$SHELL # x'", "$SHELL # x"),
        (r"K='it\'s'", "it's"),
        ('K="v" # comment', "v"),
        ('K="$SHELL"', "shell"),
        (r'K="\$SHELL"', "$SHELL"),
        (r'K="a\n\t\"b\" \\ \x"', 'a\n\t"b" \\ \\x'),
        ('K="one\ntwo"', "one\ntwo"),
        ("K='one\ntwo'", "one\ntwo"),
        ("K=v\r", "v"),
        ("\ufeffK=v", "v"),
    ],
)
def test_a_line_reads_as_compose_reads_it(line: str, value: str) -> None:
    assert parse(f"{line}\nNEXT=1\n", ENVIRONMENT) == {"K": value, "NEXT": "1"}


def test_comments_and_blank_lines_hold_nothing() -> None:
    assert parse("# A=1\n\n   \n  # B=2\n", {}) == {}


def test_a_bare_name_is_taken_over_from_the_environment() -> None:
    assert parse("SHELL\nMISSING\n", ENVIRONMENT) == {"SHELL": "shell"}


def test_a_line_may_refer_to_an_earlier_one_which_the_environment_beats() -> None:
    values = parse("A=1\nBOTH=of the file\nB=$A-$BOTH\n", ENVIRONMENT)

    assert values == {"A": "1", "BOTH": "of the file", "B": "1-of the shell"}


def test_the_last_of_two_lines_wins() -> None:
    assert parse("A=1\nA=2\nB=$A\n", {}) == {"A": "2", "B": "2"}


def test_a_line_of_blanks_takes_the_time_of_its_length() -> None:
    start = time.process_time()
    assert parse("K=a" + " " * 50_000 + "b # c\n", {}) == {"K": "a" + " " * 50_000 + "b"}
    assert time.process_time() - start < 2

"""What a printed command is when somebody types it: a shell is asked."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compose_tls.shell import behind, joined, quoted, typed

HOSTILE = (
    "$(touch pwned)",
    "`id`; x",
    "a b",
    'it\'s "so"',
    "a\\b",
    "two\nlines",
    "\x1b]0;owned\x07",
    "\u202eevil\u2028",
    "--help",
    "",
    "~",
    "*",
    "!!",
    os.fsdecode(b"\xff\xfe"),
)


def heard(line: str, shell: str = "bash") -> list[str]:
    """The words that a shell makes of a line."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    said = subprocess.run(
        [program, "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True
    ).stdout
    return [os.fsdecode(word) for word in said.split(b"\0")[:-1]]


def test_a_shell_hears_the_very_words() -> None:
    line = joined(HOSTILE)
    assert heard(line) == list(HOSTILE)
    assert line.isprintable()


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_so_does_one_that_knows_posix_only(shell: str) -> None:
    words = [*HOSTILE, "-n\x01", "100%\x01", "\x01'it's'\\\x011"]

    assert heard(joined(words), shell) == words


@settings(max_examples=50)
@given(
    st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1)
)
def test_whatever_the_words_are(words: list[str]) -> None:
    assert heard(joined(words)) == words


def test_what_needs_no_quotes_has_none() -> None:
    assert joined(["docker", "compose", "up", "-d", "milvus-standalone"]) == (
        "docker compose up -d milvus-standalone"
    )
    assert quoted("/srv/my project/x") == "'/srv/my project/x'"


def test_a_name_is_never_an_option() -> None:
    assert typed("standalone", "etcd") == "standalone etcd"
    assert typed("etcd", "--help") == "-- etcd --help"
    assert behind(()) == []

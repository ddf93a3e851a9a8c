"""What a command says that may open no further file, at whichever file that happens."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.cli.conftest import EnableAs, Run


@contextmanager
def descriptors(left: int) -> Iterator[None]:
    """As if the process had only so many left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    first = os.dup(0)
    os.close(first)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first + left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("command", ["enable", "check", "renew --force --no-restart", "disable"])
def test_it_is_told_to_raise_the_limit(
    run: Run, enable_as: EnableAs, project: Path, command: str
) -> None:
    if command != "enable":
        enable_as()
    # What is loaded is open only once.
    run(*command.split(), *([] if command == "check" else ["--dry-run"]))
    codes = set()
    for left in range(7):
        with descriptors(left):
            outcome = run(*command.split(), "--json")
        if outcome.code == 0:
            return
        error = outcome.json["error"]
        assert "raise the limit of open files (ulimit -n 1024)" in error["hint"]
        codes.add(error["code"])
    # What is not about a file of the project has an error of its own.
    assert command == "check"
    assert "too-many-open-files" in codes

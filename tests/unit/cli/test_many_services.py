"""What a command does grows with the number of services, not with its square: calls are counted."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest

from tests.unit.cli.conftest import Run

FEW = 40
SERVICE = """\
  m{n}:
    image: milvusdb/milvus:v2.4.0
    command: [milvus, run, standalone]
    ports: ['{port}:19530']
"""


def calls(run: Run, *arguments: str, code: int = 0) -> int:
    """How many calls a command makes, of Python and of C."""
    count = 0

    def counted(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        outcome = run(*arguments)
    finally:
        sys.setprofile(None)
    assert outcome.code == code
    return count


def many(project: Path, number: int) -> list[str]:
    """A project of so many Milvus services, and the options that name them."""
    services = [SERVICE.format(n=n, port=20000 + n) for n in range(number)]
    path = project / "docker-compose.yml"
    path.write_text("services:\n" + "".join(services), encoding="utf-8")
    return [word for n in range(number) for word in ("--service", f"m{n}")]


@pytest.mark.parametrize("command", ["enable", "status", "disable"])
def test_twice_as_many_services_are_twice_as_many_calls(
    run: Run, project: Path, command: str
) -> None:
    found = []

    for number in (2, FEW, 2 * FEW):
        named = many(project, number)
        if command != "enable":
            assert run("enable", *named).code == 0
            named = []
        found.append(calls(run, command, *named))
        assert run("disable", "--purge").code == 0
    _, few, twice = found
    assert twice < 2.1 * few


def test_so_are_they_where_tls_is_off(run: Run, project: Path) -> None:
    found = []
    for number in (2, FEW, 2 * FEW):
        many(project, number)
        found.append(calls(run, "status", code=7))
    _, few, twice = found
    assert twice < 2.1 * few

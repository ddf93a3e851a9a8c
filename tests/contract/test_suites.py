"""Which tests run when nobody says, and which when somebody does."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import SLOW, SUITES, TESTS, pytest_ignore_collect

ROOT = TESTS.parent


def left_alone(name: str, *arguments: str, markers: str = "") -> bool:
    """Whether pytest passes over tests."""
    config: Any = SimpleNamespace(option=SimpleNamespace(markexpr=markers), args=list(arguments))
    return pytest_ignore_collect(TESTS / name, config) is True


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("arguments", [("tests",), (str(TESTS),), ("tests/unit", "tests/corpus")])
def test_the_fast_tests_run_and_no_others(arguments: tuple[str, ...]) -> None:
    others = {path.name for path in TESTS.iterdir() if path.is_dir()} - {*SUITES}

    assert {"unit", "contract", "corpus"} <= others
    assert not any(left_alone(name, *arguments) for name in others)
    assert all(left_alone(name, *arguments) for name in (*SUITES, *SLOW))


@pytest.mark.parametrize("name", SUITES)
def test_a_marker_or_a_path_asks_for_the_others(name: str) -> None:
    [file, *_] = (TESTS / name).glob("test_*.py")
    test = f"{file.relative_to(ROOT)}::test_this"

    assert not left_alone(name, "tests", markers=name)
    assert not left_alone(name, f"tests/{name}")
    assert not left_alone(name, "tests/unit", test)
    assert left_alone(name, *(f"tests/{other}" for other in SUITES if other != name))


@pytest.mark.parametrize("name", SLOW)
def test_a_module_of_many_cases_is_asked_for_likewise(name: str) -> None:
    assert (TESTS / name).is_file()
    assert not left_alone(name, "tests", markers="slow")
    assert not left_alone(name, f"tests/{name}::test_this")
    assert left_alone(name, str((TESTS / name).parent))


def test_every_marker_is_registered(pytestconfig: pytest.Config) -> None:
    registered = {str(line).partition(":")[0] for line in pytestconfig.getini("markers")}

    assert registered >= {*SUITES, "slow"}


def test_the_deadline_of_hypothesis_is_set_in_one_place() -> None:
    setting = re.compile(r"(settings|register_profile)\([^)]*deadline=")
    found = [path for path in TESTS.rglob("*.py") if setting.search(path.read_text("utf-8"))]

    assert found == [TESTS / "conftest.py"]

"""Every error has a code, a row in docs/errors.md, and a test that sees it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from compose_tls import errors
from compose_tls.errors import ComposeTlsError

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {
    2: errors.SettingsError,
    3: errors.ProjectError,
    4: errors.CertificateError,
    5: errors.EngineError,
    6: errors.CheckFailed,
    130: errors.Interrupted,
}


def subclasses(error: type[ComposeTlsError]) -> Iterator[type[ComposeTlsError]]:
    for child in error.__subclasses__():
        yield child
        yield from subclasses(child)


LEAVES = [error for error in subclasses(ComposeTlsError) if not error.__subclasses__()]


def rows() -> dict[str, tuple[int, str, str]]:
    """Code → exit code, when, what to do; as documented."""
    found: dict[str, tuple[int, str, str]] = {}
    section = 0
    for line in (ROOT / "docs" / "errors.md").read_text().splitlines():
        if line == "## Warnings":
            break
        if heading := re.match(r"## (\d+)", line):
            section = int(heading[1])
        elif (row := re.match(r"\| ([a-z][a-z-]+) \| (.+) \| (.+) \|$", line)) and row[1] != "code":
            assert row[1] not in found
            found[row[1]] = (section, row[2], row[3])
    return found


def test_codes_are_unique() -> None:
    codes = [error.code for error in LEAVES]
    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize("error", LEAVES)
def test_a_code_is_the_name_of_its_class_in_lower_case_with_hyphens(
    error: type[ComposeTlsError],
) -> None:
    assert error.code == re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()


@pytest.mark.parametrize("error", LEAVES)
def test_an_error_has_the_exit_code_of_its_group(error: type[ComposeTlsError]) -> None:
    assert issubclass(error, GROUPS[error.exit_code])


def test_the_documentation_lists_exactly_the_codes_there_are() -> None:
    documented = {code: section for code, (section, _, _) in rows().items()}
    assert documented == {error.code: error.exit_code for error in LEAVES}


@dataclass
class Package:
    """What the modules of the package do with errors and warnings."""

    warnings: set[str] = field(default_factory=set)
    """The codes of all warnings that are made."""
    raised: dict[str, str] = field(default_factory=dict)
    """Where something is raised, and what."""
    names: set[str] = field(default_factory=set)
    """All names that are used, but those in errors.py."""


@cache
def package() -> Package:
    """All modules, each read once."""
    found = Package()
    for file in ROOT.glob("compose_tls/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Name) and file.name != "errors.py":
                found.names.add(node.id)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "TlsWarning":
                values = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "code")]
                found.warnings |= {str(v.value) for v in values if isinstance(v, ast.Constant)}
            elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                found.raised[f"{file}:{node.lineno}"] = ast.unparse(node.exc.func)
    return found


def test_the_documentation_lists_exactly_the_warnings_there_are() -> None:
    table = (ROOT / "docs" / "errors.md").read_text().split("## Warnings")[1]
    assert set(re.findall(r"^\| ([a-z][a-z-]+) \|", table, re.MULTILINE)) - {"code"} == (
        package().warnings
    )


def test_only_leaves_are_raised() -> None:
    inner = {error.__name__ for error in subclasses(ComposeTlsError)} - {
        error.__name__ for error in LEAVES
    }
    assert not {place: name for place, name in package().raised.items() if name in inner}


def seen_in_tests() -> set[str]:
    """Class names that tests use, and texts that they compare with; imports do not count."""
    found: set[str] = set()
    for folder in ("unit", "corpus", "e2e"):
        for file in ROOT.glob(f"tests/{folder}/**/*.py"):
            if file.name == "test_errors.py":
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Name):
                    found.add(node.id)
                elif isinstance(node, ast.Attribute):
                    found.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found


def test_every_error_is_seen_by_a_test() -> None:
    seen = seen_in_tests()
    unseen = {error.__name__ for error in LEAVES if not {error.__name__, error.code} & seen}
    assert not unseen


def test_every_error_is_raised_somewhere() -> None:
    assert not {error.__name__ for error in LEAVES} - package().names

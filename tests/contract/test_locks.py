"""The locks go with pyproject.toml: whoever changes a dependency there runs ``make lock``."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
RUNTIME = [
    Requirement(r) for r in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["milvus"])
]
TOOLS = [Requirement(r) for r in (*GROUPS["dev"], *GROUPS["judges"], *GROUPS["site"])]
_PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, set[Version]]:
    """The versions in a lock, by package; some have one for each Python."""
    found: dict[str, set[Version]] = {}
    for package, version in _PIN.findall((ROOT / name).read_text(encoding="utf-8")):
        found.setdefault(canonicalize_name(package), set()).add(Version(version))
    return found


@pytest.mark.parametrize("requirement", [*RUNTIME, *TOOLS], ids=str)
def test_the_lock_of_the_tools_has_what_pyproject_asks_for(requirement: Requirement) -> None:
    locked = pins("requirements-dev.txt")[canonicalize_name(requirement.name)]

    assert all(version in requirement.specifier for version in locked)


@pytest.mark.parametrize("requirement", RUNTIME, ids=str)
def test_the_lowest_versions_are_the_lower_bounds(requirement: Requirement) -> None:
    [bound] = (s for s in requirement.specifier if s.operator == ">=")
    [locked] = pins("requirements-lowest.txt")[canonicalize_name(requirement.name)]

    # The first of a series may have been withdrawn.
    asked = Version(bound.version)
    assert (locked.major, locked.minor) == (asked.major, asked.minor)
    assert locked >= asked


def test_every_locked_file_has_a_hash() -> None:
    text = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")

    assert len(_PIN.findall(text)) == len(
        re.findall(r"^\S.*\\\n    --hash=sha256:", text, re.MULTILINE)
    )

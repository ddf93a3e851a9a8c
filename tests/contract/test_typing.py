"""The public names have the types that users rely on: neither mypy nor pyright sees an Any."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import compose_tls
import compose_tls.testing

ROOT = Path(__file__).resolve().parents[2]
USE = ROOT / "tests" / "typing" / "public_api.py"
EXAMPLE = ROOT / "tests" / "typing" / "library_example.py"  # of docs/library.md

CHECKERS = {
    "mypy": ["mypy", "--strict"],
    # The same checker as pyright, with its Node.js in a wheel.
    "pyright": ["basedpyright", "--level", "error"],
}

LOST = """
from typing import Any, assert_type
from compose_tls import EnableResult, enable
from compose_tls.testing import milvus_tls
assert_type(enable(), Any)
"""
"""What a name would be that has lost its type."""


def checked(checker: str, *files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *CHECKERS[checker], *map(str, files)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_public_names_are_typed_as_users_use_them(checker: str) -> None:
    outcome = checked(checker, USE, EXAMPLE)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_name_that_is_any_would_be_found(checker: str, tmp_path: Path) -> None:
    """assert_type(…, Any) passes for an Any alone, so it has to fail here."""
    file = tmp_path / "lost.py"
    file.write_text(LOST, encoding="utf-8")
    outcome = checked(checker, file)
    assert outcome.returncode == 1
    assert "EnableResult" in outcome.stdout


def test_every_public_name_is_used() -> None:
    nodes = list(ast.walk(ast.parse(USE.read_text(encoding="utf-8"))))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert {*compose_tls.__all__, *compose_tls.testing.__all__} <= used

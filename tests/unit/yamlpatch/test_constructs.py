"""docs/yaml-constructs.md names a test for every construct."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.yamlpatch import (
    test_flow,
    test_limits,
    test_lines,
    test_lists,
    test_mappings,
    test_refusals,
    test_removal,
    test_scalars,
    test_undo,
)

_TABLE = Path(__file__).parents[3] / "docs" / "yaml-constructs.md"
_TEST = re.compile(r"\| `(\w+)\.py`: ([^|]+) \|$", re.MULTILINE)
_MODULES: tuple[ModuleType, ...] = (
    test_flow,
    test_limits,
    test_lines,
    test_lists,
    test_mappings,
    test_refusals,
    test_removal,
    test_scalars,
    test_undo,
)


def _rows() -> list[tuple[str, str]]:
    return _TEST.findall(_TABLE.read_text(encoding="utf-8"))


def test_every_row_of_the_table_names_a_test() -> None:
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    constructs = [line for line in rows if not line.startswith(("| construct |", "| --- |"))]
    assert len(_rows()) == len(constructs) > 60


@pytest.mark.parametrize(("module", "name"), _rows())
def test_the_test_that_a_row_names_exists(module: str, name: str) -> None:
    found = next(m for m in _MODULES if m.__name__.endswith(f".{module}"))
    tables = {**getattr(found, "EDITS", {}), **getattr(found, "REFUSALS", {})}
    assert name in tables or callable(getattr(found, name, None))

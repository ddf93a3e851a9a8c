"""Each row of docs/threat-model.md, and of what was found in reliability.md, names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compose_tls import files

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threat-model.md"


@pytest.mark.parametrize(
    ("name", "first", "last", "least"),
    [
        ("threat-model.md", "# Threat model", "## How large", 20),
        ("reliability.md", "## What was found", "", 10),
    ],
)
def test_every_named_test_exists(name: str, first: str, last: str, least: int) -> None:
    page = (PAGE.parent / name).read_text().partition(first)[2]
    page = page.partition(last)[0] if last else page
    rows = [line for line in page.splitlines() if line.startswith("| ") and "held by" not in line]
    texts: dict[str, str] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        texts[path.name] = texts.get(path.name, "") + path.read_text()
    named = [re.findall(r"`(test_\w+\.py): (test_\w+)`", row.rpartition(" | ")[2]) for row in rows]
    missing = [
        f"{file}: {test}"
        for tests in named
        for file, test in tests
        if not re.search(rf"def {test}\(", texts.get(file, ""))
    ]
    assert missing == []
    rules = [row for row in rows if not row.startswith("| ---")]
    assert len(rules) > least
    assert all(tests for row, tests in zip(rows, named, strict=True) if not row.startswith("| ---"))


def test_the_limits_are_the_documented_ones() -> None:
    units = {"KiB": 1024, "MiB": 1024 * 1024}
    table = PAGE.read_text().split("## How large")[1]
    documented = [int(n) * units[u] for n, u in re.findall(r"\| (\d+) ([KM]iB) \|", table)]
    limits = [value for name, value in vars(files).items() if name.endswith("_LIMIT")]
    assert sorted(documented) == sorted(limits)

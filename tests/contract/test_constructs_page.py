"""Each construct of docs/compose-constructs.md names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_ROW = re.compile(r"`(test_\w+\.py)`(?::? (?:in [\w/]+|(test_\w+)))?")


def test_every_named_test_exists() -> None:
    page = (ROOT / "docs" / "compose-constructs.md").read_text()
    named = _ROW.findall(page)
    files = {path.name: path for path in (ROOT / "tests" / "unit").rglob("test_*.py")}
    texts = {
        name: "".join(p.read_text() for p in sorted((ROOT / "tests").rglob(name))) for name in files
    }

    missing = [
        f"{file}: {test}" for file, test in named if f"def {test}" not in texts.get(file, "")
    ]

    assert len(named) > 30
    assert missing == []

"""The present of the tests is asked for once: two of them straddle midnight, sooner or later."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
AT_LOAD = re.compile(r"^[A-Z_]+\b.*=.*\b(?:datetime\.now|date\.today|time\.time)\(", re.MULTILINE)


def test_only_one_module_asks_for_the_time_when_it_is_loaded() -> None:
    asks = [path for path in TESTS.rglob("*.py") if AT_LOAD.search(path.read_text("utf-8"))]
    assert asks == [TESTS / "moment.py"]

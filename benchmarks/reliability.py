"""Measures the figures of docs/reliability.md, and writes them there: ``make reliability``.

    python benchmarks/reliability.py [--faults FILE] [--fuzz FILE] [--seconds 60]

``--faults`` takes the figures of a run of tests/faults with FAULTS_FIGURES=FILE, ``--fuzz`` those of a
run of ``tests/fuzz/run.py --json FILE``; without them, both are run here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.small_files import measured  # noqa: E402 - of this checkout
from tests.faults.conftest import KINDS  # noqa: E402 - as above

PAGE = ROOT / "docs" / "reliability.md"


def run(words: Sequence[str | Path], **variables: str) -> None:
    """Run something whose result is a file; its output goes through."""
    subprocess.run(words, cwd=ROOT, env={**os.environ, **variables}, check=False)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def faults_of(figures: dict[str, dict[str, int]]) -> str:
    """How many faults there were, by command and kind."""
    rows = [[f"`{name}`", *(one.get(kind, 0) for kind in KINDS)] for name, one in figures.items()]
    met = sum(sum(one.values()) for one in figures.values())
    return f"{table(['command', *KINDS], rows)}\n{met:,} in all, {stamp()}.\n"


def fuzz_of(figures: dict[str, Any]) -> str:
    """How many inputs were read, by reader."""
    readers = figures["targets"]
    rows = [[one["target"], f"{one['executions']:,}", len(one["findings"])] for one in readers]
    read = sum(one["executions"] for one in readers)
    total = f"{read:,} in all, by {figures['by']}, seed {figures['seed']}, {stamp()}."
    return f"{table(['reader', 'inputs', 'findings'], rows)}\n{total}\n"


def small_of() -> str:
    """What small files take."""
    rows = [
        [one.what, one.outcome, f"{one.seconds:.2f} s", f"{one.megabytes:.0f} MB"]
        for one in measured()
    ]
    return f"{table(['file', 'outcome', 'processor', 'more memory'], rows)}\nAll {stamp()}.\n"


def stamp() -> str:
    """When and where."""
    machine = f"{platform.system()}, {os.cpu_count()} processors"
    return f"measured on {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()}, {machine}"


def main() -> int:
    """Measure what is not given, and write it into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--fuzz", type=Path)
    parser.add_argument("--seconds", type=float, default=60, help="of fuzzing, for each reader")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        faults, fuzz = options.faults, options.fuzz
        if faults is None:
            faults = Path(place) / "faults.json"
            pytest = (sys.executable, "-m", "pytest", "-q", "-n", "auto")
            run((*pytest, "-m", "faults", "tests/faults"), FAULTS_FIGURES=str(faults))
        if fuzz is None:
            fuzz = Path(place) / "fuzz.json"
            script = ROOT / "tests" / "fuzz" / "run.py"
            run((sys.executable, script, "--json", fuzz, "--seconds", str(options.seconds)))
        figures = {
            "faults": faults_of(json.loads(faults.read_text())),
            "fuzz": fuzz_of(json.loads(fuzz.read_text())),
            "small": small_of(),
        }
    text = PAGE.read_text(encoding="utf-8")
    for name, found in figures.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        text = f"{before}{begin}\n{found}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())

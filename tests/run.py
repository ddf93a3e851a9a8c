"""Runs every test that this machine can run, and names what was skipped and why.

The end-to-end tests mostly wait for Milvus, so they run beside all others: the fast tests, whose
coverage has to be at least 90 %, the judges of our certificates (tests/judges), every fault of a
command (tests/faults), a short fuzzing (tests/fuzz), two builds that have to be one (tests/build.py), the
fast tests once more with every dependency at its lower bound, and those of the code on every other Python
at hand.

With REQUIRE_E2E=1 an end-to-end test that is skipped is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINIMUM = 90
PYTEST = [sys.executable, "-m", "pytest"]
COVERAGE = [sys.executable, "-m", "coverage"]


def main() -> int:
    """Run one suite after the other beside the end-to-end tests; show the latter at the end."""
    os.chdir(ROOT)
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    failed = []
    with tempfile.TemporaryFile("w+") as output:
        started = time.monotonic()
        end_to_end = subprocess.Popen(
            [*PYTEST, "-m", "e2e", "tests/e2e", "--durations=25"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        make = ["make", "--no-print-directory", f"VENV={sys.prefix}"]
        for name, *commands in (
            (
                "fast tests",
                [*COVERAGE, "run", "-m", "pytest", "-n", "auto"],
                [*COVERAGE, "combine", "--quiet"],
                [*COVERAGE, "report", f"--fail-under={MINIMUM}"],
            ),
            ("judges", [*PYTEST, "-m", "judges", "tests/judges"]),
            ("faults", [*PYTEST, "-n", "auto", "-m", "faults", "tests/faults"]),
            ("fuzzing", [*PYTEST, "-n", "auto", "-m", "fuzz", "tests/fuzz"]),
            ("reproducible build", [sys.executable, "tests/build.py"]),
            ("lowest versions", [*make, "test-lowest"]),
            ("other Pythons", [*make, "test-pythons"]),
        ):
            begun = time.monotonic()
            if any(run(command) for command in commands):
                failed.append(name)
            print(f"{name}: {time.monotonic() - begun:.0f} s\n", flush=True)
        print("end-to-end tests: waiting for them to end", flush=True)
        if end_to_end.wait():
            failed.append("end-to-end tests")
        output.seek(0)
        print(output.read(), flush=True)
    print(
        f"all of it: {time.monotonic() - started:.0f} s; failed: {', '.join(failed) or 'nothing'}"
    )
    return bool(failed)


def run(command: list[str]) -> int:
    """Run a command, its output passed through."""
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

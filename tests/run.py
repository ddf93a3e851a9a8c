"""Runs every test that this machine can run, and names what was skipped and why.

With COMPOSE_TLS_REQUIRE_E2E=1 a skipped end-to-end test is a failure. Coverage is measured without
the end-to-end tests, and has to be at least 90 %.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINIMUM = 90


def main() -> int:
    """Run the fast tests under coverage, then the end-to-end tests."""
    os.chdir(ROOT)
    python = [sys.executable, "-m"]
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    suites = [f"tests/{name}" for name in ("unit", "contract", "corpus")]
    fast = run([*python, "coverage", "run", "-m", "pytest", *suites])
    run([*python, "coverage", "combine", "--quiet"])
    covered = run([*python, "coverage", "report", f"--fail-under={MINIMUM}"])
    whole = run([*python, "pytest", "tests/e2e"])
    return fast or covered or whole


def run(command: list[str]) -> int:
    """Run a command, its output passed through."""
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

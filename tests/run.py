"""Runs every test that this machine can run, and names what was skipped and why.

With REQUIRE_E2E=1 a skipped end-to-end test is a failure. Coverage is measured without the
end-to-end tests, and has to be at least 90 %. Those mostly wait for Milvus, so they run meanwhile.
The judges of our certificates (tests/judges) come next, since they need the processor themselves, and
then the fast tests again, on every other Python that is at hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINIMUM = 90


def main() -> int:
    """Run the fast tests under coverage beside the end-to-end tests; show the latter at the end."""
    os.chdir(ROOT)
    python = [sys.executable, "-m"]
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    with tempfile.TemporaryFile("w+") as output:
        whole = subprocess.Popen(
            [*python, "pytest", "tests/e2e"], stdout=output, stderr=subprocess.STDOUT
        )
        suites = [f"tests/{name}" for name in ("unit", "contract", "corpus", "faults")]
        fast = run([*python, "coverage", "run", "-m", "pytest", *suites])
        run([*python, "coverage", "combine", "--quiet"])
        covered = run([*python, "coverage", "report", f"--fail-under={MINIMUM}"])
        judged = run([*python, "pytest", "tests/judges"])
        others = run(["make", "--no-print-directory", "test-pythons"])
        print("end-to-end tests: waiting for them to end", flush=True)
        code = whole.wait()
        output.seek(0)
        print(output.read(), flush=True)
    return fast or covered or judged or others or code


def run(command: list[str]) -> int:
    """Run a command, its output passed through."""
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

"""Runs every test that this machine can run, and names what was skipped and why.

The end-to-end tests mostly wait for Milvus, so they run in two lanes beside all others; in one of them
each project has ports and names of its own, and three run at a time. The others, one after the other: the
fast tests, those marked slow, the judges of our certificates (tests/judges), every fault of a command
(tests/faults), a short fuzzing (tests/fuzz), two builds that have to be one (tests/build.py), and those
of the code once more with every dependency at its lower bound, and on every other Python at hand. What
they cover is measured once (tests/measured.py): on the newest Python, or here where that is not at hand.

A test that fails beside all others is run once more by itself (tests/again.py), which is printed.

With REQUIRE_E2E=1 an end-to-end test that is skipped is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from tests.pythons import measures

ROOT = Path(__file__).resolve().parent.parent
AGAIN = ("-p", "tests.again")
PYTEST = [sys.executable, "-m", "pytest", *AGAIN]
SLOW = ("tests/contract", "tests/corpus", "tests/unit/cli/test_endless.py")
END_TO_END = (
    ("e2e and not own_ports",),
    # A file in one worker: its tests share what they have started.
    ("e2e and own_ports", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"),
)


def main() -> int:
    """Run one suite after the other beside the end-to-end tests; show the latter at the end."""
    os.chdir(ROOT)
    # Of its time a worker waits a third, for servers and processes: two cores have work for three.
    os.environ.setdefault("PYTEST_XDIST_AUTO_NUM_WORKERS", str((os.cpu_count() or 1) * 3 // 2))
    failed = []
    fast = PYTEST if measures() else [sys.executable, "tests/measured.py", *AGAIN]
    with ExitStack() as stack:
        started = time.monotonic()
        lanes = [lane(marks, *options, stack=stack) for marks, *options in END_TO_END]
        make = ["make", "--no-print-directory", f"VENV={sys.prefix}"]
        for name, command in (
            ("fast tests", [*fast, "-n", "auto"]),
            ("slow tests", [*PYTEST, "-n", "auto", "-m", "slow", *SLOW]),
            ("judges", [*PYTEST, "-m", "judges", "tests/judges"]),
            ("faults", [*PYTEST, "-n", "auto", "-m", "faults", "tests/faults"]),
            ("fuzzing", [*PYTEST, "-n", "auto", "-m", "fuzz", "tests/fuzz"]),
            ("reproducible build", [sys.executable, "tests/build.py"]),
            ("lowest versions", [*make, "test-lowest"]),
            ("other Pythons", [*make, "test-pythons"]),
        ):
            begun, spent = time.monotonic(), processor_seconds()
            if run(command):
                failed.append(name)
            took, spent = time.monotonic() - begun, processor_seconds() - spent
            print(f"{name}: {took:.0f} s, {spent:.0f} s of a processor\n", flush=True)
        print("end-to-end tests: waiting for them to end", flush=True)
        for end_to_end, output in lanes:
            if end_to_end.wait():
                failed.append("end-to-end tests")
            output.seek(0)
            print(output.read(), flush=True)
    print(
        f"all of it: {time.monotonic() - started:.0f} s; failed: {', '.join(failed) or 'nothing'}"
    )
    return bool(failed)


def lane(marks: str, *options: str, stack: ExitStack) -> tuple[subprocess.Popen[bytes], IO[str]]:
    """Start some of the end-to-end tests; what they print goes to a file."""
    output = stack.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115 - the stack closes it
    command = [*PYTEST, "-m", marks, "tests/e2e", "--durations=15", *options]
    return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT), output


def processor_seconds() -> float:
    """What the commands that have ended took of a processor, whatever else the machine had to do."""
    spent = os.times()
    return spent.children_user + spent.children_system


def run(command: list[str]) -> int:
    """Run a command, its output passed through."""
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

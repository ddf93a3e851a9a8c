"""Runs every test that this machine can run, and names what was skipped and why.

The end-to-end tests mostly wait for Milvus, so they run in two lanes beside all others; in one of them
each project has ports and names of its own, and three run at a time. The others are suites: the fast
tests, those marked slow, the judges of our certificates (tests/judges), every fault of a command
(tests/faults), a short fuzzing (tests/fuzz), two builds that have to be one (tests/build.py), and those
of the code once more with every dependency at its lower bound, and on every other Python at hand
(tests/pythons.py). A suite runs beside the lanes; where a lane has ended, another suite takes its
place. What the tests cover is measured once (tests/measured.py): on the newest Python, or here where that
is not at hand.

A test that fails beside all others is run once more by itself (tests/again.py), which is printed. One
that hangs ends after five minutes, end-to-end after twenty (pytest-timeout); should a suite hang all the
same, the run ends after LIMIT and prints what that suite has printed. The end of what a failed suite has
printed stands at the end of the run once more: of a long log, often only the end is kept.

With REQUIRE_E2E=1 an end-to-end test that is skipped is a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple

from tests import pythons

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 70 * 60
"""Seconds: what ends a run from outside shows nothing of a suite that has not ended."""
ENDING = 40
"""Lines of a failed suite that are printed once more."""
AGAIN = ("-p", "tests.again")
PYTEST = (sys.executable, "-m", "pytest", *AGAIN)
END_TO_END = (*PYTEST, "tests/e2e", "--durations=15", "-m")
FAST = PYTEST if pythons.measures() else (sys.executable, "tests/measured.py", *AGAIN)
SLOW = ("tests/contract", "tests/corpus", "tests/dishonest", "tests/unit")
LANES = {
    "end-to-end tests": (*END_TO_END, "e2e and not own_ports"),
    # A file in one worker: its tests share what they have started.
    "end-to-end tests, ports of their own": (
        *(*END_TO_END, "e2e and own_ports"),
        *("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"),
    ),
}
# Those that take long come first: the last ones share the machine out to its end.
SUITES = {
    "fast tests": (*FAST, "-n", "auto"),
    "slow tests": (*PYTEST, "-n", "auto", "-m", "slow", *SLOW),
    "judges": (*PYTEST, "-m", "judges", "tests/judges"),
    "lowest versions": ("make", "--no-print-directory", f"VENV={sys.prefix}", "test-lowest"),
    **{
        f"Python {version}": (sys.executable, "tests/pythons.py", version)
        for version in reversed(pythons.others())
    },
    "faults": (*PYTEST, "-n", "auto", "-m", "faults", "tests/faults"),
    "fuzzing": (*PYTEST, "-n", "auto", "-m", "fuzz", "tests/fuzz"),
    "reproducible build": (sys.executable, "tests/build.py"),
}


class Running(NamedTuple):
    """A suite that has been started: its name, what it prints, and when that was."""

    name: str
    output: IO[str]
    since: float


def out_of_time(*_: object) -> None:
    """Interrupt what the run waits for."""
    raise TimeoutError


def show(suite: Running, how: str) -> str:
    """Print what it has printed, and how long it took; the end of that, for later."""
    suite.output.seek(0)
    text = f"{suite.output.read()}\n{suite.name}: {time.monotonic() - suite.since:.0f} s, {how}\n"
    print(text, flush=True)
    return "\n".join(text.splitlines()[-ENDING:])


def main() -> int:
    """Run them all, as many at once as there are lanes and one more; print each when it has ended."""
    os.chdir(ROOT)
    begun, failed, endings = time.monotonic(), [], []
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(LIMIT)
    waiting, running = [*LANES.items(), *SUITES.items()], dict[int, Running]()
    with ExitStack() as stack:
        while waiting or running:
            while waiting and len(running) <= len(LANES):
                name, command = waiting.pop(0)
                # What runs side by side is kept apart.
                output = stack.enter_context(tempfile.TemporaryFile("w+"))
                started = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
                running[started.pid] = Running(name, output, time.monotonic())
                print(f"{name}: started", flush=True)
            try:
                ended, status, spent = os.wait4(-1, 0)
            except TimeoutError:
                for process, suite in running.items():
                    os.kill(process, signal.SIGTERM)
                    endings.append(show(suite, "not ended"))
                failed += [
                    *(suite.name for suite in running.values()),
                    *(name for name, _ in waiting),
                ]
                break
            suite = running.pop(ended)
            how = f"exit {os.waitstatus_to_exitcode(status)}, " if status else ""
            ending = show(suite, f"{how}{spent.ru_utime + spent.ru_stime:.0f} s of a processor")
            if status:
                failed.append(suite.name)
                endings.append(ending)
    print(*endings, sep="\n")
    print(f"all of it: {time.monotonic() - begun:.0f} s; failed: {', '.join(failed) or 'nothing'}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())

"""Runs what failed once more, by itself: a pytest plugin for big runs (``-p tests.again``).

Tests with real servers, signals and clocks share the machine with all others there. What fails by itself
as well is a failure; what passes then is printed by name, for somebody to look at. More than a few
failures are no matter of load, and are not tried again.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

FEW = 6


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the session for its end, when everything about it has been printed."""
    if not hasattr(session.config, "workerinput"):
        session.config.add_cleanup(lambda: again(session))


def again(session: pytest.Session) -> None:
    """Try what failed, and let that decide."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    reports = [*reporter.stats.get("failed", []), *reporter.stats.get("error", [])]
    names = sorted({report.nodeid for report in reports})
    if session.exitstatus != pytest.ExitCode.TESTS_FAILED or not 0 < len(names) <= FEW:
        return
    print(f"\nonce more, by themselves: {len(names)} failed", *names, sep="\n  ", flush=True)
    # The marks of a run choose among all tests; these are chosen.
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", *names]
    if subprocess.run(command, check=False).returncode == 0:
        print("failed beside others, and passed by themselves:", *names, sep="\n  ", flush=True)
        session.exitstatus = pytest.ExitCode.OK

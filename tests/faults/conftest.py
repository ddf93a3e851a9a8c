"""How many faults there were, of which kind, and in which command: printed at the end."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

KINDS = (
    *("kill before", "kill after", "kill torn"),
    *("ENOSPC", "EACCES", "EIO", "EROFS", "EINTR"),
    *("SIGTERM", "SIGINT", "SIGHUP"),
)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up what the tests have counted, on however many workers they ran."""
    counted: dict[str, Counter[str]] = {}
    for report in terminalreporter.stats.get("passed", []):
        noted = dict(report.user_properties)
        if "faults" in noted:
            counted.setdefault(noted["command"], Counter()).update(noted["faults"])
    if not counted:
        return
    terminalreporter.section("faults, and after each of them the old project or the new one")
    for command, figures in counted.items():
        shown = ", ".join(f"{kind} {figures[kind]}" for kind in KINDS)
        terminalreporter.line(f"{command}: {shown}")
    terminalreporter.line(f"{sum(sum(f.values()) for f in counted.values())} in all")
    if path := os.environ.get("FAULTS_FIGURES"):
        Path(path).write_text(json.dumps(counted, indent=2) + "\n")

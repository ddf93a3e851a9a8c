"""The real commands, ended at any time and run at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from compose_tls.signals import SIGNALS
from tests.faults.commands import lay_out
from tests.unit.apply.trees import tree

ROUNDS = 12
SECONDS = 0.9


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "compose_tls", *arguments, "-C", str(project), "--json"]
    # What runs is no matter here: status would say that nothing was started.
    environment = {**os.environ, "DOCKER_HOST": "unix:///no-engine/docker.sock"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def is_whole(project: Path, before: dict[str, object]) -> bool:
    """Whether a project is as it was, or has TLS; whether nothing hidden stays is asked as well."""
    left = tree(project)
    assert not [name for name in left if "compose-tls" in name]
    if left == before:
        return True
    process = start(project, "status")
    out, _ = process.communicate(timeout=60)
    states = {file["state"] for file in json.loads(out)["file_states"]}
    return process.returncode == 0 and states == {"as-written"}


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_signal_at_any_time_leaves_a_whole_project(tmp_path: Path, round_: int) -> None:
    project = tmp_path / "project"
    lay_out(project)
    before = dict[str, object](tree(project))
    number = SIGNALS[round_ % len(SIGNALS)]
    with start(project, "enable", "--mode", "2") as process:
        time.sleep(SECONDS * round_ / ROUNDS)
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    # Before a line of ours has run, the signal ends Python itself. One that came while Python ran the
    # text of a named tuple ends the process by SIGINT in the end, handled or not: 130 to a shell.
    in_site = process.returncode == 1 and "Failed to import the site module" in error
    assert in_site or process.returncode in {0, 130, -signal.SIGINT, -number}, error
    assert "Traceback" not in error or "compose_tls" not in error
    assert is_whole(project, before)


AT_ONCE = (("enable", "enable"), ("enable",) * 6 + ("disable",) * 2)


@pytest.mark.parametrize("commands", AT_ONCE)
def test_commands_at_once_leave_a_whole_project(tmp_path: Path, commands: Sequence[str]) -> None:
    project = tmp_path / "project"
    lay_out(project)
    before = dict[str, object](tree(project))
    processes = [start(project, name) for name in commands]
    codes = set()
    for process in processes:
        out, error = process.communicate(timeout=120)
        assert "Traceback" not in error
        document = json.loads(out)
        codes.add("done" if document["ok"] else document["error"]["code"])
    # The first of them, a disable that finds nothing to undo as well, may turn all others away.
    assert codes & ({"done", "not-enabled"} if "disable" in commands else {"done"})
    assert codes <= {"done", "project-locked", "not-enabled", "project-changed"}
    keys = {"cert", "tls"}
    rest = {name: entry for name, entry in tree(project).items() if name.split("/")[0] not in keys}
    assert rest == before or is_whole(project, before)

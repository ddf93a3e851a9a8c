"""A command that ends while it deploys: after the next one, the previous service runs with its files."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.session import Done, Project, run
from tests.e2e.test_failures import wait_for_plain_text
from tests.patience import LONG

DEPLOYING = ".compose-tls.deploying"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

# Another one in each run; that of a failure is printed with it.
SEED = int(os.environ.get("SEED", str(time.time_ns() % 10_000)))
CHANCE = random.Random(SEED)  # noqa: S311 - no secret


def ended(project: Project, *arguments: str, told: str, signals: Sequence[int]) -> Done:
    """A command that gets one signal soon after it tells something, and each other one soon after."""
    with subprocess.Popen(
        [sys.executable, "-m", "compose_tls", *arguments],
        cwd=project.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        lines = []
        for line in process.stderr:
            lines.append(line)
            if told in line:
                break
        for number in signals:
            time.sleep(CHANCE.uniform(0, 0.7))
            process.send_signal(number)
        out, err = process.communicate(timeout=LONG)
    return Done(process.returncode, out, "".join(lines) + err)


def containers(project: Project) -> list[str]:
    """Every container of the service, as the engine has it."""
    label = f"label=com.docker.compose.project.working_dir={project.directory}"
    words = ["docker", "ps", "--all", "--filter", label, "--format", "{{.Names}} {{.State}}"]
    return [line for line in run(words, project.directory).out.splitlines() if "etcd" not in line]


def compose_at_work(project: Project) -> bool:
    """Whether a Compose of the project is left."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            place = (process / "cwd").readlink()
            if place == project.directory and b"compose" in (process / "cmdline").read_bytes():
                return True
    return False


@pytest.fixture
def running(official: Any) -> Project:
    """A project whose Milvus runs without TLS."""
    project: Project = official(milvus_yaml=False)
    assert project.compose("up", "-d").code == 0
    wait_for_plain_text()
    return project


def test_a_deployment_that_is_killed_is_taken_back_by_the_next_command(running: Project) -> None:
    before = running.tree()
    told, first = CHANCE.choice((("recreate", []), ("starting", [signal.SIGTERM])))
    numbers = [*first, signal.SIGKILL]

    done = ended(running, "enable", "--mode", "2", "--up", told=told, signals=numbers)

    assert done.code == -signal.SIGKILL, f"seed {SEED}: {done.err}"
    assert (running.directory / DEPLOYING / "record").exists(), f"seed {SEED}: {done.err}"
    looked = running.compose_tls("status", "--json").document
    # A kill while files are put back leaves a journal, too.
    refused = looked.get("error", {}).get("code")
    assert refused == "project-locked" or "deploying" in {w["code"] for w in looked["warnings"]}
    again = running.compose_tls("disable", "--json")
    assert again.document["error"]["code"] == "not-enabled", f"seed {SEED}: {again.out}"
    *_, said = again.document["warnings"]
    assert {one["code"] for one in again.document["warnings"]} == {"recovered"}
    assert said["message"].startswith("an earlier command was interrupted while deploying")
    assert "standalone runs again as before" in said["message"], f"seed {SEED}"
    assert running.tree() == before
    assert containers(running) == ["milvus-standalone running"]
    assert not compose_at_work(running)
    wait_for_plain_text()


def test_each_signal_ends_a_deployment_in_order(running: Project) -> None:
    before = running.tree()
    number = CHANCE.choice(SIGNALS[1:])

    done = ended(running, "enable", "--up", told="recreate", signals=[number])

    assert done.code == 130, f"seed {SEED}: {done.err}"
    assert "the previous files are back and the previous service runs again" in done.err
    assert running.tree() == before
    assert containers(running) == ["milvus-standalone running"]
    assert not compose_at_work(running)
    assert running.compose_tls("disable", "--json").document.get("warnings", []) == []


def test_a_renewal_that_is_killed_serves_the_previous_certificate_after_the_next_command(
    official: Any,
) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose_tls("enable", "--mode", "2", "--up").code == 0
    before, container = project.tree(), project.container("standalone")

    done = ended(project, "renew", "--force", told="restarting", signals=[signal.SIGKILL])
    assert done.code == -signal.SIGKILL, f"seed {SEED}: {done.err}"
    again = project.compose_tls("client", "eve", "--dry-run", "--json")
    assert again.document["error"]["code"] == "project-locked"
    again = project.compose_tls("renew", "--json")

    assert again.code == 0, f"seed {SEED}: {again.out}"
    assert project.tree() == before
    assert project.container("standalone")[0] == container[0]
    deadline = time.monotonic() + LONG
    while project.compose_tls("check").code:
        assert time.monotonic() < deadline

"""That there is nothing to do is said of what runs, and not of files (T2, T5)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compose_tls.cli.output.change_text import enable_lines
from compose_tls.results import DeployedService, EnableResult, Probe
from compose_tls.workflows import enable as workflow
from compose_tls.workflows.deployed_state import DeployedState
from tests.unit.cli.conftest import Run

Say = Callable[..., None]
UP = "docker compose up -d --no-deps --force-recreate standalone"


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch, project: Path, run: Run) -> Say:
    """Says what an engine has of an enabled project."""
    run("enable", "-q")

    def say(state: Any, following: str | None = None) -> None:
        found = DeployedService(service="standalone", state=state)
        monkeypatch.setattr(
            workflow, "inspect_deployed", lambda *_: DeployedState((found,), next=following)
        )

    return say


def test_a_container_that_does_not_run_the_files_is_not_done(looking: Say, run: Run) -> None:
    looking("stale", UP)

    said, document = run("enable").out, run("enable", "--json").json
    assert said.splitlines() == [
        "nothing to change in the files: one-way TLS (mode 1), service standalone",
        f"next: {UP} && compose-tls check",
    ]
    assert document["next"] == [UP, "compose-tls check"]
    assert (document["changed"], document["deployed"]) == (False, False)
    assert "nothing to do" not in run("enable", "--dry-run").out


def test_where_only_the_record_changes_what_runs_is_looked_at(
    looking: Say, project: Path, run: Run
) -> None:
    (project / "docker-compose.yml").rename(project / "compose.yaml")
    looking("stale", UP)

    assert run("enable").out.endswith(f"next: {UP} && compose-tls check\n")


def test_one_that_does_is(looking: Say, run: Run) -> None:
    looking("current")

    assert run("enable").out == "nothing to do: standalone has one-way TLS (mode 1)\n"
    assert run("enable", "--json").json["deployed"] is True


def test_without_an_engine_only_the_files_are_spoken_of(project: Path, run: Run) -> None:
    run("enable", "-q")

    assert run("enable").out.startswith("nothing to change in the files: ")
    assert "deployed" not in run("enable", "--json").json


def test_what_was_started_now_is_not_nothing(project: Path, run: Run) -> None:
    """``enable --up`` recreates a container that does not run files which are as they should be."""
    given: Any = {"services": ("standalone",), "changed": False, "project": str(project), "mode": 1}
    probe = Probe(name="tls-handshake", ok=True, expected="a", observed="b", seconds=0.1)
    result = EnableResult(**given, deployed=True, checks=(probe,), files=())

    said = [one.plain for one in enable_lines(result, verbose=False)]
    assert said[0] == "nothing to change in the files: one-way TLS (mode 1), service standalone"

"""Whether a restart alone will do, by an engine's recorded answers. For real: tests/e2e/test_renew.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from compose_tls import enable
from compose_tls.config import TlsConfig
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.engine import Engine
from compose_tls.observe import observe
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.model import Project
from compose_tls.setup import Proxy
from compose_tls.workflows import restarting
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.preamble import open_project
from compose_tls.workflows.restarting import Standing, look
from tests.unit.deploy.recorded import IMAGE, document, inspected

Answer = dict[str, Any]
LABEL = "com.docker.compose."


def seen_in(directory: Path, change: Callable[[Answer], object]) -> tuple[EngineProject, Project]:
    """A project whose container the engine describes otherwise than it was made."""
    (directory / "compose.yaml").write_text(
        "services:\n  standalone:\n    image: milvusdb/milvus:v2.3.5\n", encoding="utf-8"
    )
    enable(directory, {}, environment={})
    project = observe(directory, TlsConfig(), {})
    answer = inspected()
    answer["State"]["StartedAt"] = "2125-01-01T00:00:00Z"
    change(answer)
    engine = SimpleNamespace(
        containers=lambda _: [answer], image=lambda _: IMAGE, changes=lambda _: []
    )
    compose = ComposeCli(("docker", "compose"))
    given = ComposeInvocation(directory, environment={})
    seen = EngineProject(cast("Engine", engine), compose, given, document())
    return seen, project


def standing(directory: Path, change: Callable[[Answer], object]) -> Standing:
    """How a container stands, of which the engine says something else than it was made with."""
    seen, project = seen_in(directory, change)
    planned = SimpleNamespace(state=project.state, proxies=(Proxy("standalone", 19530),))
    [found] = look(seen, cast("ServicePlan", planned), project)
    return found


def labels(**given: str) -> Callable[[Answer], None]:
    def change(answer: Answer) -> None:
        answer["Config"]["Labels"] |= {
            name.replace("__", "."): value for name, value in given.items()
        }

    return change


@pytest.mark.parametrize(
    "change",
    [
        labels(traefik__enable="true", team="search"),
        labels(**{f"{LABEL}config-hash": "0123"}),
        labels(**{f"{LABEL}version": "2.24.0", f"{LABEL}image": "sha256:0"}),
        labels(**{f"{LABEL}project__config_files": "/elsewhere/compose.yaml"}),
    ],
    ids=["of the user", "hash", "version", "files"],
)
def test_labels_alone_do_not_keep_renew_from_a_restart(
    tmp_path: Path, change: Callable[[Answer], object]
) -> None:
    found = standing(tmp_path, change)

    assert (found.running, found.stale, found.drifted) == (True, False, None)


def test_another_setting_does(tmp_path: Path) -> None:
    found = standing(tmp_path, lambda answer: answer["Config"]["Env"].append("MORE=1"))

    assert found.drifted is not None
    assert 'environment MORE: "1" in the container' in found.drifted.message
    assert found.drifted.hint.endswith("docker compose up -d --force-recreate standalone")


def test_one_started_before_the_certificates_has_not_read_them(tmp_path: Path) -> None:
    found = standing(
        tmp_path, lambda answer: answer["State"].update(StartedAt="2020-01-01T00:00:00Z")
    )

    assert found.stale


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: None, "restart"),
        (labels(team="search"), "restart"),
        (lambda answer: answer["Config"]["Env"].append("MORE=1"), "up -d --force-recreate"),
        (lambda answer: answer["State"].update(Status="exited", Running=False), "up -d"),
        (labels(**{f"{LABEL}project": "other"}), "up -d"),
    ],
    ids=["current", "label", "setting", "stopped", "another project"],
)
def test_a_restart_is_the_next_step_where_it_does_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Answer], object],
    words: str,
) -> None:
    seen, project = seen_in(tmp_path, change)
    monkeypatch.setattr(restarting, "reach", lambda *_, **__: None)
    monkeypatch.setattr(EngineProject, "connect", lambda *_: seen)
    monkeypatch.chdir(tmp_path)
    opened = open_project(".", TlsConfig(), {})

    command = restarting.reading_again(opened, project, ["standalone"])
    assert command == f"docker compose {words} standalone"

"""What status says next of a project that is not started, by what an engine has."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest

from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.engine import Engine
from compose_tls.workflows import reachable_engine
from tests.unit.cli.conftest import Run, project, run

__all__ = ["project", "run"]

OWNER = "container old-1 of project other"


class Seen:
    """An engine, and Compose, of a machine on which another project has the ports."""

    def __init__(self, directory: Path, *, service: str = "standalone") -> None:
        self.labels = {
            "com.docker.compose.project": "other",
            "com.docker.compose.project.working_dir": str(directory),
        }
        self.service = service
        self.more: dict[str, Any] = {}

    def containers(self, service: str) -> list[dict[str, Any]]:
        return [{"Config": {"Labels": self.labels}}] if service == self.service else []

    def port_owner(self, port: int) -> str:
        return OWNER

    def config(self, _: object) -> dict[str, Any]:
        ports = [{"target": port, "published": str(port)} for port in (19530, 9091)]
        return {"name": "project", "services": {"standalone": {"ports": ports, **self.more}}}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def following(monkeypatch: pytest.MonkeyPatch, seen: Seen, run: Run) -> str:
    monkeypatch.setattr(reachable_engine, "reach", lambda *_, **__: None)
    monkeypatch.setattr(Engine, "connect", lambda *_, **__: seen)
    monkeypatch.setattr(ComposeCli, "find", lambda *_: seen)
    return str(run("status", "--json").json["next"])


@pytest.fixture(autouse=True)
def enabled(project: Path, run: Run) -> None:
    run("enable", "-q")


def test_a_project_whose_directory_is_gone_may_be_this_one_moved(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(tmp_path / "gone")

    assert following(monkeypatch, seen, run) == "compose-tls status -p other"


@pytest.mark.parametrize("service", ["standalone", "milvus"])
def test_any_other_one_is_in_the_way(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    seen = Seen(tmp_path, service=service)

    assert following(monkeypatch, seen, run) == (
        f"publish other ports than 19530 and 9091, or stop {OWNER}; then docker compose up -d"
    )


@pytest.mark.parametrize("more", [{"deploy": {"replicas": 0}}, {"scale": 0}])
def test_a_service_without_replicas_is_not_started_by_compose(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    seen = Seen(tmp_path / "gone")
    seen.more = more

    assert following(monkeypatch, seen, run) == (
        "set replicas of standalone to 1 (deploy.replicas, or scale); then docker compose up -d"
    )
    assert "the files ask for 0 containers of it" in run("status").out

"""A Milvus of a service that the files have no more, and what is no such thing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from compose_tls.config import TlsConfig
from compose_tls.deploy.compose_output import ServiceState
from compose_tls.errors import ServiceRenamed
from compose_tls.observe import observe
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.orphaned_milvus import orphaned_milvus

MILVUS = {"Image": "milvusdb/milvus:v2.3.5", "Cmd": ["milvus", "run", "standalone"]}


def told(
    directory: Path,
    service: str,
    config: dict[str, Any] | None = None,
    state: str = "running",
    *,
    other: bool = False,
) -> list[ServiceRenamed]:
    """What is said of a container of a service before ``standalone`` is started."""
    (directory / "compose.yaml").write_text(
        "services:\n  standalone:\n    image: milvusdb/milvus:v2.3.5\n", encoding="utf-8"
    )
    project = observe(directory, TlsConfig(), {})
    answers = [{"Id": "4f3a" * 16, "Config": MILVUS if config is None else config}]
    seen = SimpleNamespace(
        services={"standalone": {}},
        states=(ServiceState(service, "rag-old-1", "0000" if other else "4f3a", state),),
        engine=SimpleNamespace(containers=lambda _: answers),
    )
    return list(orphaned_milvus(project, cast("EngineProject", seen), {"standalone"}))


@pytest.mark.parametrize("state", ["running", "paused", "restarting"])
def test_a_milvus_of_a_service_that_is_gone_is_named_with_what_to_type(
    tmp_path: Path, state: str
) -> None:
    [refusal] = told(tmp_path, "milvus", state=state)

    assert refusal.message == (
        "container rag-old-1 of service milvus, which the project no longer has, still runs Milvus"
        ": standalone would be started in addition"
    )
    assert refusal.hint == (
        "call the service milvus as before, or stop that container first: docker stop rag-old-1"
    )
    assert (refusal.path, refusal.line) == ("compose.yaml", 3)


@pytest.mark.parametrize(
    "config",
    [
        {"Image": "zilliz/attu:v2.4", "Cmd": None},
        {"Image": "milvusdb/milvus:v2.3.5", "Cmd": ["milvus", "run", "querynode"]},
        {},
    ],
    ids=["another image", "no proxy", "nothing told"],
)
def test_what_clients_do_not_reach_is_no_second_milvus(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    assert told(tmp_path, "old", config) == []


def test_what_does_not_run_is_in_nobodys_way(tmp_path: Path) -> None:
    assert told(tmp_path, "milvus", state="exited") == []


def test_the_service_itself_is_not_beside_itself(tmp_path: Path) -> None:
    assert told(tmp_path, "standalone") == []


def test_a_container_of_another_project_is_not_it(tmp_path: Path) -> None:
    assert told(tmp_path, "milvus", other=True) == []

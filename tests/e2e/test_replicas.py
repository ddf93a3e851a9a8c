"""Several containers of one service, of which one is not like the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.image_names import MILVUS
from tests.e2e.session import Project, run

pytestmark = pytest.mark.own_ports

SERVICE: dict[str, Any] = {
    "image": MILVUS,
    "command": ["milvus", "run", "standalone"],
    "stop_grace_period": "1s",
    "environment": {"ETCD_USE_EMBED": "true", "COMMON_STORAGETYPE": "local"},
    "ports": ["127.0.0.1::19530"],
    "volumes": ["./milvus.yaml:/milvus/configs/milvus.yaml"],
    "deploy": {"replicas": 3},
}


@pytest.fixture
def three(images: None, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path)
    ask = ["docker", "run", "--rm", "--entrypoint", "cat", MILVUS, "/milvus/configs/milvus.yaml"]
    (tmp_path / "milvus.yaml").write_text(run(ask, tmp_path).out, encoding="utf-8")
    document = {"services": {"standalone": SERVICE}}
    (tmp_path / "compose.yaml").write_text(json.dumps(document), encoding="utf-8")
    yield project
    project.down()


def test_one_of_three_that_runs_in_another_mode_is_found(three: Project) -> None:
    enabled = three.compose_tls("enable", "--mode", "1", "--up", "--json")
    assert enabled.code == 0, enabled.err + enabled.out
    containers = three.compose("ps", "--quiet", "standalone").out.split()
    assert len(containers) == 3
    assert three.compose_tls("check", "-q").code == 0

    # Mode 2 is in the mounted file, and two of the three have read it.
    assert three.compose_tls("enable", "--mode", "2", "-q").code == 0
    assert run(["docker", "restart", *containers[:2]], three.directory).code == 0
    found = three.compose_tls("check", "--json")

    assert found.code == 6, found.err + found.out
    port = run(["docker", "port", containers[2], "19530/tcp"], three.directory).out.strip()
    wrong = {one["name"]: one["observed"] for one in found.document["checks"] if not one["ok"]}
    assert "refuses-anonymous-client" in wrong
    assert port in wrong["refuses-anonymous-client"]

    assert run(["docker", "restart", containers[2]], three.directory).code == 0
    assert three.compose_tls("check", "-q").code == 0
    renewed = three.compose_tls("renew", "--force", "--json")
    assert renewed.code == 0, renewed.err + renewed.out
    assert renewed.document["deployed"] is True

"""Several containers of one service, of which one is not like the others."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.image_names import MILVUS
from tests.e2e.session import Project, run
from tests.patience import LONG

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


def test_one_unhealthy_of_three_and_one_too_many_are_named(three: Project) -> None:
    health = {"test": "test ! -e /tmp/sick", "interval": "500ms", "retries": 1}
    document = {"services": {"standalone": {**SERVICE, "healthcheck": health}}}
    (three.directory / "compose.yaml").write_text(json.dumps(document), encoding="utf-8")
    assert three.compose_tls("enable", "--up", "-q").code == 0
    name = run(["docker", "ps", "--format", "{{.Names}}"], three.directory).out
    sick = next(one for one in name.split() if one.endswith(f"{three.directory.name}-standalone-3"))
    assert run(["docker", "exec", sick, "touch", "/tmp/sick"], three.directory).code == 0

    deadline = time.monotonic() + LONG
    while (found := deployed(three))["health"] != "unhealthy":
        assert time.monotonic() < deadline
        time.sleep(0.5)

    assert found["state"] == "current"
    assert found["reasons"] == [f"container {sick}: unhealthy: its health check writes nothing"]

    assert three.compose("up", "-d", "--scale", "standalone=4", "--no-recreate").code == 0
    found = deployed(three)
    assert found["state"] == "stale"
    assert any("replicas: 4 deployed, 3 in the files" in reason for reason in found["reasons"])
    refused = three.compose_tls("enable", "--mode", "2", "--up", "--json")
    assert (refused.code, refused.document["error"]["code"]) == (3, "deployed-differently")
    assert "replicas: 4 deployed, 3 in the files" in refused.document["error"]["message"]

    assert run(["docker", "rm", "-f", sick], three.directory).code == 0
    assert three.compose("up", "-d", "--scale", "standalone=2", "--no-recreate").code == 0
    found = deployed(three)
    assert (found["state"], found["reasons"]) == ("absent", ["1 of 3 replicas are not there"])


def deployed(project: Project) -> dict[str, Any]:
    """What status says of the service."""
    [found] = project.compose_tls("status", "--json").document["deployed"]
    return dict(found)

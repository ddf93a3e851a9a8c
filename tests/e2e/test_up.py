"""enable --up where things are in an unusual way, on a real Milvus with names and ports of its own."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.image_names import ETCD
from tests.e2e.kept_rows import SERVICE
from tests.e2e.session import Done, Project
from tests.e2e.test_deploy_room import SLEEP
from tests.patience import LONG

pytestmark = pytest.mark.own_ports

MILVUS_SERVICE: dict[str, Any] = {**SERVICE, "volumes": ["/var/lib/milvus"]}
Write = Callable[[Mapping[str, Any]], Project]


@pytest.fixture
def write(images: None, tmp_path: Path) -> Iterator[Write]:
    """Writes the services of a project, which is taken down at the end."""
    name = f"compose-tls-up-{uuid.uuid4().hex[:8]}"

    def write(services: Mapping[str, Any]) -> Project:
        document = {"name": name, "services": services}
        (tmp_path / "compose.yaml").write_text(json.dumps(document, indent=2), encoding="utf-8")
        return Project(tmp_path)

    yield write
    Project(tmp_path).down()


def error_of(done: Done) -> dict[str, Any]:
    error: dict[str, Any] = done.document["error"]
    return error


def test_a_milvus_that_publishes_no_port_is_proved_on_its_network(write: Write) -> None:
    project = write({"standalone": MILVUS_SERVICE})

    done = project.compose_tls("enable", "--mode", "2", "--up", "--json")

    assert done.code == 0, done.err
    assert {check["ok"] for check in done.document["checks"]} == {True}
    said = done.err
    assert "standalone publishes no port 19530: it is reached at " in said
    # Before anything is started, it is said how it is going to be proved.
    before = said[: said.index("it is reached at")]
    assert "standalone declares no port of this machine: it is proved" in before
    status, connect = (project.compose_tls(x, "--json").document for x in ("status", "connect"))
    assert status["endpoint"] == connect["endpoint"]
    assert "no port is published" in status["address_note"]
    host, _, port = status["endpoint"]["uri"].removeprefix("https://").rpartition(":")
    assert project.compose_tls("check", "--host", host, "--port", port).code == 0


def test_a_milvus_in_the_network_of_another_service_is_proved_where_that_publishes(
    write: Write,
) -> None:
    vpn = {**SLEEP, "ports": ["127.0.0.1::19530"]}
    project = write({"vpn": vpn, "standalone": {**MILVUS_SERVICE, "network_mode": "service:vpn"}})

    done = project.compose_tls("enable", "--mode", "1", "--up", "--json")

    assert done.code == 0, done.err
    assert {check["ok"] for check in done.document["checks"]} == {True}
    port = project.compose("port", "vpn", "19530").out.strip().rpartition(":")[2]
    for command in ("status", "connect"):
        said = project.compose_tls(command, "--json").document
        assert said["endpoint"]["uri"] == f"https://localhost:{port}"


def test_a_mode_that_etcd_sets_is_told_within_seconds(write: Write) -> None:
    listen = ["--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls=http://e:2379"]
    outside = {"ETCD_USE_EMBED": "false", "ETCD_ENDPOINTS": "etcd:2379"}
    project = write(
        {
            "etcd": {"image": ETCD, "command": ["etcd", *listen], "stop_grace_period": "1s"},
            "standalone": {
                **MILVUS_SERVICE,
                "environment": {**MILVUS_SERVICE["environment"], **outside},
                "ports": ["127.0.0.1::19530"],
                "depends_on": ["etcd"],
            },
        }
    )
    assert project.compose("up", "-d").code == 0
    key = "by-dev/config/common/security/tlsMode"
    put = ("exec", "-T", "etcd", "etcdctl", "put", key, "0")
    deadline = time.monotonic() + LONG
    while project.compose(*put).code:
        assert time.monotonic() < deadline
        time.sleep(0.5)

    done = project.compose_tls("enable", "--mode", "1", "--up", "--json")

    assert (done.code, error_of(done)["code"]) == (5, "not-ready")
    assert "is up and answers in plain text" in error_of(done)["message"]
    assert f"etcdctl del {key}" in error_of(done)["hint"]
    assert "the previous service runs again" in error_of(done)["hint"]


def test_a_previous_service_that_does_not_come_back_is_not_said_to_run(write: Write) -> None:
    project = write({"standalone": {**MILVUS_SERVICE, "ports": ["127.0.0.1::19530"]}})
    assert project.compose("up", "-d").code == 0
    # Edited since it was started: it starts with these files as little as without compose-tls.
    environment = {**MILVUS_SERVICE["environment"], "ETCD_DATA_DIR": "/proc/none"}
    broken = {**MILVUS_SERVICE, "environment": environment, "ports": ["127.0.0.1::19530"]}
    before = write({"standalone": broken}).contents()

    accept = ("--accept", "deployed-differently")
    done = project.compose_tls("enable", "--mode", "1", "--up", "--json", *accept)

    assert (done.code, error_of(done)["code"]) == (5, "container-exited")
    assert "runs again" not in error_of(done)["hint"]
    assert "the previous service did not start again: standalone exited" in error_of(done)["hint"]
    assert project.contents() == before

"""An address is told where the files tell it, else why they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.projects import PLAIN

PORTS = '    ports:\n      - "19530:19530"\n'
VPN = '  vpn: {image: vpn, container_name: tunnel, ports: ["127.0.0.1:20530:19530"]}\n'


@pytest.fixture
def enabled(project: Path, run: Run, request: pytest.FixtureRequest) -> Path:
    """A project whose Milvus has other lines than ports."""
    (project / "milvus.yaml").unlink()
    text = PLAIN.replace(PORTS, request.param)
    (project / "docker-compose.yml").write_text(text + VPN, encoding="utf-8")
    assert run("enable").code == 0
    return project


@pytest.mark.parametrize(
    "enabled",
    ['    network_mode: "service:vpn"\n', '    network_mode: "container:tunnel"\n'],
    indirect=True,
)
def test_that_of_the_service_whose_network_it_uses(enabled: Path, run: Run) -> None:
    said = "  address       https://localhost:20530, verified as localhost\n"

    assert said in run("status").out
    assert run("connect", "--json").json["endpoint"]["uri"] == "https://localhost:20530"
    assert run("connect", "--json").json["warnings"] == []


@pytest.mark.parametrize(
    ("enabled", "reason"),
    [
        ("", "no port is published: standalone:19530 on the project's networks"),
        ('    ports: ["19530"]\n', "the engine picks the port at start"),
        (
            '    network_mode: "container:elsewhere"\n',
            "it uses the network of container elsewhere, which these files do not define",
        ),
        ("    network_mode: none\n", "its network_mode is none, so it cannot be reached"),
    ],
    indirect=["enabled"],
)
def test_where_there_is_none_the_reason_is_told(enabled: Path, run: Run, reason: str) -> None:
    assert f"  address       unknown: {reason}\n" in run("status").out
    assert run("status", "-v").out.splitlines()[1] == f"  unknown: {reason}"
    document = run("status", "--json").json
    assert (document["address_note"], document.get("endpoint")) == (reason, None)

    [warning] = run("connect", "--json").json["warnings"]
    assert warning["code"] == "port-not-known"
    assert reason in warning["message"]
    assert "is only a placeholder" in warning["message"]

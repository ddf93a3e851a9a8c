"""Clients of both major versions of pymilvus, and the printed code, against a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import missing
from tests.e2e.session import Project, pymilvus, run

pytestmark = pytest.mark.own_ports


@pytest.fixture(scope="module", params=["2.6", "3.0"])
def pymilvus_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A directory with one version of pymilvus, to be put before the installed one."""
    directory = tmp_path_factory.mktemp(f"pymilvus-{request.param}")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(directory)]
    done = subprocess.run(
        [*install, f"pymilvus~={request.param}.0"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        missing(f"pymilvus {request.param} cannot be installed: {done.stderr.strip()[-200:]}")
    found = next(directory.glob("pymilvus-*.dist-info")).name
    assert found.startswith(f"pymilvus-{request.param}.")
    return str(directory)


@pytest.fixture(scope="module", params=[1, 2])
def enabled(
    request: pytest.FixtureRequest, images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A running server in each mode."""
    directory: Path = tmp_path_factory.mktemp("enabled")
    project = Project.official(directory, milvus_yaml=False)
    try:
        done = project.compose_tls("enable", "--mode", str(request.param), "--up", "--json")
        assert done.code == 0, done.out + done.err
        yield project
    finally:
        project.down()


def test_check_and_connect_work_with_both_versions(enabled: Project, pymilvus_path: str) -> None:
    environment = {"PYTHONPATH": pymilvus_path}

    checked = enabled.compose_tls("check", "--json", environment=environment)

    assert checked.code == 0, checked.out + checked.err
    probe = next(c for c in checked.document["checks"] if c["name"] == "pymilvus")
    assert probe["ok"]
    assert "skipped" not in probe
    code = enabled.compose_tls("connect", "--lang", "python").out
    printed = f"{code}\nprint(client.list_collections())"
    done = run([sys.executable, "-c", printed], enabled.directory, environment=environment)
    assert done.code == 0, done.err


def test_a_client_that_lacks_what_the_mode_asks_for_is_refused(
    enabled: Project, pymilvus_path: str
) -> None:
    connect: dict[str, Any] = enabled.compose_tls("connect", "--json").document["connect"]
    one_way = {
        "uri": connect["uri"],
        "secure": True,
        "server_name": connect["server_name"],
        "server_pem_path": str(enabled.directory / "cert" / "ca.pem"),
    }
    mutual = "client_pem_path" in connect

    done = pymilvus(one_way, enabled.directory, environment={"PYTHONPATH": pymilvus_path})

    assert (done.code != 0) == mutual, done.err


def test_without_pymilvus_everything_else_still_runs(enabled: Project, tmp_path: Path) -> None:
    # A module that Python does not find stands for one that was never installed.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, p=None: None if n == 'pymilvus' else find(n, p)\n"
    )

    done = enabled.compose_tls("check", "--json", environment={"PYTHONPATH": str(tmp_path)})

    assert done.code == 0, done.out + done.err
    skipped = [check for check in done.document["checks"] if check.get("skipped")]
    assert [check["name"] for check in skipped] == ["pymilvus"]
    assert "compose-tls[milvus]" in skipped[0]["observed"]

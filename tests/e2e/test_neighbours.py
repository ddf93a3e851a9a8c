"""Services of the project that talk to Milvus go on doing so, on a real engine and a real Milvus."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.image_names import MILVUS
from tests.e2e.kept_rows import SERVICE
from tests.e2e.session import Project
from tests.patience import LONG

pytestmark = pytest.mark.own_ports

# As applications do it: the address from the environment, no word about certificates.
_BY_URI = """
import os
arguments = {"uri": os.environ["MILVUS_URI"]}
"""
# As milvus-backup reads its configuration, format 1.
_BY_FILE = """
import re
text = open("/backup.yaml").read()
told = dict(re.findall(r"(?m)^  (\\w+): (\\S+)", text))
mode = told["tlsMode"]
arguments = {"uri": f"http{'s' if mode != '0' else ''}://{told['address']}:{told['port']}"}
if mode != "0":
    arguments |= {"secure": True, "server_name": told["serverName"]}
if mode == "1":
    arguments["server_pem_path"] = told["caCertPath"]
if mode == "2":
    arguments["ca_pem_path"] = told["caCertPath"]
    arguments["client_pem_path"] = told["mtlsCertPath"]
    arguments["client_key_path"] = told["mtlsKeyPath"]
"""
_CLIENT = """
import json, time
from pymilvus import MilvusClient
while True:
    try:
        client = MilvusClient(**arguments, timeout=3)
        client.list_collections()
        client.close()
        print("served", arguments["uri"], flush=True)
    except Exception as error:
        print("refused", arguments["uri"], type(error).__name__, flush=True)
    time.sleep(0.5)
"""

BACKUP = """\
# milvus-backup reads this.
milvus:
  address: standalone
  port: 19530
  tlsMode: 0  # 0, 1, 2
"""


@pytest.fixture
def project(images: None, tmp_path: Path) -> Iterator[Project]:
    """One Milvus, an application with pymilvus, and a client with the settings of milvus-backup.

    The containers of both run the Python of this machine.
    """
    name = f"compose-tls-neighbours-{uuid.uuid4().hex[:8]}"
    image = f"{name}/milvus-backup:v0.5.0"
    subprocess.run(["docker", "tag", MILVUS, image], check=True)
    places = sorted({"/usr", sys.prefix, sys.base_prefix})
    python: dict[str, Any] = {
        "image": image,
        "entrypoint": [],
        "stop_grace_period": "0s",
        "volumes": [f"{place}:{place}:ro" for place in places],
    }
    services = {
        "standalone": {**SERVICE, "volumes": ["./volumes/data:/var/lib/milvus"]},
        "app": {
            **python,
            "image": f"{name}/app",
            "command": [sys.executable, "-c", _BY_URI + _CLIENT],
            "environment": {"MILVUS_URI": "${VECTOR_STORE}"},
        },
        "backup": {
            **python,
            "command": [sys.executable, "-c", (_BY_FILE + _CLIENT).replace("$", "$$")],
            "volumes": [*python["volumes"], "./backup.yaml:/backup.yaml:ro"],
        },
    }
    subprocess.run(["docker", "tag", MILVUS, f"{name}/app"], check=True)
    document = {"name": name, "services": services}
    (tmp_path / "compose.yaml").write_text(json.dumps(document, indent=2), encoding="utf-8")
    (tmp_path / ".env").write_text("VECTOR_STORE=http://standalone:19530\n", encoding="utf-8")
    (tmp_path / "backup.yaml").write_text(BACKUP, encoding="utf-8")
    made = Project(tmp_path)
    yield made
    made.down()
    subprocess.run(["docker", "rmi", image, f"{name}/app"], check=False, capture_output=True)


def said(project: Project, service: str, wanted: str) -> str:
    """The log of a container once it says something; all of it where it never does."""
    deadline = time.monotonic() + LONG
    log = ""
    while wanted not in log and time.monotonic() < deadline:
        time.sleep(0.3)
        log = project.compose("logs", "--no-log-prefix", service).out
    return log


def test_they_are_switched_with_milvus_and_back(project: Project) -> None:
    before = project.tree()
    assert project.compose("up", "-d").code == 0
    for service in ("app", "backup"):
        assert "served http://" in said(project, service, "served")

    one_way = project.compose_tls("enable", "--mode", "1", "--up", "--json")
    assert one_way.code == 0, one_way.err + one_way.out
    assert [one["service"] for one in one_way.document["neighbours"]] == ["app", "backup"]
    for service in ("app", "backup"):
        assert "served https://standalone:19530" in said(project, service, "served https")
    links = {tuple(one["sources"]): one for one in status(project)["links"]}
    assert links["app",]["encryption"] == "encrypted"

    written = project.tree()
    refused = project.compose_tls("enable", "--mode", "2", "--up", "--json")
    assert refused.document["error"]["code"] == "clients-cut-off"
    assert "app" in refused.document["error"]["message"]
    assert project.tree() == written

    accept = ("--accept", "clients-cut-off")
    mutual = project.compose_tls("enable", "--mode", "2", "--up", "--json", *accept)
    assert mutual.code == 0, mutual.err + mutual.out
    assert mutual.document["neighbours"][0]["certificate"] == "cert/clients/backup.pem"
    assert "served https://" in said(project, "backup", "served https")
    assert "refused" in said(project, "app", "refused")
    inside = project.compose_tls("connect", "--for", "backup", "--json").document
    assert inside["connect"]["client_key_path"] == "/milvus/tls/client.key"

    container, started = project.container("backup")
    renewed = project.compose_tls("renew", "--force", "--json", *accept)
    assert renewed.code == 0, renewed.err + renewed.out
    same, again = project.container("backup")
    assert (same, again > started) == (container, True)
    log = project.compose("logs", "--no-log-prefix", "--since", again, "backup").out
    assert "served https://" in log or "served https://" in said(project, "backup", "served https")

    assert project.compose_tls("disable", "--purge").code == 0
    assert project.tree() == before
    assert project.compose("up", "-d").code == 0
    for service in ("app", "backup"):
        assert "served http://" in said(project, service, "served http://")


def status(project: Project) -> dict[str, Any]:
    return project.compose_tls("status", "--json").document


def test_where_one_stops_everything_goes_back(project: Project) -> None:
    file = project.directory / "compose.yaml"
    document = json.loads(file.read_text(encoding="utf-8"))
    stops = '[ -z "$$GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" ] && exec sleep 1000'
    document["services"]["app"]["command"] = ["sh", "-c", stops]
    file.write_text(json.dumps(document, indent=2), encoding="utf-8")
    before = project.tree()
    assert project.compose("up", "-d").code == 0
    assert "served http://" in said(project, "backup", "served")

    failed = project.compose_tls("enable", "--up", "--json")

    error = failed.document["error"]
    assert (failed.code, error["code"]) == (5, "container-exited"), failed.out
    assert "app stopped" in error["message"]
    assert "the previous service runs again" in error["hint"]
    assert project.tree() == before
    assert project.compose("exec", "-T", "app", "true").code == 0
    log = said(project, "backup", "served http://")
    assert "served http://" in log
    assert "served https://" not in log

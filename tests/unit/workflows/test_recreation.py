"""What goes with a container that is replaced. With a real engine: e2e/test_recreation.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from compose_tls.config import TlsConfig
from compose_tls.deploy.declared import declared
from compose_tls.deploy.deployed import from_answers
from compose_tls.observe import observe
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.recreation import Review
from tests.unit.deploy.recorded import DIRECTORY, IMAGE, document, inspected
from tests.unit.deploy.test_container_layer import Everything

COMPOSE = """\
services:
  standalone:
    image: milvusdb/milvus:v2.3.5
    environment: {ETCD_ENDPOINTS: "etcd:2379"}
  etcd: {image: "quay.io/coreos/etcd:v3.5.5"}
  rag: {image: python}
"""


def lost(directory: Path, service: str, *changes: str, **variables: str) -> list[str]:
    """What is said where the container of a service is replaced in any case.

    Args:
        directory: An empty directory.
        service: The service; its container is that of the recorded answers, with /tmpfs1 in memory.
        changes: What it has in its own layer.
        variables: Its further variables.
    """
    (directory / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    said, answer = document(), inspected()
    said["services"]["standalone"]["environment"] |= variables
    answer["Config"]["Env"] += [f"{name}={value}" for name, value in variables.items()]
    wanted = declared(said, "standalone", directory=DIRECTORY, files=[DIRECTORY / "compose.yaml"])
    layer = [{"Path": path, "Kind": 1} for path in changes]
    found = from_answers(answer, image=IMAGE, tag=IMAGE, changes=layer)
    seen = SimpleNamespace(services={}, states=(), engine=Everything().engine)
    review = Review(
        observe(directory, TlsConfig(), {}),
        TlsConfig(),
        cast("EngineProject", seen),
        {service: (wanted, found)},
    )
    return [str(each) for each in review.recreating((), (), (service,))]


@pytest.mark.parametrize(
    ("service", "changes"),
    [
        ("rag", ("/app/chat.sqlite3", "/app/__pycache__/app.pyc", "/usr/lib/python3/x.db")),
        ("rag", ("/srv/index/MANIFEST-000004",)),
        # The settings do not tell: --config-file, or a program around it.
        ("etcd", ("/elsewhere/member/snap/db",)),
        ("etcd", ("/tmp/kafka-logs/meta.properties",)),
    ],
)
def test_a_database_in_the_container_alone_is_named(
    tmp_path: Path, service: str, changes: tuple[str, ...]
) -> None:
    (text,) = lost(tmp_path, service, *changes)

    assert "which is not mounted: lost when the container is recreated" in text
    assert changes[0] in text


@pytest.mark.parametrize(
    "path",
    [
        "/usr/local/lib/python3.12/site-packages/x/data.sqlite",
        "/home/me/.cache/x.db",
        "/var/cache/man/index.db",
        "/app/log.txt",
    ],
)
def test_what_programs_make_anew_is_no_loss(tmp_path: Path, path: str) -> None:
    assert lost(tmp_path, "rag", path) == []


def test_data_in_memory_goes_with_its_container(tmp_path: Path) -> None:
    (text,) = lost(tmp_path, "etcd", ETCD_DATA_DIR="/tmpfs1/etcd")

    assert "keeps data in /tmpfs1 in memory (tmpfs)" in text
    assert lost(tmp_path, "etcd", ETCD_DATA_DIR="/named/etcd") == []

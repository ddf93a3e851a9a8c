from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from compose_tls.deploy.container import ImageFacts
from compose_tls.deploy.deployed import LayerChange, deployed
from compose_tls.deploy.engine import Engine
from tests.unit.deploy.recorded import IMAGE, IMAGE_ID, inspected, wanted


class Recorded:
    """An engine of which answers were recorded."""

    def __init__(self, *containers: dict[str, Any], tag: ImageFacts | None = IMAGE) -> None:
        self.answers = {"milvusdb/milvus:v2.3.5": tag, IMAGE_ID: IMAGE}
        self.found = containers

    def containers(self, service: str) -> list[dict[str, Any]]:
        assert service == "standalone"
        return list(self.found)

    def image(self, reference: str) -> ImageFacts | None:
        return self.answers[reference]

    def changes(self, container_id: str) -> list[dict[str, Any]]:
        return [{"Path": "/a", "Kind": 0}, {"Path": "/b", "Kind": 1}, {"Path": "/c", "Kind": 2}]

    @property
    def engine(self) -> Engine:
        return cast("Engine", self)


def container(name: str, status: str = "running", **labels: str) -> dict[str, Any]:
    answer = inspected()
    answer["Name"] = f"/{name}"
    answer["State"]["Status"] = status
    for label, value in labels.items():
        answer["Config"]["Labels"][f"com.docker.compose.{label.replace('__', '.')}"] = value
    return answer


def test_a_container_is_read_out_of_the_engines_answers() -> None:
    moved = replace(IMAGE, id="sha256:other")

    found = deployed(Recorded(inspected(), tag=moved).engine, wanted())

    assert found is not None
    assert (found.image_id, found.tag_id) == (IMAGE_ID, "sha256:other")
    assert found.container.health_output == "nope"
    assert found.container.networks == {"milvus_default": "172.20.0.2", "milvus_other": "fd00::2"}
    assert found.environment == {"MODE": "1", "PASSWORD": "pa$w", "FROM_FILE": "x", "UNSET": None}
    assert "pa$w" not in repr(found)
    assert found.ports == {"19530/tcp", "127.0.0.1:30001:9091/tcp", "30010-30020:53/udp"}
    assert found.working_directory == "/milvus"
    assert found.changes == (
        LayerChange("/a", "changed"),
        LayerChange("/b", "added"),
        LayerChange("/c", "removed"),
    )


@pytest.mark.parametrize(
    ("others", "name"),
    [
        ((), None),
        ((container("elsewhere", project="x", project__working_dir="/x"),), "elsewhere"),
        ((container("p2", **{"container-number": "2"}), container("p1")), "p1"),
        ((container("p1", "exited"), container("p2", **{"container-number": "2"})), "p2"),
        # Case 26: the same directory or file under another name of the project.
        ((container("rag", project="rag"),), "rag"),
        ((container("rag", project="rag", project__working_dir="/x"),), "rag"),
        ((container("rag", project="rag"), container("own", "exited")), "own"),
        ((container("rag", project="rag"), container("own", "created")), "rag"),
    ],
)
def test_the_container_is_that_which_compose_would_recreate_or_the_one_that_runs(
    others: tuple[dict[str, Any], ...], name: str | None
) -> None:
    if name == "elsewhere":
        files = "com.docker.compose.project.config_files"
        others[0]["Config"]["Labels"][files] = "/x/compose.yaml"
        name = None

    found = deployed(Recorded(*others).engine, wanted())

    assert (found.container.name if found else None) == name


def test_replicas_are_counted_in_the_same_project() -> None:
    containers = [container("p1"), container("p2"), container("rag", project="rag")]

    found = deployed(Recorded(*containers).engine, wanted())

    assert found is not None
    assert found.replicas == 2


def test_a_directory_is_the_same_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    labels = {"project": "rag", "project__working_dir": str(tmp_path / "link")}

    found = deployed(
        Recorded(container("rag", **labels)).engine,
        wanted(directory=tmp_path / "real", files=[tmp_path / "real" / "compose.yaml"]),
    )

    assert found is not None


def test_what_the_engine_leaves_out_is_empty() -> None:
    answer = inspected()
    del answer["Mounts"], answer["NetworkSettings"]
    answer["HostConfig"] = {"NetworkMode": "none"}
    answer["Config"] |= {"Env": None, "WorkingDir": "", "User": None}
    answer["State"] |= {"Health": None}

    found = deployed(Recorded(answer).engine, wanted())

    assert found is not None
    assert (found.mounts, found.ports, found.environment) == ((), frozenset(), {})
    assert (found.networks, found.working_directory) == (frozenset({"none"}), "/")
    assert found.container.health_output == ""

"""The order in which etcd, object store and Milvus are started anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from compose_tls.changes import PatchFile, Plan
from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import Readiness
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.compose_output import ServiceState
from compose_tls.deploy.container import ContainerFacts
from compose_tls.deploy.engine import Engine
from compose_tls.errors import CheckFailed, ContainerExited, Unhealthy
from compose_tls.results import Probe
from compose_tls.setup import Proxy
from compose_tls.workflows.restarting import readers
from compose_tls.workflows.rollback import Undo
from compose_tls.workflows.server_first import ServerFirst
from tests.unit.workflows.test_deployment import FACTS
from tests.unit.workflows.test_deployment import World as Deployed


@dataclass
class World:
    """An engine and a Compose that remember what was asked of them."""

    running: set[str]
    asked: list[str] = field(default_factory=list)
    containers: dict[str, ContainerFacts | None] = field(default_factory=dict)
    health: list[str | None] = field(default_factory=list)
    now: float = 0.0

    def ps(self, project: ComposeInvocation) -> list[ServiceState]:
        return [ServiceState(name, name, "4f3a", "running") for name in sorted(self.running)]

    def up(self, project: ComposeInvocation, services: Sequence[str], **_: Any) -> None:
        self.asked.append(f"up {' '.join(services)}")

    def stop(self, project: ComposeInvocation, services: Sequence[str]) -> None:
        self.asked.append(f"stop {' '.join(services)}")

    def restart(self, project: ComposeInvocation, services: Sequence[str]) -> None:
        self.asked.append(f"restart {' '.join(services)}")

    def container(self, project: str, service: str) -> ContainerFacts | None:
        return self.containers.get(service, FACTS)

    def health_check(self, container_id: str) -> str | None:
        return self.health.pop(0) if self.health else None

    def log_tail(self, container_id: str) -> list[str]:
        return ["starting", "open /tls/server.key: permission denied"]

    def port_owner(self, port: int) -> str | None:
        return None

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def order(world: World) -> ServerFirst:
    return ServerFirst(
        servers=("etcd", "minio"),
        milvus=("rootcoord", "querynode", "proxy"),
        engine=cast("Engine", world),
        compose=cast("ComposeCli", world),
        project=ComposeInvocation(Path("/project")),
        name="milvus",
        clock=lambda: world.now,
        sleep=world.sleep,
    )


ALL = ("etcd", "minio", "rootcoord", "querynode", "proxy")


def test_milvus_is_stopped_while_it_still_reaches_them_and_started_after_them() -> None:
    world = World(set(ALL))
    order(world).up(ALL, lambda _: None)

    assert world.asked == [
        "stop rootcoord querynode proxy",
        "up etcd minio",
        "up rootcoord querynode proxy",
    ]


def test_where_nothing_runs_compose_starts_everything_in_its_own_order() -> None:
    world = World(set())
    order(world).up(ALL, lambda _: None)

    assert world.asked == [f"up {' '.join(ALL)}"]


def test_a_milvus_service_that_was_only_stopped_on_the_way_runs_again() -> None:
    world = World(set(ALL))
    order(world).up(("etcd", "proxy"), lambda _: None)

    assert world.asked == [
        "stop rootcoord querynode proxy",
        "up etcd",
        "up proxy rootcoord querynode",
    ]


def test_without_a_server_milvus_is_not_stopped_first() -> None:
    world = World(set(ALL))
    order(world).up(("rootcoord", "proxy"), lambda _: None)

    assert world.asked == ["up rootcoord proxy"]


def test_a_restart_takes_the_parts_one_by_one() -> None:
    world = World(set(ALL))
    order(world).restart(("etcd", "rootcoord", "querynode", "proxy"), lambda _: None)

    assert world.asked == [
        "stop rootcoord querynode proxy",
        "restart etcd",
        "restart rootcoord",
        "restart querynode",
        "restart proxy",
    ]


def test_a_restart_keeps_to_the_order_for_those_that_were_only_stopped_on_the_way() -> None:
    world = World(set(ALL))
    order(world).restart(("etcd", "proxy"), lambda _: None)

    assert world.asked == [
        "stop rootcoord querynode proxy",
        "restart etcd",
        "restart rootcoord",
        "restart querynode",
        "restart proxy",
    ]


def test_milvus_is_not_started_while_a_server_is_not_well() -> None:
    world = World(set(ALL), containers={"etcd": replace(FACTS, health="starting")})
    world.health = ["context deadline exceeded"] * 1000
    with pytest.raises(Unhealthy, match="context deadline exceeded"):
        order(world).up(ALL, lambda _: None)
    assert world.asked[-1] == "up etcd minio"


def test_a_server_that_has_exited_is_told_with_the_last_line_of_its_log() -> None:
    world = World(set(ALL), containers={"etcd": replace(FACTS, status="exited")})
    with pytest.raises(ContainerExited, match="permission denied"):
        order(world).up(ALL, lambda _: None)


@dataclass
class Project(Deployed):
    """A project of which etcd and Milvus run."""

    def ps(self, project: ComposeInvocation) -> list[ServiceState]:
        return [ServiceState(name, name, "4f3a", "running") for name in ("etcd", "standalone")]


@pytest.fixture
def deployed(tmp_path: Path) -> tuple[Project, list[Undo]]:
    """The project, and what takes back a file that is written."""
    (tmp_path / "compose.yaml").write_bytes(b"old")
    world, undo = Project(tmp_path), list[Undo]()
    change = PatchFile(tmp_path / "compose.yaml", b"old", b"new")
    world.write(undo, Plan(tmp_path, (change,)))
    return world, undo


def refused(_: Callable[[str], None]) -> tuple[Probe, ...]:
    raise CheckFailed("etcd lets everybody in", hint="look")


def test_a_server_that_cannot_be_proved_puts_every_service_back(
    deployed: tuple[Project, list[Undo]],
) -> None:
    world, undo = deployed
    deployment = replace(
        world.deployment(running=["etcd", "standalone"]), servers=("etcd",), prove_servers=refused
    )
    with pytest.raises(CheckFailed) as caught:
        deployment.run(undo, lambda _: None)

    once = ["stop standalone", "up etcd", "up standalone"]
    assert world.asked == [*once, "prove standalone 30001", *once]
    assert "the previous files are back and the previous services run again" in caught.value.hint
    assert world.files == {"compose.yaml": b"old"}


def test_a_server_that_runs_its_files_already_is_neither_recreated_nor_put_back(
    deployed: tuple[Project, list[Undo]],
) -> None:
    world, undo = deployed
    deployment = replace(
        world.deployment(running=["etcd", "standalone"]),
        servers=("etcd",),
        current=frozenset({"etcd"}),
        prove_servers=refused,
    )
    with pytest.raises(CheckFailed):
        deployment.run(undo, lambda _: None)

    assert world.asked == ["up standalone", "prove standalone 30001", "up standalone"]


@dataclass
class Cluster(Deployed):
    """A cluster, all of which runs, and what talks to it."""

    def ps(self, project: ComposeInvocation) -> list[ServiceState]:
        names = (*ALL[:4], "kafka", "proxy1", "proxy2", "attu", "chat")
        return [ServiceState(name, name, "4f3a", "running") for name in names]


PROXIES = (Proxy("proxy1", 19530), Proxy("proxy2", 19530))


class TestARenewalRestarts:
    """What ``renew`` restarts, and in which order, in a cluster with services that talk to it."""

    def test_servers_then_each_part_then_neighbours_once_it_is_proved(self, tmp_path: Path) -> None:
        world = Cluster(tmp_path)
        deployment = replace(
            world.deployment(*PROXIES),
            restart_only=True,
            servers=("etcd", "minio", "kafka"),
            others=("rootcoord", "querynode"),
            neighbours=("attu", "chat"),
        )
        deployment.run(None, lambda _: None, lambda: world.call("write what clients read"))

        assert world.asked == [
            "stop rootcoord querynode proxy1 proxy2",
            *(f"restart {name}" for name in ("etcd", "minio", "kafka", "rootcoord", "querynode")),
            "restart proxy1",
            "restart proxy2",
            "write what clients read",
            "prove proxy1 30001",
            "prove proxy2 30001",
            "restart attu",
            "restart chat",
        ]

    @pytest.mark.parametrize(
        ("written", "asked"),
        [
            ({"etcd"}, ["stop rootcoord querynode proxy1", "restart etcd", "restart rootcoord"]),
            ({"querynode"}, ["restart querynode", "restart proxy1"]),
            ({"proxy1", "kafka"}, ["restart proxy1"]),
        ],
    )
    def test_of_a_server_alone_stop_every_part_that_runs_first(
        self, tmp_path: Path, written: set[str], asked: list[str]
    ) -> None:
        world = Cluster(tmp_path)
        deployment = replace(
            world.deployment(PROXIES[0], running=["etcd", "rootcoord", "querynode", "proxy1"]),
            restart_only=True,
            servers=("etcd", "kafka"),
            others=("rootcoord", "querynode"),
        )
        readers(deployment, written).run(None, lambda _: None)

        assert world.asked[: len(asked)] == asked

    def test_without_a_server_each_proxy_is_ready_before_the_next(self, tmp_path: Path) -> None:
        world = Cluster(tmp_path)
        events: list[str] = []
        look = world.look

        def looked(target: Target) -> Readiness:
            world.asked.append(f"look {target.server_name}")
            return look(target)

        deployment = replace(
            world.deployment(*PROXIES), restart_only=True, others=("rootcoord",), look=looked
        )
        deployment.run(None, events.append)

        assert world.asked[:5] == [
            "restart rootcoord",
            "restart proxy1",
            "look proxy1",
            "restart proxy2",
            "look proxy2",
        ]
        assert events.count("restarting proxy1") == 1

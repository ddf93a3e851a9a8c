"""Deployments in a world of values: the files and the roll-back are real, engine and servers are not.

With the real engine: tests/e2e/test_failures.py and test_renew.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from compose_tls.apply.inverse import snapshot
from compose_tls.apply.transaction import apply
from compose_tls.changes import CreateFile, PatchFile, Plan
from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import Readiness
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.container import BoundPort, ContainerFacts
from compose_tls.deploy.engine import Engine
from compose_tls.errors import (
    CertificateUnreadable,
    CheckFailed,
    ComposeFailed,
    ComposeTlsError,
    ContainerExited,
    KeyUnreadableInContainer,
    NotReady,
    ProjectChanged,
    Unhealthy,
)
from compose_tls.results import Probe
from compose_tls.setup import Proxy
from compose_tls.vocabulary import TlsMode, TlsWarning
from compose_tls.workflows.deployment import Deployment
from compose_tls.workflows.requirements import require_readable_key
from compose_tls.workflows.rollback import HALF_WAY, Undo
from compose_tls.workflows.server_access import HostPort
from tests.unit.containers import RUNNING

STANDALONE = Proxy("standalone", 19530)
FACTS = replace(
    RUNNING,
    ports=(BoundPort(19530, "127.0.0.1", 30001), BoundPort(8080, "127.0.0.1", 30002)),
)
Event = Callable[[], None]


READY = Readiness("ready", "")
NOT_YET = Readiness("unreachable", "nothing listens")


@dataclass
class World:
    """What engine, Compose and servers do, and what was asked of them.

    Attributes:
        asked: Every call, in order; those that only look are counted in ``looks`` instead.
        happens: Raised or done when something is called: the first time it is, then no more.
        containers: The containers by service; one that runs where none is named.
        replicas_of: Further ones of a service.
        previous: The same once things were put back.
        not_ready: How many looks say "not yet", by service.
    """

    directory: Path
    asked: list[str] = field(default_factory=list)
    looks: dict[str, int] = field(default_factory=dict)
    happens: dict[str, list[BaseException | None]] = field(default_factory=dict)
    containers: dict[str, ContainerFacts | None] = field(default_factory=dict)
    previous: dict[str, ContainerFacts | None] = field(default_factory=dict)
    replicas_of: dict[str, tuple[ContainerFacts, ...]] = field(default_factory=dict)
    not_ready: dict[str, int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    health: list[str | None] = field(default_factory=list)
    sick: frozenset[str] = frozenset()
    now: float = 1000.0

    def call(self, what: str, *words: str) -> None:
        self.asked.append(" ".join((what, *words)))
        self.meet(what)

    def meet(self, what: str) -> None:
        queue = self.happens.get(what)
        if queue and (event := queue.pop(0)):
            raise event

    def count(self, what: str) -> None:
        self.looks[what] = self.looks.get(what, 0) + 1

    # The engine
    def container(self, project: str, service: str) -> ContainerFacts | None:
        assert project == "milvus"
        self.count(f"inspect {service}")
        return self.containers.get(service, FACTS)

    def replicas(
        self, project: str, service: str, *, running: bool = True
    ) -> tuple[ContainerFacts, ...]:
        facts = self.containers.get(service, FACTS)
        return (*((facts,) if facts else ()), *self.replicas_of.get(service, ()))

    def log_tail(self, container_id: str, since: datetime | None = None) -> list[str]:
        assert since is not None
        self.count("log")
        return self.log

    def port_owner(self, port: int) -> str | None:
        return None

    def health_check(self, container_id: str) -> str | None:
        if container_id in self.sick:
            return "curl: (7) refused"
        return self.health.pop(0) if self.health else "no more"

    # Compose
    def up(self, project: ComposeInvocation, services: Sequence[str], **_: Any) -> None:
        self.call("up", *services)
        if len(self.asked) > 1:
            self.containers = self.previous

    def restart(self, project: ComposeInvocation, services: Sequence[str]) -> None:
        self.call("restart", *services)

    def stop(self, project: ComposeInvocation, services: Sequence[str]) -> None:
        self.call("stop", *services)

    # The servers
    def target(self, proxy: Proxy, grpc: HostPort, rest: HostPort | None) -> Target:
        self.count(f"target {proxy.service}")
        self.meet("target")
        place = (rest.host, rest.port) if rest else None
        return Target(
            grpc.host, grpc.port, proxy.service, TlsMode.ONE_WAY, Path("ca.pem"), rest_address=place
        )

    def look(self, target: Target) -> Readiness:
        self.count(f"look {target.server_name}")
        self.meet("look")
        self.not_ready[target.server_name] = self.not_ready.get(target.server_name, 0) - 1
        if self.not_ready[target.server_name] < 0:
            return READY
        return NOT_YET

    def prove(self, target: Target, on_event: Callable[[str], None]) -> tuple[Probe, ...]:
        self.call("prove", target.server_name, str(target.port))
        name = f"tls {target.server_name}"
        return (Probe(name=name, ok=True, expected="", observed="", seconds=0.0),)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def deployment(self, *proxies: Proxy, running: Sequence[str] | None = None) -> Deployment:
        proxies = proxies or (STANDALONE,)
        names = [proxy.service for proxy in proxies]
        return Deployment(
            proxies=proxies,
            timeout=20.0,
            engine=cast("Engine", self),
            compose=cast("ComposeCli", self),
            project=ComposeInvocation(self.directory),
            name="milvus",
            running=frozenset(names if running is None else running),
            target=self.target,
            look=self.look,
            prove=self.prove,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def write(self, undo: list[Undo], plan: Plan) -> None:
        before = snapshot(plan)
        apply(plan, {})
        undo.append((plan, {}, before))

    @property
    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "compose.yaml").write_bytes(b"old")
    return World(tmp_path)


@pytest.fixture
def undo(world: World) -> list[Undo]:
    """What takes back the server's side, which is written already."""
    undo: list[Undo] = []
    changes = (
        PatchFile(world.directory / "compose.yaml", b"old", b"new"),
        CreateFile(world.directory / "server.pem", b"certificate", 0o644),
    )
    world.write(undo, Plan(world.directory, changes))
    return undo


OLD = {"compose.yaml": b"old"}
NEW = {"compose.yaml": b"new", "server.pem": b"certificate"}
BACK = "the previous files are back and the previous service runs again"


def silent(_: str) -> None:
    pass


def test_a_service_is_started_waited_for_and_proved(world: World, undo: list[Undo]) -> None:
    checks = world.deployment().run(undo, silent, lambda: world.call("before proof"))

    assert world.asked == ["up standalone", "before proof", "prove standalone 30001"]
    assert [check.name for check in checks] == ["tls standalone"]
    assert world.files == NEW


def test_a_wait_reads_the_files_once_and_inspects_once_a_round(world: World) -> None:
    world.not_ready["standalone"] = 40

    world.deployment().run(None, silent)

    assert world.looks["target standalone"] == 1
    assert world.looks["look standalone"] == world.looks["inspect standalone"] == 41
    assert 1 <= world.looks["log"] <= 5


def test_a_port_that_changes_with_a_restart_is_followed(world: World) -> None:
    ports = iter([30001, 30001, 30009, 30009])
    world.not_ready["standalone"] = 3
    deployment = world.deployment()

    def container(project: str, service: str) -> ContainerFacts:
        return replace(FACTS, ports=(BoundPort(19530, "127.0.0.1", next(ports)),))

    world.container = container  # type: ignore[method-assign] # of this world alone
    deployment.run(None, silent)

    assert world.asked == ["up standalone", "prove standalone 30009"]
    assert world.looks["target standalone"] == 1


def test_rest_is_met_where_it_is_published(world: World) -> None:
    targets: list[Target] = []

    def look(target: Target) -> Readiness:
        targets.append(target)
        return READY

    replace(world.deployment(Proxy("standalone", 19530, 8080)), look=look).run(None, silent)

    assert targets[0].rest_address == ("127.0.0.1", 30002)


def test_every_proxy_is_replaced_waited_for_and_proved(world: World, undo: list[Undo]) -> None:
    world.containers["proxy-2"] = replace(FACTS, ports=(BoundPort(19531, "::", 30011),))
    world.not_ready = {"proxy-1": 2, "proxy-2": 5}

    checks = world.deployment(Proxy("proxy-1", 19530), Proxy("proxy-2", 19531)).run(undo, silent)

    assert world.asked == ["up proxy-1 proxy-2", "prove proxy-1 30001", "prove proxy-2 30011"]
    assert [check.name for check in checks] == ["tls proxy-1", "tls proxy-2"]


def test_several_proxies_share_the_time(world: World) -> None:
    world.not_ready = {"proxy-1": 50, "proxy-2": 1000}
    began = world.now

    with pytest.raises(NotReady, match="proxy-2 is not ready after 20 s"):
        world.deployment(Proxy("proxy-1", 19530), Proxy("proxy-2", 19530)).run(None, silent)

    assert world.now - began == pytest.approx(20, abs=1)


def test_where_one_proxy_fails_all_are_put_back(world: World, undo: list[Undo]) -> None:
    world.containers["proxy-2"] = replace(FACTS, status="exited", exit_code=1)
    proxies = (Proxy("proxy-1", 19530), Proxy("proxy-2", 19530), Proxy("proxy-3", 19530))

    with pytest.raises(ContainerExited) as caught:
        world.deployment(*proxies, running=["proxy-1", "proxy-2"]).run(undo, silent)

    assert "the previous files are back and the previous services run again" in caught.value.hint
    assert world.asked[1:] == ["stop proxy-3", "up proxy-1 proxy-2"]
    assert world.files == OLD


def test_who_is_in_its_network_is_started_anew_with_what_is_put_back(
    world: World, undo: list[Undo]
) -> None:
    world.happens["prove"] = [CheckFailed("failed", hint="look")]
    deployment = replace(world.deployment(), neighbours=("rag", "vpn"), sharing=("vpn",))

    with pytest.raises(CheckFailed):
        deployment.run(undo, silent)

    assert world.asked[2:] == ["up standalone", "up vpn"]


STEPS = ("up", "target", "look", "before proof", "prove")
FAILURES: dict[str, ComposeTlsError] = {
    "up": ComposeFailed("refused", hint="look"),
    "target": CertificateUnreadable("unreadable", hint="look"),
    "look": NotReady("no", hint="look"),
    "before proof": ProjectChanged("changed", hint="look"),
    "prove": CheckFailed("failed", hint="look"),
}


def run(world: World, undo: list[Undo] | None, deployment: Deployment | None = None) -> None:
    """A run whose client's side is written before the proof."""

    def before_proof() -> None:
        world.meet("before proof")
        if undo is not None:
            change = CreateFile(world.directory / "client.pem", b"client", 0o644)
            world.write(undo, Plan(world.directory, (change,)))

    (deployment or world.deployment()).run(undo, silent, before_proof)


def test_what_is_proved_is_read_after_the_files_of_the_client_are_written(world: World) -> None:
    read: list[dict[str, bytes]] = []
    proved: list[Target] = []

    def target(proxy: Proxy, grpc: HostPort, rest: HostPort | None) -> Target:
        read.append(world.files)
        return replace(world.target(proxy, grpc, rest), user=str(len(read)))

    def prove(target: Target, on_event: Callable[[str], None]) -> tuple[Probe, ...]:
        proved.append(target)
        return world.prove(target, on_event)

    run(world, [], replace(world.deployment(), target=target, prove=prove))
    assert "client.pem" not in read[0]
    assert "client.pem" in read[-1]
    assert [target.user for target in proved] == [str(len(read))]


@pytest.mark.parametrize("failure", [ComposeFailed("refused", hint="look"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", [None, *STEPS])
def test_the_end_is_told_whichever_it_is(
    world: World, undo: list[Undo], step: str | None, failure: BaseException
) -> None:
    ended: list[int] = []
    if step is not None:
        world.happens[step] = [failure]
    deployment = replace(world.deployment(), ended=lambda: ended.append(len(world.asked)))

    with pytest.raises(type(failure)) if step else nullcontext():
        run(world, undo, deployment)

    assert ended == [len(world.asked)]


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_puts_the_files_back_and_starts_the_service_again(
    world: World, undo: list[Undo], step: str
) -> None:
    error = type(FAILURES[step])(FAILURES[step].message, hint="look")
    world.happens[step] = [error]

    with pytest.raises(ComposeTlsError) as caught:
        run(world, undo)

    assert caught.value is error
    assert error.hint == f"look ({BACK}; --keep-on-failure leaves things as they are)"
    assert world.files == OLD
    assert [word for word in world.asked if "prove" not in word] == ["up standalone"] * 2


@pytest.mark.parametrize("step", STEPS)
def test_ctrl_c_puts_the_files_back_and_starts_the_service_again(
    world: World, undo: list[Undo], step: str
) -> None:
    world.happens[step] = [KeyboardInterrupt()]

    with pytest.raises(KeyboardInterrupt) as caught:
        run(world, undo)

    assert caught.value.__notes__ == [BACK]
    assert world.files == OLD
    assert [word for word in world.asked if "prove" not in word] == ["up standalone"] * 2


@pytest.mark.parametrize("step", STEPS)
def test_what_failed_is_left_on_request(world: World, undo: list[Undo], step: str) -> None:
    world.happens[step] = [type(FAILURES[step])(FAILURES[step].message, hint="look")]

    with pytest.raises(ComposeTlsError) as caught:
        run(world, None)

    assert caught.value.hint == "look"
    assert world.files == NEW
    assert world.asked.count("up standalone") == 1


def test_ctrl_c_says_that_files_were_left_on_request(world: World, undo: list[Undo]) -> None:
    world.happens["look"] = [KeyboardInterrupt()]

    with pytest.raises(KeyboardInterrupt) as caught:
        run(world, None)

    note = (
        "the new files are in place; standalone may still be starting; compose-tls check shows it"
    )
    assert caught.value.__notes__ == [note]


def test_without_a_change_nothing_is_put_back(world: World) -> None:
    world.happens["look"] = [KeyboardInterrupt()]
    plan = Plan(world.directory, ())

    with pytest.raises(KeyboardInterrupt) as caught:
        world.deployment().run([(plan, {}, snapshot(plan))], silent)

    assert caught.value.__notes__[0].startswith("no file had to be changed; standalone may still")
    assert world.asked == ["up standalone"]


@pytest.mark.parametrize("first", [KeyboardInterrupt(), NotReady("no", hint="look")])
def test_ctrl_c_while_things_are_put_back_says_how_they_stand(
    world: World, undo: list[Undo], first: BaseException
) -> None:
    world.happens = {"look": [first], "up": [None, KeyboardInterrupt()]}

    with pytest.raises(KeyboardInterrupt) as caught:
        run(world, undo)

    assert caught.value.__notes__ == [HALF_WAY]
    assert world.files == OLD


def test_a_service_that_did_not_run_is_stopped_again(world: World, undo: list[Undo]) -> None:
    world.happens["look"] = [NotReady("no", hint="look")]

    with pytest.raises(NotReady) as caught:
        run(world, undo, world.deployment(running=[]))

    assert "(the previous files are back; " in caught.value.hint
    assert world.asked == ["up standalone", "stop standalone"]


def test_a_previous_service_that_does_not_start_is_told(world: World, undo: list[Undo]) -> None:
    refused = ComposeFailed("the engine refused", hint="")
    world.happens = {"look": [NotReady("no", hint="look")], "up": [None, refused]}

    with pytest.raises(NotReady) as caught:
        run(world, undo)

    assert "but the previous service did not start again: the engine refused" in caught.value.hint


def test_a_previous_service_runs_again_only_when_it_keeps_running(
    world: World, undo: list[Undo]
) -> None:
    world.happens["look"] = [NotReady("no", hint="look")]
    world.previous["standalone"] = replace(FACTS, status="exited", exit_code=134)
    world.log = ["panic: open /milvus/tls/server.pem: no such file or directory"]

    with pytest.raises(NotReady) as caught:
        run(world, undo)

    assert "runs again" not in caught.value.hint
    assert "did not start again: standalone exited with code 134: Milvus is configured to" in (
        caught.value.hint
    )


@pytest.mark.parametrize(("health", "seconds"), [("healthy", 0), ("starting", 8), (None, 8)])
def test_a_previous_service_is_watched_until_it_is_known_to_run(
    world: World, undo: list[Undo], health: str | None, seconds: float
) -> None:
    world.happens["prove"] = [CheckFailed("failed", hint="look")]
    world.previous["standalone"] = replace(FACTS, health=health)
    began = world.now

    with pytest.raises(CheckFailed, match="failed") as caught:
        run(world, undo)

    assert BACK in caught.value.hint
    assert world.now - began == pytest.approx(seconds, abs=0.5)


def test_files_that_cannot_be_put_back_are_told(world: World, undo: list[Undo]) -> None:
    world.happens["look"] = [NotReady("no", hint="look")]
    (world.directory / "compose.yaml").write_bytes(b"edited meanwhile")

    with pytest.raises(NotReady) as caught:
        run(world, undo)

    assert "the previous files could not be put back: " in caught.value.hint
    assert world.asked == ["up standalone"]
    assert world.files["compose.yaml"] == b"edited meanwhile"


def test_a_restart_restarts_also_on_the_way_back(world: World, undo: list[Undo]) -> None:
    world.happens["prove"] = [CheckFailed("failed", hint="look")]
    events: list[str] = []

    with pytest.raises(CheckFailed):
        replace(world.deployment(), restart_only=True).run(undo, events.append)

    assert world.asked == ["restart standalone", "prove standalone 30001", "restart standalone"]
    assert events.count("restarting standalone") == 2


def test_a_server_without_a_published_port_cannot_be_proved(world: World, undo: list[Undo]) -> None:
    world.containers["standalone"] = replace(FACTS, ports=())

    with pytest.raises(NotReady, match="publishes no port for Milvus") as caught:
        run(world, undo)

    assert 'ports: ["19530:19530"]' in caught.value.hint
    assert world.files == OLD


def test_a_server_without_a_published_port_is_met_on_its_network(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = {"down": "", "milvus_default": "172.20.0.2"}
    world.containers["standalone"] = replace(FACTS, ports=(), networks=networks)
    events: list[str] = []
    monkeypatch.setattr("sys.platform", "linux")

    world.deployment().run(None, events.append)

    assert world.asked[-1] == "prove standalone 19530"
    assert events.count("standalone publishes no port 19530: it is reached at 172.20.0.2") == 1
    monkeypatch.setattr("sys.platform", "darwin")
    world.previous = world.containers
    with pytest.raises(NotReady, match="publishes no port"):
        world.deployment().run(None, silent)


def test_every_replica_and_every_published_port_is_waited_for_and_proved(world: World) -> None:
    second = replace(FACTS, id="4f3b", ports=(BoundPort(19530, "127.0.0.1", 30003),))
    twice = (*FACTS.ports, BoundPort(19530, "127.0.0.1", 31001))
    world.containers["standalone"] = replace(FACTS, ports=twice)
    world.replicas_of["standalone"] = (second,)
    asked: list[int] = []
    proved: list[Target] = []

    def look(target: Target) -> Readiness:
        asked.append(target.port)
        return NOT_YET if target.port == 30003 and asked.count(30003) < 3 else READY

    def prove(target: Target, on_event: Callable[[str], None]) -> tuple[Probe, ...]:
        proved.append(target)
        return ()

    replace(world.deployment(), look=look, prove=prove).run(None, silent)

    assert asked.count(30003) == 3
    (target,) = proved
    assert (target.port, target.further) == (30001, (("127.0.0.1", 31001), ("127.0.0.1", 30003)))


ETCD = (
    '[2026/11/26 13:46:22.560 +00:00] [DEBUG] [config/etcd_source.go:85] ["got config from etcd"]'
    " [key=by-dev/config/common/security/tlsMode] [value=0]"
)


@pytest.mark.parametrize(
    ("log", "hint"),
    [
        ([ETCD, "more"], "etcdctl del by-dev/config/common/security/tlsMode"),
        ([], "the image's own milvus.yaml"),
    ],
)
def test_a_milvus_that_is_up_in_plain_text_is_not_waited_for(
    world: World, undo: list[Undo], log: list[str], hint: str
) -> None:
    world.log = log
    began = world.now
    plain = replace(world.deployment(), look=lambda _: Readiness("plain-text", "plain text"))

    with pytest.raises(NotReady, match="standalone is up and answers in plain text") as caught:
        plain.run(undo, silent)

    assert hint in caught.value.hint
    assert world.now - began == pytest.approx(3 + 8, abs=0.5)
    assert world.files == OLD


def test_one_answer_in_plain_text_counts_for_nothing(world: World) -> None:
    answers = [Readiness("plain-text", ""), NOT_YET] * 20

    deployment = replace(world.deployment(), look=lambda _: answers.pop() if answers else READY)

    assert len(deployment.run(None, silent)) == 1


def test_a_key_that_the_container_cannot_read_is_refused_with_the_way_on() -> None:
    problem = TlsWarning("any", "user 999 may not read it", "tls/server.key", "chown 999 it")

    with pytest.raises(KeyUnreadableInContainer) as caught:
        require_readable_key(problem, "enable without --up", "docker compose up -d")

    assert caught.value.path == "tls/server.key"
    assert caught.value.hint == (
        "run compose-tls enable without --up, then chown 999 it, then docker compose up -d"
    )
    require_readable_key(None, "", "")


def test_what_runs_these_files_is_proved_and_not_replaced(world: World) -> None:
    events: list[str] = []
    proxies = (Proxy("proxy-1", 19530), Proxy("proxy-2", 19530))

    one = replace(world.deployment(*proxies), current=frozenset({"proxy-1"}))
    assert len(one.run(None, events.append)) == 2
    assert world.asked == ["up proxy-2", "prove proxy-1 30001", "prove proxy-2 30001"]

    world.asked.clear()
    replace(one, current=frozenset({"proxy-1", "proxy-2"})).run(None, events.append)
    assert world.asked == ["prove proxy-1 30001", "prove proxy-2 30001"]
    assert "proxy-1, proxy-2 runs these files already, and is not recreated" in events


@pytest.mark.parametrize(
    ("health", "answers", "seconds"),
    [
        ("healthy", ["never asked"], 0),
        ("starting", [None], 0),
        ("starting", ["not yet", "not yet", None], 2),
    ],
)
def test_a_health_check_that_passes_is_not_waited_for(
    world: World, health: str, answers: list[str | None], seconds: float
) -> None:
    world.containers["standalone"] = replace(FACTS, health=health)
    world.health = answers
    began = world.now

    world.deployment().run(None, silent)

    assert world.now - began == pytest.approx(seconds, abs=0.5)


def test_a_health_check_that_fails_is_told_with_its_last_line(
    world: World, undo: list[Undo]
) -> None:
    world.containers["standalone"] = replace(FACTS, health="starting")
    world.health = ["curl: (22) 404"] * 100

    with pytest.raises(Unhealthy, match=r"health check fails: curl: \(22\) 404"):
        run(world, undo)

    assert world.files == OLD


def test_one_unhealthy_of_three_is_named(world: World, undo: list[Undo]) -> None:
    world.containers["standalone"] = replace(FACTS, health="healthy")
    world.replicas_of["standalone"] = (
        replace(FACTS, id="2", name="milvus-2", health="healthy"),
        replace(FACTS, id="3", name="milvus-3", health="starting"),
    )
    world.sick = frozenset({"3"})

    with pytest.raises(
        Unhealthy, match=r"^standalone \(milvus-3\) speaks TLS, but its health check"
    ):
        run(world, undo)

    assert world.files == OLD


@pytest.mark.parametrize("status", ["exited", "dead", "restarting"])
def test_one_of_three_that_does_not_run_is_named(
    world: World, undo: list[Undo], status: str
) -> None:
    world.replicas_of["standalone"] = (
        replace(FACTS, id="2", name="milvus-2"),
        replace(FACTS, id="3", name="milvus-3", status=status, exit_code=2),
    )

    with pytest.raises(ContainerExited, match=r"^standalone \(milvus-3\) does not keep running"):
        run(world, undo)

    assert world.files == OLD


def test_one_that_failed_before_tells_nothing(world: World) -> None:
    world.containers["standalone"] = replace(FACTS, health="starting")

    known = replace(world.deployment(), unhealthy=frozenset({"standalone"}))

    assert len(known.run(None, silent)) == 1

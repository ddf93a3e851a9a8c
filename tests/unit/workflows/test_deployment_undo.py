"""Taking a deployment back: the engine decides what is started, not what lies in the project."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from compose_tls import client, disable, enable
from compose_tls.apply import deploying
from compose_tls.apply.deploying import Deploying, OldFile
from compose_tls.apply.unproved import DEPLOYING
from compose_tls.changes import sha256
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.container import ContainerFacts
from compose_tls.errors import ComposeTlsError, EngineUnreachable, ForeignJournal
from compose_tls.workflows import deployment_undo
from compose_tls.workflows.deployment_undo import TakenBack, take_back
from compose_tls.workflows.export import export
from tests.faults.commands import lay_out
from tests.unit.containers import RUNNING

OLD = "0123 2026-11-26T00:00:00Z"
NEW = "4567 2026-11-26T00:00:09Z"
FACTS = replace(RUNNING, id="4567", health="healthy")


class World:
    """An engine and a Compose that note what they are told.

    Attributes:
        runs: What was made from this directory: by service, each run and whether it goes on.
        asked: What they were told to do.
        facts: The container that a service has.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs_now: dict[str, dict[str, bool]] = {}
        self.asked: list[str] = []
        self.facts = FACTS
        self.port_owner = None

    def connect(self, _: object) -> Self:
        return self

    find = connect

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def runs(self, project: str, service: str, directory: Path) -> dict[str, bool]:
        assert (project, directory) == ("milvus", self.root)
        return self.runs_now.get(service, {})

    def discard(self, project: str, service: str, directory: Path) -> None:
        self.asked.append(f"discard {service}")

    def container(self, project: str, service: str) -> ContainerFacts:
        return self.facts

    def log_tail(self, *_: object, **__: object) -> list[str]:
        return ["panic: gone"]

    def up(self, project: ComposeInvocation, services: list[str], **_: object) -> None:
        self.asked.append(f"up {project.project_name} {' '.join(services)}")

    def restart(self, project: ComposeInvocation, services: list[str]) -> None:
        self.asked.append(f"restart {project.project_name} {' '.join(services)}")

    def stop(self, project: ComposeInvocation, services: list[str]) -> None:
        self.asked.append(f"stop {project.project_name} {' '.join(services)}")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path.resolve() / "project")
    lay_out(world.root)
    monkeypatch.setattr(deployment_undo, "Engine", world)
    monkeypatch.setattr(deployment_undo, "ComposeCli", world)
    return world


def left(world: World, **values: Any) -> None:
    """What a killed command left: docker-compose.yml was edited, and standalone was being replaced."""
    path = world.root / "docker-compose.yml"
    files = (OldFile("docker-compose.yml", path.read_bytes(), sha256(b"new")),)
    value = Deploying(
        world.root, "milvus", (), {"standalone": (OLD,)}, (), (), False, files, (), {}
    )
    deploying.store(replace(value, **values))
    path.write_bytes(b"new")


def taken(world: World, **options: Any) -> TakenBack:
    invocation = ComposeInvocation(world.root, **options)
    return take_back(world.root, invocation, (), lambda _: None)


def test_files_and_service_of_before_are_back(world: World) -> None:
    before = (world.root / "docker-compose.yml").read_bytes()
    left(world)
    world.runs_now = {"standalone": {NEW: True}}

    said = taken(world)

    assert said.said == "the previous files are back, and standalone runs again as before"
    assert world.asked == ["up milvus standalone"]
    assert (world.root / "docker-compose.yml").read_bytes() == before
    assert not (world.root / DEPLOYING).exists()
    assert taken(world) == TakenBack()


def test_a_service_that_was_not_touched_is_not_touched(world: World) -> None:
    left(world)
    world.runs_now = {"standalone": {OLD: True, "89ab ": False}}

    assert taken(world).said == "the previous files are back"
    assert world.asked == ["discard standalone"]


def test_a_service_without_a_container_from_here_is_left_alone(world: World) -> None:
    left(world, added=("new",))

    assert taken(world).said == "the previous files are back"
    assert world.asked == ["discard standalone"]
    assert not (world.root / DEPLOYING).exists()


def test_one_that_was_restarted_is_restarted_and_one_that_is_new_is_stopped(world: World) -> None:
    left(world, restart=True, added=("new",))
    world.runs_now = {"standalone": {"0123 later": True}, "new": {"1 ": True}}

    assert taken(world).said.endswith("standalone runs again as before")
    assert world.asked == ["stop milvus new", "restart milvus standalone"]


@pytest.mark.parametrize("restart", [False, True])
def test_who_was_started_anew_with_it_is_so_again_and_who_was_not_is_not(
    world: World, restart: bool
) -> None:
    neighbours = dict.fromkeys(("inside", "attu", "untouched", "gone"), (OLD,)) | {"stopped": ()}
    left(world, restart=restart, neighbours=neighbours, sharing=("inside",))
    world.runs_now = {
        "standalone": {NEW: True},
        "inside": {OLD: True},
        "attu": {NEW: True},
        "untouched": {OLD: True},
        "stopped": {NEW: True},
    }
    how = "restart" if restart else "up"

    assert taken(world).said.endswith("standalone, inside, attu run again as before")
    assert world.asked == [f"{how} milvus standalone", f"{how} milvus inside attu"]


def test_who_was_started_anew_after_it_is_so_again_alone(world: World) -> None:
    left(world, neighbours={"attu": (OLD,), "inside": (OLD,)}, sharing=("inside",))
    world.runs_now = {"standalone": {OLD: True}, "inside": {OLD: True}, "attu": {NEW: False}}

    assert taken(world).said.endswith("attu runs again as before")
    assert world.asked == ["discard standalone", "up milvus attu"]


def test_only_what_had_not_run_is_stopped(world: World) -> None:
    left(world, running={}, added=("new",))
    world.runs_now = {"new": {"1 ": True}}

    assert taken(world).said.endswith("new, which had not run, is stopped")
    assert world.asked == ["stop milvus new"]


def test_with_other_options_nothing_is_started_and_the_next_command_may(world: World) -> None:
    left(world, options=("--profile", "milvus"))
    world.runs_now = {"standalone": {NEW: False}}

    said = taken(world)

    assert "standalone stays as it is, since it was deployed with other options" in said.said
    assert said.hint == (
        "run this again with these, or docker compose --profile milvus -p milvus up -d"
        " --force-recreate standalone"
    )
    assert world.asked == []
    assert taken(world, profiles=("milvus",)).said == "standalone runs again as before"


def test_without_an_engine_files_are_back_and_the_next_command_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(world)
    world.runs_now = {"standalone": {NEW: False}}

    def refuse(_: object) -> World:
        raise EngineUnreachable("no engine", hint="start it")

    with monkeypatch.context() as patched:
        patched.setattr(world, "connect", refuse)
        said = taken(world)

    assert said.said.endswith("unknown whether standalone runs: no engine")
    assert "docker compose -p milvus up -d --force-recreate standalone" in (said.hint or "")
    assert taken(world).said == "standalone runs again as before"


def test_one_that_does_not_start_again_is_told_once(world: World) -> None:
    left(world)
    world.runs_now = {"standalone": {NEW: False}}
    world.facts = replace(FACTS, status="exited", exit_code=1)

    said = taken(world)

    assert "standalone did not start again: standalone exited with code 1" in said.said
    assert said.hint
    assert taken(world) == TakenBack()


def test_files_that_were_edited_stay_and_the_service_starts_with_them(world: World) -> None:
    left(world)
    (world.root / "docker-compose.yml").write_bytes(b"edited")
    world.runs_now = {"standalone": {NEW: False}}

    said = taken(world)

    assert said.said == (
        "the files stay as they are, docker-compose.yml was edited after a command was interrupted,"
        " and standalone runs again as before"
    )
    assert (world.root / "docker-compose.yml").read_bytes() == b"edited"


@pytest.mark.parametrize("command", [disable, client, export])
def test_every_command_that_takes_it_back_says_so_meanwhile(
    world: World, command: Callable[..., Any]
) -> None:
    assert enable(world.root, environment={"PATH": "/usr/bin:/bin"}).changed
    left(world, files=())
    world.runs_now = {"standalone": {NEW: True}}
    told: list[str] = []
    words = {client: (["alice"],), export: ("openssl",)}.get(command, ())

    with suppress(ComposeTlsError):
        command(world.root, *words, environment={"PATH": "/usr/bin:/bin"}, on_event=told.append)

    assert told[0].startswith("an earlier command was interrupted while deploying")
    assert world.asked == ["up milvus standalone"]


def test_the_command_that_takes_it_back_says_so(world: World) -> None:
    left(world)
    world.runs_now = {"standalone": {NEW: True}}
    told: list[str] = []

    done = enable(world.root, environment={"PATH": "/usr/bin:/bin"}, on_event=told.append)

    [warning] = [one for one in done.warnings if one.code == "recovered"]
    assert warning.message == (
        "an earlier command was interrupted while deploying standalone: the previous files are"
        " back, and standalone runs again as before"
    )
    assert told[0].startswith("an earlier command was interrupted while deploying")


def test_a_record_that_is_not_ours_stops_every_command_that_writes(world: World) -> None:
    left(world)
    (world.root / DEPLOYING / "record").chmod(0o644)
    world.runs_now = {"standalone": {NEW: False}}

    with pytest.raises(ForeignJournal):
        enable(world.root, environment={"PATH": "/usr/bin:/bin"})

    assert world.asked == []
    assert (world.root / "docker-compose.yml").read_bytes() == b"new"

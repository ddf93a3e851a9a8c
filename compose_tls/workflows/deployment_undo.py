"""Undoes a deployment that was not proved: by the command itself, or by the next one.

The previous files are those that ``apply.deploying`` keeps. A service is started or stopped only where
the engine has a container of it that was made from this very directory: the engine is the witness that it
is the user's, whatever is in the project.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from compose_tls.apply import deploying
from compose_tls.apply.deploying import Deploying
from compose_tls.apply.unproved import forget
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.engine import Engine
from compose_tls.errors import EngineError, OutsideProject, ProjectChanged
from compose_tls.shell import behind, joined
from compose_tls.values import dataclass
from compose_tls.workflows.proxy_watch import ContainerWatch
from compose_tls.workflows.server_first import ServerFirst


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of a deployment.

    Attributes:
        said: That, in words; empty where nothing had to be done.
        done: Whether there is nothing more to do.
        hint: What the user can do.
        services: The services that were being deployed.
    """

    said: str = ""
    done: bool = True
    hint: str | None = None
    services: tuple[str, ...] = ()


def take_back(
    root: Path,
    invocation: ComposeInvocation,
    outside: Iterable[Path],
    on_event: Callable[[str], None],
    *,
    accepted: bool = False,
) -> TakenBack:
    """Put back files and services of a deployment that was begun. The project's lock must be held.

    Args:
        root: The project directory.
        invocation: The project as it is given to Compose.
        outside: What the user names outside the project.
        on_event: Told about progress.
        accepted: Whether the user accepts that files outside are edited.

    Returns:
        What was done.

    Raises:
        ForeignJournal: What is there is not of a command of this user.
        WriteFailed: The previous files cannot be put back.
    """
    found = deploying.read(root)
    if found is None:
        # One that was killed before it had begun.
        forget(root)
        return TakenBack()
    names = ", ".join(found.services)
    files = ""
    try:
        if deploying.put_back(found, outside, accepted=accepted):
            files = "the previous files are back"
    except (OutsideProject, ProjectChanged) as error:
        files = f"the files stay as they are, {error.message}"
    try:
        services = _services_back(found, invocation, on_event)
    except EngineError as error:
        hint = f"when that is corrected, run this again, or {_by_hand(found)}"
        services = TakenBack(f"unknown whether {names} runs: {error.message}", False, hint)
    if services.done:
        forget(root)
    said = ", and ".join(filter(None, (files, services.said)))
    return replace(services, said=said, services=found.services)


def _services_back(
    found: Deploying, invocation: ComposeInvocation, on_event: Callable[[str], None]
) -> TakenBack:
    """Have those services run that ran before, and no others.

    Raises:
        EngineError: The engine, or Compose, does not answer.
    """
    with Engine.connect(invocation.environment) as engine:
        now = {name: engine.runs(found.project, name, found.root) for name in found.services}
        lost = [
            name
            for name, runs in found.running.items()
            if now[name] and not all(now[name].get(run) for run in runs)
        ]
        new = [name for name in found.added if found.files and any(now[name].values())]
        for name in found.running.keys() - set(lost):
            engine.discard(found.project, name, found.root)
        neighbours = _neighbours_back(found, engine, lost)
        if not lost and not new and not neighbours:
            return TakenBack()
        named = replace(invocation, project_name=found.project)
        if replace(named, project_name=None).options != found.options:
            # Other files may say something else of the same service.
            stays = ", ".join([*lost, *new, *neighbours])
            said = f"{stays} stays as it is, since it was deployed with other options"
            return TakenBack(said, False, f"run this again with these, or {_by_hand(found)}")
        compose = ComposeCli.find(invocation.environment)
        if new:
            compose.stop(named, new)
        back = [*lost, *neighbours]
        if not back:
            return TakenBack(f"{', '.join(new)}, which had not run, is stopped")
        again = "run again" if len(back) > 1 else "runs again"
        try:
            if lost:
                _start(found, lost, compose, named, engine, on_event)
            if neighbours and found.restart:
                compose.restart(named, neighbours)
            elif neighbours:
                compose.up(named, neighbours, on_event=on_event, port_owner=engine.port_owner)
        except EngineError as error:
            said = f"{', '.join(back)} did not start again: {error.message}"
            return TakenBack(said, True, error.hint)
        return TakenBack(f"{', '.join(back)} {again} as before")


def _neighbours_back(found: Deploying, engine: Engine, lost: Sequence[str]) -> list[str]:
    """The further services to start again: a file that they read, or the network they used, is gone."""
    again: list[str] = []
    for name, runs in found.neighbours.items():
        now = engine.runs(found.project, name, found.root)
        alone = name in found.sharing and bool(lost)
        if runs and now and (alone or not all(now.get(run) for run in runs)):
            again.append(name)
    return again


def _start(
    found: Deploying,
    services: Sequence[str],
    compose: ComposeCli,
    invocation: ComposeInvocation,
    engine: Engine,
    on_event: Callable[[str], None],
) -> None:
    """Start services again, and watch whether they keep running.

    Raises:
        EngineError: One does not.
    """
    began, started = datetime.now(UTC), time.monotonic()
    milvus = tuple(name for name in found.services if name not in found.servers)
    order = ServerFirst(
        found.servers,
        milvus if found.servers else (),
        engine,
        compose,
        invocation,
        found.project,
        time.monotonic,
        time.sleep,
    )
    (order.restart if found.restart else order.up)(services, on_event)
    for service in services:
        watch = ContainerWatch(service, found.project, began, engine, time.monotonic)
        watch.wait_for_old(started, on_event, time.sleep)


def _by_hand(found: Deploying) -> str:
    """What does the same for the services."""
    does = ("up", "-d", "--force-recreate") if found.running else ("stop",)
    services = (*found.running, *found.neighbours) if found.running else found.added
    return joined(
        ["docker", "compose", *found.options, "-p", found.project, *does, *behind(services)]
    )

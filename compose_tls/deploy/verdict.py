"""Whether what is deployed of a service runs the files as they are now, and why not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final, Literal, TypeAlias

from compose_tls.deploy.container import ContainerFacts
from compose_tls.deploy.declared import Declared
from compose_tls.deploy.deployed import Deployed, paths_of
from compose_tls.deploy.differences import Subject, differences
from compose_tls.values import dataclass

Agreement: TypeAlias = Literal["current", "stale", "absent", "foreign"]
"""``current``: it runs these files; ``stale``: others than they are now; ``absent``: nothing runs;
``foreign``: what runs was made from another project name, directory, list of files or env file."""

_WORST: Final[tuple[Agreement, ...]] = ("foreign", "stale", "absent", "current")
_HEALTH: Final = {"unhealthy": 0, "starting": 1, "healthy": 2}
_ORIGIN: Final[frozenset[Subject]] = frozenset({"project name", "project directory", "env files"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a service.

    Attributes:
        agreement: Whether it runs the files.
        reasons: Why not; of one that does, what is still wrong with it.
        container: Its container; of several, the one that agrees least.
        health: What its health check says; of several, the worst.
    """

    agreement: Agreement
    reasons: tuple[str, ...]
    container: ContainerFacts | None = None
    health: str | None = None


def verdict(found: Deployed | None, wanted: Declared, changed: Mapping[str, datetime]) -> Verdict:
    """Compare what is deployed of a service with its files.

    Args:
        found: What is deployed.
        wanted: What is declared.
        changed: When the files were changed that are read once, at the start, by their names.
    """
    if found is None:
        why = "it has no container" if wanted.replicas else "the files ask for 0 containers of it"
        return Verdict("absent", (why,))
    # A container that stopped and was replaced does not matter.
    counted = found.each[: max(1, wanted.replicas, found.replicas)]
    said = [_of_one(one, wanted, changed) for one in counted]
    if len(said) < wanted.replicas:
        missing = f"{wanted.replicas - len(said)} of {wanted.replicas} replicas are not there"
        said.append(Verdict("absent", (missing,)))
    if len(said) == 1:
        return said[0]
    first = min(said, key=lambda one: _WORST.index(one.agreement))
    healths = [one.health for one in said if one.health]
    return Verdict(
        first.agreement,
        tuple(dict.fromkeys(chain.from_iterable(map(_named, said)))),
        first.container or found.container,
        min(healths, key=lambda health: _HEALTH.get(health, len(_HEALTH)), default=None),
    )


def _named(said: Verdict) -> Iterator[str]:
    """Its reasons, with the container that they are of."""
    name = f"container {said.container.name}" if said.container else ""
    for reason in said.reasons:
        yield reason if not name or reason.startswith(name) else f"{name}: {reason}"


def _of_one(found: Deployed, wanted: Declared, changed: Mapping[str, datetime]) -> Verdict:
    container = found.container
    if not container.running:
        return Verdict("absent", (_at_rest(container),), container)
    unlike = differences(found, wanted)
    origin = tuple(str(each) for each in unlike if each.subject in _origins(found, wanted))
    if origin:
        return Verdict("foreign", origin, container, container.health)
    health = tuple(_health(container))
    if stale := (*map(str, unlike), *_older(container, changed)):
        return Verdict("stale", (*stale, *health), container, container.health)
    return Verdict("current", health, container, container.health)


def _origins(found: Deployed, wanted: Declared) -> frozenset[Subject]:
    """What tells that a container was created from elsewhere.

    One that lacks a file of now is only older than that file; one that has a further file was made by
    someone who named it, unless the file is gone.
    """
    further = set(paths_of(found.files, found.directory)).difference(
        os.path.realpath(file) for file in wanted.files
    )
    named = any(Path(file).is_file() for file in further)
    return _ORIGIN | {"compose files"} if named else _ORIGIN


def _at_rest(container: ContainerFacts) -> str:
    what = f"container {container.name}"
    match container.status:
        case "created":
            return f"{what} was created and never started"
        case "restarting":
            return f"{what} keeps restarting (exit code {container.exit_code})"
        case "exited" | "dead":
            return f"{what} has stopped (exit code {container.exit_code})"
        case status:
            return f"{what} is {status}"


def _older(container: ContainerFacts, changed: Mapping[str, datetime]) -> Iterator[str]:
    start = container.started_at
    for name, time in changed.items():
        if start is not None and time > start:
            yield f"{name} was changed at {_text(time)}, after the start at {_text(start)}"


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _health(container: ContainerFacts) -> Iterator[str]:
    if container.health == "unhealthy":
        yield f"unhealthy: {container.health_output or 'its health check writes nothing'}"

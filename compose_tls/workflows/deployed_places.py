"""Where a service is reached as it is deployed: every published port of each of its containers."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from compose_tls.deploy.docker_host import LITTLE_PATIENCE
from compose_tls.errors import EngineError
from compose_tls.project.reachability import LOOPBACK
from compose_tls.results import Endpoint

if TYPE_CHECKING:
    from compose_tls.deploy.container import ContainerFacts
    from compose_tls.deploy.engine import Engine

Place: TypeAlias = tuple[str, int]
"""Host or address, and TCP port, as this machine reaches them."""


def met_at(containers: Iterable[ContainerFacts], port: int) -> tuple[Place, ...]:
    """Where a port of containers is reached from here: as published, else on their networks.

    Args:
        containers: The containers of one service.
        port: The port inside.
    """
    found: list[Place] = []
    for one in containers:
        places = one.published_ports(port)
        # Elsewhere the engine runs in a machine of its own, whose networks are not reached.
        if not places and sys.platform == "linux":
            places = tuple((address, port) for address in one.networks.values() if address)[:1]
        found += places
    return tuple(dict.fromkeys(found))


def met_endpoint(place: Place, server_name: str) -> Endpoint:
    """The endpoint of a server that a check reaches at this place."""
    host, port = place
    return Endpoint.at("localhost" if host == "127.0.0.1" else host, port, server_name)


def others(places: Iterable[Place], first: Place) -> tuple[Place, ...]:
    """The places that are not the first one, each once; names of this machine are one."""
    by_key = {_key(place): place for place in (*reversed(list(places)), first)}
    return tuple(place for key, place in reversed(by_key.items()) if key != _key(first))


def deployed_places(
    service: str,
    port: int,
    directories: Collection[Path],
    variables: Mapping[str, str],
    *,
    near: Place | None = None,
) -> tuple[Place, ...]:
    """Where a running service is reached; nothing where no engine answers, or nothing runs.

    Args:
        service: The service.
        port: Its port, in the container.
        directories: The project directory, as Compose may see it.
        variables: The process environment.
        near: Where it is by the files: of several projects from that directory, the one that is there
            counts.
    """
    from compose_tls.deploy.engine import Engine  # noqa: PLC0415 - docker costs 150 ms

    with suppress(EngineError), Engine.connect(variables, patience=LITTLE_PATIENCE) as engine:
        projects = _projects(engine, service, directories)
        found = [met_at(engine.replicas(name, service), port) for name in projects]
        found = [places for places in found if places]
        for places in found:
            if near is not None and _key(near) in map(_key, places):
                return places
        return found[0] if found and near is None else ()
    return ()


def paused(service: str, directories: Collection[Path], variables: Mapping[str, str]) -> str | None:
    """The container of a service that is paused; the arguments are those of ``deployed_places``."""
    from compose_tls.deploy.engine import Engine  # noqa: PLC0415 - docker costs 150 ms

    with suppress(EngineError), Engine.connect(variables, patience=LITTLE_PATIENCE) as engine:
        for name in _projects(engine, service, directories):
            for one in engine.replicas(name, service, running=False):
                if one.status == "paused":
                    return one.name
    return None


def stranger_at(
    place: Place, service: str, directories: Collection[Path], variables: Mapping[str, str]
) -> str | None:
    """The container of another project that has the port of a service; ``None`` where none is known.

    Args:
        place: Where the service is by the files.
        service: The service.
        directories: The project directory, as Compose may see it.
        variables: The process environment.
    """
    from compose_tls.deploy.engine import Engine  # noqa: PLC0415 - docker costs 150 ms
    from compose_tls.deploy.port_check import project_of  # noqa: PLC0415 - as above

    host, port = place
    if host not in LOOPBACK:
        return None
    with suppress(EngineError), Engine.connect(variables, patience=LITTLE_PATIENCE) as engine:
        owner = engine.port_owner(port)
        if owner and project_of(owner) not in _projects(engine, service, directories):
            return owner
    return None


def _projects(engine: Engine, service: str, directories: Collection[Path]) -> dict[str, None]:
    """The names of the projects that have a container of a service, made in one of the directories."""
    from compose_tls.deploy.engine import LABEL  # noqa: PLC0415 - docker costs 150 ms

    wanted = {os.path.realpath(directory) for directory in directories}
    labels = [one["Config"].get("Labels") or {} for one in engine.containers(service)]
    return dict.fromkeys(
        str(each.get(f"{LABEL}project"))
        for each in labels
        if os.path.realpath(each.get(f"{LABEL}project.working_dir", "")) in wanted
    )


def _key(place: Place) -> Place:
    host, port = place
    return ("localhost" if host in LOOPBACK else host, port)

"""The ``docker compose up`` that makes a service read its files again, without affecting others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from compose_tls.deploy.compose_output import ServiceState


def up_commands(
    project: Mapping[str, Mapping[str, Any]],
    states: Sequence[ServiceState],
    services: Sequence[str],
) -> tuple[tuple[str, ...], ...]:
    """The arguments of each ``docker compose up`` to run, in order.

    ``up --force-recreate SERVICE`` by itself also replaces running dependencies whose definition has
    changed since they were started (seen with Compose 5.6.1), so dependencies that do not run are
    started first, by a command that replaces nothing, and the services are then replaced with
    ``--no-deps``.

    Args:
        project: All services by name as ``docker compose config`` has them; ``active`` in one tells
            whether a plain ``up`` would start it.
        states: The containers that there are.
        services: The services that have to read their files again.

    Source: https://docs.docker.com/reference/cli/docker/compose/up/
    """
    if not any(state.alive for state in states):
        if all(project.get(service, {}).get("active") for service in services):
            return (("--detach",),)
        return (("--detach", "--", *services),)
    missing = dict(_not_ready(project, states, services))
    commands = []
    if missing:
        commands.append(("--detach", "--no-recreate", "--", *missing))
        # `--no-deps` below drops the wait that depends_on asks for, so it is made up for here.
        if healthy := [
            name for name, condition in missing.items() if condition == "service_healthy"
        ]:
            commands.append(("--detach", "--no-recreate", "--no-deps", "--wait", "--", *healthy))
    commands.append(("--detach", "--no-deps", "--force-recreate", "--", *services))
    return tuple(commands)


def starting(
    project: Mapping[str, Mapping[str, Any]],
    states: Sequence[ServiceState],
    services: Sequence[str],
) -> frozenset[str]:
    """The services that ``up_commands`` starts or replaces.

    Args:
        project: All services by name as ``docker compose config`` has them.
        states: The containers that there are.
        services: The services that have to read their files again.
    """
    if not any(state.alive for state in states):
        return frozenset(project)
    return frozenset(services) | {name for name, _ in _not_ready(project, states, services)}


def _not_ready(
    project: Mapping[str, Mapping[str, Any]],
    states: Sequence[ServiceState],
    services: Sequence[str],
) -> Iterator[tuple[str, str]]:
    running = {state.service for state in states if state.running}
    finished = {
        state.service for state in states if state.state == "exited" and not state.exit_code
    }
    for name, condition in _dependencies(project, services, set(services)):
        done = condition == "service_completed_successfully" and name in finished
        if name not in running and not done:
            yield name, condition


def _dependencies(
    project: Mapping[str, Mapping[str, Any]], services: Collection[str], seen: set[str]
) -> Iterator[tuple[str, str]]:
    for service in services:
        for name, how in (project.get(service, {}).get("depends_on") or {}).items():
            # One that is optional and switched off by its profile is in no `config`.
            if name not in seen and name in project:
                seen.add(name)
                yield from _dependencies(project, [name], seen)
                yield name, str(how.get("condition", "service_started"))

"""Whether the ports of a project can be published and reached, checked before any change."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from compose_tls.deploy.declared import replicas_of
from compose_tls.errors import NotReachable, PortTaken
from compose_tls.shell import joined
from compose_tls.vocabulary import EVERY_ADDRESS, LAST_PORT, number

_APART: Final = frozenset({"macvlan", "ipvlan"})


def require_free(
    services: Mapping[str, Any],
    running: frozenset[str],
    owner: Callable[[int], str | None],
    project: str | None = None,
) -> None:
    """Make sure that every port of the services that do not run yet can be published.

    Args:
        services: The services that are going to be started, as ``docker compose config`` has them.
        running: Those that run already and hold their ports themselves.
        owner: Names the container that holds a port.
        project: The name of their project.

    Raises:
        PortTaken: Someone else has one of the ports.
        NotReachable: One is to be published at an address that this machine does not have.
    """
    for name, service in services.items():
        if name in running:
            continue
        for host, port in _published(service):
            wrong = _bound(host, port)
            if wrong == errno.EADDRINUSE:
                raise port_taken(port, owner(port), f"service {name}", project)
            if wrong == errno.EADDRNOTAVAIL and not ipaddress.ip_address(host).is_unspecified:
                raise NotReachable(
                    f"service {name} is to publish port {port} at {host}, an address that this machine"
                    " does not have",
                    hint="publish it at one that ip address lists, such as 127.0.0.1",
                )


def taken(
    service: Mapping[str, Any], owner: Callable[[int], str | None]
) -> Iterator[tuple[int, str]]:
    """The ports of a service that does not run which a container of this engine has, and that container.

    Args:
        service: The service, as ``docker compose config`` has it.
        owner: Names the container that holds a port.
    """
    for port in dict.fromkeys(port for _, port in _published(service)):
        if found := owner(port):
            yield port, found


def project_of(owner: str) -> str:
    """The project in the words for a container; empty where it has none."""
    return owner.partition(" of project ")[2]


def require_reachable(project: Mapping[str, Any], service: str, port: int) -> None:
    """Make sure that a service can be reached from this machine.

    Args:
        project: The project, as ``docker compose config`` has it.
        service: The service.
        port: Its port, in the container.

    Raises:
        NotReachable: It will not.
    """
    services = project.get("services") or {}
    place = services.get(service) or {}
    if not replicas_of(place):
        raise NotReachable(
            f"the files ask for 0 containers of service {service}, so nothing could be proved",
            hint="set its replicas to 1 (deploy.replicas, or scale), or leave --up out",
        )
    kind, _, owner = str(place.get("network_mode") or "").partition(":")
    if kind == "service":
        place = services.get(owner) or {}
        kind = str(place.get("network_mode") or "").partition(":")[0]
    if kind == "none":
        reason = "its network_mode is none"
    elif kind:
        return
    else:
        known = project.get("networks") or {}
        joined = place.get("networks") or {"default": None}
        drivers = {(known.get(name) or {}).get("driver") for name in joined}
        published = any(one.get("target") == port for one in place.get("ports") or ())
        if drivers <= _APART:
            # https://docs.docker.com/engine/network/drivers/macvlan/
            reason = "the host does not reach its own containers on a network of its driver"
        elif not published and sys.platform != "linux":
            reason = f"it publishes no port {port}, and the engine runs in a machine of its own"
        else:
            return
    raise NotReachable(
        f"service {service} could not be reached from this machine, so it cannot be checked: {reason}",
        hint="leave out --up, and run compose-tls check where it can be reached;"
        " or give it another network",
    )


def port_taken(port: int, owner: str | None, what: str, project: str | None = None) -> PortTaken:
    """The error for a port of this machine that someone else has.

    Args:
        port: The port.
        owner: The container that has it, in words; ``None`` when no container does.
        what: Who is to get it, in words.
        project: The name of its project.
    """
    other = project_of(owner or "")
    if owner is None:
        find = f"find who listens there (ss -ltnp 'sport = :{port}') and stop it"
    else:
        find = f"stop {owner}"
    meant = ""
    if other and other != project:
        command = joined(["compose-tls", "-p", other])
        meant = f"; if {other} is the project that you mean, name it: {command} enable …"
    return PortTaken(
        f"port {port}, which {what} is to publish, is in use by {owner or 'another program'}",
        hint=f"{find}, or publish another port in the compose file{meant}",
    )


def _published(service: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for port in service.get("ports") or ():
        published = number(str(port.get("published") or ""))
        if (
            published is not None
            and published <= LAST_PORT
            and port.get("protocol", "tcp") == "tcp"
        ):
            yield str(port.get("host_ip") or EVERY_ADDRESS), published


def _bound(host: str, port: int) -> int | None:
    """What the system says to a listener there; ``None`` where it can be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        # Ports of connections that were closed lately are free for Docker, and so they are here.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return error.errno
    return None

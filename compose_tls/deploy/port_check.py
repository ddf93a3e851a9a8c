"""Whether the host ports that a project is going to publish are free, asked before anything changes."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from compose_tls.errors import PortTaken
from compose_tls.shell import joined
from compose_tls.vocabulary import number

_LAST_PORT: Final = 65535


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
    """
    for name, service in services.items():
        if name in running:
            continue
        for host, port in _published(service):
            if not _is_free(host, port):
                raise port_taken(port, owner(port), f"service {name}", project)


def port_taken(port: int, owner: str | None, what: str, project: str | None = None) -> PortTaken:
    """The error for a port of this machine that someone else has.

    Args:
        port: The port.
        owner: The container that has it, in words; ``None`` when no container does.
        what: Who is to get it, in words.
        project: The name of its project.
    """
    _, _, other = (owner or "").partition(" of project ")
    if owner is None:
        find = f"find who listens there (ss -ltnp 'sport = :{port}') and stop it"
    else:
        find = f"stop {owner}"
    meant = ""
    if other and other != project:
        command = joined(["compose-tls", "-p", other])
        meant = f"; where {other} is the project that you mean, name it: {command} …"
    return PortTaken(
        f"port {port}, which {what} is to publish, is taken by {owner or 'another program'}",
        hint=f"{find}, or publish another port in the compose file{meant}",
    )


def _published(service: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for port in service.get("ports") or ():
        published = number(str(port.get("published") or ""))
        if (
            published is not None
            and published <= _LAST_PORT
            and port.get("protocol", "tcp") == "tcp"
        ):
            yield str(port.get("host_ip") or "0.0.0.0"), published  # noqa: S104 - as Docker binds


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        # Ports of connections that were closed lately are free for Docker, and so they are here.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True

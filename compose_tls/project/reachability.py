"""The networks of a project: which name is which service, and who can reach its ports."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from compose_tls.compose.compose_project import ComposeProject
from compose_tls.compose.ports import PublishedPort
from compose_tls.compose.service import Service
from compose_tls.values import dataclass
from compose_tls.vocabulary import EVERY_ADDRESS, HOST_NAME, Reach

_WIDTH: dict[Reach, int] = {"nobody": 0, "loopback": 1, "address": 2, "everyone": 3}

HOST_GATEWAY = "host-gateway"
"""What stands for this machine in extra_hosts."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", EVERY_ADDRESS})
"""How a container names itself in a URL."""


@dataclass(frozen=True, slots=True)
class Parties:
    """The services of a project as parties of connections."""

    project: ComposeProject

    def resolve(
        self, host: str, port: int | None, by: Service
    ) -> tuple[str, Service | None] | None:
        """What a host name means, asked by a service.

        Args:
            host: The name or address.
            port: The port on it.
            by: Who asks: on the host's network, ``localhost`` is the host.

        Returns:
            The name to show, and the service where it is one of the project; ``None`` where the
            connection stays inside the container.
        """
        on_host = by.text("network_mode") == "host"
        own = {*names(by), *by.static_addresses()}
        if host in own or (host in LOOPBACK and not on_host):
            return None
        where = {host, *by.extra_hosts().get(host, ())}
        if host == HOST_NAME or host in LOOPBACK or HOST_GATEWAY in where:
            found = self._on_host(port)
            return (found.name, found) if found else (host, None)
        linked = by.links().get(host)
        for service in self.project.services.values():
            called = host in names(service) or service.name == linked
            if called or not where.isdisjoint(service.static_addresses()):
                return service.name, service
        return host, None

    def published(self, service: Service, port: int | None) -> Reach:
        """Who reaches a port of a service from outside the project's networks."""
        mode = service.text("network_mode") or ""
        if mode == "host":
            return "everyone"
        if mode.startswith("service:"):
            shared = self.project.services.get(mode.removeprefix("service:"))
            return self.published(shared, port) if shared and shared is not service else "nobody"
        return widest(_reach(entry) for entry in entries(service, port))

    def _on_host(self, port: int | None) -> Service | None:
        for service in self.project.services.values():
            if any(entry.published == port for entry in service.ports()):
                return service
        return None


def is_anybody(host: str, services: Iterable[Service]) -> bool:
    """Whether a host is this machine, where a service cannot be distinguished from another program."""
    hosted = [one for one in services if one.text("network_mode") == "host"]
    return host in OWN_HOSTS and len(hosted) > 1


def names(service: Service) -> frozenset[str]:
    """The names under which the other services of a project reach one."""
    own = (service.text(name) for name in ("container_name", "hostname"))
    return frozenset({service.name, *service.aliases(), *(text for text in own if text)})


def entries(service: Service, port: int | None) -> list[PublishedPort]:
    """How a container port is published."""
    return [entry for entry in service.ports() if entry.target == port]


def widest(found: Iterable[Reach]) -> Reach:
    """Of several reaches the one that includes the others."""
    return max(found, key=_WIDTH.__getitem__, default="nobody")


def _reach(entry: PublishedPort) -> Reach:
    if not entry.host_ip:
        return "everyone"
    try:
        address = ipaddress.ip_address(entry.host_ip)
    except ValueError:
        return "address"
    return (
        "everyone" if address.is_unspecified else "loopback" if address.is_loopback else "address"
    )

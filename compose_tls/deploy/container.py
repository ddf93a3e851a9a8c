"""The engine's data about a container and its image."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from compose_tls.values import dataclass
from compose_tls.vocabulary import EVERY_ADDRESS

# The engine keeps up to 4096 bytes of what a health check writes.
_LONGEST_LINE = 300

# What a label, a name or a path of a container is cut to: a list of a dozen compose files fits.
_LONGEST_TEXT = 1000

_EVERYWHERE_6 = "::"


@dataclass(frozen=True, slots=True)
class BoundPort:
    """A TCP port of a container as the host offers it.

    Attributes:
        container_port: The port inside the container.
        address: The host address it is bound to; ``0.0.0.0`` and ``::`` mean all of them.
        port: The port on the host.
    """

    container_port: int
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """One container as it was when the engine was asked.

    Attributes:
        status: ``created``, ``running``, ``paused``, ``restarting``, ``removing``, ``exited``, ``dead``.
        exit_code: Of the last run; 0 while it runs the first time.
        error: Why the engine could not start it; empty when it could.
        restart_count: How often the restart policy started it again since it was last started by hand.
        health: ``starting``, ``healthy`` or ``unhealthy``; ``None`` without a health check.
        started_at: When the last run began; ``None`` when it never did.
        user: What it runs as, ``user:`` of Compose over the image's; empty is root.
        host_network: Whether it shares the host's network, so that its ports are the host's.
        health_output: The last line that the last health check wrote, where that check failed.
        networks: The address in each network, by the network's name; empty while it does not run.
        network_owner: The id of the container whose network it uses, and which publishes its ports.
    """

    id: str
    name: str
    image: str
    status: str
    exit_code: int
    oom_killed: bool
    error: str
    restart_count: int
    health: str | None
    started_at: datetime | None
    user: str
    host_network: bool
    ports: tuple[BoundPort, ...]
    health_output: str
    networks: Mapping[str, str]
    network_owner: str | None

    @property
    def running(self) -> bool:
        """Whether its process runs right now."""
        return self.status == "running"

    def published_port(self, container_port: int) -> tuple[str, int] | None:
        """Host address and port where ``container_port`` (TCP) is reached from this machine.

        A port that is bound to all addresses is reached on the loopback address; where several
        bindings exist, one that loopback reaches goes first, and IPv4 before IPv6.
        """
        return next(iter(self.published_ports(container_port)), None)

    def published_ports(self, container_port: int) -> tuple[tuple[str, int], ...]:
        """The same for each of its bindings; those of one port to all addresses are one."""
        if self.host_network:
            return (("127.0.0.1", container_port),)
        bound = {
            (one.address, one.port) for one in self.ports if one.container_port == container_port
        }
        reached = {
            (_reachable(address), port)
            for address, port in bound
            if not (address == _EVERYWHERE_6 and (EVERY_ADDRESS, port) in bound)
        }
        return tuple(sorted(reached, key=_preference))


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image on this machine.

    Attributes:
        id: Its id.
        user: What its processes run as; empty is root.
        environment: The variables that it sets.
        volumes: The directories for which each container gets a volume of its own.
    """

    id: str
    user: str
    environment: Mapping[str, str | None]
    volumes: frozenset[str]


def container_facts(attributes: Mapping[str, Any]) -> ContainerFacts:
    """The facts in the engine's answer to ``GET /containers/{id}/json``.

    Source: https://docs.docker.com/reference/api/engine/
    """
    state = attributes["State"]
    config = attributes.get("Config") or {}
    host_config = attributes.get("HostConfig") or {}
    # NetworkSettings lists ports only while the container runs; HostConfig always has what was asked.
    kind, _, owner = str(host_config.get("NetworkMode") or "").partition(":")
    live = (attributes.get("NetworkSettings") or {}).get("Ports")
    return ContainerFacts(
        id=attributes["Id"],
        name=str(attributes["Name"]).removeprefix("/"),
        image=str(config.get("Image") or ""),
        status=state["Status"],
        exit_code=state["ExitCode"],
        oom_killed=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        restart_count=int(attributes.get("RestartCount") or 0),
        health=(state.get("Health") or {}).get("Status"),
        started_at=engine_time(state.get("StartedAt") or ""),
        user=str(config.get("User") or ""),
        host_network=kind == "host",
        ports=tuple(_ports(live or host_config.get("PortBindings") or {})),
        health_output=_failed_health_check(state),
        networks={name: _address(joined) for name, joined in _networks(attributes).items()},
        network_owner=owner if kind == "container" else None,
    )


def image_facts(attributes: Mapping[str, Any]) -> ImageFacts:
    """The facts in the engine's answer to ``GET /images/{name}/json``."""
    config = attributes.get("Config") or {}
    return ImageFacts(
        id=attributes["Id"],
        user=str(config.get("User") or ""),
        environment=variables(config.get("Env")),
        volumes=frozenset(config.get("Volumes") or ()),
    )


def variables(entries: Iterable[str] | None) -> dict[str, str | None]:
    """Variables from ``NAME=value``; ``None`` for a bare ``NAME``, which is taken away."""
    split = (entry.partition("=") for entry in entries or ())
    return {name: value if equals else None for name, equals, value in split}


def engine_time(text: str) -> datetime | None:
    """A time as the engine writes it (RFC 3339, nanoseconds); year 1 is its word for "never"."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text)


def _ports(bindings: Mapping[str, list[dict[str, str]] | None]) -> Iterator[BoundPort]:
    for name, places in bindings.items():
        port, _, protocol = name.partition("/")
        if protocol not in {"", "tcp"}:
            continue
        for place in places or ():
            # An empty HostPort asks for any free port, which is only known once it runs.
            if place.get("HostPort"):
                address = place.get("HostIp") or EVERY_ADDRESS
                yield BoundPort(int(port), address, int(place["HostPort"]))


def _networks(attributes: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    return (attributes.get("NetworkSettings") or {}).get("Networks") or {}


def _address(joined: Mapping[str, str]) -> str:
    return joined.get("IPAddress") or joined.get("GlobalIPv6Address") or ""


def _failed_health_check(state: Mapping[str, Any]) -> str:
    log = (state.get("Health") or {}).get("Log") or [{}]
    if not log[-1].get("ExitCode"):
        return ""
    return last_line(str(log[-1].get("Output") or ""))


def one_line(text: str) -> str:
    """A text that the creator of a container chose, so that none of it looks like a line of ours."""
    line = "\\n".join(text.splitlines())
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"


def last_line(text: str) -> str:
    """The last line that says something, cut to what fits a message."""
    lines = (line.strip() for line in reversed(text.splitlines()))
    return next((line for line in lines if line), "")[:_LONGEST_LINE]


def _reachable(address: str) -> str:
    parsed = ipaddress.ip_address(address)
    if not parsed.is_unspecified:
        return address
    return "127.0.0.1" if isinstance(parsed, ipaddress.IPv4Address) else "::1"


def _preference(place: tuple[str, int]) -> tuple[bool, int, int, str]:
    address = ipaddress.ip_address(place[0])
    return not address.is_loopback, address.version, place[1], place[0]

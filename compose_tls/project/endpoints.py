"""Where clients reach a Milvus service, and under which names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from compose_tls.compose.ports import PublishedPort
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.patterns import regex
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.reachability import HOST_GATEWAY, LOOPBACK, names
from compose_tls.results import Endpoint
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_REST_PORT
from compose_tls.vocabulary import EVERY_ADDRESS, HOST_NAME

REST_PATH: Final = regex(r"/(?:api|v1|v2)(?:/|$)")
"""Of REST, which is on the metrics port, too, and under TLS not on that of gRPC.

See internal/distributed/proxy/httpserver of Milvus.
"""

_THIS_MACHINE = frozenset({None, "", EVERY_ADDRESS, "::", "127.0.0.1", "::1"})
_OF_SERVICE = "service:"
_OF_CONTAINER = "container:"


def endpoint(service: Service, server_name: str, proxy_port: int) -> Endpoint | None:
    """The address on the host; ``None`` where none is published or the engine picks the port.

    Args:
        service: The service that publishes: see ``carrier``.
        server_name: The name that clients verify.
        proxy_port: The port in the container.
    """
    found = service.published(proxy_port)
    return None if found is None else _endpoint(found, server_name)


def endpoints(service: Service, server_name: str, proxy_port: int) -> tuple[Endpoint, ...]:
    """Each address on the host, where several are published; the arguments are those of ``endpoint``."""
    found = (_endpoint(one, server_name) for one in service.ports() if one.target == proxy_port)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _endpoint(found: PublishedPort, server_name: str) -> Endpoint | None:
    if found.published is None:
        return None
    host = "localhost" if found.host_ip in _THIS_MACHINE else str(found.host_ip)
    return Endpoint.at(host, found.published, server_name)


def no_endpoint(service: Service, services: Mapping[str, Service], proxy_port: int) -> str:
    """Why the files tell no address on the host.

    Args:
        service: The service.
        services: All services of the project, by name.
        proxy_port: The port in the container.
    """
    place = carrier(service, services)
    kind, _, owner = (place.text("network_mode") or "").partition(":")
    if kind == "none":
        return "its network_mode is none, so it cannot be reached"
    if owner:
        return f"it uses the network of {kind} {owner}, which these files do not define"
    if place.published(proxy_port) is not None:
        return "the engine picks the port at start"
    return f"no port is published: {place.name}:{proxy_port} on the project's networks"


def carrier(service: Service, services: Mapping[str, Service]) -> Service:
    """The service in whose network one is: itself, or that of ``network_mode``, over several steps too.

    That is ``service:NAME``, or ``container:NAME`` where a service names its container so.

    Names, addresses and published ports are those of the carrier:
    https://docs.docker.com/reference/compose-file/services/#network_mode
    """
    return [service, *_carriers(service, services)][-1]


def _carriers(service: Service, services: Mapping[str, Service]) -> Iterator[Service]:
    """The services whose network a service shares, the one that it names first."""
    seen = {service.name}
    while True:
        mode = service.text("network_mode") or ""
        name = mode.removeprefix(_OF_SERVICE)
        found = services.get(name) if name != mode else None
        if mode.startswith(_OF_CONTAINER):
            name = mode.removeprefix(_OF_CONTAINER)
            found = next((o for o in services.values() if o.text("container_name") == name), None)
        if found is None or found.name in seen:
            return
        seen.add(found.name)
        yield (service := found)


def sharing(services: Mapping[str, Service], names: Collection[str]) -> tuple[str, ...]:
    """The further services that are in the network of some, and lose it when these are started again.

    Args:
        services: The services of the project.
        names: Those that are started again.
    """
    others = (one for one in services.values() if one.name not in names)
    return tuple(
        one.name for one in others if any(c.name in names for c in _carriers(one, services))
    )


def inner_names(service: Service, by: Service, services: Mapping[str, Service]) -> frozenset[str]:
    """The names by which a service reaches another one on the project's networks.

    Args:
        service: The other one.
        by: Who calls it.
        services: All services of the project, by name.
    """
    place = carrier(service, services)
    own, addresses = names(place) | names(service), frozenset(place.static_addresses())
    linked = {alias for alias, name in by.links().items() if name in own}
    known = {name for name, where in by.extra_hosts().items() if not addresses.isdisjoint(where)}
    shared = LOOPBACK if place.name in {by.name, carrier(by, services).name} else frozenset[str]()
    return own | addresses | linked | known | shared


def outer_names(service: Service, by: Service, services: Mapping[str, Service]) -> frozenset[str]:
    """The names by which a service reaches the published ports of another one; arguments as above."""
    hosts = {port.host_ip for port in carrier(service, services).ports() if port.host_ip}
    found = {HOST_NAME, *(host for host in hosts if host not in LOOPBACK)}
    found |= {n for n, where in by.extra_hosts().items() if {*hosts, HOST_GATEWAY} & {*where}}
    return frozenset(found | LOOPBACK if by.text("network_mode") == "host" else found)


def rest_port(milvus: MilvusService, config: TlsConfig) -> int | None:
    """The port of REST over TLS: that of the settings, or its own one; ``None`` where REST is off.

    Args:
        milvus: The service.
        config: The settings; ``--rest-port`` wins over what Milvus is told.
    """
    if config.rest_port is not None or milvus.version < FIRST_WITH_REST_PORT:
        return config.rest_port
    found = (one.port for one in milvus.configuration.listeners if one.purpose == "REST")
    return next(found, None)


def found_names(
    servers: Iterable[tuple[Service, int]], services: Mapping[str, Service]
) -> list[str]:
    """The names under which clients may reach some services, found in the project.

    Args:
        servers: The services, each with the port that it listens on inside its container.
        services: All services of the project, by name.
    """
    callers = [other for other in services.values() if other.links() or other.extra_hosts()]
    found = (name for one in servers for name in _names(*one, services, callers))
    return list(dict.fromkeys(found))


def _names(
    service: Service, proxy: int, services: Mapping[str, Service], callers: Iterable[Service]
) -> Iterator[str]:
    """The names of one service, some of them twice."""
    place = carrier(service, services)
    published = [port for port in place.ports() if port.target == proxy]
    hosts = [port.host_ip for port in published if port.host_ip not in _THIS_MACHINE]
    on_host = bool(published) or place.text("network_mode") == "host"
    addresses = {*place.static_addresses(), *hosts, *([HOST_GATEWAY] if on_host else [])}
    yield from ("localhost", "127.0.0.1", "::1", HOST_NAME, service.name, place.name)
    yield from (text for name in ("container_name", "hostname") if (text := place.text(name)))
    yield from _full_name(place)
    yield from place.aliases()
    yield from place.static_addresses()
    yield from filter(None, hosts)
    for other in callers:
        yield from _called(place, addresses, other)


def _full_name(service: Service) -> Iterator[str]:
    """The host name with its domain."""
    host, domain = service.text("hostname"), service.text("domainname")
    if host and domain:
        yield f"{host}.{domain}"


def _called(service: Service, addresses: set[str | None], by: Service) -> Iterator[str]:
    """What only another service calls one: its links, and the names that it has for an address."""
    container = service.text("container_name")
    for alias, name in by.links().items():
        if by is not service and name in {service.name, container}:
            yield alias
    for name, places in by.extra_hosts().items():
        if by is not service and not addresses.isdisjoint(places):
            yield name

"""Every network connection that Milvus has a part in: encrypted or not, and who reaches it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compose_tls.compose.service import Service
from compose_tls.project.milvus_services import MilvusService, certain_services
from compose_tls.project.model import Project
from compose_tls.project.reachability import HOST_NAME, Parties, entries, names, widest
from compose_tls.results import CLIENTS, MONITORING, Link
from compose_tls.stack.applications import Connection, connection
from compose_tls.stack.dependency import Dependency
from compose_tls.stack.milvus.connections import (
    Listener,
    dependencies,
    internal_tls,
)
from compose_tls.vocabulary import Encryption, TlsWarning

_BEYOND = frozenset({"address", "everyone"})


@dataclass(frozen=True, slots=True)
class LinkMap:
    """The connections of a project, and those of them that somebody should do something about."""

    links: tuple[Link, ...]
    warnings: tuple[TlsWarning, ...]


def link_map(project: Project) -> LinkMap:
    """Every connection of the Milvus of a project, as the files on disk say that it will be.

    Args:
        project: The project as it is.
    """
    found = _Map(project)
    return LinkMap(found.links(), tuple(found.warnings()))


class _Map:
    def __init__(self, project: Project) -> None:
        self.project = project.compose
        self.parties = Parties(project.compose)
        self.read_file = project.read
        self.milvus = certain_services(project.milvus)
        self.proxies = [milvus for milvus in self.milvus if milvus.proxy]

    def links(self) -> tuple[Link, ...]:
        found: list[Link] = []
        for milvus in self.proxies:
            found += self.listening(milvus)
        for milvus in self.proxies:
            found += self.from_services(milvus)
        depending = (link for milvus in self.milvus for link in self.dependencies(milvus))
        return (*found, *_merged(depending), *self.internal())

    def listening(self, milvus: MilvusService) -> Iterator[Link]:
        """What comes from outside."""
        for listener in milvus.configuration.listeners():
            published = self.parties.published(milvus.service, listener.port)
            yield Link(
                sources=(CLIENTS if listener.for_clients else MONITORING,),
                targets=(milvus.service.name,),
                purpose=listener.purpose,
                port=listener.port,
                encryption=milvus.configuration.sure(listener.encryption)
                if listener.for_clients
                else listener.encryption,
                published=published,
                note=None
                if listener.for_clients or published not in _BEYOND
                else f"{_danger(milvus)}: {_closer(milvus, listener.port)}",
            )

    def warnings(self) -> Iterator[TlsWarning]:
        """Where anybody could read and write data without TLS and without credentials."""
        for milvus in self.proxies:
            for listener in milvus.configuration.listeners():
                published = self.parties.published(milvus.service, listener.port)
                if (
                    not listener.for_clients
                    and published in _BEYOND
                    and milvus.configuration.open_metrics
                ):
                    yield TlsWarning(
                        code="metrics-port-open",
                        message=f"port {listener.port} of {milvus.service.name} takes /api/v1 "
                        "requests in plain text and without credentials",
                        path=milvus.service.main.document.name,
                        line=milvus.service.main.line("ports"),
                        hint=_closer(milvus, listener.port),
                    )

    def from_services(self, milvus: MilvusService) -> Iterator[Link]:
        """What other services of the project want of Milvus."""
        ports = {
            listener.port: listener
            for listener in milvus.configuration.listeners()
            if listener.for_clients
        }
        outside = {
            entry.published: port
            for port in ports
            for entry in entries(milvus.service, port)
            if entry.published is not None
        }
        ours = {one.service.name for one in self.milvus}
        for service in self.project.services.values():
            if service.name in ours:
                continue
            variables = service.container_variables(self.read_file)
            image = service.text("image")
            found = connection(variables, names(milvus.service), ports, image=image)
            if found is None and (
                around := connection(variables, {HOST_NAME}, outside, image=image)
            ):
                port = outside[around.port] if around.port is not None else None
                found = Connection(around.variable, port, around.encryption) if port else None
            if found is not None:
                listener = ports[found.port] if found.port else next(iter(ports.values()))
                yield self.from_service(service, milvus, found, listener)

    def from_service(
        self, service: Service, milvus: MilvusService, found: Connection, listener: Listener
    ) -> Link:
        offered = milvus.configuration.sure(listener.encryption)
        return Link(
            sources=(service.name,),
            targets=(milvus.service.name,),
            purpose=listener.purpose,
            port=listener.port,
            encryption="plain" if offered == "plain" else found.encryption,
            published=self.parties.published(milvus.service, listener.port),
            note=_client_note(service.name, found, offered),
        )

    def dependencies(self, milvus: MilvusService) -> Iterator[Link]:
        for dependency in dependencies(milvus.configuration.get, cluster=milvus.component):
            yield from self.dependency(milvus, dependency)

    def dependency(self, milvus: MilvusService, dependency: Dependency) -> Iterator[Link]:
        inside: dict[int | None, list[Service]] = {}
        outside: dict[int | None, list[str]] = {}
        for address in dependency.addresses:
            found = self.parties.resolve(address.host, address.port, milvus.service)
            if found is None:
                continue
            name, service = found
            if service is None:
                outside.setdefault(address.port, []).append(name)
            else:
                inside.setdefault(address.port, []).append(service)
        for port, services in inside.items():
            reach = widest(self.parties.published(service, port) for service in services)
            yield Link(
                sources=(milvus.service.name,),
                targets=tuple(dict.fromkeys(service.name for service in services)),
                purpose=dependency.purpose,
                port=port,
                encryption=milvus.configuration.sure(dependency.encryption),
                published=reach,
            )
        for port, hosts in outside.items():
            yield Link(
                sources=(milvus.service.name,),
                targets=tuple(dict.fromkeys(hosts)),
                purpose=dependency.purpose,
                port=port,
                encryption=milvus.configuration.sure(dependency.encryption),
            )

    def internal(self) -> Iterator[Link]:
        """What the components of a cluster say to each other, any one to any other."""
        components = [milvus for milvus in self.milvus if milvus.component]
        if len(components) > 1:
            everybody = tuple(milvus.service.name for milvus in components)
            found = {
                one.configuration.sure(internal_tls(one.configuration.get, one.version))
                for one in components
            }
            yield Link(
                sources=everybody,
                targets=everybody,
                purpose="components among each other",
                encryption=found.pop() if len(found) == 1 else "unknown",
            )


def _merged(found: Iterable[Link]) -> list[Link]:
    """Links that differ in their source alone, as one."""
    groups: dict[Link, list[str]] = {}
    for link in found:
        groups.setdefault(link.model_copy(update={"sources": ()}), []).extend(link.sources)
    return [link.model_copy(update={"sources": tuple(names)}) for link, names in groups.items()]


def _danger(milvus: MilvusService) -> str:
    if milvus.configuration.open_metrics:
        return "takes /api/v1 requests without credentials"
    return "plain in every mode"


def _closer(milvus: MilvusService, port: int) -> str:
    """How to keep a port to this machine."""
    if milvus.service.text("network_mode") == "host":
        return f"keep port {port} behind a firewall"
    host_port = next((e.published for e in entries(milvus.service, port) if e.published), port)
    return f'publish it as "127.0.0.1:{host_port}:{port}"'


def _client_note(name: str, found: Connection, offered: Encryption) -> str | None:
    if offered == "encrypted" and found.encryption == "plain":
        return f"Milvus refuses plain text: switch {name} to TLS (it reads {found.variable})"
    if offered == "encrypted" and found.encryption == "unknown":
        return f"see that {name} uses TLS: {found.variable} does not say"
    if offered == "plain" and found.encryption == "encrypted":
        return f"{name} wants TLS, and Milvus speaks plain text"
    return None

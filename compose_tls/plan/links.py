"""Every network connection of Milvus: encrypted or not, and who can reach it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from compose_tls.compose.service import Service
from compose_tls.plan.clients import Client, all_clients, passes_on
from compose_tls.project.milvus_services import MilvusService, certain_services
from compose_tls.project.model import Project
from compose_tls.project.reachability import Parties, entries, widest
from compose_tls.results import CLIENTS, MONITORING, Link
from compose_tls.stack import etcd
from compose_tls.stack.dependency import Dependency, port_of
from compose_tls.stack.milvus.connections import (
    dependencies,
    internal_tls,
    tls_mode,
)
from compose_tls.values import dataclass
from compose_tls.vocabulary import COMPONENTS, ETCD_MEMBERS, Encryption, TlsMode, TlsWarning

# proxy.internalPort of milvus.yaml: what other components call the proxy by.
_INTERNAL_PORT: Final = 19529
_INTERNAL_PORT_ROUTE: Final = ("proxy", "internalPort")
_BEYOND = frozenset({"address", "everyone"})


@dataclass(frozen=True, slots=True)
class LinkMap:
    """The connections of a project, and those of them that someone should do something about."""

    links: tuple[Link, ...]
    warnings: tuple[TlsWarning, ...]


def link_map(project: Project) -> LinkMap:
    """Every connection of the Milvus of a project, as the files on disk say that it will be.

    Args:
        project: The project as it is.
    """
    found = _Map(project)
    return LinkMap(found.links(), (*found.warnings(), *found.internal_ports()))


def open_internal_ports(project: Project) -> tuple[TlsWarning, ...]:
    """The ports that let anybody speak as a component of Milvus, whatever clients have to show.

    Args:
        project: The project as it is.
    """
    return tuple(_Map(project).internal_ports())


class _Map:
    def __init__(self, project: Project) -> None:
        self.whole = project
        self.parties = Parties(project.compose)
        self.milvus = certain_services(project.milvus)
        self.proxies = [milvus for milvus in self.milvus if milvus.proxy]

    def links(self) -> tuple[Link, ...]:
        found: list[Link] = []
        for milvus in self.proxies:
            found += self.listening(milvus)
        found += map(self.from_service, all_clients(self.whole, tuple(self.proxies)))
        depending = (link for milvus in self.milvus for link in self.dependencies(milvus))
        return (*found, *_merged(depending), *self.internal(), *self.etcd_members())

    def listening(self, milvus: MilvusService) -> Iterator[Link]:
        """What comes from outside."""
        for listener in milvus.configuration.listeners:
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
        """Ports where anyone can read and write data without TLS and without credentials."""
        for milvus in self.proxies:
            for listener in milvus.configuration.listeners:
                published = self.parties.published(milvus.service, listener.port)
                if (
                    not listener.for_clients
                    and published in _BEYOND
                    and milvus.configuration.open_metrics
                ):
                    yield TlsWarning(
                        code="metrics-port-open",
                        message=f"port {listener.port} of {milvus.service.name} accepts /api/v1 "
                        "requests in plain text and without credentials",
                        **milvus.service.main.place("ports"),
                        hint=_closer(milvus, listener.port),
                    )

    def internal_ports(self) -> Iterator[TlsWarning]:
        """Ports where anyone can connect as a Milvus component, without a certificate."""
        for milvus in self.proxies:
            if milvus.service.text("network_mode") == "host":
                continue  # there everything is, and no line of the file says it
            if internal_tls(milvus.configuration.get, milvus.version) == "encrypted":
                continue
            port = port_of(milvus.configuration.get(_INTERNAL_PORT_ROUTE), _INTERNAL_PORT)
            if self.parties.published(milvus.service, port) in _BEYOND:
                yield TlsWarning(
                    code="internal-port-open",
                    message=f"port {port} of {milvus.service.name} accepts traffic of the Milvus "
                    "components in plain text and without a client certificate, in every mode",
                    **milvus.service.main.place("ports"),
                    hint=f"remove it from ports, or {_closer(milvus, port)}",
                )

    def from_service(self, client: Client) -> Link:
        """What another service of the project wants of Milvus."""
        milvus = client.milvus
        listeners = [one for one in milvus.configuration.listeners if one.for_clients]
        listener = next((one for one in listeners if one.port == client.port), listeners[0])
        offered = milvus.configuration.sure(listener.encryption)
        own = offered if passes_on(client) else client.encryption
        return Link(
            sources=(client.name,),
            targets=(milvus.service.name,),
            purpose=listener.purpose,
            port=listener.port,
            encryption="plain" if offered == "plain" else own,
            published=self.parties.published(milvus.service, listener.port),
            note=_client_note(client, offered),
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
                purpose=COMPONENTS,
                encryption=found.pop() if len(found) == 1 else "unknown",
            )

    def etcd_members(self) -> Iterator[Link]:
        """What the members of an etcd cluster say to each other."""
        found = {
            service.name: etcd.among_members(
                service.command_line(), service.container_variables(self.whole.read)
            )
            for service in self.whole.compose.services.values()
            if etcd.runs_etcd(service.text("image"), service.command_line())
        }
        members = {name: how for name, how in found.items() if how is not None}
        if len(members) > 1:
            names, plain = tuple(members), "plain" in members.values()
            how: Encryption = "plain" if plain else "encrypted"
            yield Link(sources=names, targets=names, purpose=ETCD_MEMBERS, encryption=how)


def _merged(found: Iterable[Link]) -> list[Link]:
    """Links that differ only in their source, as one."""
    groups: dict[Link, list[str]] = {}
    for link in found:
        groups.setdefault(link.model_copy(update={"sources": ()}), []).extend(link.sources)
    return [link.model_copy(update={"sources": tuple(names)}) for link, names in groups.items()]


def _danger(milvus: MilvusService) -> str:
    if milvus.configuration.open_metrics:
        return "accepts /api/v1 requests without credentials"
    return "plain in every mode"


def _closer(milvus: MilvusService, port: int) -> str:
    """How to keep a port to this machine."""
    if milvus.service.text("network_mode") == "host":
        return f"keep port {port} behind a firewall"
    host_port = next((e.published for e in entries(milvus.service, port) if e.published), port)
    return f'publish it as "127.0.0.1:{host_port}:{port}"'


def _client_note(client: Client, offered: Encryption) -> str | None:
    name, variable = client.name, client.variable
    if offered == "encrypted" and passes_on(client):
        return f"passes the TLS of its clients through: the certificate has to include the name of {name}"
    if offered == "encrypted" and client.encryption == "plain":
        reads = f"it reads {variable}" if variable else client.how
        return f"Milvus refuses plain text: switch {name} to TLS ({reads})"
    if offered == "encrypted" and client.encryption == "unknown":
        why = f"{variable} does not say" if variable else client.how
        return f"make sure that {name} uses TLS: {why}"
    if offered == "encrypted" and not client.certificate and _is_mutual(client.milvus):
        return f"Milvus asks for a client certificate, and {name} presents none: {client.how}"
    if offered == "plain" and client.encryption == "encrypted":
        return f"{name} uses TLS, but Milvus speaks plain text"
    return None


def _is_mutual(milvus: MilvusService) -> bool:
    return tls_mode(milvus.configuration.get) is TlsMode.MUTUAL

"""The services of a project that are clients of its Milvus, and those of them that TLS cuts off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from compose_tls.compose.ports import PublishedPort
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.layout import CA_CERTIFICATE
from compose_tls.patterns import regex
from compose_tls.project.endpoints import carrier, inner_names, outer_names
from compose_tls.project.milvus_services import MilvusService, certain_services
from compose_tls.project.model import Project
from compose_tls.project.reachability import entries, names
from compose_tls.results import CutOff
from compose_tls.stack.applications import (
    Connection,
    connection,
    elsewhere,
    in_file,
    naming,
    needs,
)
from compose_tls.stack.dependency import Address
from compose_tls.stack.images import repository_and_tag
from compose_tls.values import dataclass
from compose_tls.vocabulary import Encryption, TlsMode, TlsWarning

_TRAEFIK: Final = "traefik"
# They want the metrics port, which stays as it is.
_MONITORS: Final = frozenset({"grafana", "prometheus"})
# https://doc.traefik.io/traefik/routing/providers/docker/
_SERVER_LABEL: Final = regex(r"traefik\.http\.services\.[^.]+\.loadbalancer\.server\.(\w+)")


@dataclass(frozen=True, slots=True)
class Client:
    """A service that connects to Milvus.

    Attributes:
        name: The service.
        image: Its image.
        milvus: The Milvus.
        how: How that is known, in a few words.
        encryption: Whether it speaks TLS.
        certificate: Whether it shows a client certificate.
        path: The file that says so, relative to the project.
        line: The line in it.
        variable: The variable that names Milvus, where it is one.
        port: The port of Milvus that it connects to; ``None`` where that is not said.
        connection: What names Milvus; ``None`` where nothing does.
        certain: Whether it is sure that it connects to this Milvus.
    """

    name: str
    image: str | None
    milvus: MilvusService
    how: str
    encryption: Encryption
    certificate: bool = False
    path: str | None = None
    line: int | None = None
    variable: str | None = None
    port: int | None = None
    connection: Connection | None = None
    certain: bool = True


def clients(project: Project, proxies: tuple[MilvusService, ...]) -> tuple[Client, ...]:
    """The services that connect to Milvus, each once.

    Args:
        project: The project.
        proxies: The services that accept clients.
    """
    found: dict[str, Client] = {}
    for client in all_clients(project, proxies):
        found.setdefault(client.name, client)
    return tuple(found.values())


def all_clients(project: Project, proxies: tuple[MilvusService, ...]) -> Iterator[Client]:
    """The same, for each Milvus: a service that connects to several is there several times."""
    ours = {one.name for one in (*certain_services(project.milvus), *proxies)}
    for milvus in proxies:
        yield from _Finder(project, milvus).clients(ours)


def naming_variables(project: Project, client: Client) -> list[tuple[str, Address]]:
    """The variables of a client that name its Milvus, each with the address in it."""
    finder = _Finder(project, client.milvus)
    service = project.compose.services[client.name]
    variables = service.container_variables(project.read)
    inside = naming(variables, finder.inner_names(service), finder.ports)
    return [*inside, *naming(variables, finder.outer_names(service), finder.published)]


def is_let_in(client: Client, config: TlsConfig) -> bool:
    """Whether Milvus lets a client in as it is, once it speaks TLS."""
    if passes_on(client):
        return True
    mutual = config.tls_mode is TlsMode.MUTUAL
    return client.encryption == "encrypted" and (client.certificate or not mutual)


def passes_on(client: Client) -> bool:
    """Whether it hands on the bytes of clients of its own, whose TLS goes through it."""
    return client.connection is not None and client.connection.passes


def watches(service: Service) -> bool:
    """Whether a service only wants metrics, by its image."""
    return repository_and_tag(service.text("image") or "")[0] in _MONITORS


def cut_off(
    found: Iterable[Client], config: TlsConfig, reasons: Mapping[str, str]
) -> tuple[tuple[CutOff, ...], tuple[TlsWarning, ...]]:
    """The services that Milvus does not accept any more once it speaks TLS, each with what it needs.

    Args:
        found: They.
        config: The settings.
        reasons: Why one could not be switched, by its name, where there is something to say.
    """
    entries: list[CutOff] = []
    warnings: list[TlsWarning] = []
    for one in found:
        place = f"{one.milvus.name}:{one.milvus.configuration.proxy_port}"
        ca = f"{config.pki_dir}/{CA_CERTIFICATE}"
        wanted = needs(one.image, config.tls_mode, place=place, ca=ca, service=one.name)
        wanted = reasons.get(one.name) or wanted
        entries.append(CutOff(service=one.name, how=one.how, needs=wanted))
        says = {
            "encrypted": "is cut off: {}, and it presents no client certificate",
            "plain": "is cut off: {}, and it speaks plain text",
            "unknown": "may be cut off: {}, and it is unknown whether it speaks TLS",
        }[one.encryption]
        text = f"service {one.name} {says.format(one.how)}"
        warnings.append(TlsWarning("clients-cut-off", text, one.path, wanted, one.line))
    return tuple(entries), tuple(warnings)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Looks for the clients of one Milvus."""

    project: Project
    milvus: MilvusService

    @property
    def services(self) -> Mapping[str, Service]:
        return self.project.compose.services

    @property
    def place(self) -> Service:
        """The service whose names and ports Milvus has."""
        return carrier(self.milvus.service, self.services)

    @property
    def ports(self) -> frozenset[int]:
        listeners = self.milvus.configuration.listeners
        return frozenset(one.port for one in listeners if one.for_clients)

    @property
    def published(self) -> dict[int, int]:
        """The ports of this machine on which Milvus is reached, and those of its own behind them."""
        found = ((entry.published, port) for port in self.ports for entry in self.entries(port))
        return {outer: port for outer, port in found if outer is not None}

    def entries(self, port: int) -> list[PublishedPort]:
        if self.place.text("network_mode") == "host":
            return [PublishedPort(port, port, None)]
        return entries(self.place, port)

    def clients(self, ours: set[str]) -> Iterator[Client]:
        for service in self.services.values():
            if service.name not in ours:
                found = (
                    self.by_environment(service) or self.by_file(service) or self.by_rank(service)
                )
                if found is not None:
                    yield found
        yield from self.by_labels()

    def inner_names(self, by: Service) -> frozenset[str]:
        """The names by which a service reaches Milvus on the project's networks."""
        return inner_names(self.milvus.service, by, self.services)

    def outer_names(self, by: Service) -> frozenset[str]:
        """The names by which a service reaches the ports of this machine."""
        return outer_names(self.milvus.service, by, self.services)

    def by_environment(self, service: Service) -> Client | None:
        variables = service.container_variables(self.project.read)
        image = service.text("image")
        found = connection(variables, self.inner_names(service), self.ports, image=image)
        if found is None:
            outer, names = self.published, self.outer_names(service)
            around = connection(variables, names, outer, image=image)
            if around is not None and around.port is not None:
                found = replace(around, port=outer[around.port])
        if found is not None:
            how = f"its {found.variable} names Milvus"
            client = self.client(service, how, found, "environment")
            return replace(client, variable=found.variable)
        if other := elsewhere(variables, self.published):
            variable, host, port = other
            found = connection(variables, {host}, {port}, image=image)
            how = f"its {variable} names port {port} of {host}, if that is this machine"
            client = self.client(service, how, found, "environment")
            return replace(client, variable=variable, port=self.published[port], certain=False)
        return None

    def by_file(self, service: Service) -> Client | None:
        """What the compose file says of it in longer texts, or a configuration file that it mounts."""
        names = self.inner_names(service)
        for how, text, field in self.texts(service):
            if found := in_file(text.encode(), names, self.ports):
                client = self.client(service, f"{how} {found.variable}", found, field)
                # A config stands in the compose file, which is not the configuration itself.
                return replace(client, path=None, line=None) if field == "configs" else client
        for path in self.project.files_of(service):
            content = self.project.read(path) or b""
            if found := in_file(content, names, self.ports):
                name = self.project.relative(path)
                client = self.client(service, f"its {name} names {found.variable}", found)
                line = _line(content, found.variable) or _line(
                    content, found.variable.partition(":")[0]
                )
                return replace(client, path=name, line=line)
        return None

    def texts(self, service: Service) -> Iterator[tuple[str, str, str]]:
        """What may name Milvus somewhere within, each with how it does and the field that has it."""
        yield from (("its command names", word, "command") for word in service.command_line())
        for name, value in service.container_variables(self.project.read).items():
            yield f"its {name} names", value or "", "environment"
        yield from (("its image is built with", text, "build") for text in service.build_texts())
        for name, text in service.config_texts():
            yield f"its config {name} names", text, "configs"

    def by_rank(self, service: Service) -> Client | None:
        """What it is linked to, or waits for."""
        own = names(self.milvus.service) | names(self.place)
        if not own.isdisjoint(service.links().values()):
            return self.client(service, f"it is linked to {self.milvus.name}", None, "links")
        if self.milvus.name in service.depends_on() and not watches(service):
            return self.client(service, f"it depends on {self.milvus.name}", None, "depends_on")
        return None

    def by_labels(self) -> Iterator[Client]:
        """A Traefik that Milvus' own labels tell of it."""
        said = {
            match[1]: value
            for name, value in self.place.labels().items()
            if (match := _SERVER_LABEL.fullmatch(name))
        }
        port = said.get("port")
        if not said or (port and port not in map(str, self.ports)):
            return
        services = self.services.values()
        proxy = next(
            (s for s in services if _TRAEFIK in repository_and_tag(s.text("image") or "")[0]), None
        )
        main = self.place.main
        yield Client(
            proxy.name if proxy else _TRAEFIK,
            proxy.text("image") if proxy else _TRAEFIK,
            self.milvus,
            f"labels of {self.place.name} put it in front of Milvus",
            "encrypted" if said.get("scheme", "") == "https" else "plain",
            path=main.document.name,
            line=main.line("labels"),
        )

    def client(
        self, service: Service, how: str, found: Connection | None, field: str = "volumes"
    ) -> Client:
        main = service.main
        return Client(
            service.name,
            service.text("image"),
            self.milvus,
            how,
            found.encryption if found else "unknown",
            found.certificate if found else False,
            main.document.name,
            main.line(field),
            port=found.port if found else None,
            connection=found,
            certain=found is not None,
        )


def _line(content: bytes, text: str) -> int | None:
    """The line of a file, counted from 1, in which a text stands."""
    lines = content.decode("utf-8", "replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if text in line), None)

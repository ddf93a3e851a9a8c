"""The services of a project that are clients of its Milvus, and those of them that TLS cuts off."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from compose_tls.compose import dockerfile
from compose_tls.compose.ports import PublishedPort
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.connection import url_host
from compose_tls.layout import CA_CERTIFICATE
from compose_tls.patterns import regex
from compose_tls.project.endpoints import carrier, inner_names, outer_names
from compose_tls.project.milvus_services import MilvusService, certain_services
from compose_tls.project.model import Project
from compose_tls.project.reachability import entries, names
from compose_tls.results import CutOff
from compose_tls.stack.applications import (
    ClientConnection,
    connection,
    elsewhere,
    in_file,
    naming,
    needs,
)
from compose_tls.stack.dependency import Address
from compose_tls.stack.engine_proxies import fronts
from compose_tls.stack.images import repository_and_tag
from compose_tls.values import dataclass
from compose_tls.vocabulary import Encryption, TlsMode, TlsWarning

# They want the metrics port, which stays as it is.
_MONITORS: Final = frozenset({"grafana", "prometheus"})
# They connect to no Milvus, and often share an environment with those that do.
_SERVERS: Final = regex(
    r"(?:cassandra|clickhouse-server|(?:cp-)?(?:kafka|zookeeper)|elasticsearch|etcd|mariadb|memcached|minio"
    r"|mongo(?:db)?|mysql|opensearch|pgvector|postgres(?:ql)?|pulsar|rabbitmq|redis|seaweedfs|valkey)$"
)


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
        place: Host and port of Milvus, as it reaches them.
        port: The port of Milvus that it connects to; ``None`` where that is not said.
        connection: What names Milvus; ``None`` where nothing does.
        certain: Whether it is sure that it connects to this Milvus.
        unnamed: The name of Milvus that no certificate holds by itself; empty for none.
    """

    name: str
    image: str | None
    milvus: MilvusService
    how: str
    encryption: Encryption
    place: str
    certificate: bool = False
    path: str | None = None
    line: int | None = None
    variable: str | None = None
    port: int | None = None
    connection: ClientConnection | None = None
    certain: bool = True
    unnamed: str = ""


def clients(
    project: Project, proxies: tuple[MilvusService, ...]
) -> Mapping[str, tuple[Client, ...]]:
    """The services that connect to Milvus, each with its connections, one to a Milvus.

    Where one is known for certain, those that are only likely say nothing.

    Args:
        project: The project.
        proxies: The services that accept clients.
    """
    found: dict[str, list[Client]] = {}
    for client in all_clients(project, proxies):
        found.setdefault(client.name, []).append(client)
    certain = {name: [one for one in ways if one.certain] for name, ways in found.items()}
    return {name: tuple(certain[name] or ways) for name, ways in found.items()}


def all_clients(project: Project, proxies: tuple[MilvusService, ...]) -> Iterator[Client]:
    """The same, for each Milvus: a service that connects to several is there several times."""
    ours = {one.name for one in (*certain_services(project.milvus), *proxies)}
    for milvus in proxies:
        yield from _Finder(project, milvus).clients(ours)


def naming_variables(project: Project, client: Client) -> list[tuple[str, Address]]:
    """The variables of a client that name its Milvus, each with the address in it."""
    finder = _Finder(project, client.milvus)
    service = project.compose.services[client.name]
    variables = told(project, service)
    inside = naming(variables, finder.inner_names(service), finder.ports)
    return [*inside, *naming(variables, finder.outer_names(service), finder.published)]


def still_plain(project: Project, client: Client, changed: Collection[str]) -> Client | None:
    """Another place that has a client speak plain text, once these variables do not."""
    service = project.compose.services[client.name]
    found = _Finder(project, client.milvus).by_file(service, changed)
    return next((one for one in found if one.encryption == "plain"), None)


def told(project: Project, service: Service) -> dict[str, str | None]:
    """The environment of a service: what its Dockerfile in the project sets, and what Compose does."""
    files = [
        (project.read(path) or b"").decode("utf-8", "replace") for path in _dockerfile(service)
    ]
    found: dict[str, str | None] = {}
    for text in (*files, *service.inline_dockerfiles()):
        found |= dockerfile.variables(text, service.build_arguments())
    return found | service.container_variables(project.read)


def _dockerfile(service: Service) -> tuple[Path, ...]:
    build = service.build_context()
    return (build.file,) if build is not None else ()


def is_let_in(client: Client, config: TlsConfig) -> bool:
    """Whether a client can still connect, unchanged, once Milvus uses TLS."""
    if passes_on(client):
        return True
    mutual = config.tls_mode is TlsMode.MUTUAL
    return client.encryption == "encrypted" and (client.certificate or not mutual)


def passes_on(client: Client) -> bool:
    """Whether it forwards the bytes of its own clients, so that TLS passes through it."""
    return client.connection is not None and client.connection.passes


def watches(service: Service) -> bool:
    """Whether a service only wants metrics, by its image."""
    return _repository(service) in _MONITORS


def _repository(service: Service) -> str:
    return repository_and_tag(service.text("image") or "")[0]


def cut_off(
    found: Iterable[Client], config: TlsConfig, reasons: Iterable[str | None]
) -> tuple[tuple[CutOff, ...], tuple[TlsWarning, ...]]:
    """The services that Milvus does not accept any more once it speaks TLS, each with what it needs.

    Args:
        found: They.
        config: The settings.
        reasons: Why each could not be switched, where there is something to say.
    """
    entries: list[CutOff] = []
    warnings: list[TlsWarning] = []
    ca = f"{config.pki_dir}/{CA_CERTIFICATE}"
    for one, reason in zip(found, reasons, strict=True):
        wanted = reason or needs(
            one.image, config.tls_mode, place=one.place, ca=ca, service=one.name
        )
        if one.unnamed and one.unnamed not in config.san:
            wanted += f"; the certificate has to hold that name: --san {one.unnamed}"
        entries.append(
            CutOff(service=one.name, how=one.how, encryption=one.encryption, needs=wanted)
        )
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
            if service.name not in ours and not _SERVERS.match(_repository(service)):
                found = (
                    self.by_environment(service)
                    or next(self.by_file(service), None)
                    or self.by_rank(service)
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
        variables = told(self.project, service)
        image = service.text("image")
        found = connection(variables, self.inner_names(service), self.ports, image=image)
        if found is None:
            around = connection(variables, self.outer_names(service), self.published, image=image)
            found = around if around is not None and around.port is not None else None
        if found is not None:
            how = f"its {found.variable} names Milvus"
            client = self.client(service, how, found, "environment")
            return replace(client, variable=found.variable)
        if other := elsewhere(variables, self.published):
            variable, host, port = other
            found = connection(variables, {host}, {port}, image=image)
            how = f"its {variable} names port {port} of {host}, if that is this machine"
            client = self.client(service, how, found, "environment")
            return replace(client, variable=variable, certain=False, unnamed=host)
        return None

    def by_file(self, service: Service, known: Collection[str] = ()) -> Iterator[Client]:
        """What the project says of it in longer texts, or a configuration file that it mounts.

        Args:
            service: The service.
            known: Variables that are known already.
        """
        for how, text, field in self.texts(service, known):
            if found := self.named_in(text.encode(), service):
                client = self.client(service, f"{how} {found.variable}", found, field)
                # A config is in the compose file, which is not the configuration itself.
                has_line = field != "configs"
                yield client if has_line else replace(client, path=None, line=None)
        for path in (*self.project.files_of(service), *_dockerfile(service)):
            content = self.project.read(path) or b""
            if found := self.named_in(content, service):
                name = self.project.relative(path)
                client = self.client(service, f"its {name} names {found.variable}", found)
                line = _line(content, found.variable) or _line(
                    content, found.variable.partition(":")[0]
                )
                yield replace(client, path=name, line=line)

    def named_in(self, content: bytes, service: Service) -> ClientConnection | None:
        """The way to Milvus that a text of a service names, on the networks or through this machine."""
        return in_file(content, self.inner_names(service), self.ports) or in_file(
            content, self.outer_names(service), self.published
        )

    def texts(self, service: Service, known: Collection[str]) -> Iterator[tuple[str, str, str]]:
        """What may name Milvus somewhere within, each with how it does and the field that has it."""
        yield "its command names", " ".join(service.command_line()), "command"
        for name, value in told(self.project, service).items():
            if name not in known:
                yield f"its {name} names", value or "", "environment"
        test = service.healthcheck_test()
        if test is not None and test.asks:
            yield "its health check names", " ".join(test.words), "healthcheck"
        for hook in ("post_start", "pre_stop"):
            yield from ((f"its {hook} names", text, hook) for text in service.hook_commands(hook))
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
        """A proxy that Milvus itself tells of it, by its labels or variables."""
        main, services = self.place.main, self.services.values()
        labels = self.place.labels(self.project.read)
        for kind, by, found in fronts(labels, told(self.project, self.milvus.service), self.ports):
            images = ((s, _repository(s)) for s in services)
            proxy = next((service for service, image in images if kind in image), None)
            yield Client(
                proxy.name if proxy else kind,
                proxy.text("image") if proxy else kind,
                self.milvus,
                f"{by} of {self.place.name} put{'' if by == 'labels' else 's'} it in front of Milvus",
                found.encryption,
                self.reached(None),
                **main.place("labels" if by == "labels" else "environment"),
                connection=found if found.passes else None,
            )

    def reached(self, found: ClientConnection | None) -> str:
        """Host and port of Milvus, as a client has them; where it does not say, on the networks."""
        if found is not None and not found.host:
            return found.variable
        host = found.host if found is not None else self.place.name
        port = found.port if found is not None else None
        return f"{url_host(host)}:{port or self.milvus.configuration.proxy_port}"

    def client(
        self, service: Service, how: str, found: ClientConnection | None, field: str = "volumes"
    ) -> Client:
        main = service.main
        return Client(
            service.name,
            service.text("image"),
            self.milvus,
            how,
            found.encryption if found else "unknown",
            self.reached(found),
            found.certificate if found else False,
            main.document.name,
            main.line(field),
            port=self.published.get(found.port or 0, found.port) if found else None,
            connection=found,
            certain=found is not None,
        )


def _line(content: bytes, text: str) -> int | None:
    """The line of a file, counted from 1, in which a text stands."""
    lines = content.decode("utf-8", "replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if text in line), None)

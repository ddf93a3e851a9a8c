"""check: observe → locate → prove → result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from compose_tls import listener
from compose_tls.checks.check_target import Target
from compose_tls.config import TlsConfig
from compose_tls.errors import (
    CheckFailed,
    ConflictingSettings,
    NotEnabled,
    NotReady,
    ProjectError,
    WrongUsage,
)
from compose_tls.observe.tls_files import with_tls_files
from compose_tls.plan.inventory import replaced_by_hand
from compose_tls.plan.links import open_internal_ports
from compose_tls.project.declared_tls import declared_tls
from compose_tls.project.enabled import EnabledProject, locate, proxies_of
from compose_tls.project.endpoints import carrier, endpoints
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.results import CheckResult, Endpoint, Probe
from compose_tls.shell import quoted, typed
from compose_tls.values import dataclass
from compose_tls.vocabulary import GRPC_PORT, LAST_PORT, TlsMode, TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.any_server import as_any_server
from compose_tls.workflows.deployed_places import (
    Place,
    deployed_places,
    others,
    paused,
    stranger_at,
)
from compose_tls.workflows.interrupted import deploying
from compose_tls.workflows.proving import prove
from compose_tls.workflows.server_access import (
    ClientOf,
    HostPort,
    connect_arguments_of,
    target_of,
)
from compose_tls.workflows.stack_check import check_servers
from compose_tls.workflows.whole_hints import with_whole_hints


@with_whole_hints
def check(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
    *,
    host: str | None = None,
    port: int | None = None,
    rest_port: int | None = None,
    client: ClientOf | None = None,
    deep: bool = False,
    scope: Literal["proxy", "all"] | None = None,
    wait: bool = True,
    environment: Mapping[str, str] | None = None,
    on_event: listener.OnEvent = listener.silent,
) -> CheckResult:
    """Connect to the running server: prove that it encrypts, and that it refuses what it must refuse.

    Args:
        directory: The project directory.
        config: The settings.
        host: The host of the server; by default as published by the project.
        port: Its port; by default as published.
        rest_port: The port of REST; by default as published. With ``port`` and without
            this, REST is not checked.
        client: The certificates of a client, for any server, set up by ``enable`` or not. No project is
            be a project then. Paths are relative to ``directory``.
        deep: Whether to also create, fill, search and drop a throw-away collection.
        scope: ``proxy`` for client connections only, ``all`` also for etcd and the object store; by
            default those are proved that enable set up, where an engine tells where they are.
        wait: Whether to wait for up to ``timeout`` while Milvus starts.
        environment: Variables for interpolation by Compose; by default those of the process.
        on_event: Called with progress, one line at a time.

    Returns:
        The result of each probe; a failed one raises ``CheckFailed``.

    Raises:
        NotEnabled: TLS is not enabled there, and ``client`` is not given.
        ProjectError: The project cannot be read.
        NotReady: The address of the server is not known from the project.
        CertificateUnreadable: A certificate or key cannot be used.
        ConflictingSettings: Mode 2 cannot be proved without a client certificate.
        InvalidSetting: The password or token file cannot be read.
        WrongUsage: A port is not between 1 and 65535, or the host contains a port.
        CheckFailed: At least one check failed.
    """
    _require_address(host, port, rest_port)
    opened = preamble.open_project(directory, config, environment)
    preamble.reading(opened.root)
    found = (
        _of_project(opened, host, port)
        if client is None
        else _of_client(opened, client, host, port)
    )
    places = found.places
    if rest_port is not None:
        places = [replace(p, rest=HostPort(p.address.host, rest_port)) for p in places]
    proving = partial(prove, config=opened.config, on_event=on_event, deep=deep, patient=wait)
    checks, failures = _proved(found, places, proving)
    beside: tuple[TlsWarning, ...] = ()
    wanted = scope != "proxy" and port is None and host is None
    if found.project is not None and wanted and (scope or opened.config.scope == "all"):
        try:
            servers, beside = check_servers(
                found.project, opened, on_event, required=scope is not None
            )
        except CheckFailed as failure:
            failures.append(failure)
            servers = failure.checks
        checks += servers
    if failures:
        # One error for all servers, with the results of all.
        failures[0].checks = tuple(checks)
        raise failures[0]
    endpoint = found.endpoint(places[0].address)
    return CheckResult(
        mode=2 if found.mode is TlsMode.MUTUAL else 1,
        project=str(opened.root),
        services=found.services,
        endpoint=endpoint,
        connect=found.connect(endpoint),
        checks=tuple(checks),
        warnings=(
            *deploying(opened.root),
            *found.warnings,
            *filter(None, (place.of_another for place in places)),
            *(open_internal_ports(found.project) if found.project else ()),
            *beside,
        ),
    )


def _require_address(host: str | None, *ports: int | None) -> None:
    for port in ports:
        if port is not None and not 0 < port <= LAST_PORT:
            raise WrongUsage(f"there is no port {port}", hint=f"give one from 1 to {LAST_PORT}")
    name, _, after = (host or "").rpartition("://")[2].partition("/")[0].partition(":")
    if host is not None and name and (host != name and ":" not in after):
        number = f" --port {after}" if after else ""
        raise WrongUsage(
            f"{host} is more than a host name",
            hint=f"give the parts: --host {quoted(name)}{number}",
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one server is reached: gRPC, there and further, and REST where that is on and known."""

    service: str | None
    address: HostPort
    rest: HostPort | None = None
    on_host_network: bool = False
    further: tuple[Place, ...] = ()
    stranger: str | None = None
    paused: str | None = None

    @property
    def of_another(self) -> TlsWarning | None:
        """That the server there belongs to another project."""
        if self.stranger is None:
            return None
        text = f"port {self.address.port} is that of {self.stranger}, not of this project"
        hint = "compose-tls status says what this project runs"
        return TlsWarning("another-project", text, hint=hint)

    def require_awake(self) -> None:
        """Make sure that its container is not paused, which no waiting changes."""
        if self.paused:
            hint = f"docker compose unpause {typed(self.service or '')}"
            raise CheckFailed(f"container {self.paused} is paused", hint=hint)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is to be checked, and how clients connect to it."""

    mode: TlsMode
    services: tuple[str, ...]
    places: list[_Place]
    server_name: str | None
    target: Callable[[_Place], Target]
    connect: Callable[[Endpoint], dict[str, Any]]
    warnings: tuple[TlsWarning, ...] = ()
    project: Project | None = None
    replaced: TlsWarning | None = None

    def endpoint(self, address: HostPort) -> Endpoint:
        """Where clients connect."""
        return Endpoint.at(*address, self.server_name or address.host)


def _proved(
    found: _Found, places: Sequence[_Place], proving: Callable[..., tuple[Probe, ...]]
) -> tuple[list[Probe], list[CheckFailed]]:
    """What was proved of each server, and where that failed: one failure keeps no other from its turn."""
    checks: list[Probe] = []
    failures: list[CheckFailed] = []
    for place in places:
        several = place.service if len(places) > 1 else None
        try:
            place.require_awake()
            proved = proving(found.target(place), starts_silently=place.on_host_network)
        except CheckFailed as failure:
            at = f"{several}: " if several else ""
            if told := place.of_another or found.replaced:
                # To recreate the services does not help.
                failure.hint = f"{told.message}: {told.hint}"
                failure.checks = tuple(_with_hint(failure.checks, failure.hint))
            failure.message, failure.summary = at + failure.message, at + failure.summary
            failures.append(failure)
            proved = failure.checks
        checks += [probe.model_copy(update={"service": several}) for probe in proved]
    return checks, failures


def _with_hint(probes: Sequence[Probe], hint: str) -> Iterator[Probe]:
    """Probes with another next step where they have one."""
    for probe in probes:
        yield probe.model_copy(update={"hint": hint}) if probe.hint else probe


def _of_project(opened: preamble.Opened, host: str | None, port: int | None) -> _Found:
    """What enable has put TLS into."""
    root, settings = opened.root, opened.config
    project = opened.observed()
    try:
        located = locate(project, settings)
    except NotEnabled as error:
        told = declared_tls(project, settings.service)
        met = next(iter(_published(project, [one.milvus for one in told], settings)), None)
        name = host or (met.address.host if met else "localhost")
        error.hint = f"{error.hint}; {as_any_server(opened, told, name, host=host, port=port)}"
        raise
    places, unknown = _places(located, host, port, opened.variables)
    shown = with_tls_files(project, declared_tls(project, settings.service))
    return _Found(
        settings.tls_mode,
        tuple(one.name for one in located.milvus),
        places,
        settings.server_name,
        lambda place: target_of(
            root, settings, place.address, place.rest, place.service, place.further
        ),
        lambda endpoint: connect_arguments_of(root, settings, endpoint),
        tuple(
            TlsWarning(
                "not-checked",
                f"service {name} does not define a port of this host",
                hint="check it with --service, --host and --port",
            )
            for name in unknown
        ),
        located.project,
        replaced_by_hand(shown.observation, settings, located.state),
    )


def _of_client(
    opened: preamble.Opened, client: ClientOf, host: str | None, port: int | None
) -> _Found:
    """A server that need not be one of ours; what is not said, a project here may tell."""
    client = client.below(opened.start)
    mode, services = client.mode, tuple[str, ...]()
    places = [_Place(None, HostPort(host or "localhost", port or GRPC_PORT))]
    if host is None or port is None:
        project = _project(opened)
        told = declared_tls(project, opened.config.service) if project else ()
        services = tuple(one.name for one in told)
        if project and (
            published := _published(project, [one.milvus for one in told], opened.config)
        ):
            places = [
                replace(
                    place, address=HostPort(host or place.address.host, port or place.address.port)
                )
                for place in published
            ]
        mode = mode or next((one.mode for one in told if one.mode), None)
    mode = mode or (TlsMode.MUTUAL if client.certificate else TlsMode.ONE_WAY)
    if mode is TlsMode.MUTUAL and (client.certificate is None or client.key is None):
        raise ConflictingSettings(
            "mode 2 cannot be proved without a client certificate",
            hint="give --client-cert and --client-key, or use --mode 1",
        )
    return _Found(
        mode,
        services,
        places,
        client.server_name,
        lambda place: client.target(
            opened.root, opened.config, place.address, place.rest, place.service, mode
        ),
        partial(client.arguments, mode),
    )


def _project(opened: preamble.Opened) -> Project | None:
    try:
        return opened.observed()
    except ProjectError:
        return None


def _published(
    project: Project, milvus: Sequence[MilvusService], config: TlsConfig
) -> list[_Place]:
    """Where the files say that services are reached."""
    on_host = {one.name for one in milvus if one.service.text("network_mode") == "host"}
    services, found = project.compose.services, list[_Place]()
    for proxy in proxies_of(project.compose, tuple(milvus), config):
        if proxy.endpoint is None:
            continue
        first = HostPort.of(proxy.endpoint)
        publishes = carrier(services[proxy.service], services)
        told = map(HostPort.of, endpoints(publishes, config.server_name, proxy.port))
        further = others(told, first)
        on_host_network = proxy.service in on_host
        found.append(_Place(proxy.service, first, on_host_network=on_host_network, further=further))
    return found


def _places(
    located: EnabledProject, host: str | None, port: int | None, variables: Mapping[str, str]
) -> tuple[list[_Place], list[str]]:
    """Where every proxy is, and the names of those that do not say it.

    REST is left out where it is off, or where no one knows where it is. Where neither host nor port is
    given, an engine is asked too: it knows of replicas, and of ports that it has picked.
    """
    only = located.milvus[0].name if len(located.milvus) == 1 else None
    if host is not None and port is not None:
        return [_Place(only, HostPort(host, port))], []
    found: list[_Place] = []
    for place in _published(located.project, located.milvus, located.state.settings):
        proxy = next(one for one in located.proxies if one.service == place.service)
        rest = located.rest_endpoint_of(proxy) if port is None else None
        at = HostPort.of(rest) if rest else None
        found.append(
            replace(
                place,
                address=HostPort(host or place.address.host, port or place.address.port),
                rest=HostPort(host or at.host, at.port) if at else None,
                further=() if host or port else place.further,
            )
        )
    if port is not None:
        return found[:1] or [_Place(only, HostPort("localhost", port))], []
    if host is None:
        found = _deployed(located, found, variables)
    unknown = [one.name for one in located.milvus if one.name not in {p.service for p in found}]
    if found:
        return found, unknown
    first = located.milvus[0]
    raise NotReady(
        f"service {first.name} does not define a port of this host",
        hint="name it with --host and --port",
        **first.service.main.place(),
    )


def _deployed(
    located: EnabledProject, declared: Sequence[_Place], variables: Mapping[str, str]
) -> list[_Place]:
    """The same, with where their containers are met."""
    known = {place.service: place for place in declared}
    services, found = located.project.compose.services, list[_Place]()
    for proxy in located.proxies:
        publishes = carrier(services[proxy.service], services)
        directories = (located.project.directory, publishes.main.base)
        place = known.get(proxy.service)
        near = place.address if place else None
        met = deployed_places(proxy.service, proxy.port, directories, variables, near=near)
        if place is None and met:
            place = _Place(proxy.service, HostPort(*met[0]))
        if place is not None:
            further = others((*place.further, *met), place.address)
            stranger = asleep = None
            if not met:
                asleep = paused(proxy.service, directories, variables)
                stranger = stranger_at(place.address, proxy.service, directories, variables)
            found.append(replace(place, further=further, stranger=stranger, paused=asleep))
    return found

"""connect: observe → locate → client code."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.connection import Connection, ContainerRoute, ExistingService
from compose_tls.errors import WrongUsage
from compose_tls.layout import SERVER_CERTIFICATE
from compose_tls.observe.client_files import with_clients
from compose_tls.plan.client_ca import no_client
from compose_tls.plan.clients import clients
from compose_tls.plan.inventory import inventory
from compose_tls.project.declared_tls import declared_tls, mode_differs
from compose_tls.project.enabled import EnabledProject, locate
from compose_tls.project.endpoints import carrier, no_endpoint, rest_port
from compose_tls.project.inside import inside, way_by_host
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.results import ConnectResult, Endpoint, Snippet
from compose_tls.sdk.pymilvus import arguments_of
from compose_tls.shell import typed
from compose_tls.stack.images import repository_and_tag
from compose_tls.stack.milvus.milvus_version import NEWEST, MilvusVersion
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning, has_ended
from compose_tls.workflows import preamble
from compose_tls.workflows.deployed_places import deployed_places, met_endpoint
from compose_tls.workflows.server_access import ClientFiles
from compose_tls.workflows.snippets import LANGUAGES, snippet
from compose_tls.workflows.whole_hints import with_whole_hints

_NOT_VALID: Final = frozenset({"certificate-expired", "certificate-not-yet-valid"})
_SEVERAL: Final = 2
_SHARED_NETWORKS = ("host", "service:", "container:")


@with_whole_hints
def connect(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
    *,
    lang: str = "python",
    service: str | None = None,
    client: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> ConnectResult:
    """Client code or settings for a project, ready to paste.

    Args:
        directory: The project directory.
        config: The settings.
        lang: The language or tool: ``python``, ``python-async``, ``langchain``, ``llamaindex``, ``node``,
            ``java``, ``go``, ``csharp``, ``curl``, ``env`` or ``attu``.
        service: A service of the project whose container the client is in: name and port on its
            network, and the paths there; by default a client on this machine.
        client: The client whose certificate and key are used, as given to ``client``; by default the one
            that ``enable`` issued.
        environment: Variables for interpolation by Compose; by default those of the process.

    Returns:
        The endpoint, the keyword arguments of ``pymilvus.MilvusClient``, and the code for ``lang``.

    Raises:
        NotEnabled: TLS is not enabled there.
        ServiceNotFound: The project has no such service.
        NotMounted: Its container does not see the certificates that it needs.
        NameInvalid: ``client`` cannot be the name of a client.
        CertificateUnreadable: ``client`` has no certificate and key in the project.
        WrongUsage: ``service`` and ``client`` are given together, there is no such ``lang``, or the
            service has no network.
    """
    if lang not in LANGUAGES:
        raise WrongUsage(f"there is no language {lang}", hint=f"use one of {', '.join(LANGUAGES)}")
    if service is not None and client is not None:
        raise WrongUsage(
            f"the container of {service} has only one client certificate: --client cannot choose another",
            hint="leave --client or --for out",
        )
    opened = preamble.open_project(directory, config, environment)
    root = opened.root
    preamble.reading(root)
    located = locate(opened.observed(), opened.config)
    settings, project = opened.config, located.project
    milvus, told = _meant(located, service)
    located = replace(located, milvus=(milvus,))
    settings, differs = _as_declared(located, settings)
    if service is None:
        way = _from_here(replace(opened, config=settings), located, client)
    else:
        way = _from_inside(located, settings, service)
    ca_pem, client_pem, client_key = way.files
    connection = Connection(
        mode=settings.tls_mode,
        uri=way.endpoint.uri,
        server_name=way.endpoint.server_name,
        ca_pem=ca_pem,
        client_pem=client_pem,
        client_key=client_key,
        rest_uri=way.rest,
        release=_release(milvus.version),
        authentication=milvus.configuration.asks_for_credentials,
        container_route=_container_route(milvus),
        attu=_attu(project),
        inside=service,
    )
    return ConnectResult(
        mode=settings.mode,
        project=str(root),
        services=located.state.services,
        endpoint=way.endpoint,
        connect=arguments_of(connection),
        snippet=Snippet(lang=lang, text=snippet(lang, connection)),
        warnings=(*differs, *told, *way.warnings),
    )


def _as_declared(
    located: EnabledProject, settings: TlsConfig
) -> tuple[TlsConfig, tuple[TlsWarning, ...]]:
    """The settings with the mode that clients meet, and that it is not the recorded one."""
    [one] = declared_tls(located.project, [milvus.name for milvus in located.milvus])
    warning = mode_differs(one, settings)
    if one.mode is None or warning is None:
        return settings, ()
    return settings.model_copy(update={"mode": max(int(one.mode), settings.mode)}), (warning,)


def _meant(
    located: EnabledProject, client: str | None
) -> tuple[MilvusService, tuple[TlsWarning, ...]]:
    """The Milvus that a client talks to, and that there are others where it may mean one of those."""
    found = clients(located.project, located.milvus).get(client or "", ())
    named = tuple(one.milvus for one in found) or located.milvus
    servers = [one for one in named if not one.component]
    if len(servers) < _SEVERAL:
        return named[0], ()
    names = " and ".join(one.name for one in servers)
    place = f" --for {typed(client)}" if client else ""
    text = f"{names} are separate servers: this connects to {servers[0].name}"
    hint = f"for another one: compose-tls connect{place} --service {typed(servers[1].name)}"
    return servers[0], (TlsWarning("one-of-several", text, hint=hint),)


@dataclass(frozen=True, slots=True)
class _Way:
    """How a client reaches Milvus: where gRPC and REST are, and its CA, certificate and key."""

    endpoint: Endpoint
    files: tuple[str, str, str]
    rest: str | None
    warnings: tuple[TlsWarning, ...]


def _from_here(opened: preamble.Opened, located: EnabledProject, client: str | None) -> _Way:
    """The way of a client on this machine."""
    settings = opened.config
    endpoint, warnings = _endpoint(located, settings.server_name, opened.variables)
    of_client = ClientFiles.of(opened.root, settings)
    if client is not None:
        of_client = of_client.named(opened.root, client)
    files = (str(of_client.ca), str(of_client.certificate), str(of_client.key))
    if settings.tls_mode is TlsMode.MUTUAL and not of_client.certificate.exists():
        warnings = (*warnings, no_client(settings))
    warnings = (*warnings, *_ended(opened, located, of_client, client))
    rest = located.rest_endpoint.uri if located.rest_endpoint else None
    return _Way(endpoint, files, rest, warnings)


def _ended(
    opened: preamble.Opened, located: EnabledProject, of_client: ClientFiles, client: str | None
) -> Iterator[TlsWarning]:
    """The certificates of this connection that have expired, or are not valid yet."""
    config = opened.config
    used = {f"{config.served_dir}/{SERVER_CERTIFICATE}", relative(of_client.ca, opened.root)}
    if config.tls_mode is TlsMode.MUTUAL:
        used.add(relative(of_client.certificate, opened.root))
    project = with_clients(located.project, config) if client else located.project
    found = inventory(project.observation, config, located.state, opened.now, {})
    yield from (one for one in found.warnings if one.path in used and one.code in _NOT_VALID)
    for one in found.certificates:
        if one.client and one.path in used and has_ended(one.not_after, opened.now):
            text = f"{one.path} expired on {one.not_after:%Y-%m-%d}"
            hint = f"compose-tls client {typed(one.client)}"
            yield TlsWarning("client-certificate-expired", text, one.path, hint)


def _from_inside(located: EnabledProject, settings: TlsConfig, service: str) -> _Way:
    """The way of a client in the container of a service."""
    milvus = located.milvus[0]
    seen = inside(located.project, settings, milvus, service)
    endpoint = Endpoint.at(seen.host, seen.port, seen.server_name)
    port = rest_port(milvus, settings)
    rest = Endpoint.at(seen.host, port, seen.server_name).uri if port is not None else None
    warnings = tuple(filter(None, (way_by_host(located.project, milvus, service),)))
    return _Way(endpoint, (seen.ca, seen.certificate, seen.key), rest, warnings)


def _endpoint(
    located: EnabledProject, name: str, variables: Mapping[str, str]
) -> tuple[Endpoint, tuple[TlsWarning, ...]]:
    """Where clients connect: by the files, else as the engine says; and what is to be said of it."""
    if located.endpoint is not None:
        return located.endpoint, ()
    milvus, project = located.milvus[0], located.project
    port = milvus.configuration.proxy_port
    place = carrier(milvus.service, project.compose.services)
    directories = (project.directory, place.main.base)
    met = deployed_places(milvus.name, port, directories, variables)
    published = place.published(port) is not None
    if met:
        found = met_endpoint(met[0], name)
        if published:
            return found, ()
        what = f"{found.uri} is its address now, and may change"
        hint = f"publish a port: {port}:{port}"
    else:
        found = Endpoint.at("localhost", port, name)
        what = f"{found.uri} is only a placeholder"
        hint = f"start it and run this again, or publish a port of your own: {port}:{port}"
    reason = no_endpoint(milvus.service, project.compose.services, port)
    warning = TlsWarning(
        "port-not-known",
        f"service {milvus.name}: {reason}; {what}",
        place.main.document.name,
        hint,
        place.main.line("ports"),
    )
    return found, (warning,)


def _attu(project: Project) -> ExistingService | None:
    """The Attu of the project."""
    for service in project.compose.services.values():
        image = service.text("image") or ""
        if repository_and_tag(image)[0] == "attu":
            return ExistingService(service.name, image)
    return None


def _release(version: MilvusVersion) -> tuple[int, int] | None:
    return None if version == NEWEST else (version.major, version.minor)


def _container_route(milvus: MilvusService) -> ContainerRoute | None:
    """How the other services of the project reach Milvus.

    Source: https://docs.docker.com/reference/compose-file/services/#network_mode
    """
    service, port = milvus.service, milvus.configuration.proxy_port
    mode = service.text("network_mode")
    if mode is None:
        return ContainerRoute(service.name, port, tuple(service.networks()))
    if mode.startswith(_SHARED_NETWORKS):
        return ContainerRoute("localhost", port, network_mode=mode)
    return None

"""connect: observe → locate → client code."""

from __future__ import annotations

import os
from collections.abc import Mapping

from compose_tls.connection import Connection, ContainerRoute, Neighbour, url_host
from compose_tls.observe import observe
from compose_tls.project.enabled import EnabledProject, locate
from compose_tls.project.endpoints import carrier
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.results import ConnectResult, Endpoint, Snippet
from compose_tls.stack.milvus.release import NEWEST, MilvusVersion
from compose_tls.stack.milvus.role import repository_and_tag
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import ClientFiles, connect_arguments_of
from compose_tls.workflows.picked_port import picked_port
from compose_tls.workflows.snippets import snippet

_SHARED_NETWORKS = ("host", "service:", "container:")


def connect(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
    *,
    lang: str = "python",
    environment: Mapping[str, str] | None = None,
) -> ConnectResult:
    """Client code or settings for a project, ready to paste.

    Args:
        directory: The project directory.
        config: The settings.
        lang: One of ``compose_tls.workflows.snippets.LANGUAGES``.
        environment: Variables that Compose interpolates with; those of the process by default.

    Returns:
        The endpoint, the keyword arguments of ``pymilvus.MilvusClient``, and the code for ``lang``.

    Raises:
        NotEnabled: ``enable`` has not been here.
    """
    opened = preamble.open_project(directory, config, environment)
    root = opened.root
    preamble.reading(root)
    located = locate(
        observe(
            root, opened.config, opened.variables, start=opened.start, outside=opened.named_places
        ),
        opened.config,
    )
    settings, milvus = opened.config, located.milvus[0]
    endpoint, warnings = _endpoint(located, settings.server_name, opened.variables)
    files = ClientFiles.of(root, settings)
    connection = Connection(
        mode=settings.tls_mode,
        uri=endpoint.uri,
        server_name=endpoint.server_name,
        ca_pem=str(files.ca),
        client_pem=str(files.certificate),
        client_key=str(files.key),
        rest_uri=located.rest_endpoint.uri if located.rest_endpoint else None,
        release=_release(milvus.version),
        authentication=milvus.configuration.asks_for_credentials,
        container_route=_container_route(milvus),
        attu=_attu(located.project),
    )
    return ConnectResult(
        mode=settings.mode,
        project=str(root),
        services=located.state.services,
        endpoint=endpoint,
        connect=connect_arguments_of(root, settings, settings.tls_mode, endpoint),
        snippet=Snippet(lang=lang, text=snippet(lang, connection)),
        warnings=warnings,
    )


def _endpoint(
    located: EnabledProject, name: str, variables: Mapping[str, str]
) -> tuple[Endpoint, tuple[TlsWarning, ...]]:
    """Where clients connect: by the files, else as the engine says; and what is to be said of it."""
    if located.endpoint is not None:
        return located.endpoint, ()
    milvus, project = located.milvus[0], located.project
    port = milvus.configuration.proxy_port
    place = carrier(milvus.service, project.compose.services)
    uri = f"https://localhost:{port}"
    if place.published(port) is None:
        return Endpoint(uri=uri, server_name=name), ()
    directories = (project.directory, place.main.base)
    if (found := picked_port(place.name, port, directories, variables)) is not None:
        host = "localhost" if found[0] == "127.0.0.1" else url_host(found[0])
        return Endpoint(uri=f"https://{host}:{found[1]}", server_name=name), ()
    warning = TlsWarning(
        "port-not-known",
        f"the engine picks the port of {place.name} when it starts, so {uri} only stands in for it",
        place.main.document.name,
        f"start it and run this again, or publish a port of your own: {port}:{port}",
        place.main.line("ports"),
    )
    return Endpoint(uri=uri, server_name=name), (warning,)


def _attu(project: Project) -> Neighbour | None:
    """The Attu of the project."""
    for service in project.compose.services.values():
        image = service.text("image") or ""
        if repository_and_tag(image)[0] == "attu":
            return Neighbour(service.name, image)
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

"""connect: observe → locate → client code."""

from __future__ import annotations

import os
from collections.abc import Mapping

from compose_tls.connection import Connection, ContainerRoute
from compose_tls.observe import observe
from compose_tls.project.enabled import locate
from compose_tls.project.milvus_services import MilvusService
from compose_tls.results import ConnectResult, Endpoint, Snippet
from compose_tls.stack.milvus.release import NEWEST, MilvusVersion
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import ClientFiles, connect_arguments_of
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

    Raises:
        NotEnabled: ``enable`` has not been here.
    """
    opened = preamble.open_project(directory, config, environment)
    root = opened.root
    preamble.reading(root)
    located = locate(
        observe(root, opened.config, opened.variables, start=opened.start), opened.config
    )
    settings, milvus = opened.config, located.milvus[0]
    endpoint = located.endpoint or Endpoint(
        uri=f"https://localhost:{milvus.configuration.proxy_port}",
        server_name=settings.server_name,
    )
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
    )
    return ConnectResult(
        mode=settings.mode,
        project=str(root),
        services=located.state.services,
        endpoint=endpoint,
        connect=connect_arguments_of(root, settings, settings.tls_mode, endpoint),
        snippet=Snippet(lang=lang, text=snippet(lang, connection)),
    )


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

"""connect: observe → locate → client code."""

from __future__ import annotations

import os
from collections.abc import Mapping

from compose_tls.config import TlsConfig
from compose_tls.connection import Connection, ContainerRoute
from compose_tls.observation import Observation
from compose_tls.observe import observe
from compose_tls.project.enabled import Located, locate
from compose_tls.project.milvus_configuration import EffectiveSettings
from compose_tls.results import ConnectResult, Endpoint, Snippet
from compose_tls.stack.milvus.connections import asks_for_credentials
from compose_tls.stack.milvus.release import NEWEST, MilvusVersion
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import ClientFiles, connect_arguments_of
from compose_tls.workflows.snippets import snippet

_SHARED_NETWORKS = ("host", "service:", "container:")


def connect(
    directory: str | os.PathLike[str] = ".",
    config: TlsConfig | None = None,
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
    config = config or TlsConfig()
    variables = preamble.environment_of(environment)
    path = preamble.project_directory(directory, config, variables)
    preamble.reading(path)
    observation = observe(path, config, variables)
    located = locate(observation, config)
    state = located.state
    endpoint = located.endpoint or Endpoint(
        uri=f"https://localhost:{located.proxy_port}", server_name=state.server_name
    )
    files = ClientFiles.of(path, config)
    connection = Connection(
        mode=TlsMode(state.mode),
        uri=endpoint.uri,
        server_name=endpoint.server_name,
        ca_pem=str(files.ca),
        client_pem=str(files.certificate),
        client_key=str(files.key),
        rest_uri=located.rest_endpoint.uri if located.rest_endpoint else None,
        release=_release(located.milvus.version),
        authentication=_authentication(located, observation),
        container_route=_container_route(located),
    )
    return ConnectResult(
        mode=state.mode,
        project=str(path),
        services=state.services,
        endpoint=endpoint,
        connect=connect_arguments_of(path, config, TlsMode(state.mode), endpoint),
        snippet=Snippet(lang=lang, text=snippet(lang, connection)),
    )


def _release(version: MilvusVersion) -> tuple[int, int] | None:
    return None if version == NEWEST else (version.major, version.minor)


def _authentication(located: Located, observation: Observation) -> bool:
    """Whether Milvus is told to ask for credentials; it does not by itself."""
    settings = EffectiveSettings.of(
        located.milvus.service, observation.directory, observation.content
    )
    return asks_for_credentials(settings.get)


def _container_route(located: Located) -> ContainerRoute | None:
    """How the other services of the project reach Milvus.

    Source: https://docs.docker.com/reference/compose-file/services/#network_mode
    """
    service = located.milvus.service
    mode = service.text("network_mode")
    if mode is None:
        return ContainerRoute(service.name, located.proxy_port, tuple(service.networks()))
    if mode.startswith(_SHARED_NETWORKS):
        return ContainerRoute("localhost", located.proxy_port, network_mode=mode)
    return None

"""Client code and settings by language."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from compose_tls.clients import (
    attu,
    csharp,
    curl,
    env,
    go,
    java,
    langchain,
    llamaindex,
    node,
    python,
)
from compose_tls.clients.connection import Connection, ContainerRoute
from compose_tls.facts import TlsMode

_SNIPPETS: Mapping[str, Callable[[Connection], str]] = {
    "python": python.client,
    "python-async": python.async_client,
    "langchain": langchain.vector_store,
    "llamaindex": llamaindex.vector_store,
    "node": node.client,
    "java": java.program,
    "go": go.program,
    "csharp": csharp.program,
    "curl": curl.command,
    "env": env.settings,
    "attu": attu.service,
}

LANGUAGES = tuple(_SNIPPETS)


def snippet(
    lang: str,
    *,
    mode: TlsMode,
    uri: str,
    server_name: str,
    ca_pem: str,
    client_pem: str,
    client_key: str,
    rest_uri: str | None,
    release: tuple[int, int] | None = None,
    authentication: bool = False,
    container_route: ContainerRoute | None = None,
) -> str:
    """Code or settings for a language.

    Args:
        lang: One of ``LANGUAGES``.
        mode: The TLS mode.
        uri: Where gRPC is.
        server_name: The name to verify.
        ca_pem: Path of the CA certificate.
        client_pem: Path of the client certificate; used in mode 2.
        client_key: Path of its key; used in mode 2.
        rest_uri: Where REST is; ``None`` where it is off.
        release: Major and minor version of Milvus; ``None`` where they are unknown.
        authentication: Whether the server asks for a token, read from ``MILVUS_TOKEN``.
        container_route: How other containers of the project reach the server; ``None`` is by the
            published port.
    """
    return _SNIPPETS[lang](
        Connection(
            mode=mode,
            uri=uri,
            server_name=server_name,
            ca_pem=ca_pem,
            client_pem=client_pem,
            client_key=client_key,
            rest_uri=rest_uri,
            release=release,
            authentication=authentication,
            container_route=container_route,
        )
    )

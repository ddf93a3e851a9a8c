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
from compose_tls.clients.connection import Connection

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


def snippet(lang: str, connection: Connection) -> str:
    """Code or settings for a language.

    Args:
        lang: One of ``LANGUAGES``.
        connection: The server, and the files of a client.
    """
    return _SNIPPETS[lang](connection)

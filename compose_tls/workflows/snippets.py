"""What ``connect`` can spell: client code by language, and the members of the stack that are clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from compose_tls.connection import Connection
from compose_tls.sdk import csharp, curl, env, go, java, node, python
from compose_tls.stack import attu

_SNIPPETS: Mapping[str, Callable[[Connection], str]] = {
    "python": python.client,
    "python-async": python.async_client,
    "langchain": python.langchain,
    "llamaindex": python.llamaindex,
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

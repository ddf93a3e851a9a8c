"""Client code and settings by language."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from compose_tls.connection import Connection
from compose_tls.sdk import (
    csharp,
    curl,
    env,
    go,
    java,
    node,
    python,
)

SNIPPETS: Mapping[str, Callable[[Connection], str]] = {
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
}

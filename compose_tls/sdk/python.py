"""pymilvus: the client and the asynchronous client, and what its callers share."""

from __future__ import annotations

from collections.abc import Iterable

from compose_tls.connection import CREDENTIALS_VARIABLE, Connection
from compose_tls.sdk.pymilvus import connect_arguments


def client(connection: Connection) -> str:
    """Code with ``MilvusClient``."""
    return "\n".join(
        (
            *imports(connection),
            "from pymilvus import MilvusClient",
            "",
            "client = MilvusClient(",
            *keywords(connection),
            ")",
        )
    )


def async_client(connection: Connection) -> str:
    """Code with ``AsyncMilvusClient``: it wants to be made where an event loop runs."""
    return "\n".join(
        (
            "# pymilvus 2.6 and newer; 2.5.3 has AsyncMilvusClient, but not its list_collections.",
            "import asyncio",
            *(imports(connection) or ("",)),
            "from pymilvus import AsyncMilvusClient",
            "",
            "",
            "async def main() -> None:",
            "    client = AsyncMilvusClient(",
            *keywords(connection, indent=8),
            "    )",
            "    print(await client.list_collections())",
            "    await client.close()",
            "",
            "",
            "asyncio.run(main())",
        )
    )


def imports(connection: Connection) -> tuple[str, ...]:
    """What has to be imported for the token."""
    return ("import os", "") if connection.authentication else ()


def keywords(connection: Connection, *, indent: int = 4) -> list[str]:
    """The arguments of a client as keywords, one a line."""
    return _lines((f"{name}={value}" for name, value in _arguments(connection).items()), indent)


def items(connection: Connection, *, indent: int = 4) -> list[str]:
    """The arguments of a client as items of a dictionary, one a line."""
    return _lines((f"{name!r}: {value}" for name, value in _arguments(connection).items()), indent)


def _lines(texts: Iterable[str], indent: int) -> list[str]:
    return [f"{' ' * indent}{text}," for text in texts]


def _arguments(connection: Connection) -> dict[str, str]:
    """Names, and values as Python writes them."""
    values = connect_arguments(
        mode=connection.mode,
        uri=connection.uri,
        server_name=connection.server_name,
        ca_pem=connection.ca_pem,
        client_pem=connection.client_pem,
        client_key=connection.client_key,
    )
    rendered = {name: repr(value) for name, value in values.items()}
    if connection.authentication:
        rendered["token"] = f"os.environ[{CREDENTIALS_VARIABLE!r}]"
    return rendered

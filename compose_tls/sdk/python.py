"""Python: pymilvus' client and asynchronous client, and the vector stores that hand on to it.

Sources: https://github.com/langchain-ai/langchain-milvus (vectorstores/milvus.py) and
https://github.com/run-llama/llama_index (llama-index-vector-stores-milvus, base.py)
"""

from __future__ import annotations

from collections.abc import Iterable

from compose_tls.connection import CREDENTIALS_VARIABLE, Connection, mode_note
from compose_tls.sdk.pymilvus import arguments_of


def client(connection: Connection) -> str:
    """Code with ``MilvusClient``."""
    return "\n".join(
        (
            *_imports(connection),
            "from pymilvus import MilvusClient",
            "",
            *mode_note(connection, "#"),
            "client = MilvusClient(",
            *_keywords(connection),
            ")",
            'print("Milvus", client.get_server_version())',
        )
    )


def async_client(connection: Connection) -> str:
    """Code with ``AsyncMilvusClient``: it wants to be made where an event loop runs."""
    return "\n".join(
        (
            "# pymilvus 2.6 and newer; 2.5.3 has AsyncMilvusClient, but not its list_collections.",
            "import asyncio",
            *(_imports(connection) or ("",)),
            "from pymilvus import AsyncMilvusClient",
            "",
            "",
            "async def main() -> None:",
            *mode_note(connection, "    #"),
            "    client = AsyncMilvusClient(",
            *_keywords(connection, indent=8),
            "    )",
            "    print(await client.list_collections())",
            "    await client.close()",
            "",
            "",
            "asyncio.run(main())",
        )
    )


def langchain(connection: Connection) -> str:
    """Code with ``langchain_milvus.Milvus``."""
    return "\n".join(
        (
            "# langchain-milvus; langchain_community.vectorstores.Milvus takes the same arguments.",
            *_imports(connection),
            "from langchain_core.embeddings import DeterministicFakeEmbedding",
            "from langchain_milvus import Milvus",
            "",
            *mode_note(connection, "#"),
            "vector_store = Milvus(",
            "    embedding_function=DeterministicFakeEmbedding(size=8),  # your embedding model",
            "    connection_args={",
            *_items(connection),
            "    },",
            ")",
        )
    )


def llamaindex(connection: Connection) -> str:
    """Code with ``MilvusVectorStore``; it makes its collection at once."""
    return "\n".join(
        (
            *_imports(connection),
            "from llama_index.vector_stores.milvus import MilvusVectorStore",
            "",
            *mode_note(connection, "#"),
            "vector_store = MilvusVectorStore(",
            "    dim=1536,  # the dimension of your embedding model",
            *_keywords(connection),
            ")",
        )
    )


def _imports(connection: Connection) -> tuple[str, ...]:
    """What has to be imported for the token."""
    return ("import os", "") if connection.authentication else ()


def _keywords(connection: Connection, *, indent: int = 4) -> list[str]:
    """The arguments of a client as keywords, one per line."""
    return _lines((f"{name}={value}" for name, value in _arguments(connection).items()), indent)


def _items(connection: Connection) -> list[str]:
    """The arguments of a client as items of a dictionary, one per line."""
    return _lines((f"{name!r}: {value}" for name, value in _arguments(connection).items()), 8)


def _lines(texts: Iterable[str], indent: int) -> list[str]:
    return [f"{' ' * indent}{text}," for text in texts]


def _arguments(connection: Connection) -> dict[str, str]:
    """Names, and values as Python writes them."""
    rendered = {name: repr(value) for name, value in arguments_of(connection).items()}
    if connection.authentication:
        rendered["token"] = f"os.environ[{CREDENTIALS_VARIABLE!r}]"
    return rendered

"""LangChain: its vector store hands ``connection_args`` to pymilvus.

Source: https://github.com/langchain-ai/langchain-milvus (vectorstores/milvus.py)
"""

from __future__ import annotations

from compose_tls.connection import Connection
from compose_tls.sdk.python import imports, items


def vector_store(connection: Connection) -> str:
    """Code with ``langchain_milvus.Milvus``."""
    return "\n".join(
        (
            "# langchain-milvus; langchain_community.vectorstores.Milvus takes the same arguments.",
            *imports(connection),
            "from langchain_core.embeddings import DeterministicFakeEmbedding",
            "from langchain_milvus import Milvus",
            "",
            "vector_store = Milvus(",
            "    embedding_function=DeterministicFakeEmbedding(size=8),  # your embedding model",
            "    connection_args={",
            *items(connection, indent=8),
            "    },",
            ")",
        )
    )

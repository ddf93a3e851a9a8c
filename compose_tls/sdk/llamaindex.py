"""LlamaIndex: its vector store hands what it does not know to pymilvus.

Source: https://github.com/run-llama/llama_index (llama-index-vector-stores-milvus, base.py)
"""

from __future__ import annotations

from compose_tls.connection import Connection
from compose_tls.sdk.python import imports, keywords


def vector_store(connection: Connection) -> str:
    """Code with ``MilvusVectorStore``; it makes its collection at once."""
    return "\n".join(
        (
            *imports(connection),
            "from llama_index.vector_stores.milvus import MilvusVectorStore",
            "",
            "vector_store = MilvusVectorStore(",
            "    dim=1536,  # the dimension of your embedding model",
            *keywords(connection),
            ")",
        )
    )

"""The object store, MinIO or another S3 server, where Milvus keeps its segments.

Source: configs/milvus.yaml of the releases for the keys and their defaults.
"""

from __future__ import annotations

from collections.abc import Iterator

from compose_tls.stack.dependency import Dependency, Settings, addresses, is_true, port_of


def segments(settings: Settings) -> Iterator[Dependency]:
    """Where a Milvus with these settings keeps its segments, and how it talks to it.

    Args:
        settings: The settings as Milvus sees them.
    """
    if (settings(("common", "storageType")) or "").lower() != "local":
        port = port_of(settings(("minio", "port")), 9000)
        found = addresses(settings(("minio", "address")) or "localhost", port)
        encrypted = is_true(settings(("minio", "useSSL")))
        yield Dependency("object store", found, "encrypted" if encrypted else "plain")

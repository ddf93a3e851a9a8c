"""The object store, MinIO or another S3 server, where Milvus keeps its segments.

Source: configs/milvus.yaml of the releases for the keys and their defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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


def data_directories(
    command: Sequence[str], variables: Mapping[str, str | None]
) -> tuple[str, ...]:
    """Where a MinIO keeps its data, in its container: the paths on its command line, else its default.

    Args:
        command: Its command line.
        variables: Its environment, that of the image included.
    """
    words = " ".join(command).split()
    given = words[words.index("server") + 1 :] if "server" in words else []
    named = given or (variables.get("MINIO_VOLUMES") or "").split()
    return tuple(word for word in named if word.startswith("/")) or ("/data",)

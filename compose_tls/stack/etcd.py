"""etcd, where Milvus keeps its metadata (with TiKV in its place or beside it).

Sources: configs/milvus.yaml of the releases for the keys and their defaults; pkg/util/paramtable of
Milvus for what follows from a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compose_tls.stack.dependency import Dependency, Settings, addresses, is_true


def metadata(settings: Settings) -> Iterator[Dependency]:
    """Where a Milvus with these settings keeps its metadata, and how it talks to it.

    Args:
        settings: The settings as Milvus sees them.
    """
    # etcd is where components find each other, also where TiKV holds the metadata.
    if not is_true(settings(("etcd", "use", "embed"))):
        found = addresses(settings(("etcd", "endpoints")) or "localhost:2379", 2379)
        encrypted = is_true(settings(("etcd", "ssl", "enabled")))
        secure = any(address.scheme == "https" for address in found)
        yield Dependency(
            "metadata", found, "encrypted" if encrypted else "unknown" if secure else "plain"
        )
    if (settings(("metastore", "type")) or "").lower() == "tikv":
        encrypted = is_true(settings(("tikv", "ssl", "enabled")))
        found = addresses(settings(("tikv", "endpoints")) or "127.0.0.1:2389", 2389)
        yield Dependency("metadata", found, "encrypted" if encrypted else "plain")


def data_directory(command: Sequence[str], variables: Mapping[str, str | None]) -> str:
    """Where an etcd keeps its data, in its container; a relative path counts from its working directory.

    Source: https://etcd.io/docs/latest/op-guide/configuration/

    Args:
        command: Its command line.
        variables: Its environment, that of the image included.
    """
    name = _flag(command, "name") or variables.get("ETCD_NAME") or "default"
    return _flag(command, "data-dir") or variables.get("ETCD_DATA_DIR") or f"{name}.etcd"


def _flag(command: Sequence[str], name: str) -> str | None:
    words = " ".join(command).replace("=", " ").split()
    flags = [word.lstrip("-") if word.startswith("-") else None for word in words]
    place = flags.index(name) + 1 if name in flags else len(words)
    return words[place] if place < len(words) else None

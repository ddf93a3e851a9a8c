"""What of an export a container would see, read back as Kubernetes and Swarm read it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def mounted(volumes: Any, mounts: Any, secrets: list[Any]) -> dict[str, bytes]:
    """What a pod sees of Secrets, by the path of the file."""
    by_name = {one["metadata"]["name"]: one["data"] for one in secrets}
    held: dict[str, dict[str, bytes]] = {}
    for one in volumes:
        sources = one["projected"]["sources"] if "projected" in one else [one]
        files = [
            (
                item["path"],
                b64decode(by_name[source.get("secretName", source.get("name"))][item["key"]]),
            )
            for source in (each["secret"] for each in sources)
            for item in source["items"]
        ]
        assert len(dict(files)) == len(files)
        held[one["name"]] = dict(files)
    seen: dict[str, bytes] = {}
    for mount in mounts:
        assert mount["readOnly"] is True
        files_there = held[mount["name"]]
        if "subPath" in mount:
            seen[mount["mountPath"]] = files_there[mount["subPath"]]
        else:
            seen |= {f"{mount['mountPath']}/{path}": found for path, found in files_there.items()}
    return seen


def placed(stack: Any, service: str, directory: Path) -> dict[str, bytes]:
    """What a service of a stack sees of configs and secrets, by the path of the file."""
    return {
        one["target"]: (directory / stack[section][one["source"]]["file"]).read_bytes()
        for section in ("configs", "secrets")
        for one in stack["services"][service][section]
    }


def leaves(tree: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of a tree of settings, by its route."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value

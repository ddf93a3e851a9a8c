"""What Docker Compose would make a container of, in the terms in which the engine describes one.

Sources: https://docs.docker.com/reference/compose-file/services/, and compose (pkg/compose/create.go)
for what it makes of them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from compose_tls.values import dataclass
from compose_tls.vocabulary import EVERY_ADDRESS

ANOTHER_CONTAINER: Final = "that of another container"
"""What stands for the network of a container that uses another one's."""

_EVERYWHERE: Final = frozenset({"", EVERY_ADDRESS, "::"})


@dataclass(frozen=True, slots=True)
class MountPoint:
    """A place in a container that is not its own layer.

    Attributes:
        kind: ``bind``, ``volume``, ``tmpfs`` or what else the engine knows.
        target: The path in the container.
        source: The path on the host, or the volume's name; empty where it has no name of its own.
        read_only: Whether the container may only read it.
    """

    kind: str
    target: str
    source: str = ""
    read_only: bool = False

    def __str__(self) -> str:
        what = f"{self.kind} {self.source}" if self.source else self.kind
        return f"{what} (read-only)" if self.read_only else what


@dataclass(frozen=True, slots=True)
class Declared:
    """A service as the files, variables and options of now declare it.

    Attributes:
        directory: The project directory.
        files: The compose files in merge order.
        env_files: What was given with ``--env-file``.
        image: The name of the image; ``None`` for one that is built and not named.
        user: As what it runs; ``None`` leaves that to the image.
        environment: Its variables; ``None`` takes one of the image away.
        mounts: Its mounts, configs and secrets from files included.
        copied: The configs and secrets that Compose copies into the container.
        borrows_mounts: Whether it has mounts besides, of other containers or of Compose.
        ports: What it publishes, as ``binding`` writes it.
        networks: The networks by the names that the engine knows.
        replicas: How many containers it is to have.
    """

    project: str
    service: str
    directory: Path
    files: tuple[Path, ...]
    env_files: tuple[Path, ...]
    image: str | None
    user: str | None
    environment: Mapping[str, str | None] = field(repr=False)
    mounts: tuple[MountPoint, ...]
    copied: frozenset[str]
    borrows_mounts: bool
    ports: frozenset[str]
    networks: frozenset[str]
    replicas: int


def declared(
    document: Mapping[str, Any],
    service: str,
    *,
    directory: Path,
    files: Sequence[Path],
    env_files: Sequence[Path] = (),
) -> Declared:
    """A service out of what ``docker compose config --format json`` says.

    Args:
        document: All that it says: networks, volumes, configs and secrets get their names there.
        service: The service's name; it must be in there.
        directory: The project directory.
        files: The compose files that Compose loads, in order.
        env_files: What was given with ``--env-file`` or ``COMPOSE_ENV_FILES``.
    """
    definition: Mapping[str, Any] = document["services"][service]
    mode = definition.get("network_mode")
    names = document.get("networks") or {}
    joined = [(names.get(key) or {}).get("name") or key for key in definition.get("networks") or ()]
    files_given = [
        *_given(document, definition, "configs", "/"),
        *_given(document, definition, "secrets", "/run/secrets/"),
    ]
    mounts = [*_mounts(document, definition), *(mount for mount in files_given if mount.source)]
    return Declared(
        project=str(document["name"]),
        service=service,
        directory=directory,
        files=tuple(files),
        env_files=tuple(env_files),
        image=definition.get("image"),
        user=definition.get("user"),
        environment=definition.get("environment") or {},
        mounts=tuple(mounts),
        copied=frozenset(mount.target for mount in files_given if not mount.source),
        borrows_mounts=bool(definition.get("volumes_from") or definition.get("use_api_socket")),
        ports=frozenset(_ports(definition)),
        networks=networks(mode, joined),
        replicas=replicas_of(definition),
    )


def replicas_of(definition: Mapping[str, Any]) -> int:
    """How many containers a service is to have, as ``docker compose config`` has it."""
    told = (definition.get("deploy") or {}).get("replicas")
    return int(definition.get("scale", 1) if told is None else told)


def networks(mode: str | None, joined: Iterable[str]) -> frozenset[str]:
    """The networks of a container, of Compose's or the engine's network mode and what it has joined."""
    if mode and mode.startswith(("service:", "container:")):
        return frozenset({ANOTHER_CONTAINER})
    return frozenset(joined) or frozenset({mode} if mode else ())


def binding(host: str, published: str, target: str) -> str:
    """A published port as the short syntax of Compose writes it.

    Args:
        host: The address of the host.
        published: Its port, or a range of which one is taken; empty for any.
        target: Port and protocol in the container.
    """
    place = "" if host in _EVERYWHERE else f"[{host}]:" if ":" in host else f"{host}:"
    return f"{place}{published}:{target}" if place or published else target


def _mounts(document: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[MountPoint]:
    volumes = document.get("volumes") or {}
    for volume in definition.get("volumes") or ():
        kind, source = volume["type"], volume.get("source") or ""
        if kind == "volume" and source:
            source = (volumes.get(source) or {}).get("name") or source
        if kind not in {"bind", "volume"}:
            source = ""
        target = posixpath.normpath(volume["target"])
        yield MountPoint(kind, target, source, read_only=bool(volume.get("read_only")))
    listed = definition.get("tmpfs") or ()
    for entry in [listed] if isinstance(listed, str) else listed:
        yield MountPoint("tmpfs", posixpath.normpath(entry.partition(":")[0]))


def _given(
    document: Mapping[str, Any], definition: Mapping[str, Any], kind: str, base: str
) -> Iterator[MountPoint]:
    """Configs or secrets; those without a source are not files, so that Compose copies their content."""
    for entry in definition.get(kind) or ():
        source = entry["source"]
        target = posixpath.join(base, entry.get("target") or source)
        file = ((document.get(kind) or {}).get(source) or {}).get("file") or ""
        yield MountPoint("bind", target, file, read_only=True)


def _ports(definition: Mapping[str, Any]) -> Iterator[str]:
    for port in definition.get("ports") or ():
        target = f"{port['target']}/{port.get('protocol') or 'tcp'}"
        yield binding(port.get("host_ip") or "", str(port.get("published") or ""), target)

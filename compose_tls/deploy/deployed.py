"""The deployed container of a service, read only."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from compose_tls.deploy.container import ContainerFacts, ImageFacts, container_facts, variables
from compose_tls.deploy.declared import Declared, MountPoint, binding, networks
from compose_tls.deploy.engine import LABEL, Engine
from compose_tls.patterns import regex
from compose_tls.values import dataclass
from compose_tls.vocabulary import number

# The name that the engine makes up for a volume that was given none: 32 random bytes in hex.
_ANONYMOUS: Final = regex(r"[0-9a-f]{64}")

# Docker Desktop runs its engine in a machine of its own, in which the host's files are below here.
_OF_THE_HOST: Final = regex(r"^/(?:host_mnt|run/desktop/mnt/host)(?=/)")

# More compose files than any project has.
_MOST_FILES: Final = 256

_KINDS: Final[tuple[Literal["changed", "added", "removed"], ...]] = ("changed", "added", "removed")


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A path in which a container differs from its image, as ``docker diff`` tells it."""

    path: str
    kind: Literal["changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Deployed:
    """The container of a service.

    Attributes:
        container: What it is and does now.
        project: The name of the project that it belongs to, be it that of now or another one.
        directory: The project directory when it was created; this and the next three are labels of
            Compose, and empty where it wrote none.
        files: The compose files, with a comma between.
        env_files: Those of ``--env-file``, as they were.
        image_id: The id of its image.
        image: That image; ``None`` when it is no longer on this machine.
        tag_id: The id of the image that has the name now with which the container was created.
        working_directory: Where its process starts, inside.
        environment: Its variables without those that its image sets to the same value.
        mounts: Its mounts.
        ports: What it was to publish, as ``binding`` writes it.
        networks: The names of its networks.
        changes: What is in its own layer.
        siblings: The further containers of the service in that project, those that run first; they
            have none themselves.
    """

    container: ContainerFacts
    project: str
    directory: str
    files: str
    env_files: str
    image_id: str
    image: ImageFacts | None
    tag_id: str | None
    working_directory: str
    environment: Mapping[str, str | None] = field(repr=False)
    mounts: tuple[MountPoint, ...]
    ports: frozenset[str]
    networks: frozenset[str]
    changes: tuple[LayerChange, ...] = field(repr=False)
    siblings: tuple[Deployed, ...] = field(default=(), repr=False)

    @property
    def each(self) -> tuple[Deployed, ...]:
        """All containers of the service in its project; this one first."""
        return (self, *self.siblings)

    @property
    def replicas(self) -> int:
        """How many of these run."""
        return sum(one.container.running for one in self.each)


def comes_from(engine: Engine, service: str, directory: Path, name: str | None) -> bool:
    """Whether there is a container of a service that a project directory may have to do with.

    Quick, and without Compose: only ``deployed`` knows for certain.

    Args:
        engine: The engine.
        service: The service's name.
        directory: The project directory.
        name: The project's name, where the environment gives one.
    """
    # https://docs.docker.com/compose/how-tos/project-name/: a file may give another one.
    usual = re.sub(r"[^a-z0-9_-]", "", directory.name.lower()).lstrip("_-")
    for attributes in engine.containers(service):
        labels = _labels(attributes)
        where = labels.get("project.working_dir", "")
        files = paths_of(labels.get("project.config_files", ""), where)
        near = {where, *(posixpath.dirname(file) for file in files)}
        if labels.get("project") in {name, usual} or str(directory) in map(os.path.realpath, near):
            return True
    return False


def deployed(engine: Engine, wanted: Declared) -> Deployed | None:
    """Find and read the container of a service; nothing is changed.

    A container that was made from the same directory or files belongs to the service as well when it is
    in a project of another name; one of the project of now that ever ran goes first, since it is the
    one that Compose would recreate, then one that runs, then the one with the lowest number.

    Args:
        engine: The engine.
        wanted: The service.

    Raises:
        EngineUnreachable: The engine stopped answering.
    """
    found = [each for each in engine.containers(wanted.service) if _belongs(_labels(each), wanted)]
    if not found:
        return None
    chosen = min(found, key=lambda each: _order(each, wanted))
    project = _labels(chosen).get("project")
    further = [x for x in found if x is not chosen and _labels(x).get("project") == project]
    siblings = sorted(further, key=lambda each: _order(each, wanted))
    return replace(_read(engine, chosen), siblings=tuple(_read(engine, each) for each in siblings))


def _read(engine: Engine, attributes: Mapping[str, Any]) -> Deployed:
    container = container_facts(attributes)
    return from_answers(
        attributes,
        image=engine.image(attributes["Image"]),
        tag=engine.image(container.image),
        changes=engine.changes(container.id),
    )


def from_answers(
    attributes: Mapping[str, Any],
    *,
    image: ImageFacts | None,
    tag: ImageFacts | None,
    changes: list[dict[str, Any]],
) -> Deployed:
    """A container out of the engine's answers.

    Args:
        attributes: That to ``GET /containers/{id}/json``.
        image: Its image.
        tag: The image that has the name now with which the container was created.
        changes: The answer to ``GET /containers/{id}/changes``.
    """
    config, host_config = attributes["Config"], attributes.get("HostConfig") or {}
    labels, container = _labels(attributes), container_facts(attributes)
    return Deployed(
        container=container,
        project=labels.get("project", ""),
        directory=labels.get("project.working_dir", ""),
        files=labels.get("project.config_files", ""),
        env_files=labels.get("project.environment_file", ""),
        image_id=attributes["Image"],
        image=image,
        tag_id=tag.id if tag else None,
        working_directory=config.get("WorkingDir") or "/",
        environment={
            name: value
            for name, value in variables(config.get("Env")).items()
            if image is None or name not in image.environment or image.environment[name] != value
        },
        mounts=tuple(_mounts(attributes)),
        ports=frozenset(_ports(host_config.get("PortBindings") or {})),
        networks=networks(host_config.get("NetworkMode"), container.networks),
        changes=tuple(LayerChange(each["Path"], _KINDS[each["Kind"]]) for each in changes),
    )


def paths_of(label: str, directory: str) -> tuple[str, ...]:
    """The real paths in a label of Compose; old versions wrote them relative to the directory."""
    names = [name for name in label.split(",")[:_MOST_FILES] if name]
    return tuple(os.path.realpath(posixpath.join(directory, name)) for name in names)


def _labels(attributes: Mapping[str, Any]) -> dict[str, str]:
    labels: Mapping[str, str] = attributes["Config"].get("Labels") or {}
    # No path holds a NUL, and a label may: nothing that asks for a file takes one.
    return {
        name.removeprefix(LABEL): value.replace("\0", "")
        for name, value in labels.items()
        if name.startswith(LABEL)
    }


def _belongs(labels: Mapping[str, str], wanted: Declared) -> bool:
    if labels.get("project") == wanted.project:
        return True
    directory = labels.get("project.working_dir", "")
    if directory and os.path.realpath(directory) == os.path.realpath(wanted.directory):
        return True
    files = {os.path.realpath(file) for file in wanted.files}
    return not files.isdisjoint(paths_of(labels.get("project.config_files", ""), directory))


def _order(attributes: Mapping[str, Any], wanted: Declared) -> tuple[bool, bool, bool, int]:
    labels = _labels(attributes)
    own, state = labels.get("project") == wanted.project, attributes["State"]
    return (
        not (own and state["Status"] != "created"),
        state["Status"] != "running",
        not own,
        number(labels.get("container-number")) or 0,
    )


def _mounts(attributes: Mapping[str, Any]) -> Iterator[MountPoint]:
    for mount in attributes.get("Mounts") or ():
        kind, source = mount["Type"], ""
        if kind == "bind":
            source = _OF_THE_HOST.sub("", mount["Source"])
        elif kind == "volume" and not _ANONYMOUS.fullmatch(mount.get("Name") or ""):
            source = mount.get("Name") or ""
        yield MountPoint(kind, mount["Destination"], source, read_only=not mount.get("RW", True))
    for target in (attributes.get("HostConfig") or {}).get("Tmpfs") or ():
        yield MountPoint("tmpfs", str(PurePosixPath(target)))


def _ports(bindings: Mapping[str, list[dict[str, str]] | None]) -> Iterator[str]:
    for target, places in bindings.items():
        name = target if "/" in target else f"{target}/tcp"
        for place in places or ():
            yield binding(place.get("HostIp") or "", place.get("HostPort") or "", name)

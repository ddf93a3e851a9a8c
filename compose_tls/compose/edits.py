"""What to write into a compose file: mounts and variables, in the style of their service."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping as ReadMapping
from collections.abc import Sequence as ReadSequence
from pathlib import Path

from compose_tls.compose.compose_project import ComposeProject
from compose_tls.compose.interpolate import interpolate
from compose_tls.compose.service import Definition, Service, Variable
from compose_tls.compose.volumes import Mount
from compose_tls.errors import EditRefused
from compose_tls.patterns import regex
from compose_tls.values import dataclass
from compose_tls.vocabulary import DATA_DIRECTORY
from compose_tls.yamlpatch.intent import Append, Intent, Put, RemoveItem, Route, Text

_PREFIX = regex(r"(?:\$\w+|\$\{(?:[^{}]|\{[^{}]*\})*\})(?=/)")


@dataclass(frozen=True, slots=True)
class MountOrder:
    """A bind mount to add.

    Attributes:
        host_path: An absolute path without ``..``.
        target: Where it appears in the container.
        read_only_allowed: Whether ``ro`` may be copied from the neighbours.
        absolute: Whether a place outside the project is written with its whole path.
        read_only: Whether ``ro`` is written in any case.
    """

    host_path: Path
    target: str
    read_only_allowed: bool = True
    absolute: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Destination:
    """The compose file that gets the edits of a service.

    Attributes:
        file: The file.
        base: The directory that relative paths in it are relative to.
        definition: What it says of the service already; ``None`` for nothing.
    """

    file: Path
    base: Path
    definition: Definition | None

    @classmethod
    def of(cls, service: Service, name: str, override: Path | None) -> Destination:
        """The override file where edits go there; otherwise the file that says a field of the service."""
        if override is not None:
            return cls.override(service, override)
        return cls.main(service, name)

    @classmethod
    def main(cls, service: Service, name: str) -> Destination:
        """The file that defines the service, or a later one that drops what it says of a field."""
        definition = service.main
        passed = False
        for later in service.definitions:
            if passed and later.editable and later.replaces(name):
                definition = later
            passed = passed or later is service.main
        return cls(definition.file, definition.base, definition)

    @classmethod
    def override(cls, service: Service, file: Path) -> Destination:
        """An override file, whether it is there yet or not."""
        own = (d for d in service.definitions if d.file == file and d.editable)
        return cls(file, file.parent, next(own, None))


def add_mounts(
    service: Service,
    orders: ReadSequence[MountOrder],
    into: Destination,
) -> list[Intent]:
    """The intents that add bind mounts to a service.

    Raises:
        EditRefused: The service inherits its volumes, so that ours would replace them.
    """
    _require_own(into, "volumes")
    route = (*_route(service), "volumes")
    mounts = [mount for mount in service.mounts() if mount.file == into.file]
    flags = _flags(mounts or service.mounts())
    intents: list[Intent] = []
    for order in orders:
        source = _source(order, into.base)
        options = [f for f in flags if f != "ro" or order.read_only_allowed]
        if order.read_only and "ro" not in options:
            options.insert(0, "ro")
        # Long syntax has no place for a label here, short syntax none for a colon.
        long = mounts and all(mount.long for mount in mounts) and "z" not in options
        if long or ":" in source:
            item: ReadMapping[str, Text] = {
                "type": Text("bind"),
                "source": Text(source),
                "target": Text(order.target),
                **({"read_only": Text("true")} if "ro" in options else {}),
            }
            intents.append(Append(route, item))
        else:
            suffix = ":" + ",".join(options) if options else ""
            intents.append(Append(route, Text(f"{source}:{order.target}{suffix}", string=True)))
    return intents


def as_written(
    intents: ReadSequence[Intent],
    written: Iterable[tuple[Route, str | ReadMapping[str, str]]],
    project: ComposeProject,
) -> list[Intent]:
    """Intents that spell a mount as an earlier enable did, where that means the same place.

    Earlier versions began it as its neighbours do, with ``${DOCKER_VOLUME_DIRECTORY:-.}`` for one.

    Args:
        intents: What is to be written into one file.
        written: Each item that was added there, and the list that it was added to.
        project: The project.
    """
    known = list(written)

    def spelled(intent: Intent) -> Intent:
        if not isinstance(intent, Append) or intent.route[-1:] != ("volumes",):
            return intent
        variables = project.services[intent.route[1]].variables
        item = intent.item.value if isinstance(intent.item, Text) else _texts(intent.item)
        for route, old in known:
            if route == intent.route and _relative(old, variables, project.directory) == item:
                if isinstance(old, str) or isinstance(intent.item, Text):
                    return Append(route, Text(str(old), string=True))
                return Append(route, {**intent.item, "source": Text(old["source"])})
        return intent

    return [spelled(intent) for intent in intents]


def _texts(item: ReadMapping[str, Text]) -> dict[str, str]:
    return {name: text.value for name, text in item.items()}


def _relative(
    item: str | ReadMapping[str, str], variables: ReadMapping[str, str], directory: Path
) -> str | dict[str, str]:
    """A mount whose source begins with ``.`` where a variable there stands for the directory."""
    if not isinstance(item, str):
        source = _relative(item.get("source", ""), variables, directory)
        return {**item, "source": str(source)} if "source" in item else dict(item)
    found = _PREFIX.match(item)
    if found is None:
        return item
    # Also without any variable: ${PWD}, or one of the caller's, is another place for another user.
    for values in (variables, {}):
        # Tried with a name behind it: an empty variable would make an absolute path of "${VAR}/name".
        tried = os.path.normpath(directory / f"{interpolate(found.group(), values)}/name")
        if Path(tried) != directory / "name":
            return item
    return f".{item[found.end() :]}"


def set_variables(
    service: Service, variables: ReadMapping[str, str], into: Destination
) -> list[Intent]:
    """The intents that set environment variables of a service.

    Raises:
        EditRefused: The service inherits its environment, so that ours would replace it.
    """
    _require_own(into, "environment")
    route = (*_route(service), "environment")
    there = into.definition.query("environment") if into.definition else None
    if there is not None and there.is_list:
        return [Append(route, Text(f"{k}={escaped(v)}", string=True)) for k, v in variables.items()]
    return [Put((*route, k), Text(escaped(v), string=True)) for k, v in variables.items()]


def change_variable(service: Service, variable: Variable, value: str) -> list[Intent]:
    """The intents that have a variable say something else at the place of the service that sets it.

    Args:
        service: The service.
        variable: The variable.
        value: What is written there: a literal ``$`` as ``$$``.
    """
    route = (*_route(service), "environment")
    if variable.item is None:
        return [Put((*route, variable.name), Text(value, string=True))]
    new = Text(f"{variable.name}={value}", string=True)
    return [RemoveItem(route, variable.item), Append(route, new)]


def _route(service: Service) -> Route:
    return ("services", service.name)


def escaped(value: str) -> str:
    """A literal ``$`` is written ``$$``, or Compose would take it for a variable."""
    return value.replace("$", "$$")


def _require_own(into: Destination, name: str) -> None:
    definition = into.definition
    if definition is None or definition.writes(name):
        return
    if (inherited := definition.query(name)) is not None:
        raise EditRefused(
            f"the service inherits {name} through a merge key (<<), which its own would replace",
            hint=f"use --style override, or write {name} out in the service itself",
            path=definition.document.name,
            line=inherited.line,
        )


def _source(order: MountOrder, base: Path) -> str:
    if order.host_path.is_relative_to(base):
        return f"./{escaped(order.host_path.relative_to(base).as_posix())}"
    if order.absolute:
        return escaped(str(order.host_path))
    return escaped(os.path.relpath(order.host_path, base))


def _flags(mounts: ReadSequence[Mount]) -> list[str]:
    """The options that our mounts share with their neighbours."""
    binds = [mount for mount in mounts if mount.host_path is not None]
    configuration = [m for m in binds if not m.target.startswith(DATA_DIRECTORY)]
    flags = ["ro"] if configuration and all("ro" in m.options for m in configuration) else []
    # An SELinux label is needed by all bind mounts of a host or by none. "z": ours may be shared.
    labelled = binds and all({"z", "Z"} & set(m.options) for m in binds)
    return [*flags, "z"] if labelled else flags


def publish(
    service: Service, port: int, host_ip: str | None, into: Destination, *, picked: bool = False
) -> list[Intent]:
    """The intents that publish a container port under its own number.

    Args:
        service: The service.
        port: The port.
        host_ip: The address of the host to publish it at; ``None`` for all.
        into: The file that gets the edit.
        picked: Whether the engine picks the number on the host instead.

    Raises:
        EditRefused: The service inherits its ports, so that ours would replace them.
    """
    _require_own(into, "ports")
    shown = f"[{host_ip}]" if host_ip and ":" in host_ip else host_ip
    on_host = "" if picked else str(port)
    entry = f"{shown}:{on_host}:{port}" if shown else f"{on_host}:{port}".lstrip(":")
    return [Append((*_route(service), "ports"), Text(entry, string=True))]

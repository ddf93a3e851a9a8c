"""One service of a project: the places that define it, and what they add up to."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from collections.abc import Mapping as ReadMapping
from dataclasses import dataclass, field
from pathlib import Path

from compose_tls.compose.interpolate import interpolate
from compose_tls.compose.ports import PublishedPort, parse_short
from compose_tls.compose.volumes import Mount, is_path, normal_target, split_short
from compose_tls.yamlpatch.document import Document, Mapping, Node, Scalar, Sequence, resolve
from compose_tls.yamlpatch.merge import fields


@dataclass(frozen=True, slots=True)
class Definition:
    """One place that defines (a part of) a service.

    Attributes:
        file: The compose file.
        base: The directory that relative paths in it are relative to.
        node: The mapping of the service in that file.
        editable: Whether the place belongs to the project and to this service alone.
    """

    file: Path
    base: Path
    document: Document = field(repr=False)
    node: Mapping = field(repr=False)
    editable: bool = True

    def field(self, name: str) -> Node | None:
        """A field of the service here, merge keys followed; what is null is not there."""
        node = fields(self.node).get(name)
        if node is None:
            return None
        value = resolve(node)
        return None if isinstance(value, Scalar) and value.is_null else value

    def line(self, node: Node | None = None) -> int:
        """The line of a node, or of the service itself, counted from 1."""
        return self.document.line((node or self.node).start)


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of a service, with the place that sets it."""

    name: str
    value: str
    definition: Definition = field(repr=False)
    line: int
    item: str | None = None
    """The whole list item where the environment is a list."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service as Compose sees it, all its definitions merged, later ones winning."""

    name: str
    definitions: tuple[Definition, ...]
    variables: ReadMapping[str, str] = field(repr=False)
    """What Compose interpolates with."""

    def text(self, name: str) -> str | None:
        """A scalar field, interpolated."""
        for definition in reversed(self.definitions):
            value = definition.field(name)
            if isinstance(value, Scalar):
                return self._interpolated(value)
        return None

    def words(self, name: str) -> list[str]:
        """A command-like field as words: a list as it is, a string split as a shell would."""
        for definition in reversed(self.definitions):
            value = definition.field(name)
            if isinstance(value, Sequence):
                return [self._interpolated(i) for i in _scalars(value)]
            if isinstance(value, Scalar):
                text = self._interpolated(value)
                try:
                    return shlex.split(text)
                except ValueError:
                    return text.split()
        return []

    def has(self, name: str) -> bool:
        """Whether any definition sets the field."""
        return any(d.field(name) is not None for d in self.definitions)

    @property
    def main(self) -> Definition:
        """The definition that edits go to: the one with the image, else the first."""
        editable = [d for d in self.definitions if d.editable]
        for definition in editable:
            if definition.field("image") is not None or definition.field("build") is not None:
                return definition
        return editable[0]

    def environment(self) -> list[Variable]:
        """Every environment entry of every definition, in merge order."""
        return [v for definition in self.definitions for v in self._environment_of(definition)]

    def environment_value(self, *names: str) -> str | None:
        """The value that one of these variables has in the end."""
        found = [v.value for v in self.environment() if v.name in names]
        return found[-1] if found else None

    def mounts(self) -> list[Mount]:
        """The volume entries; of several with one target the last wins, as in Compose."""
        found: dict[str, Mount] = {}
        for definition in self.definitions:
            for mount in self._mounts_of(definition):
                found[mount.target] = mount
        return list(found.values())

    def ports(self) -> list[PublishedPort]:
        """The published TCP ports."""
        found: list[PublishedPort] = []
        for definition in self.definitions:
            value = definition.field("ports")
            for node in value.items if isinstance(value, Sequence) else []:
                item = resolve(node)
                if isinstance(item, Scalar):
                    found += parse_short(self._interpolated(item))
                elif isinstance(item, Mapping):
                    found += self._long_port(item)
        return found

    def env_files(self) -> list[Path]:
        """The env_file files, in order."""
        found: list[Path] = []
        for definition in self.definitions:
            value = definition.field("env_file")
            for node in value.items if isinstance(value, Sequence) else [value]:
                item = resolve(node) if node else None
                path = fields(item).get("path") if isinstance(item, Mapping) else item
                if isinstance(path, Scalar):
                    found.append(definition.base / self._interpolated(path))
        return found

    def aliases(self) -> list[str]:
        """The network aliases."""
        found: list[str] = []
        for definition in self.definitions:
            networks = definition.field("networks")
            if isinstance(networks, Mapping):
                for node in fields(networks).values():
                    network = resolve(node)
                    names = fields(network).get("aliases") if isinstance(network, Mapping) else None
                    if isinstance(names, Sequence):
                        found += [self._interpolated(item) for item in _scalars(names)]
        return found

    def _environment_of(self, definition: Definition) -> Iterator[Variable]:
        value = definition.field("environment")
        if isinstance(value, Mapping):
            for name, node in fields(value).items():
                item = resolve(node)
                text = self._interpolated(item) if isinstance(item, Scalar) else ""
                yield Variable(name, text, definition, definition.line(node))
        elif isinstance(value, Sequence):
            for item in _scalars(value):
                name, _, text = self._interpolated(item).partition("=")
                yield Variable(name, text, definition, definition.line(item), item.value)

    def _mounts_of(self, definition: Definition) -> Iterator[Mount]:
        value = definition.field("volumes")
        for node in value.items if isinstance(value, Sequence) else []:
            item, line = resolve(node), definition.line(node)
            if isinstance(item, Scalar):
                source, target, options = split_short(item.value)
                target = normal_target(interpolate(target, self.variables))
                options = tuple(interpolate(o, self.variables) for o in options)
                host = self._host_path(source, definition)
                yield Mount(target, source, host, options, False, definition.file, line)
            elif isinstance(item, Mapping):
                yield from self._long_mount(item, definition, line)

    def _long_mount(self, item: Mapping, definition: Definition, line: int) -> Iterator[Mount]:
        values = {n: v for n, v in fields(item).items() if isinstance(resolve(v), Scalar)}
        texts = {n: resolve(v) for n, v in values.items()}
        get = {n: self._interpolated(v) for n, v in texts.items() if isinstance(v, Scalar)}
        if "target" not in get:
            return
        source = texts.get("source")
        raw = source.value if isinstance(source, Scalar) else None
        bind = get.get("type") == "bind"
        host = self._host_path(raw, definition) if bind else None
        options = ("ro",) if get.get("read_only") == "true" else ()
        target = normal_target(get["target"])
        yield Mount(target, raw, host, options, True, definition.file, line)

    def _host_path(self, source: str | None, definition: Definition) -> Path | None:
        text = interpolate(source or "", self.variables)
        if not text or not is_path(text):
            return None
        if text.startswith("~"):
            text = self.variables.get("HOME", "~") + text[1:]
        return _normal(definition.base / text)

    def _long_port(self, item: Mapping) -> Iterator[PublishedPort]:
        values = {n: resolve(v) for n, v in fields(item).items()}
        texts = {n: self._interpolated(v) for n, v in values.items() if isinstance(v, Scalar)}
        if texts.get("protocol", "tcp") == "tcp" and texts.get("target", "").isdecimal():
            published = texts.get("published", "")
            port = int(published) if published.isdecimal() else None
            yield PublishedPort(int(texts["target"]), port, texts.get("host_ip"))

    def _interpolated(self, node: Scalar) -> str:
        return interpolate(node.value, self.variables)


def _scalars(node: Sequence) -> list[Scalar]:
    return [item for item in map(resolve, node.items) if isinstance(item, Scalar)]


def _normal(path: Path) -> Path:
    """The path without ``.`` and ``..``; symbolic links are left alone."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and len(parts) > 1:
            parts.pop()
        elif part != "..":
            parts.append(part)
    return Path(*parts)

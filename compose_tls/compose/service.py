"""One service of a project: the places that define it, and what they add up to."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from collections.abc import Mapping as ReadMapping
from dataclasses import dataclass
from pathlib import Path

from compose_tls.compose import dotenv
from compose_tls.compose.definition import Definition, items
from compose_tls.compose.environment import Variable, variables_of
from compose_tls.compose.ports import PublishedPort, ports_of
from compose_tls.compose.volumes import Mount, config_mounts_of, mounts_of
from compose_tls.yamlpatch.document import Mapping, Node, Sequence, resolve
from compose_tls.yamlpatch.merge_keys import fields

__all__ = ["Definition", "Service", "Variable"]


@dataclass(frozen=True, slots=True)
class Service:
    """A service as Compose sees it, all its definitions merged, later ones winning."""

    name: str
    definitions: tuple[Definition, ...]

    @property
    def main(self) -> Definition:
        """The definition that edits go to: the one with the image, else the first."""
        editable = [d for d in self.definitions if d.editable]
        for definition in editable:
            if definition.field("image") is not None or definition.field("build") is not None:
                return definition
        return editable[0]

    @property
    def variables(self) -> ReadMapping[str, str]:
        """What Compose interpolates its main definition with."""
        return self.main.variables

    def layers(self, name: str) -> list[tuple[Definition, Node]]:
        """What the definitions say in a field, in merge order; what a later one drops is left out."""
        found: list[tuple[Definition, Node]] = []
        for definition in self.definitions:
            if definition.replaces(name):
                found.clear()
            value = definition.field(name)
            if value is not None:
                found.append((definition, value))
        return found

    def text(self, name: str) -> str | None:
        """A scalar field, interpolated."""
        found = [definition.text(value) for definition, value in self.layers(name)]
        return next((text for text in reversed(found) if text is not None), None)

    def words(self, name: str) -> list[str]:
        """A command-like field as words: a list as it is, a string split as a shell would."""
        for definition, value in reversed(self.layers(name)):
            if isinstance(value, Sequence):
                return [
                    text for item in items(value) if (text := definition.text(item)) is not None
                ]
            if (text := definition.text(value)) is not None:
                try:
                    return shlex.split(text)
                except ValueError:
                    return text.split()
        return []

    def profiles(self) -> list[str]:
        """The profiles that the service belongs to; without one it always runs."""
        return [
            text
            for definition, value in self.layers("profiles")
            for item in items(value)
            if (text := definition.text(item)) is not None
        ]

    def environment(self) -> list[Variable]:
        """Every environment entry of every definition, in merge order."""
        return [v for layer in self.layers("environment") for v in variables_of(*layer)]

    def container_variables(self, read: Callable[[Path], bytes | None]) -> dict[str, str | None]:
        """What the container's environment is set to: the env_file files, then ``environment``.

        Args:
            read: Gives the bytes of a file, or ``None`` when there is none.
        """
        found: dict[str, str | None] = {}
        for path in self.env_files():
            text = (read(path) or b"").decode("utf-8", "replace")
            found |= dotenv.parse(text, self.variables)
        return found | {variable.name: variable.value for variable in self.environment()}

    def mounts(self) -> list[Mount]:
        """The volume entries; of several with one target the last wins, as in Compose."""
        found = [mount for layer in self.layers("volumes") for mount in mounts_of(*layer)]
        return list({mount.target: mount for mount in found}.values())

    def config_mounts(self) -> list[Mount]:
        """The configs of the service, as the mounts that they become."""
        return [
            mount
            for layer in self.layers("configs")
            for mount in config_mounts_of(*layer, self.definitions)
        ]

    def ports(self) -> list[PublishedPort]:
        """The published TCP ports."""
        return [port for layer in self.layers("ports") for port in ports_of(*layer)]

    def published(self, target: int) -> PublishedPort | None:
        """How a container port is published; with host networking, as itself."""
        if self.text("network_mode") == "host":
            return PublishedPort(target, target, None)
        return next((port for port in self.ports() if port.target == target), None)

    def env_files(self) -> list[Path]:
        """The env_file files, in order."""
        found: list[Path] = []
        for definition, value in self.layers("env_file"):
            for item in items(value) if isinstance(value, Sequence) else [value]:
                path = fields(item).get("path") if isinstance(item, Mapping) else item
                if text := definition.text(path):
                    found.append(definition.base / text)
        return found

    def command_line(self) -> list[str]:
        """What its container is started with, as far as the project says: entrypoint, then command."""
        return [*self.words("entrypoint"), *self.words("command")]

    def networks(self) -> list[str]:
        """The networks of the project that it joins; where none is named, the default one."""
        found: list[str] = []
        for definition, networks in self.layers("networks"):
            if isinstance(networks, Mapping):
                found += fields(networks)
            else:
                texts = [definition.text(item) for item in items(networks)]
                found += [text for text in texts if text is not None]
        return list(dict.fromkeys(found))

    def aliases(self) -> list[str]:
        """The network aliases."""
        found: list[str] = []
        for definition, networks in self.layers("networks"):
            for node in fields(networks).values() if isinstance(networks, Mapping) else []:
                network = resolve(node)
                names = fields(network).get("aliases") if isinstance(network, Mapping) else None
                texts = [definition.text(item) for item in items(names and resolve(names))]
                found += [text for text in texts if text is not None]
        return found

"""One service of a project: the places that define it, and what they add up to."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from collections.abc import Mapping as ReadMapping
from dataclasses import field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from compose_tls.compose import dotenv
from compose_tls.compose.definition import Definition, Reader
from compose_tls.compose.environment import Variable, variables_of
from compose_tls.compose.ports import PublishedPort, ports_of
from compose_tls.compose.volumes import (
    Mount,
    config_mounts_of,
    config_texts_of,
    externals_of,
    mounts_of,
)
from compose_tls.values import dataclass
from compose_tls.yamlpatch.intent import Route
from compose_tls.yamlpatch.query import Found, Step

__all__ = ["HEALTH_TEST", "Build", "Definition", "HealthTest", "Service", "Variable"]

_KINDS: Final[tuple[Literal["configs", "secrets"], ...]] = ("configs", "secrets")

HEALTH_TEST: Final[Route] = ("healthcheck", "test")

# A build context that is fetched: https://docs.docker.com/build/concepts/context/
_FETCHED = ("http://", "https://", "git://", "ssh://", "git@", "github.com/", "docker-image://")

# An engine takes minutes for as many. A line can name 65,536 of them, and a file has thousands of lines.
_MOST_PORTS: Final = 8192


@dataclass(frozen=True, slots=True)
class HealthTest:
    """The test of a health check.

    Attributes:
        words: As Compose hands it on: ``CMD`` or ``CMD-SHELL`` and a command, or ``NONE``.
        file: The compose file that says so.
        line: Its line, counted from 1.
    """

    words: list[str]
    file: Path
    line: int

    @property
    def asks(self) -> bool:
        """Whether there is anything to run."""
        return self.words[:1] != ["NONE"]


@dataclass(frozen=True, slots=True)
class Build:
    """What an image is built from.

    Attributes:
        context: The directory.
        dockerfile: The Dockerfile, relative to it.
    """

    context: Path
    dockerfile: str

    @property
    def file(self) -> Path:
        """The Dockerfile."""
        return Path(os.path.normpath(self.context / self.dockerfile))

    @property
    def ignore_files(self) -> tuple[Path, Path]:
        """The files that may say what is left out of the context; the first that is there counts.

        https://docs.docker.com/build/concepts/context/#dockerignore-files
        """
        own = self.context / f"{self.dockerfile}.dockerignore"
        return Path(os.path.normpath(own)), self.context / ".dockerignore"


# Without slots: what is asked for again and again is worked out once and kept in the instance.
@dataclass(frozen=True)
class Service:
    """A service as Compose sees it, all its definitions merged, later ones winning."""

    name: str
    definitions: tuple[Definition, ...]
    _container_variables: dict[Reader, dict[str, str | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def main(self) -> Definition:
        """The definition that edits go to: the one with the image, else the first."""
        editable = [d for d in self.definitions if d.editable]
        return next((d for d in editable if d.query("image") or d.query("build")), editable[0])

    @property
    def variables(self) -> ReadMapping[str, str]:
        """What Compose interpolates its main definition with."""
        return self.main.variables

    def layers(self, name: str) -> list[tuple[Definition, Found]]:
        """What the definitions say in a field, in merge order; what a later one drops is left out."""
        found: list[tuple[Definition, Found]] = []
        for definition in self.definitions:
            if definition.replaces(name):
                found.clear()
            value = definition.query(name)
            if value is not None:
                found.append((definition, value))
        return found

    def values(self, name: str, *route: Step) -> list[Found]:
        """The same for a place below a field, without the definitions."""
        found = [value.query(*route) for _, value in self.layers(name)]
        return [value for value in found if value is not None and not value.is_null]

    def text(self, name: str, *route: Step) -> str | None:
        """A single text, interpolated."""
        found = [value.text() for value in self.values(name, *route)]
        return next((text for text in reversed(found) if text is not None), None)

    def texts(self, name: str, *route: Step) -> list[str]:
        """The texts of a list, interpolated."""
        return [text for value in self.values(name, *route) for text in value.texts()]

    def words(self, name: str) -> list[str]:
        """A command-like field as words: a list as it is, a string split as a shell would."""
        for value in reversed(self.values(name)):
            if value.is_list:
                return value.texts()
            if (text := value.text()) is not None:
                try:
                    return shlex.split(text)
                except ValueError:
                    return text.split()
        return []

    def profiles(self) -> list[str]:
        """The profiles that the service belongs to; without one it always runs."""
        return self.texts("profiles")

    def environment(self) -> list[Variable]:
        """Every environment entry of every definition, in merge order."""
        return list(self._environment)

    @cached_property
    def _environment(self) -> list[Variable]:
        return [v for layer in self.layers("environment") for v in variables_of(*layer)]

    def container_variables(self, read: Reader) -> dict[str, str | None]:
        """What the container's environment is set to: the env_file files, then ``environment``.

        Args:
            read: Gives the bytes of a file, or ``None`` when there is none; always the same ones.
        """
        if read not in self._container_variables:
            found: dict[str, str | None] = {}
            for path in self.env_files():
                text = (read(path) or b"").decode("utf-8", "replace")
                found |= dotenv.parse(text, self.variables)
            found |= {variable.name: variable.value for variable in self._environment}
            self._container_variables[read] = found
        return dict(self._container_variables[read])

    def mounts(self) -> list[Mount]:
        """The volume entries; of several with one target the last wins, as in Compose."""
        return list(self._mounts)

    @cached_property
    def _mounts(self) -> list[Mount]:
        found = [mount for layer in self.layers("volumes") for mount in mounts_of(*layer)]
        return list({mount.target: mount for mount in found}.values())

    def config_mounts(self) -> list[Mount]:
        """The configs of the service, as the mounts that they become."""
        return list(self._config_mounts)

    @cached_property
    def _config_mounts(self) -> list[Mount]:
        return [
            mount
            for layer in self.layers("configs")
            for mount in config_mounts_of(*layer, self.definitions)
        ]

    def secret_mounts(self) -> list[Mount]:
        """The secrets of the service, as the mounts that they become."""
        return [
            mount
            for layer in self.layers("secrets")
            for mount in config_mounts_of(*layer, self.definitions, "secrets")
        ]

    def every_mount(self) -> list[Mount]:
        """Volumes, configs and secrets."""
        return [*self._mounts, *self._config_mounts, *self.secret_mounts()]

    def externals(self) -> list[str]:
        """Its configs and secrets that are made elsewhere: Compose does not start what has one."""
        found = [
            name
            for kind in _KINDS
            for _, entries in self.layers(kind)
            for name in externals_of(entries, self.definitions, kind)
        ]
        return list(dict.fromkeys(found))

    def watched(self) -> Iterator[tuple[Path, list[str]]]:
        """The directories that ``docker compose watch`` copies into its container, each without what.

        https://docs.docker.com/reference/compose-file/develop/#watch
        """
        for definition, value in self.layers("develop"):
            watch = value.query("watch")
            for item in watch.items() if watch else ():
                path = item.text("path")
                if path and (item.text("action") or "").startswith("sync"):
                    yield Path(os.path.normpath(definition.base / path)), item.texts("ignore")

    def config_texts(self) -> list[tuple[str, str]]:
        """The configs of the service that are in the compose file itself, each with its name."""
        layers = self.layers("configs")
        return [text for _, found in layers for text in config_texts_of(found, self.definitions)]

    def ports(self) -> list[PublishedPort]:
        """The published TCP ports."""
        found = (port for ports in self.values("ports") for port in ports_of(ports))
        return [*islice(found, _MOST_PORTS)]

    def published(self, target: int) -> PublishedPort | None:
        """How a container port is published; with host networking, as itself."""
        if self.text("network_mode") == "host":
            return PublishedPort(target, target, None)
        return next((port for port in self.ports() if port.target == target), None)

    def env_files(self) -> list[Path]:
        """The env_file files, in order; of a file that is named twice, the last time counts."""
        found = [
            definition.base / text
            for definition, value in self.layers("env_file")
            for item in (value.items() if value.is_list else [value])
            for text in item.texts("path") or item.texts()
        ]
        return [*dict.fromkeys(reversed(found))][::-1]

    def command_line(self) -> list[str]:
        """What its container is started with, as far as the project says: entrypoint, then command."""
        return [*self.words("entrypoint"), *self.words("command")]

    def networks(self) -> list[str]:
        """The networks of the project that it joins; where none is named, the default one."""
        found = [n for value in self.values("networks") for n in value.entries() or value.texts()]
        return list(dict.fromkeys(found))

    def aliases(self) -> list[str]:
        """The network aliases."""
        names = [name for network in self._joined() for name in network.items("aliases")]
        return [text for name in names if (text := name.text()) is not None]

    def static_addresses(self) -> list[str]:
        """The IP addresses that it always has in its networks."""
        return [
            text
            for network in self._joined()
            for name in ("ipv4_address", "ipv6_address")
            if (text := network.text(name))
        ]

    def links(self) -> dict[str, str]:
        """The services that it calls by another name too, by that name."""
        found = (text.partition(":") for text in self.texts("links"))
        return {alias or name: name for name, _, alias in found}

    def extra_hosts(self) -> dict[str, list[str]]:
        """The addresses of the hosts that its container knows by name.

        ``host=address``, ``host:address``, or a mapping; an IPv6 address may be in brackets:
        https://docs.docker.com/reference/compose-file/services/#extra_hosts
        """
        found: dict[str, list[str]] = {}
        for value in self.values("extra_hosts"):
            given = [(name, hosts.texts()) for name, hosts in value.entries().items()]
            for text in [] if given else value.texts():
                name, _, address = text.partition("=" if "=" in text else ":")
                given.append((name, [address]))
            for name, addresses in given:
                found.setdefault(name.strip(), []).extend(a.strip(" []") for a in addresses)
        return found

    def depends_on(self) -> list[str]:
        """The services that are started before it."""
        found = [n for value in self.values("depends_on") for n in value.entries() or value.texts()]
        return list(dict.fromkeys(found))

    def label_files(self) -> list[Path]:
        """The files with labels, in order."""
        found = ((one, [v.text(), *v.texts()]) for one, v in self.layers("label_file"))
        return [one.base / text for one, texts in found for text in texts if text]

    def labels(self, read: Reader) -> dict[str, str]:
        """The labels of its container: those of files, then ``labels``; ``read`` as above."""
        found: dict[str, str] = {}
        for path in self.label_files():
            text = (read(path) or b"").decode("utf-8", "replace")
            given = dotenv.parse(text, self.variables)
            found |= {name: value or "" for name, value in given.items()}
        for value in self.values("labels"):
            found |= {name: label.text() or "" for name, label in value.entries().items()}
            if value.is_list:
                parts = (text.partition("=") for text in value.texts())
                found |= {name: label for name, _, label in parts}
        return found

    def inline_dockerfiles(self) -> list[str]:
        """The Dockerfiles that its definitions hold themselves."""
        return [text for one in self.values("build") if (text := one.text("dockerfile_inline"))]

    def build_arguments(self) -> dict[str, str]:
        """The arguments that its image is built with."""
        layers = [(one, args) for one, v in self.layers("build") if (args := v.query("args"))]
        return {v.name: v.value or "" for layer in layers for v in variables_of(*layer)}

    def build_texts(self) -> list[str]:
        """What the project itself says of how its image is built: arguments, and a Dockerfile in it."""
        return [*self.inline_dockerfiles(), *self.build_arguments().values()]

    def hook_commands(self, name: str) -> list[str]:
        """The commands that are run in its container once it has started, or before it stops.

        https://docs.docker.com/reference/compose-file/services/#post_start
        """
        hooks = (hook for value in self.values(name) for hook in value.items())
        return [" ".join([hook.text("command") or "", *hook.texts("command")]) for hook in hooks]

    def healthcheck_test(self) -> HealthTest | None:
        """The test of its health check; ``None`` where that is left to the image.

        A text is run by a shell: https://docs.docker.com/reference/compose-file/services/#healthcheck
        """
        disabled = (self.text("healthcheck", "disable") or "").lower() == "true"
        for definition, value in reversed(self.layers("healthcheck")):
            found = value.query("disable" if disabled else "test")
            if found is not None and not found.is_null:
                words = found.texts() if found.is_list else ["CMD-SHELL", found.text() or ""]
                return HealthTest(["NONE"] if disabled else words, definition.file, found.line)
        return None

    def build_context(self) -> Build | None:
        """What its image is built from; ``None`` without a build, or where the context is fetched."""
        found: Build | None = None
        for definition, value in self.layers("build"):
            context = value.text("context") or value.text()
            if context is not None:
                if context.startswith(_FETCHED) or "://" in context:
                    return None
                place = Path(os.path.normpath(definition.base / context))
                found = Build(place, found.dockerfile if found else "Dockerfile")
            found = found or Build(definition.base, "Dockerfile")
            found = Build(found.context, value.text("dockerfile") or found.dockerfile)
        return found

    def _joined(self) -> list[Found]:
        """What is said of each network that it joins."""
        return [n for value in self.values("networks") for n in value.entries().values()]

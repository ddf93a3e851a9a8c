"""The Milvus services of a project, and their settings as Milvus will see them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from compose_tls.changes import relative
from compose_tls.compose.compose_project import ComposeProject
from compose_tls.compose.service import Service
from compose_tls.compose.volumes import normal_target
from compose_tls.errors import ProjectError
from compose_tls.stack.milvus.connections import (
    METRICS_PORT_VARIABLE,
    Listener,
    listeners,
    open_metrics_interface,
)
from compose_tls.stack.milvus.release import NEWEST, MilvusVersion
from compose_tls.stack.milvus.role import (
    ends_client_tls,
    is_component,
    runs_milvus,
    says_so,
    version,
)
from compose_tls.stack.milvus.settings import (
    CONFIG_DIRECTORY,
    CONFIG_DIRECTORY_VARIABLE,
    CONFIG_FILE,
    LATER_FILES,
    in_variables,
    read,
)
from compose_tls.vocabulary import Encryption
from compose_tls.yamlpatch.document import Document, parse
from compose_tls.yamlpatch.intent import Route


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """What one service's Milvus will be told at its next start: variables win over files.

    Attributes:
        version: Of Milvus; the newest where the image does not tell.
        known: Whether all of it can be read here: a configuration in a volume or in an image of the
            user's own cannot.
    """

    version: MilvusVersion
    variables: dict[str, str | None] = field(repr=False)
    documents: tuple[Document, ...] = field(repr=False)
    known: bool

    @classmethod
    def of(
        cls, service: Service, directory: Path, read_file: Callable[[Path], bytes | None]
    ) -> Self:
        """Read the settings of a service; a file that cannot be understood counts as unknown.

        Args:
            service: A service that runs Milvus.
            directory: The project directory.
            read_file: Gives the bytes of a file, or ``None`` when there is none.
        """
        variables = service.container_variables(read_file)
        base = normal_target(variables.get(CONFIG_DIRECTORY_VARIABLE) or CONFIG_DIRECTORY)
        mounts = {mount.target: mount for mount in (*service.mounts(), *service.config_mounts())}
        documents: list[Document] = []
        known = service.text("image") is not None
        for name in (*reversed(LATER_FILES), CONFIG_FILE):
            mount = mounts.get(posixpath.join(base, name))
            whole = mounts.get(base) if mount is None else None
            host = mount.host_path if mount else None
            if whole is not None:
                host = whole.host_path / name if whole.host_path else None
            content = read_file(host) if host else None
            if host is None or content is None:
                # Of a whole directory the optional files may be missing.
                known = known and mount is None and (whole is None or host is not None)
                continue
            try:
                documents.append(parse(content, relative(host, directory)))
            except ProjectError:
                known = False
        return cls(version(service.text("image")) or NEWEST, variables, tuple(documents), known)

    def get(self, route: Route) -> str | None:
        """The value of a setting; ``None`` for what is nowhere said."""
        found = in_variables(self.variables, route, self.version)
        if found:
            return found
        return next((text for document in self.documents if (text := read(document, route))), None)


@dataclass(frozen=True, slots=True)
class MilvusParty:
    """A service that runs Milvus.

    Attributes:
        settings: What it will be told.
        component: Whether it is a part of a cluster.
        proxy: Whether it accepts clients.
    """

    service: Service
    settings: EffectiveSettings
    component: bool
    proxy: bool

    def sure(self, found: Encryption) -> Encryption:
        """What is plain by default may not be so where not every setting can be read."""
        return found if self.settings.known or found == "encrypted" else "unknown"

    def listeners(self) -> list[Listener]:
        """The ports that it listens on for others."""
        metrics_port = self.settings.variables.get(METRICS_PORT_VARIABLE)
        return list(listeners(self.settings.get, metrics_port))

    def open_metrics(self) -> bool:
        """Whether its metrics port takes requests for data without credentials."""
        return open_metrics_interface(self.settings.get, self.settings.version)


def milvus_services(
    project: ComposeProject,
    read_file: Callable[[Path], bytes | None],
    named: Collection[str],
) -> Iterator[MilvusParty]:
    """The services of a project that run Milvus.

    Args:
        project: The project.
        read_file: Gives the bytes of a file, or ``None`` when there is none.
        named: Services that run Milvus although nothing about them says so.
    """
    commands = {service.name: service.command_line() for service in project.services.values()}
    found = [
        service
        for service in project.services.values()
        if service.name in named or runs_milvus(service.text("image"), commands[service.name])
    ]
    # A Milvus image may also run a script of somebody's own.
    sure = {s.name for s in found if s.name in named or says_so(commands[s.name])}
    for service in found:
        if service.name in sure or not sure:
            command = commands[service.name]
            settings = EffectiveSettings.of(service, project.directory, read_file)
            proxy = service.name in named or ends_client_tls(command)
            yield MilvusParty(service, settings, is_component(command), proxy)

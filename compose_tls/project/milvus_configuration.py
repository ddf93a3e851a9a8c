"""What one Milvus is told, and where: its milvus.yaml, the files after it, its environment.

This is the one place that knows where milvus.yaml is: ``observe`` reads what is named here, and plans,
status and the map are made from it. Variables win over files, and later files over milvus.yaml.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Literal, NoReturn, Self

from compose_tls.changes import relative
from compose_tls.compose.definition import Reader
from compose_tls.compose.service import Service
from compose_tls.compose.volumes import Mount, normal_target
from compose_tls.errors import MilvusConfigNotFound, MilvusConfigPartial, ProjectError, YamlSyntax
from compose_tls.shell import quoted, typed
from compose_tls.stack.milvus.connections import (
    METRICS_PORT_VARIABLE,
    ListeningPort,
    asks_for_credentials,
    listeners,
    open_metrics_interface,
)
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_VARIABLES, MilvusVersion
from compose_tls.stack.milvus.settings import (
    CONFIG_DIRECTORY,
    CONFIG_DIRECTORY_VARIABLE,
    CONFIG_FILE,
    LATER_FILES,
    PROXY_PORT_ROUTE,
    find_setting,
    in_variables,
    is_complete,
    lacks,
    not_settings,
    read_setting,
)
from compose_tls.values import dataclass
from compose_tls.vocabulary import GRPC_PORT, Encryption, TlsWarning, number
from compose_tls.yamlpatch.document import Document, parse
from compose_tls.yamlpatch.intent import Route


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """A file that Milvus reads its settings from, where a mount puts one there.

    Attributes:
        mount: The mount of the file, or of the whole directory.
        path: Where it is on the host; ``None`` for a volume.
        content: Its bytes; ``None`` where there is none to be read.
    """

    mount: Mount
    path: Path | None
    content: bytes | None = field(repr=False)


@dataclass(frozen=True)
class MilvusConfiguration:
    """What one service's Milvus will be told at its next start.

    Attributes:
        variables: The environment of its container.
        directory: The directory of its files in the container.
        files: Those that a mount puts there, by name.
        beside: A milvus.yaml next to the compose file, which no one mounts, and its bytes.
    """

    service: Service = field(repr=False)
    version: MilvusVersion
    project_directory: Path
    variables: Mapping[str, str | None] = field(repr=False)
    directory: str
    files: Mapping[str, ConfigurationFile] = field(repr=False)
    beside: tuple[Path, bytes | None] = field(repr=False)

    @classmethod
    def of(
        cls, service: Service, version: MilvusVersion, project_directory: Path, read: Reader
    ) -> Self:
        """Read all that configures a service.

        Args:
            service: A service that runs Milvus.
            version: Of Milvus.
            project_directory: The project directory.
            read: Gives the bytes of a file, or ``None`` when there is none.
        """
        variables = service.container_variables(read)
        directory = normal_target(variables.get(CONFIG_DIRECTORY_VARIABLE) or CONFIG_DIRECTORY)
        mounts = {mount.target: mount for mount in service.every_mount()}
        files: dict[str, ConfigurationFile] = {}
        for name in (CONFIG_FILE, *LATER_FILES):
            mount = mounts.get(posixpath.join(directory, name)) or mounts.get(directory)
            if mount is not None:
                path = mount.host_path
                if path is not None and mount.target == directory:
                    path /= name
                files[name] = ConfigurationFile(mount, path, read(path) if path else None)
        beside = service.main.base / CONFIG_FILE
        # Not only where the image happens to be: an override file may be the first to name one.
        places = {definition.base for definition in service.definitions if definition.editable}
        found = {place / CONFIG_FILE: read(place / CONFIG_FILE) for place in places}
        return cls(
            service,
            version,
            project_directory,
            variables,
            directory,
            files,
            (beside, found.get(beside)),
        )

    @property
    def target(self) -> str:
        """Where milvus.yaml is in the container."""
        return posixpath.join(self.directory, CONFIG_FILE)

    @property
    def later_files(self) -> tuple[Path, ...]:
        """The files on the host that Milvus reads after milvus.yaml."""
        found = (self.files[name] for name in LATER_FILES if name in self.files)
        return tuple(one.path for one in found if one.path and one.content is not None)

    @property
    def known(self) -> bool:
        """Whether all of it can be read here: what is in a volume or in an image of one's own cannot."""
        return self.service.text("image") is not None and self.readable

    @property
    def readable(self) -> bool:
        """Whether every file that is mounted for it can be read here."""
        for name, file in self.files.items():
            # Of a whole directory the optional files may be missing.
            optional = file.mount.target == self.directory and file.path is not None
            if file.content is None and not optional:
                return False
            if file.content is not None and self._document(name) is None:
                return False
        return True

    def place_of(self, route: Route, read: Reader) -> tuple[Path, int | None] | None:
        """The file and the line, counted from 1, that give a setting its value.

        Args:
            route: The setting.
            read: Gives the bytes of a file, or ``None`` when there is none.

        Returns:
            ``None`` for what is nowhere said, or cannot be read.
        """
        said = {name: value for name, value in self.variables.items() if value is not None}
        names = [name for name in said if in_variables({name: said[name]}, route, self.version)]
        for variable in reversed(self.service.environment()):
            if variable.name in names:
                return variable.definition.file, variable.line
        for path in reversed(self.service.env_files()):
            lines = (read(path) or b"").decode("utf-8", "replace").splitlines()
            for place, line in reversed(list(enumerate(lines, 1))):
                if line.removeprefix("export ").partition("=")[0].strip() in names:
                    return path, place
        for name in (*reversed(LATER_FILES), CONFIG_FILE):
            document, file = self._document(name), self.files.get(name)
            found = find_setting(document, route) if document else None
            if file is not None and file.path is not None and found is not None:
                return file.path, found.line
        return None

    def get(self, route: Route) -> str | None:
        """The value of a setting; ``None`` for what is nowhere said, or cannot be read."""
        found = in_variables(self.variables, route, self.version)
        if found:
            return found
        for name in (*reversed(LATER_FILES), CONFIG_FILE):
            document = self._document(name)
            if document is not None and (text := read_setting(document, route)):
                return text
        return None

    @property
    def proxy_port(self) -> int:
        """The port that the proxy listens on inside the container."""
        port = number(self.get(PROXY_PORT_ROUTE))
        return GRPC_PORT if port is None else port

    @property
    def asks_for_credentials(self) -> bool:
        """Whether clients need a user or a token."""
        return asks_for_credentials(self.get)

    @property
    def open_metrics(self) -> bool:
        """Whether its metrics port takes requests for data without credentials."""
        return open_metrics_interface(self.get, self.version)

    @cached_property
    def listeners(self) -> tuple[ListeningPort, ...]:
        """The ports that it listens on for others."""
        return tuple(listeners(self.get, self.variables.get(METRICS_PORT_VARIABLE)))

    def sure(self, found: Encryption) -> Encryption:
        """What is plain by default may not be so where not every setting can be read."""
        return found if found == "encrypted" or self.known else "unknown"

    def _document(self, name: str) -> Document | None:
        """A file, parsed; ``None`` where there is none, or it cannot be understood."""
        file = self.files.get(name)
        if file is None or file.path is None or file.content is None:
            return None
        try:
            return parse(file.content, relative(file.path, self.project_directory))
        except ProjectError:
            return None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the settings go.

    Attributes:
        kind: Into a file or into the environment.
        file: The milvus.yaml on the host, for ``file``.
        mounted: Whether the service mounts that file already.
        target: Where milvus.yaml is in the container.
        later_files: Files on the host that Milvus reads after milvus.yaml.
    """

    kind: Literal["file", "env"]
    target: str
    file: Path | None
    mounted: bool
    later_files: tuple[Path, ...]
    warnings: tuple[TlsWarning, ...] = ()


def place(configuration: MilvusConfiguration, wanted: Literal["auto", "file", "env"]) -> Placement:
    """Decide by ``--config auto|file|env``.

    Args:
        configuration: What the service is told so far.
        wanted: What the user wants.

    Raises:
        MilvusConfigNotFound: A file is needed, and there is none.
        MilvusConfigPartial: The file there is holds only a part of the settings.
    """
    return _Placer(configuration, wanted).place()


class _Placer:
    def __init__(
        self, configuration: MilvusConfiguration, wanted: Literal["auto", "file", "env"]
    ) -> None:
        self.configuration = configuration
        self.wanted = wanted

    def place(self) -> Placement:
        if self.wanted == "env":
            return self.environment()
        file = self.configuration.files.get(CONFIG_FILE)
        return self.unmounted() if file is None else self.mounted(file)

    def mounted(self, file: ConfigurationFile) -> Placement:
        problem = self.problem(file.path, file.content)
        if file.path is not None and problem is None:
            return self.in_file(file.path, mounted=True)
        where = self.name(file.path) if file.path else str(file.mount.source or "a volume")
        text = f"{where}, mounted at {self.configuration.target}, {problem}"
        if self.wanted == "file":
            self.refuse(file.path, file.content, file.mount, text)
        if file.path is None:
            return self.environment()
        text += "; Milvus will not start with it"
        hint = f"for the complete one: {self.command(file.path if file.content is None else None)}"
        return self.environment(
            TlsWarning("milvus-config-unusable", text, self.name(file.path), hint)
        )

    def unmounted(self) -> Placement:
        beside, content = self.configuration.beside
        try:
            problem = self.problem(beside, content) or self.unfit(beside, content or b"")
        except YamlSyntax as error:
            if self.wanted == "file":
                raise
            problem = f"cannot be read ({error.message})"
        if problem is None:
            return self.in_file(beside, mounted=False)
        if self.wanted == "file":
            self.refuse(beside, content, None, f"{self.name(beside)} {problem}")
        if content is not None and not self.is_used(beside):
            text = f"{self.name(beside)} {problem}, so it is not used; settings go into the compose file"
            hint = f"for the complete one: {self.command()}"
            return self.environment(
                TlsWarning("milvus-config-partial", text, self.name(beside), hint)
            )
        return self.environment()

    def problem(self, path: Path | None, content: bytes | None) -> str | None:
        """Why a file cannot carry the settings."""
        if path is None or content is None:
            return "is not a file on this host"
        if other := not_settings(content):
            return other
        if not is_complete(parse(content, self.name(path))):
            return "is only a part of a milvus.yaml"
        return None

    def unfit(self, path: Path, content: bytes) -> str | None:
        """Why Milvus would not start with a complete file that no one has tried yet."""
        found = self.configuration
        missing = lacks(parse(content, self.name(path)), found.variables, found.version)
        return (
            f"lacks {missing}, so that Milvus {found.version} does not start" if missing else None
        )

    def in_file(self, file: Path, *, mounted: bool) -> Placement:
        found = self.configuration
        return Placement("file", found.target, file, mounted, found.later_files)

    def environment(self, *warnings: TlsWarning) -> Placement:
        found = self.configuration
        if found.version < FIRST_WITH_VARIABLES:
            self.refuse(
                None, None, None, f"Milvus {found.version} reads TLS settings only from a file"
            )
        return Placement("env", found.target, None, False, found.later_files, warnings)

    def is_used(self, file: Path) -> bool:
        """Whether a file is there for something else: as compose file, or mounted elsewhere."""
        service = self.configuration.service
        mounts = service.every_mount()
        compose_files = {definition.file for definition in service.definitions}
        return file in compose_files | {mount.host_path for mount in mounts}

    def name(self, path: Path) -> str:
        return relative(path, self.configuration.project_directory)

    def command(self, missing: Path | None = None) -> str:
        """What gets the complete file of this version out of the image, to where it is missing.

        Never to a place outside the project: the image is one that the project names, too.
        """
        image = typed(self.configuration.service.text("image") or "IMAGE")
        place = f"{CONFIG_DIRECTORY}/{CONFIG_FILE}"
        own = Path(CONFIG_FILE)
        there = Path(posixpath.normpath(missing.as_posix())) if missing else own
        is_inside = there.is_relative_to(self.configuration.project_directory)
        wanted = self.name(there if is_inside else own)
        folder = posixpath.dirname(wanted)
        made = f"mkdir -p {typed(folder)} && " if folder else ""
        return f"{made}docker run --rm --entrypoint cat {image} {place} > {quoted(wanted)}"

    def refuse(
        self, file: Path | None, content: bytes | None, mount: Mount | None, message: str
    ) -> NoReturn:
        service = self.configuration.service
        hint = f"put the complete file of your version there: {self.command()}"
        path = self.name(file) if file else service.main.document.name
        error = MilvusConfigPartial if content is not None else MilvusConfigNotFound
        raise error(
            message, hint=hint, path=path, line=mount.line if mount and file is None else None
        )

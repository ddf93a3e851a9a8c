"""Where the settings go: into the milvus.yaml in use, or into the service's environment."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from compose_tls.changes import relative
from compose_tls.compose.service import Service
from compose_tls.compose.volumes import Mount, normal_target
from compose_tls.config import TlsConfig
from compose_tls.errors import MilvusConfigNotFound, MilvusConfigPartial, YamlSyntax
from compose_tls.project.milvus_services import MilvusService
from compose_tls.stack.milvus.release import FIRST_WITH_VARIABLES
from compose_tls.stack.milvus.settings import (
    CONFIG_DIRECTORY,
    CONFIG_DIRECTORY_VARIABLE,
    CONFIG_FILE,
    LATER_FILES,
    is_complete,
)
from compose_tls.vocabulary import TlsWarning
from compose_tls.yamlpatch.document import parse

Reader = Callable[[Path], bytes | None]


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
    file: Path | None = None
    mounted: bool = False
    later_files: tuple[Path, ...] = ()
    warnings: tuple[TlsWarning, ...] = ()


def place(milvus: MilvusService, config: TlsConfig, directory: Path, read: Reader) -> Placement:
    """Decide by ``--config auto|file|env``.

    Raises:
        MilvusConfigNotFound: A file is needed, and there is none.
        MilvusConfigPartial: The file there is holds only a part of the settings.
    """
    return _Placer(milvus, config, directory, read).place()


class _Placer:
    def __init__(
        self, milvus: MilvusService, config: TlsConfig, directory: Path, read: Reader
    ) -> None:
        self.milvus = milvus
        self.config = config
        self.directory = directory
        self.read = read
        self.service: Service = milvus.service
        self.mounts = [*self.service.mounts(), *self.service.config_mounts()]
        base = self.service.container_variables(read).get(CONFIG_DIRECTORY_VARIABLE)
        self.config_directory = normal_target(base or CONFIG_DIRECTORY)
        self.target = posixpath.join(self.config_directory, CONFIG_FILE)

    def place(self) -> Placement:
        if self.config.config == "env":
            return self.environment()
        mount = self.mount_of(CONFIG_FILE)
        return self.unmounted() if mount is None else self.mounted(mount)

    def mounted(self, mount: Mount) -> Placement:
        file = self.host_file(mount, CONFIG_FILE)
        problem = self.problem(file)
        if file is not None and problem is None:
            return self.in_file(file, mounted=True)
        where = relative(file, self.directory) if file else str(mount.source or "a volume")
        text = f"{where}, mounted at {self.target}, {problem}"
        if self.config.config == "file":
            self.refuse(file, mount, text)
        if file is None:
            return self.environment()
        return self.environment(
            TlsWarning("milvus-config-unusable", f"{text}; Milvus will not start with it")
        )

    def unmounted(self) -> Placement:
        beside = self.service.main.base / CONFIG_FILE
        try:
            problem = self.problem(beside)
        except YamlSyntax as error:
            if self.config.config == "file":
                raise
            problem = f"cannot be read ({error.message})"
        if problem is None:
            return self.in_file(beside, mounted=False)
        if self.config.config == "file":
            self.refuse(beside, None, f"{relative(beside, self.directory)} {problem}")
        if self.read(beside) is not None and not self.is_used(beside):
            text = f"{relative(beside, self.directory)} {problem}: it is left alone, not mounted"
            return self.environment(TlsWarning("milvus-config-partial", text))
        return self.environment()

    def mount_of(self, name: str) -> Mount | None:
        """The mount of a configuration file, else that of the whole directory."""
        at = {mount.target: mount for mount in self.mounts}
        return at.get(posixpath.join(self.config_directory, name)) or at.get(self.config_directory)

    def host_file(self, mount: Mount, name: str) -> Path | None:
        if mount.host_path is None or mount.target != self.config_directory:
            return mount.host_path
        return mount.host_path / name

    def problem(self, file: Path | None) -> str | None:
        """Why a file cannot carry the settings."""
        content = self.read(file) if file else None
        if file is None or content is None:
            return "is not a file on this host"
        if not is_complete(parse(content, relative(file, self.directory))):
            return "is only a part of a milvus.yaml"
        return None

    def in_file(self, file: Path, *, mounted: bool) -> Placement:
        return Placement("file", self.target, file, mounted, self.later_files())

    def environment(self, *warnings: TlsWarning) -> Placement:
        if self.milvus.version < FIRST_WITH_VARIABLES:
            self.refuse(
                None, None, f"Milvus {self.milvus.version} takes TLS settings from a file alone"
            )
        return Placement("env", self.target, None, False, self.later_files(), warnings)

    def later_files(self) -> tuple[Path, ...]:
        found = [
            path
            for name in LATER_FILES
            if (mount := self.mount_of(name)) and (path := self.host_file(mount, name))
        ]
        return tuple(path for path in found if self.read(path) is not None)

    def is_used(self, file: Path) -> bool:
        """Whether a file is there for something else: as compose file, or mounted elsewhere."""
        compose_files = {definition.file for definition in self.service.definitions}
        return file in compose_files | {mount.host_path for mount in self.mounts}

    def refuse(self, file: Path | None, mount: Mount | None, message: str) -> NoReturn:
        image = self.service.text("image") or "IMAGE"
        hint = (
            "put the complete file of your version there: "
            f"docker run --rm --entrypoint cat {image} {CONFIG_DIRECTORY}/{CONFIG_FILE} > {CONFIG_FILE}"
        )
        path = relative(file, self.directory) if file else self.service.main.document.name
        partial = file is not None and self.read(file) is not None
        error = MilvusConfigPartial if partial else MilvusConfigNotFound
        raise error(
            message, hint=hint, path=path, line=mount.line if mount and file is None else None
        )

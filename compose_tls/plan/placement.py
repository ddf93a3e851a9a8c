"""Where the settings go: into the milvus.yaml in use, or into the service's environment."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from compose_tls.changes import PlanWarning, relative
from compose_tls.compose.service import Service
from compose_tls.compose.volumes import Mount
from compose_tls.config import TlsConfig
from compose_tls.errors import MilvusConfigNotFound, MilvusConfigPartial
from compose_tls.milvus.settings import (
    CONFIG_DIRECTORY,
    CONFIG_DIRECTORY_VARIABLE,
    CONFIG_FILE,
    is_complete,
)
from compose_tls.milvus.version import FIRST_WITH_VARIABLES
from compose_tls.plan.select import MilvusService
from compose_tls.yamlpatch.document import parse

_LATER_FILES = ("default.yaml", "user.yaml")
"""Read after milvus.yaml, so that they win over it."""

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
    warnings: tuple[PlanWarning, ...] = ()


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
        base = self.service.environment_value(CONFIG_DIRECTORY_VARIABLE) or CONFIG_DIRECTORY
        self.config_directory = base.rstrip("/")
        self.target = posixpath.join(self.config_directory, CONFIG_FILE)

    def place(self) -> Placement:
        mount = self.mount_of(CONFIG_FILE)
        if self.config.config == "env":
            return self.environment()
        if mount is not None:
            file = self.host_file(mount, CONFIG_FILE)
            problem = self.problem(file)
            if file is not None and problem is None:
                return self.in_file(file, mounted=True)
            where = relative(file, self.directory) if file else str(mount.source)
            text = f"{where}, mounted at {self.target}, {problem}; Milvus will not start with it"
            if self.config.config == "file":
                self.refuse(file, mount, f"{where}, mounted at {self.target}, {problem}")
            return self.environment(PlanWarning("milvus-config-unusable", text))
        beside = self.service.main.base / CONFIG_FILE
        problem = self.problem(beside)
        if problem is None:
            return self.in_file(beside, mounted=False)
        if self.config.config == "file":
            self.refuse(beside, None, f"{relative(beside, self.directory)} {problem}")
        if self.read(beside) is not None and not self.is_compose_file(beside):
            text = f"{relative(beside, self.directory)} {problem}: it is left alone, not mounted"
            return self.environment(PlanWarning("milvus-config-partial", text))
        return self.environment()

    def mount_of(self, name: str) -> Mount | None:
        targets = {posixpath.join(self.config_directory, name), self.config_directory}
        return next((m for m in self.service.mounts() if m.target in targets), None)

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
        later = [
            path
            for name in _LATER_FILES
            if (mount := self.mount_of(name)) and (path := self.host_file(mount, name))
            if self.read(path) is not None
        ]
        return Placement("file", self.target, file, mounted, tuple(later))

    def environment(self, *warnings: PlanWarning) -> Placement:
        if self.milvus.version < FIRST_WITH_VARIABLES:
            self.refuse(
                None, None, f"Milvus {self.milvus.version} takes TLS settings from a file alone"
            )
        return Placement("env", self.target, warnings=warnings)

    def is_compose_file(self, file: Path) -> bool:
        return any(file == definition.file for definition in self.service.definitions)

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
            message, hint=hint, path=path, line=mount.line if mount and not partial else None
        )

"""The client TLS of each Milvus at its next start, with its files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import field
from pathlib import Path
from typing import Final, Literal

from compose_tls.compose.service import Service
from compose_tls.compose.volumes import normal_target
from compose_tls.config import TlsConfig
from compose_tls.layout import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.project.milvus_services import (
    MilvusService,
    certain_services,
    is_active,
    select,
)
from compose_tls.project.model import Project
from compose_tls.stack.milvus.connections import TLS_MODE_ROUTE, tls_mode
from compose_tls.stack.milvus.settings import in_variables
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning, number
from compose_tls.yamlpatch.intent import Route

# The working directory of the image, with its demo certificates: configs/milvus.yaml of the releases.
WORKING_DIRECTORY: Final = "/milvus"
_FILES: Final[tuple[tuple[Route, str, str], ...]] = (
    (("tls", "serverPemPath"), "configs/cert/server.pem", SERVER_CERTIFICATE),
    (("tls", "serverKeyPath"), "configs/cert/server.key", SERVER_KEY),
    (("tls", "caPemPath"), "configs/cert/ca.pem", CA_CERTIFICATE),
)
_MODES: Final[dict[TlsMode, Literal[1, 2]]] = {TlsMode.ONE_WAY: 1, TlsMode.MUTUAL: 2}


@dataclass(frozen=True, slots=True)
class TlsFile:
    """A file that Milvus is configured to open.

    Attributes:
        setting: The setting that names it.
        name: What it is called in a TLS directory of ours.
        target: Its path in the container.
        mounted: Whether a mount brings it.
        path: Where that is on this host; ``None`` where it is in a volume or in the image.
        by_default: Whether no one names it, so that it is one of the image.
    """

    setting: str
    name: str
    target: str
    mounted: bool
    path: Path | None
    by_default: bool


@dataclass(frozen=True, slots=True)
class DeclaredTls:
    """What one Milvus will do for its clients.

    Attributes:
        milvus: The service.
        mode: Its mode; ``None`` where what is said cannot all be read here.
        value: The ``tlsMode`` that is said; ``None`` where nothing is.
        place: The file that says it, and the line where one is known.
        files: What it opens in that mode: certificate, key, and in mode 2 the client CA.
    """

    milvus: MilvusService = field(repr=False)
    mode: TlsMode | None
    value: str | None
    place: str | None
    files: tuple[TlsFile, ...]

    @property
    def name(self) -> str:
        """The name of the service."""
        return self.milvus.name

    @property
    def read_files(self) -> tuple[Path, ...]:
        """The files on this host that it reads once, at its start: settings first."""
        settings = self.milvus.configuration.files.values()
        found = [one.path for one in settings if one.path and one.content is not None]
        return (*found, *(file.path for file in self.files if file.path))


def declared_tls(project: Project, named: Sequence[str]) -> tuple[DeclaredTls, ...]:
    """What every Milvus that accepts clients will do for them, by the effective project.

    Args:
        project: The project as it is.
        named: The services that the user asks for; none for every one.

    Raises:
        ServiceNotFound: A named service does not exist.
    """
    return tuple(_declared(one, project) for one in _spoken_of(project, named))


def declared_mode(project: Project, named: Sequence[str]) -> TlsMode:
    """The strictest mode that a Milvus of a project is told; off where none is known.

    Args:
        project: The project, as it is or without what an earlier enable put in.
        named: The services that the user asks for; none for every one.
    """
    there = [name for name in named if name in project.compose.services]
    if named and not there:
        return TlsMode.OFF
    return max(
        (one.mode or TlsMode.OFF for one in declared_tls(project, there)), default=TlsMode.OFF
    )


def modes_before(
    project: Project, config: TlsConfig, services: Sequence[str]
) -> dict[str, Literal[1, 2]]:
    """The modes of services that show certificates of others.

    Where they show what is in the TLS directory, the record of an earlier enable is lost, or the user
    brings what is there.

    Args:
        project: The project without what an earlier enable put in.
        config: The settings; they say where the TLS directory is.
        services: The services that get TLS.
    """
    ours = project.directory / config.served_dir
    return {
        one.name: _MODES[one.mode]
        for one in declared_tls(project, services)
        if one.mode in _MODES
        and not any(file.path is not None and file.path.parent == ours for file in one.files)
    }


def shown_file(service: Service, target: str) -> tuple[bool, Path | None]:
    """Whether a mount brings a path of a container, and where that is on this host.

    Args:
        service: The service.
        target: The absolute path in its container.
    """
    mounts = service.every_mount()
    over = [m for m in mounts if target == m.target or target.startswith(f"{m.target}/")]
    if not over:
        return False, None
    mount = max(over, key=lambda each: len(each.target))
    if mount.host_path is None:
        return True, None
    return True, mount.host_path / posixpath.relpath(target, mount.target)


def _spoken_of(project: Project, named: Sequence[str]) -> tuple[MilvusService, ...]:
    if named:
        return select(project.compose, project.milvus, named)
    recorded = project.state.services if project.state else ()
    able = tuple(one for one in certain_services(project.milvus) if one.proxy)
    return tuple(one for one in able if is_active(one.service) or one.name in recorded) or able


def _declared(milvus: MilvusService, project: Project) -> DeclaredTls:
    configuration = milvus.configuration
    value = configuration.get(TLS_MODE_ROUTE)
    said = in_variables(configuration.variables, TLS_MODE_ROUTE, milvus.version)
    sure = bool(said) or configuration.known or (value is not None and configuration.readable)
    mode = tls_mode(configuration.get) if sure else None
    found = configuration.place_of(TLS_MODE_ROUTE, project.read)
    place = None
    if found is not None:
        path, line = found
        place = f"{project.relative(path)}{f':{line}' if line else ''}"
    return DeclaredTls(milvus, mode, value, place, tuple(told_files(milvus, mode)))


def told_files(milvus: MilvusService, mode: TlsMode | None) -> Iterator[TlsFile]:
    """The files that a Milvus is configured to open in a mode; ``None`` where that is not known."""
    if not mode:
        return
    wanted = _FILES if mode is TlsMode.MUTUAL else _FILES[:2]
    for route, default, name in wanted:
        value = milvus.configuration.get(route)
        target = normal_target(posixpath.join(WORKING_DIRECTORY, value or default))
        mounted, path = shown_file(milvus.service, target)
        yield TlsFile(".".join(route), name, target, mounted, path, by_default=value is None)


def mode_differs(one: DeclaredTls, recorded: TlsConfig) -> TlsWarning | None:
    """That clients meet another mode than enable recorded.

    Args:
        one: The service, as it is declared.
        recorded: The settings of the last enable.
    """
    if one.mode is None or one.mode is recorded.tls_mode:
        return None
    off = " and accepts clients in plain text only" if one.mode is TlsMode.OFF else ""
    path, _, line = (one.place or "").partition(":")
    return TlsWarning(
        "mode-differs",
        f"{one.name} is set to mode {int(one.mode)}{off}; enable recorded {recorded.mode}",
        path or None,
        f"compose-tls enable --mode {max(int(one.mode), recorded.mode)} makes them the same",
        number(line),
    )

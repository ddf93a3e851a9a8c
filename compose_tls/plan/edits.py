"""The edits to the user's files: mounts, variables and milvus.yaml, gathered by file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.compose.edits import (
    Destination,
    MountOrder,
    add_mounts,
    change_variable,
    publish,
    set_variables,
)
from compose_tls.compose.service import Service, Variable
from compose_tls.config import TlsConfig
from compose_tls.errors import ConflictingSettings, UnsupportedMilvus, ValueInTheWay
from compose_tls.project.endpoints import published
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.placement import Placement
from compose_tls.stack.milvus.release import FIRST_WITH_REST_PORT
from compose_tls.stack.milvus.settings import Setting, put_settings, read, sets, tls_settings
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Intent

Reader = Callable[[Path], bytes | None]


@dataclass(slots=True)
class Edits:
    """Intents by file, in the order in which they came up."""

    by_file: dict[Path, list[Intent]] = field(default_factory=dict)

    def add(self, file: Path, intents: Iterable[Intent]) -> None:
        """Add intents on one file."""
        self.by_file.setdefault(file, []).extend(intents)


def work_out(
    milvus: MilvusService,
    placement: Placement,
    config: TlsConfig,
    directory: Path,
    read_file: Reader,
    proxy_port: int,
    override: Path | None,
) -> Edits:
    """Every edit that puts TLS into a project.

    Args:
        milvus: The service.
        placement: Where the settings go.
        config: The settings.
        directory: The project directory.
        read_file: Gives a file's bytes as they were before any earlier enable.
        proxy_port: The port of the proxy inside the container.
        override: The override file that gets the edits instead of the file that defines the service.

    Raises:
        ValueInTheWay: Something else is mounted where the TLS directory goes.
        ConflictingSettings: The REST port is the proxy's.
        EditRefused: A place cannot be edited without changing something else.
    """
    settings = tls_settings(config.tls_mode, config.container_tls_dir, config.rest_port)
    edits = Edits()
    service = milvus.service

    def place(name: str) -> Destination:
        """The file that gets the edits of a field."""
        if override is not None:
            return Destination.override(service, override, override.parent)
        return Destination.main(service, name)

    orders = _mount_orders(service, placement, config, directory)
    if orders:
        into = place("volumes")
        edits.add(into.file, add_mounts(milvus.project, service, orders, into))
    environment = _Environment(milvus, place("environment"), read_file, in_place=override is None)
    for file, intents in environment.edits(settings, everything=placement.kind == "env"):
        edits.add(file, intents)
    if placement.file is not None:
        files = (placement.file, *placement.later_files)
        _file_edits(edits, files, settings, directory, read_file)
    if config.rest_port is not None:
        _check_rest(milvus, config.rest_port, proxy_port)
        if published(service, config.rest_port) is None:
            into = place("ports")
            proxy = published(service, proxy_port)
            host_ip = proxy.host_ip if proxy else None
            edits.add(into.file, publish(service, config.rest_port, host_ip, into))
    return edits


def _mount_orders(
    service: Service, placement: Placement, config: TlsConfig, directory: Path
) -> list[MountOrder]:
    orders: list[MountOrder] = []
    tls_directory = Path(os.path.normpath(directory / config.tls_dir))
    target = config.container_tls_dir
    if placement.target.startswith(f"{target}/"):
        raise ConflictingSettings(
            f"a mount at {target} would hide {placement.target}",
            hint="choose another place with --container-tls-dir",
        )
    for mount in (*service.mounts(), *service.config_mounts()):
        if mount.target == target and mount.host_path == tls_directory:
            break
        if mount.target == target or mount.target.startswith(f"{target}/"):
            raise ValueInTheWay(
                f"service {service.name} mounts {mount.source or 'a volume'} at {mount.target}",
                hint="take that entry out, or choose another place with --container-tls-dir",
                path=relative(mount.file, directory),
                line=mount.line,
            )
    else:
        outside = Path(config.tls_dir).is_absolute()
        orders.append(MountOrder(tls_directory, target, absolute=outside))
    if placement.file is not None and not placement.mounted:
        # Images that rewrite their milvus.yaml at start (sed -i) need it writable.
        rewrites = "sed -i" in " ".join(service.command_line())
        orders.append(MountOrder(placement.file, placement.target, read_only_allowed=not rewrites))
    return orders


class _Environment:
    """The variables of a service: they win over files, so one that is set has to say the same."""

    def __init__(
        self, milvus: MilvusService, into: Destination, read_file: Reader, *, in_place: bool
    ) -> None:
        self.service = milvus.service
        self.version = milvus.version
        self.into = into
        self.in_place = in_place
        self.set_here = {variable.name: variable for variable in self.service.environment()}
        self.values = self.service.container_variables(read_file)

    def edits(
        self, settings: Iterable[Setting], *, everything: bool
    ) -> Iterator[tuple[Path, list[Intent]]]:
        """The edits that settle what is set; with ``everything``, that set what is not."""
        wanted: dict[str, str] = {}
        for setting in settings:
            names = [name for name in self.values if sets(name, setting, self.version)]
            for name in names:
                variable = self.set_here.get(name)
                if self.values[name] == setting.value:
                    continue
                if variable is not None and self.is_own(variable):
                    change = change_variable(self.service, variable, setting.value)
                    yield variable.definition.file, change
                else:
                    wanted[name] = setting.value
            if everything and not names:
                wanted[setting.variable] = setting.value
        if wanted:
            yield self.into.file, set_variables(self.service, wanted, self.into)

    def is_own(self, variable: Variable) -> bool:
        """Whether a variable can be changed where it is set, and not only be beaten."""
        definition = variable.definition
        own = definition.editable and definition.writes("environment")
        return own and (self.in_place or definition.file == self.into.file)


def _file_edits(
    edits: Edits,
    files: tuple[Path, ...],
    settings: tuple[Setting, ...],
    directory: Path,
    read_file: Reader,
) -> None:
    for file in files:
        document = parse(read_file(file) or b"", relative(file, directory))
        # A later file wins over the complete one, but need not repeat it.
        concerned = [s for s in settings if file == files[0] or read(document, s.route) is not None]
        if concerned:
            edits.add(file, put_settings(document, concerned))


def _check_rest(milvus: MilvusService, rest_port: int, proxy_port: int) -> None:
    if rest_port == proxy_port:
        raise ConflictingSettings(
            f"REST cannot share port {rest_port} with gRPC under TLS",
            hint="choose another port, for example --rest-port 8080",
        )
    for other in milvus.project.services.values():
        taken = [port for port in other.ports() if port.published == rest_port]
        if taken and not (other.name == milvus.name and taken[0].target == rest_port):
            raise ConflictingSettings(
                f"service {other.name} already publishes the port {rest_port}",
                hint="choose another one with --rest-port",
                path=other.main.document.name,
                line=other.main.line("ports"),
            )
    if milvus.version < FIRST_WITH_REST_PORT:
        raise UnsupportedMilvus(
            f"Milvus {milvus.version} has no port of its own for REST",
            hint=f"use Milvus {FIRST_WITH_REST_PORT} or newer, or leave --rest-port out",
            path=milvus.service.main.document.name,
        )

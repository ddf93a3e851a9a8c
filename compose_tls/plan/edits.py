"""The edits to the user's files: mounts, variables and milvus.yaml, gathered by file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.compose import dotenv
from compose_tls.compose.edits import (
    Destination,
    MountOrder,
    add_mounts,
    change_variable,
    publish,
    set_variables,
)
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.errors import ConflictingSettings, UnsupportedMilvus, ValueInTheWay
from compose_tls.milvus.settings import Setting, put_settings, read, sets, tls_settings
from compose_tls.milvus.version import FIRST_WITH_REST_PORT
from compose_tls.plan.endpoint import published
from compose_tls.plan.placement import Placement
from compose_tls.plan.select import MilvusService
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
    into = Destination.main(service)
    if override is not None:
        into = Destination.override(service, override, override.parent)
    orders = _mount_orders(service, placement, config, directory)
    if orders:
        edits.add(into.file, add_mounts(milvus.project, service, orders, into))
    _environment_edits(edits, milvus, placement, settings, read_file, into)
    if placement.file is not None:
        _file_edits(edits, placement, settings, directory, read_file)
    if config.rest_port is not None:
        _check_rest(milvus, config.rest_port, proxy_port)
        if published(service, config.rest_port) is None:
            edits.add(into.file, publish(service, config.rest_port, into))
    return edits


def _mount_orders(
    service: Service, placement: Placement, config: TlsConfig, directory: Path
) -> list[MountOrder]:
    orders: list[MountOrder] = []
    tls_directory = directory / config.tls_dir
    target = config.container_tls_dir
    for mount in service.mounts():
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
        orders.append(MountOrder(tls_directory, target))
    if placement.file is not None and not placement.mounted:
        # Images that rewrite their milvus.yaml at start (sed -i) need it writable.
        rewrites = "sed -i" in " ".join([*service.words("entrypoint"), *service.words("command")])
        orders.append(MountOrder(placement.file, placement.target, read_only_allowed=not rewrites))
    return orders


def _environment_edits(
    edits: Edits,
    milvus: MilvusService,
    placement: Placement,
    settings: Iterable[Setting],
    read_file: Reader,
    into: Destination,
) -> None:
    """Variables win over files, so one that is set already has to say the same.

    It is changed where it stands, or beaten from the override file that gets all edits.
    """
    service = milvus.service
    present = service.environment()
    imported = _imported_names(service, read_file)
    is_override = into.file != service.main.file
    wanted: dict[str, str] = {}
    for setting in settings:
        found = [v for v in present if sets(v.name, setting, milvus.version)]
        elsewhere = [v.name for v in found if is_override and v.definition.file != into.file]
        changed = [v for v in found if v.name not in elsewhere]
        for variable in changed:
            edits.add(variable.definition.file, change_variable(service, variable, setting.value))
        names = {v.name for v in changed}
        beaten = [n for n in imported if sets(n, setting, milvus.version) and n not in names]
        beaten += [name for name in elsewhere if name not in names]
        wanted |= dict.fromkeys(beaten, setting.value)
        if placement.kind == "env" and not found and not beaten:
            wanted[setting.variable] = setting.value
    if wanted:
        edits.add(into.file, set_variables(service, wanted, into))


def _imported_names(service: Service, read_file: Reader) -> list[str]:
    names: list[str] = []
    for path in service.env_files():
        content = read_file(path)
        names += dotenv.parse((content or b"").decode("utf-8", "replace"), service.variables)
    return list(dict.fromkeys(names))


def _file_edits(
    edits: Edits,
    placement: Placement,
    settings: Iterable[Setting],
    directory: Path,
    read_file: Reader,
) -> None:
    settings = list(settings)
    for file in (placement.file, *placement.later_files):
        content = read_file(file) if file else None
        if file is None or content is None:
            continue
        document = parse(content, relative(file, directory))
        if file != placement.file:
            settings = [s for s in settings if read(document, s.route) is not None]
        edits.add(file, put_settings(document, settings))


def _check_rest(milvus: MilvusService, rest_port: int, proxy_port: int) -> None:
    if rest_port == proxy_port:
        raise ConflictingSettings(
            f"REST cannot share port {rest_port} with gRPC under TLS",
            hint="choose another port, for example --rest-port 8080",
        )
    if milvus.version < FIRST_WITH_REST_PORT:
        raise UnsupportedMilvus(
            f"Milvus {milvus.version} has no port of its own for REST",
            hint=f"use Milvus {FIRST_WITH_REST_PORT} or newer, or leave --rest-port out",
            path=milvus.service.main.document.name,
        )

"""How a service of the project reaches Milvus, and where its container sees the files of a client."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.errors import NotMounted, ServiceNotFound, WrongUsage
from compose_tls.layout import (
    CA_CERTIFICATE,
    CERTIFICATE,
    CLIENT,
    CLIENT_CERTIFICATE,
    KEY,
    SERVER,
    client_identity,
    neighbours_directory,
)
from compose_tls.project.endpoints import carrier
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.project.reachability import HOST_GATEWAY, LOOPBACK
from compose_tls.shell import typed
from compose_tls.values import dataclass
from compose_tls.vocabulary import HOST_NAME, TlsMode, TlsWarning

_DEFAULT_NETWORK: Final = "default"
_HOST: Final = "host"


@dataclass(frozen=True, slots=True)
class Inside:
    """What a client in the container of a service is told.

    Attributes:
        host: The name by which it reaches Milvus.
        port: The port there.
        server_name: The name to verify.
        ca: The CA certificate.
        certificate: The client certificate; where no client shows one, where it would be.
        key: Its key.
    """

    host: str
    port: int
    server_name: str
    ca: str
    certificate: str
    key: str


def inside(project: Project, config: TlsConfig, milvus: MilvusService, name: str) -> Inside:
    """The settings of a client in the container of a service.

    Args:
        project: The project.
        config: The settings.
        milvus: The Milvus that it connects to.
        name: The service.

    Raises:
        ServiceNotFound: There is no such service.
        WrongUsage: It has no network.
        NotMounted: Its container does not see the certificates that it needs.
    """
    services = project.compose.services
    service = services.get(name)
    if service is None:
        main = milvus.service.main
        raise ServiceNotFound(
            f"there is no service {name} in the project",
            hint=f"name one of: {', '.join(services)}",
            path=main.document.name,
        )
    host, port = _address(project, milvus, service)
    certificate = project.observation.pki.certificates.get(SERVER)
    held = {*certificate.dns_names, *certificate.ip_addresses} if certificate else set[str]()
    pki, own = project.directory / config.pki_dir, neighbours_directory(config.tls_dir)
    place = project.directory / own / name
    files = {
        "ca": _seen(
            project,
            service,
            (
                place / CA_CERTIFICATE,
                pki / CA_CERTIFICATE,
                project.directory / config.served_dir / CA_CERTIFICATE,
            ),
        ),
        "certificate": _seen(
            project,
            service,
            (
                place / CLIENT_CERTIFICATE,
                pki / f"{client_identity(name)}{CERTIFICATE}",
                pki / CLIENT_CERTIFICATE,
            ),
        ),
    }
    pair = files["certificate"]
    key = _seen(project, service, (pair[0].with_suffix(KEY),)) if pair else None
    mutual = config.tls_mode is TlsMode.MUTUAL
    if files["ca"] is None or (mutual and (pair is None or key is None)):
        raise _not_mounted(project, config, service, mutual=mutual)
    return Inside(
        host,
        port,
        host if host in held else config.server_name,
        files["ca"][1],
        pair[1] if pair else f"{config.container_tls_dir}/{CLIENT}{CERTIFICATE}",
        key[1] if key else f"{config.container_tls_dir}/{CLIENT}{KEY}",
    )


def _address(project: Project, milvus: MilvusService, service: Service) -> tuple[str, int]:
    services, port = project.compose.services, milvus.configuration.proxy_port
    place, own = carrier(milvus.service, services), carrier(service, services)
    if place.name == own.name:
        return "localhost", port
    published = place.published(port)
    on_host = published.published if published and published.published else port
    if own.text("network_mode") == _HOST:
        return "localhost", on_host
    if _share_network(place, own):
        return place.name, port
    if own.text("network_mode") == "none":
        raise WrongUsage(
            f"service {service.name} has no network (network_mode: none), so it cannot reach Milvus",
            hint=f"name a service of a network that {milvus.name} is in",
        )
    return next(iter(_gateways(own)), HOST_NAME), on_host


def _share_network(one: Service, other: Service) -> bool:
    """Whether two services meet in a network of the project; one with a mode of its own is in none."""
    if one.text("network_mode") or other.text("network_mode"):
        return False
    first, second = ({*(each.networks() or [_DEFAULT_NETWORK])} for each in (one, other))
    return not first.isdisjoint(second)


def _gateways(service: Service) -> list[str]:
    """The names that a service has for this machine."""
    return [name for name, where in service.extra_hosts().items() if HOST_GATEWAY in where]


def way_by_host(project: Project, milvus: MilvusService, name: str) -> TlsWarning | None:
    """That a service reaches Milvus by a port of this machine, and what that takes; otherwise ``None``.

    Source: https://docs.docker.com/reference/cli/docker/container/run/#add-host

    Args:
        project: The project.
        milvus: The Milvus that it connects to.
        name: The service.
    """
    services, port = project.compose.services, milvus.configuration.proxy_port
    place, own = carrier(milvus.service, services), carrier(services[name], services)
    on_host = own.text("network_mode") == _HOST
    if place.name == own.name or on_host or _share_network(place, own):
        return None
    published = place.published(port)
    needs = [f"give both one network; or add {HOST_NAME}:{HOST_GATEWAY} to its extra_hosts"]
    if _gateways(own):
        needs = []
    if place.text("network_mode") != _HOST and published is None:
        needs.append(f"publish port {port} of {milvus.name}")
    elif published is not None and published.host_ip in LOOPBACK:
        needs.append(f"publish port {port} of {milvus.name} on more than {published.host_ip}")
    if not needs:
        return None
    text = (
        f"service {name} shares no network with {milvus.name}: it connects through a port of "
        "this machine"
    )
    main = services[name].main
    return TlsWarning("way-by-host", text, main.document.name, ", and ".join(needs), main.line())


def _seen(project: Project, service: Service, files: Iterable[Path]) -> tuple[Path, str] | None:
    """The first of some files, of those that are there, that a mount brings into the container; where."""
    mounts = [mount for mount in service.mounts() if mount.host_path is not None]
    for file in filter(project.observation.files.get, files):
        for mount in mounts:
            if mount.host_path == file:
                return file, mount.target
            if mount.host_path is not None and file.is_relative_to(mount.host_path):
                below = file.relative_to(mount.host_path).as_posix()
                return file, posixpath.join(mount.target, below)
    return None


def _not_mounted(
    project: Project, config: TlsConfig, service: Service, *, mutual: bool
) -> NotMounted:
    """That its container lacks what it needs, with the lines that provide it."""
    identity = f"{config.pki_dir}/{client_identity(service.name)}"
    wanted = {f"{config.pki_dir}/{CA_CERTIFICATE}": CA_CERTIFICATE}
    if mutual:
        wanted |= {
            f"{identity}{CERTIFICATE}": CLIENT_CERTIFICATE,
            f"{identity}{KEY}": f"{CLIENT}{KEY}",
        }
    lines = ", ".join(
        f"./{source}:{config.container_tls_dir}/{target}:ro" for source, target in wanted.items()
    )
    before = f"compose-tls client {typed(service.name)}, then " if mutual else ""
    what = "no client certificate and CA certificate" if mutual else "no CA certificate"
    main = service.main
    return NotMounted(
        f"service {service.name} mounts {what} of this project, so its container cannot read them",
        hint=f"{before}add to its volumes: {lines}",
        path=project.relative(main.file),
        line=main.line("volumes"),
    )

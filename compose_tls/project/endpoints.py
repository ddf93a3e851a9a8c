"""Where clients reach a Milvus service, and under which names."""

from __future__ import annotations

from compose_tls.changes import relative
from compose_tls.compose.ports import PublishedPort
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.placement import Placement, Reader
from compose_tls.results import Endpoint
from compose_tls.stack.milvus.settings import PROXY_PORT, PROXY_PORT_ROUTE, in_variables, read
from compose_tls.yamlpatch.document import parse

_EVERY_ADDRESS = frozenset({None, "", "0.0.0.0", "::", "127.0.0.1", "::1"})  # noqa: S104 - compared, not bound


def endpoint(service: Service, server_name: str, proxy_port: int) -> Endpoint | None:
    """The address on the host; ``None`` where none is published or the engine picks the port."""
    found = published(service, proxy_port)
    if found is None or found.published is None:
        return None
    host = "localhost" if found.host_ip in _EVERY_ADDRESS else str(found.host_ip)
    host = f"[{host}]" if ":" in host else host
    return Endpoint(uri=f"https://{host}:{found.published}", server_name=server_name)


def published(service: Service, target: int) -> PublishedPort | None:
    """How a container port is published; with host networking, as itself."""
    if service.text("network_mode") == "host":
        return PublishedPort(target, target, None)
    return next((port for port in service.ports() if port.target == target), None)


def proxy_port(milvus: MilvusService, placement: Placement, read_file: Reader) -> int:
    """The port that the proxy listens on inside the container: variables win over files."""
    variables = milvus.service.container_variables(read_file)
    found = [in_variables(variables, PROXY_PORT_ROUTE, milvus.version)]
    for file in (*reversed(placement.later_files), placement.file):
        content = read_file(file) if file else None
        if file is not None and content is not None:
            found.append(
                read(parse(content, relative(file, milvus.project.directory)), PROXY_PORT_ROUTE)
            )
    text = next(filter(None, found), "")
    return int(text) if text.isdecimal() else PROXY_PORT


def found_names(service: Service, proxy: int) -> list[str]:
    """The names under which clients may reach the service, found in the project.

    ``host.docker.internal`` is how containers reach the host's published ports:
    https://docs.docker.com/desktop/features/networking/
    """
    port = published(service, proxy)
    return [
        "localhost",
        "127.0.0.1",
        "::1",
        "host.docker.internal",
        service.name,
        *(text for name in ("container_name", "hostname") if (text := service.text(name))),
        *service.aliases(),
        *([port.host_ip] if port and port.host_ip and port.host_ip not in _EVERY_ADDRESS else []),
    ]


def wanted_names(config: TlsConfig) -> list[str]:
    """The names that the user asked for."""
    return [config.server_name, *config.san]

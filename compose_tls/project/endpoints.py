"""Where clients reach a Milvus service, and under which names."""

from __future__ import annotations

from compose_tls.compose.service import Service
from compose_tls.results import Endpoint

_EVERY_ADDRESS = frozenset({None, "", "0.0.0.0", "::", "127.0.0.1", "::1"})  # noqa: S104 - compared, not bound


def endpoint(service: Service, server_name: str, proxy_port: int) -> Endpoint | None:
    """The address on the host; ``None`` where none is published or the engine picks the port."""
    found = service.published(proxy_port)
    if found is None or found.published is None:
        return None
    host = "localhost" if found.host_ip in _EVERY_ADDRESS else str(found.host_ip)
    host = f"[{host}]" if ":" in host else host
    return Endpoint(uri=f"https://{host}:{found.published}", server_name=server_name)


def found_names(service: Service, proxy: int) -> list[str]:
    """The names under which clients may reach the service, found in the project.

    ``host.docker.internal`` is how containers reach the host's published ports:
    https://docs.docker.com/desktop/features/networking/
    """
    port = service.published(proxy)
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

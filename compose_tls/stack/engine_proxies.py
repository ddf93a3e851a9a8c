"""What a service tells a proxy that reads it from the engine: by labels, or by variables.

Sources: https://doc.traefik.io/traefik/routing/providers/docker/ (Traefik),
https://github.com/lucaslorentz/caddy-docker-proxy (Caddy),
https://github.com/nginx-proxy/nginx-proxy/tree/main/docs (nginx-proxy).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from compose_tls.patterns import regex
from compose_tls.stack.applications import ClientConnection
from compose_tls.vocabulary import Encryption, number

_SERVER: Final = regex(r"traefik\.(http|tcp)\.services\.[^.]+\.loadbalancer\.server\.(\w+)")
# caddy_1.handle.reverse_proxy: {{upstreams h2c 19530}}
_CADDY: Final = regex(r"caddy(?:_\d+)?\.(?:[\w.@-]+\.)?reverse_proxy(?:\.to)?")
_UPSTREAMS: Final = regex(
    r"(?:(https?|h2c)://)?\{\{\s*upstreams(?:\s+(https?|h2c))?(?:\s+(\d+))?\s*\}\}"
)
_ROUTER_TLS: Final = regex(r"traefik\.tcp\.routers\.([^.]+)\.tls(?:\.(\w+))?(?:\.\w+)*")


def fronts(
    labels: Mapping[str, str], variables: Mapping[str, str | None], ports: Collection[int]
) -> Iterator[tuple[str, str, ClientConnection]]:
    """The proxies that are put in front of a server: what images they have, how, and their way to it.

    Args:
        labels: Those of the server.
        variables: Its environment.
        ports: Its ports.
    """
    if found := _traefik(labels, ports):
        yield "traefik", "labels", found
    for name, value in labels.items():
        match = _UPSTREAMS.search(value) if _CADDY.fullmatch(name.lower()) else None
        if match and (match[3] is None or number(match[3]) in ports):
            tls = "https" in {match[1], match[2]}
            yield (
                "caddy",
                "labels",
                ClientConnection("labels", None, "encrypted" if tls else "plain"),
            )
    if variables.get("VIRTUAL_HOST") and number(variables.get("VIRTUAL_PORT") or "") in ports:
        tls = (variables.get("VIRTUAL_PROTO") or "") in {"https", "grpcs"}
        said: Encryption = "encrypted" if tls else "plain"
        yield "nginx-proxy", "VIRTUAL_HOST", ClientConnection("VIRTUAL_HOST", None, said)


def _traefik(labels: Mapping[str, str], ports: Collection[int]) -> ClientConnection | None:
    said: dict[str, dict[str, str]] = {}
    for name, value in labels.items():
        if match := _SERVER.fullmatch(name.lower()):
            said.setdefault(match[1], {})[match[2]] = value.lower()
    for kind, server in said.items():
        port = server.get("port")
        if port and number(port) not in ports:
            continue
        encrypted = server.get("scheme") == "https" or server.get("tls") == "true"
        encryption: Encryption = "encrypted" if encrypted else "plain"
        if kind == "tcp" and not encrypted and not _ends_tls(labels):
            return ClientConnection("labels", number(port), "unknown", passes=True)
        return ClientConnection("labels", number(port), encryption)
    return None


def _ends_tls(labels: Mapping[str, str]) -> bool:
    """Whether a TCP router ends the TLS of clients; without TLS of its own, it hands on what it gets."""
    with_tls: dict[str, bool] = {}
    for name, value in labels.items():
        if match := _ROUTER_TLS.fullmatch(name.lower()):
            passes = match[2] == "passthrough" and value.lower() == "true"
            with_tls[match[1]] = with_tls.get(match[1], False) or passes
    return not all(with_tls.values())

"""What labels tell a Traefik of the service that they stand at.

Source: https://doc.traefik.io/traefik/routing/providers/docker/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from compose_tls.patterns import regex
from compose_tls.stack.applications import Connection
from compose_tls.vocabulary import Encryption, number

IMAGE: Final = "traefik"

_SERVER: Final = regex(r"traefik\.(http|tcp)\.services\.[^.]+\.loadbalancer\.server\.(\w+)")
_ROUTER_TLS: Final = regex(r"traefik\.tcp\.routers\.([^.]+)\.tls(?:\.(\w+))?(?:\.\w+)*")


def way_by_labels(labels: Mapping[str, str], ports: Collection[int]) -> Connection | None:
    """The way of a Traefik to a server; ``None`` where the labels put none in front of it.

    Args:
        labels: Those of the server.
        ports: Its ports.
    """
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
            return Connection("labels", number(port), "unknown", passes=True)
        return Connection("labels", number(port), encryption)
    return None


def _ends_tls(labels: Mapping[str, str]) -> bool:
    """Whether a TCP router ends the TLS of clients; without TLS of its own, it hands on what it gets."""
    with_tls: dict[str, bool] = {}
    for name, value in labels.items():
        if match := _ROUTER_TLS.fullmatch(name.lower()):
            passes = match[2] == "passthrough" and value.lower() == "true"
            with_tls[match[1]] = with_tls.get(match[1], False) or passes
    return not all(with_tls.values())

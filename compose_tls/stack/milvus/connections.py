"""What Milvus connects to, what it listens on, and which of it is encrypted, by its settings.

Sources: configs/milvus.yaml of the releases for the keys and their defaults; Milvus' own reading of
them (pkg/util/paramtable) for what follows from a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from compose_tls.stack.milvus.release import FIRST_WITH_INTERNAL_TLS, MilvusVersion
from compose_tls.stack.milvus.settings import PROXY_PORT, PROXY_PORT_ROUTE
from compose_tls.vocabulary import Encryption
from compose_tls.yamlpatch.intent import Route

METRICS_PORT = 9091
METRICS_PORT_VARIABLE = "METRICS_PORT"
"""Read from the environment alone: internal/http/server.go of Milvus."""

# The old REST interface on the metrics port asks for no credentials before these releases:
# CVE-2026-26190, https://milvus.io/docs/release_notes.md
_AUTHENTICATED_SINCE = (MilvusVersion(2, 5, 27), MilvusVersion(2, 6, 10))

# strconv.ParseBool of Go, which reads Milvus' truth values.
_TRUE = frozenset({"1", "t", "true"})
# librdkafka, security.protocol: https://docs.confluent.io/platform/current/clients/librdkafka
_KAFKA_PROTOCOLS: dict[str, Encryption] = {
    "plaintext": "plain",
    "sasl_plaintext": "plain",
    "ssl": "encrypted",
    "sasl_ssl": "encrypted",
}
_ADDRESS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][\w+.-]*)://)?(?:[^/@\s]*@)?"
    r"(?P<host>\[[^\]\s]+\]|[^:/@\[\]\s]+)(?::(?P<port>\d{1,5}))?(?:/\S*)?"
)

Settings: TypeAlias = Callable[[Route], str | None]
"""Gives the value of a setting as Milvus will see it; ``None`` for its default."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, as an address in a setting names them. Credentials in it are not kept."""

    host: str
    port: int | None = None
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Dependency:
    """One kind of server that Milvus keeps its things in: where they are, how Milvus talks to them."""

    purpose: str
    addresses: tuple[Address, ...]
    encryption: Encryption


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that Milvus listens on, for clients or for those that watch over it."""

    purpose: str
    port: int
    encryption: Encryption
    for_clients: bool = True


def addresses(text: str, port: int | None = None) -> tuple[Address, ...]:
    """The addresses in a comma-separated text; what is none is left out.

    Args:
        text: For example ``etcd:2379,https://other``.
        port: The port of an address without one.
    """
    found = [_ADDRESS.fullmatch(part.strip()) for part in text.split(",")]
    return tuple(
        Address(
            match["host"].strip("[]"),
            int(match["port"]) if match["port"] else port,
            (match["scheme"] or "").lower(),
        )
        for match in found
        if match
    )


def dependencies(settings: Settings, *, cluster: bool) -> Iterator[Dependency]:
    """What a Milvus with these settings connects to.

    Args:
        settings: The settings as Milvus sees them.
        cluster: Whether its components run apart: then messages need a server of their own.
    """
    yield from _metadata(settings)
    if (settings(("common", "storageType")) or "").lower() != "local":
        yield _object_store(settings)
    yield from _messages(settings, cluster=cluster)


def listeners(settings: Settings, metrics_port: str | None) -> Iterator[Listener]:
    """What a proxy or standalone server with these settings listens on for others."""
    tls = client_tls(settings)
    port = _port(settings(PROXY_PORT_ROUTE), PROXY_PORT)
    rest = not _is_false(settings(("proxy", "http", "enabled")))
    own = _port(settings(("proxy", "http", "port")), port)
    shared = rest and own == port and tls == "plain"
    yield Listener("gRPC and REST" if shared else "gRPC", port, tls)
    if rest and own != port:
        yield Listener("REST", own, tls)
    # Plain in every mode of TLS; health, metrics, and pprof are served there: internal/http.
    yield Listener("metrics and health", _port(metrics_port, METRICS_PORT), "plain", False)


def client_tls(settings: Settings) -> Encryption:
    """What clients get: a tlsMode that is neither 1 nor 2 fails open, to plain text."""
    mode = (settings(("common", "security", "tlsMode")) or "").strip()
    return "encrypted" if mode in {"1", "2"} else "plain"


def asks_for_credentials(settings: Settings) -> bool:
    """Whether clients need a user or a token; they do not by default."""
    return _is_true(settings(("common", "security", "authorizationEnabled")))


def internal_tls(settings: Settings, version: MilvusVersion) -> Encryption:
    """What the components of a cluster talk to each other, off by default (since 2.5)."""
    wanted = _is_true(settings(("common", "security", "internaltlsEnabled")))
    return "encrypted" if wanted and version >= FIRST_WITH_INTERNAL_TLS else "plain"


def open_metrics_interface(settings: Settings, version: MilvusVersion) -> bool:
    """Whether the metrics port takes /api/v1 requests, data and all, without credentials."""
    first, second = _AUTHENTICATED_SINCE
    asks = version >= second or first <= version < MilvusVersion(2, 6)
    return not asks and not _is_false(settings(("proxy", "http", "enabled")))


def _metadata(settings: Settings) -> Iterator[Dependency]:
    # etcd is where components find each other, also where TiKV holds the metadata.
    if not _is_true(settings(("etcd", "use", "embed"))):
        found = addresses(settings(("etcd", "endpoints")) or "localhost:2379", 2379)
        encrypted = _is_true(settings(("etcd", "ssl", "enabled")))
        secure = any(address.scheme == "https" for address in found)
        yield Dependency(
            "metadata", found, "encrypted" if encrypted else "unknown" if secure else "plain"
        )
    if (settings(("metastore", "type")) or "").lower() == "tikv":
        encrypted = _is_true(settings(("tikv", "ssl", "enabled")))
        found = addresses(settings(("tikv", "endpoints")) or "127.0.0.1:2389", 2389)
        yield Dependency("metadata", found, "encrypted" if encrypted else "plain")


def _object_store(settings: Settings) -> Dependency:
    port = _port(settings(("minio", "port")), 9000)
    found = addresses(settings(("minio", "address")) or "localhost", port)
    encrypted = _is_true(settings(("minio", "useSSL")))
    return Dependency("object store", found, "encrypted" if encrypted else "plain")


def _messages(settings: Settings, *, cluster: bool) -> Iterator[Dependency]:
    kind = (settings(("mq", "type")) or "default").lower()
    pulsar, kafka = settings(("pulsar", "address")), settings(("kafka", "brokerList"))
    if kind == "default" and cluster:
        kind = "pulsar" if pulsar else "kafka"
    if kind == "pulsar" and pulsar:
        found = addresses(pulsar, _port(settings(("pulsar", "port")), 6650))
        secure = any(address.scheme in {"pulsar+ssl", "https"} for address in found)
        yield Dependency("messages", found, "encrypted" if secure else "plain")
    if kind == "kafka" and kafka:
        protocol = (settings(("kafka", "securityProtocol")) or "").lower()
        keys = _is_true(settings(("kafka", "ssl", "enabled")))
        unsaid: Encryption = "unknown" if keys else "plain"
        yield Dependency("messages", addresses(kafka, 9092), _KAFKA_PROTOCOLS.get(protocol, unsaid))


def _port(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() else default


def _is_true(text: str | None) -> bool:
    return (text or "").lower() in _TRUE


def _is_false(text: str | None) -> bool:
    return (text or "true").lower() not in _TRUE

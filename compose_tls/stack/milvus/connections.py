"""What Milvus connects to, what it listens on, and which of it is encrypted, by its settings.

Sources: configs/milvus.yaml of the releases for the keys and their defaults; Milvus' own reading of
them (pkg/util/paramtable) for what follows from a value.
"""

from __future__ import annotations

from collections.abc import Iterator

from compose_tls.stack.broker import messages
from compose_tls.stack.dependency import Dependency, Settings, is_false, is_true, port_of
from compose_tls.stack.etcd import metadata
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_INTERNAL_TLS, MilvusVersion
from compose_tls.stack.milvus.settings import PROXY_PORT_ROUTE
from compose_tls.stack.object_store import segments
from compose_tls.values import dataclass
from compose_tls.vocabulary import GRPC_PORT, METRICS, METRICS_PORT, Encryption, TlsMode
from compose_tls.yamlpatch.intent import Route

TLS_MODE_ROUTE: Route = ("common", "security", "tlsMode")

METRICS_PORT_VARIABLE = "METRICS_PORT"
"""Read from the environment alone: internal/http/server.go of Milvus."""

# The old REST interface on the metrics port asks for no credentials before these releases:
# CVE-2026-26190, https://milvus.io/docs/release_notes.md
_AUTHENTICATED_SINCE = (MilvusVersion(2, 5, 27), MilvusVersion(2, 6, 10))


@dataclass(frozen=True, slots=True)
class ListeningPort:
    """A port that Milvus listens on, for clients or for those that watch over it."""

    purpose: str
    port: int
    encryption: Encryption
    for_clients: bool = True


def dependencies(settings: Settings, *, cluster: bool) -> Iterator[Dependency]:
    """What a Milvus with these settings connects to.

    Args:
        settings: The settings as Milvus sees them.
        cluster: Whether its components run apart: then messages need a server of their own.
    """
    yield from metadata(settings)
    yield from segments(settings)
    yield from messages(settings, cluster=cluster)


def listeners(settings: Settings, metrics_port: str | None) -> Iterator[ListeningPort]:
    """What a proxy or standalone server with these settings listens on for others."""
    tls = client_tls(settings)
    port = port_of(settings(PROXY_PORT_ROUTE), GRPC_PORT)
    rest = not is_false(settings(("proxy", "http", "enabled")))
    own = port_of(settings(("proxy", "http", "port")), port)
    shared = rest and own == port and tls == "plain"
    yield ListeningPort("gRPC and REST" if shared else "gRPC", port, tls)
    if rest and own != port:
        yield ListeningPort("REST", own, tls)
    # Plain in every mode of TLS; health, metrics, and pprof are served there: internal/http.
    yield ListeningPort(METRICS, port_of(metrics_port, METRICS_PORT), "plain", False)


def client_tls(settings: Settings) -> Encryption:
    """What clients get: a tlsMode that is neither 1 nor 2 fails open, to plain text."""
    return "plain" if tls_mode(settings) is TlsMode.OFF else "encrypted"


def tls_mode(settings: Settings) -> TlsMode:
    """The mode that Milvus runs in: it takes what is not a mode for 0."""
    text = (settings(TLS_MODE_ROUTE) or "").strip()
    return TlsMode(int(text)) if text in {"1", "2"} else TlsMode.OFF


def asks_for_credentials(settings: Settings) -> bool:
    """Whether clients need a user or a token; they do not by default."""
    return is_true(settings(("common", "security", "authorizationEnabled")))


def internal_tls(settings: Settings, version: MilvusVersion) -> Encryption:
    """What the components of a cluster talk to each other, off by default (since 2.5)."""
    wanted = is_true(settings(("common", "security", "internaltlsEnabled")))
    return "encrypted" if wanted and version >= FIRST_WITH_INTERNAL_TLS else "plain"


def open_metrics_interface(settings: Settings, version: MilvusVersion) -> bool:
    """Whether the metrics port takes /api/v1 requests, data and all, without credentials."""
    first, second = _AUTHENTICATED_SINCE
    asks = version >= second or first <= version < MilvusVersion(2, 6)
    return not asks and not is_false(settings(("proxy", "http", "enabled")))

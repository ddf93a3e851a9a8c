"""What client code needs for a server."""

from __future__ import annotations

from urllib.parse import urlsplit

from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode

HTTPS_PORT = 443
CREDENTIALS_VARIABLE = "MILVUS_TOKEN"
"""Holds ``user:password`` where authentication is on."""


@dataclass(frozen=True, slots=True)
class ContainerRoute:
    """How another service of the Compose project reaches the server.

    Attributes:
        host: The name of the service; ``localhost`` where a network is shared.
        port: The port inside the container.
        networks: The networks of the project to join; none means the default one.
        network_mode: The network mode to share; ``None`` where the service has networks.
    """

    host: str
    port: int
    networks: tuple[str, ...] = ()
    network_mode: str | None = None


@dataclass(frozen=True, slots=True)
class ExistingService:
    """A service of the project that already exists, by its name, and its image."""

    service: str
    image: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A server, its names, and the files of a client. Paths are absolute.

    Attributes:
        mode: The TLS mode.
        uri: Where gRPC is, ``https://host:port``.
        server_name: The name to verify.
        ca_pem: Path of the CA certificate.
        client_pem: Path of the client certificate; used in mode 2.
        client_key: Path of its key; used in mode 2.
        rest_uri: Where REST is; ``None`` where it is off.
        release: Major and minor version of Milvus; ``None`` where they are unknown.
        authentication: Whether the server asks for a token as well.
        container_route: The way for other containers; ``None`` is by the published port.
        attu: The Attu of the project; ``None`` where it has none.
        inside: The service in whose container the client is, so that paths are those in it; ``None``
            for a client on this machine.
    """

    mode: TlsMode
    uri: str
    server_name: str
    ca_pem: str
    client_pem: str
    client_key: str
    rest_uri: str | None
    release: tuple[int, int] | None = None
    authentication: bool = False
    container_route: ContainerRoute | None = None
    attu: ExistingService | None = None
    inside: str | None = None

    @property
    def mutual(self) -> bool:
        """Whether the client shows a certificate."""
        return self.mode is TlsMode.MUTUAL

    def is_renamed(self, uri: str) -> bool:
        """Whether the name to verify is not the host of a URI."""
        return place(uri)[0] != self.server_name


def mode_note(connection: Connection, comment: str) -> tuple[str, ...]:
    """A note about one-way TLS, if the mode is 1.

    Args:
        connection: The server.
        comment: What a comment begins with in the language.

    Returns:
        The lines; none in mode 2, where the files of the client say it.
    """
    text = "Mode 1: clients verify the server with the CA. Clients need no certificate."
    return () if connection.mutual else (f"{comment} {text}",)


def place(uri: str) -> tuple[str, int]:
    """Host and port of a URI; a URI without a port has that of HTTPS."""
    parts = urlsplit(uri)
    return parts.hostname or "", parts.port or HTTPS_PORT


def url_host(name: str) -> str:
    """A host as in a URI (RFC 3986 section 3.2.2)."""
    return f"[{name}]" if ":" in name else name

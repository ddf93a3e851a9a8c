"""The TLS files of a client in a container, independent of the application."""

from __future__ import annotations

from compose_tls.layout import CA_CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY, NEIGHBOUR_ROOTS
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What a client is to be told.

    Attributes:
        mutual: Whether it shows a certificate.
        server_name: The name that it verifies.
        covered: Whether the host by which it calls Milvus is a name that the certificate holds.
        directory: Where its files are in its container.
        rest: The address of REST over TLS, ``https://host:port``; ``None`` where REST is off.
    """

    mutual: bool
    server_name: str
    covered: bool
    directory: str
    rest: str | None

    @property
    def ca(self) -> str:
        """The CA certificate."""
        return f"{self.directory}/{CA_CERTIFICATE}"

    @property
    def roots(self) -> str:
        """The CA together with the public ones."""
        return f"{self.directory}/{NEIGHBOUR_ROOTS}"

    @property
    def certificate(self) -> str:
        """The client certificate."""
        return f"{self.directory}/{CLIENT_CERTIFICATE}"

    @property
    def key(self) -> str:
        """Its key."""
        return f"{self.directory}/{CLIENT_KEY}"

    @property
    def files(self) -> tuple[str, ...]:
        """What it has to see."""
        own = (CLIENT_CERTIFICATE, CLIENT_KEY) if self.mutual else ()
        return (CA_CERTIFICATE, *own)

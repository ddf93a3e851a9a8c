"""The TLS of the stack as a value: servers, Milvus services, and their certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Final

from compose_tls.compose.service import Service
from compose_tls.layout import CLIENT_OF, ETCD, KAFKA
from compose_tls.project.milvus_services import MilvusService
from compose_tls.setup import Directory, Identity, Member
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning

if TYPE_CHECKING:
    from compose_tls.plan.application_edits import ApplicationEdits, Rewrite


@dataclass(frozen=True, slots=True)
class Part:
    """A service that takes part, and what of it changes.

    Attributes:
        member: What is wanted of it.
        service: The service.
        milvus: The same where it runs Milvus.
        rewrites: What its command and its health check become.
        files: Single files that are to be elsewhere in its container.
        further_ports: Its other ports that speak TLS then.
    """

    member: Member
    service: Service = field(repr=False)
    milvus: MilvusService | None = field(default=None, repr=False)
    rewrites: tuple[Rewrite, ...] = ()
    files: tuple[Directory, ...] = ()
    further_ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """All that speaks TLS besides the proxies and their clients.

    Attributes:
        parts: Servers first, then every Milvus service.
        identities: The certificates: the CA first.
        warnings: What stays plain, and why.
        clients: The other services that are told of it.
    """

    parts: tuple[Part, ...] = ()
    identities: tuple[Identity, ...] = ()
    warnings: tuple[TlsWarning, ...] = ()
    clients: tuple[ApplicationEdits, ...] = ()

    @property
    def servers(self) -> tuple[Part, ...]:
        """Etcd, the object store and brokers."""
        return tuple(one for one in self.parts if one.milvus is None)

    @property
    def milvus(self) -> tuple[Part, ...]:
        """The Milvus services."""
        return tuple(one for one in self.parts if one.milvus is not None)


CLIENTS: Final[Mapping[str, str]] = {"etcd": CLIENT_OF[ETCD], "broker": CLIENT_OF[KAFKA]}
"""The client that a server demands a certificate of."""
NOTHING_ELSE: Final = Stack()

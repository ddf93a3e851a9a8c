"""What else of a project speaks TLS, as a value: servers, Milvus with them, and their certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Final, Protocol

from compose_tls.compose.member_edits import Edits
from compose_tls.compose.rewriting import Rewriting
from compose_tls.compose.service import Service
from compose_tls.layout import ETCD_CLIENT, KAFKA_CLIENT
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.setup import Directory, Identity, Member
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning
from compose_tls.yamlpatch.intent import Route


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A command or a health check that is to say something else."""

    route: Route
    change: Rewriting = field(repr=False)
    hint: str


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


class StackClient(Protocol):
    """A service besides Milvus that connects to a server, and gets its TLS settings."""

    @property
    def member(self) -> Member:
        """What it is told, and what it sees."""

    def add_edits(self, project: Project, override: Path | None, edits: Edits) -> None:
        """Add what switches it."""


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
    clients: tuple[StackClient, ...] = ()

    @property
    def servers(self) -> tuple[Part, ...]:
        """Etcd, the object store and brokers."""
        return tuple(one for one in self.parts if one.milvus is None)

    @property
    def milvus(self) -> tuple[Part, ...]:
        """The Milvus services."""
        return tuple(one for one in self.parts if one.milvus is not None)

    @property
    def seen(self) -> tuple[tuple[str, str], ...]:
        """The other services, each with the directory that it mounts."""
        members = [one.member for one in self.clients]
        return tuple((one.name, one.directory.source) for one in members if one.directory)


CLIENTS: Final[Mapping[str, str]] = {"etcd": ETCD_CLIENT, "broker": KAFKA_CLIENT}
"""The client that a server demands a certificate of."""
NOTHING_ELSE: Final = Stack()

"""The TLS set-up, independent of its target.

Compose renders it as edits of the files that are there; Helm, the Operator, Swarm and a new project
render the same value as documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from compose_tls.results import Endpoint
from compose_tls.values import dataclass
from compose_tls.vocabulary import Profile, TlsMode

MemberKind: TypeAlias = Literal["milvus", "etcd", "object-store", "broker", "attu", "application"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of Milvus: its place in milvus.yaml, and its value there."""

    route: tuple[str, ...]
    value: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it: the keys joined by ``_``, in capitals."""
        return "_".join(self.route).upper()

    @property
    def name(self) -> str:
        """The setting as people write it."""
        return ".".join(self.route)


@dataclass(frozen=True, slots=True)
class VariableSetting(Setting):
    """One setting of a server that reads environment variables, by the variable's very name."""

    @property
    def variable(self) -> str:
        """Its name."""
        return self.route[0]


def as_variables(values: Mapping[str, str]) -> tuple[VariableSetting, ...]:
    """Variables by their names, as settings."""
    return tuple(VariableSetting((name,), value) for name, value in values.items())


@dataclass(frozen=True, slots=True)
class Identity:
    """One certificate with its key.

    Attributes:
        name: What its files are named after: ``ca``, ``next-ca``, ``server``, ``client`` …
        profile: Which profile issues it.
        members: Who holds it; none for a CA, and for a client from outside.
        dns_names: The DNS names in the certificate.
        ip_addresses: The IP addresses in it.
    """

    name: str
    profile: Profile
    members: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory of certificates, and where its member sees it.

    Attributes:
        source: On the host; relative to the project where it is inside.
        target: In the container.
        files: Which file of which identity: the name there, and the name in the PKI directory.
        read_only: Whether the member must not write there, whatever its other mounts are.
    """

    source: str
    target: str
    files: tuple[tuple[str, str], ...]
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """One part of the stack that TLS concerns.

    Attributes:
        name: The service.
        kind: What it is.
        settings: What it has to be told.
        directory: The certificates that it gets to see.
        port: Where it takes connections over TLS, in the container.
        published: Further ports to publish where the first one is.
    """

    name: str
    kind: MemberKind
    settings: tuple[Setting, ...]
    directory: Directory | None
    port: int
    published: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Proxy:
    """A service that ends client TLS, and where it is reached.

    Attributes:
        service: Its name.
        port: The port of gRPC inside the container.
        rest_port: That of REST; ``None`` where REST is off.
        endpoint: Where clients of this machine reach it; ``None`` where the files do not tell.
    """

    service: str
    port: int
    rest_port: int | None = None
    endpoint: Endpoint | None = None


class Concerned:
    """The services that something is about, by the part that each takes in it."""

    __slots__ = ()

    proxies: tuple[Proxy, ...]
    servers: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the proxies."""
        return tuple(proxy.service for proxy in self.proxies)

    @property
    def everything(self) -> tuple[str, ...]:
        """The names of all of them: servers first, proxies last."""
        return tuple(dict.fromkeys((*self.servers, *self.others, *self.services)))


@dataclass(frozen=True, slots=True)
class TlsSetup:
    """All that is wanted.

    Attributes:
        mode: One-way or mutual.
        identities: The certificates and keys, the CA first.
        members: Who shows or uses them.
    """

    mode: TlsMode
    identities: tuple[Identity, ...]
    members: tuple[Member, ...]

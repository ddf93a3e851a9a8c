"""The services of a project that Milvus connects to, and the servers outside that it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from compose_tls.compose.compose_project import ComposeProject
from compose_tls.compose.service import Service
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.reachability import Parties
from compose_tls.stack.milvus.connections import dependencies
from compose_tls.values import dataclass
from compose_tls.vocabulary import Encryption, ServerPurpose


@dataclass(frozen=True, slots=True)
class Needed:
    """A server that a Milvus service connects to.

    Attributes:
        milvus: Who connects.
        purpose: What for.
        name: Its name: that of the service, or its host.
        port: Its port.
        service: The service; ``None`` for a server outside the project.
        encryption: What Milvus is told of the connection.
    """

    milvus: MilvusService = field(repr=False)
    purpose: ServerPurpose
    name: str
    port: int | None
    service: Service | None = field(repr=False)
    encryption: Encryption


def needed_servers(project: ComposeProject, milvus: Sequence[MilvusService]) -> tuple[Needed, ...]:
    """What Milvus services connect to, by what they are told.

    Args:
        project: The project.
        milvus: The services.
    """
    return tuple(one for each in milvus for one in _needed(project, each))


def _needed(project: ComposeProject, milvus: MilvusService) -> Iterator[Needed]:
    parties = Parties(project)
    for dependency in dependencies(milvus.configuration.get, cluster=milvus.component):
        for address in dependency.addresses:
            found = parties.resolve(address.host, address.port, milvus.service)
            if found is not None:
                name, service = found
                yield Needed(
                    milvus, dependency.purpose, name, address.port, service, dependency.encryption
                )

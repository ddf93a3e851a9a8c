"""The directories of the parts of a project, below the TLS directory, and who reads the keys in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Self

from compose_tls.layout import (
    ETCD,
    ETCD_CLIENT,
    INTERNAL,
    KAFKA,
    MILVUS,
    OBJECT_STORE,
    STACK_CA,
    stack_folders,
)
from compose_tls.plan.container_user import KeyReader, OtherServer
from compose_tls.project.milvus_services import certain_services
from compose_tls.project.model import Project
from compose_tls.setup import Identity
from compose_tls.stack.milvus.role import is_coordinator
from compose_tls.state.recorded import IdentityRecord
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class Folders:
    """What parts of a project have below the TLS directory.

    Attributes:
        files: The files of each directory: the name there, and in the PKI directory.
        readers: Who reads the keys of each.
        servers: The services that are etcd, the object store or a broker.
        milvus: The Milvus services that have files there, coordinators first.
    """

    files: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    readers: Mapping[str, tuple[KeyReader, ...]] = field(default_factory=dict, repr=False)
    servers: tuple[str, ...] = ()
    milvus: tuple[str, ...] = ()

    @classmethod
    def of(cls, identities: Iterable[Identity | IdentityRecord], project: Project) -> Self:
        """Those of some identities; of them only those of the parts count.

        Args:
            identities: The identities, planned or recorded.
            project: The project.
        """
        members = {one.name: one.members for one in identities}
        if STACK_CA not in members:
            return cls()
        held = {name: members.get(name, ()) for name in (ETCD, OBJECT_STORE, KAFKA)}
        everyone = tuple(one.name for one in certain_services(project.milvus))
        clients = (members.get(name) for name in (INTERNAL, ETCD_CLIENT))
        milvus = next(filter(None, clients), everyone)
        services = project.compose.services
        by_name = {one.name: one for one in project.milvus}
        follow = {o.name for o in project.milvus if not is_coordinator(o.service.command_line())}
        milvus = tuple(sorted(milvus, key=lambda name: name in follow))
        return cls(
            stack_folders(members),
            {
                **{
                    folder: tuple(OtherServer(services[name]) for name in names if name in services)
                    for folder, names in held.items()
                },
                MILVUS: tuple(by_name[name] for name in milvus if name in by_name),
            },
            tuple(dict.fromkeys(name for names in held.values() for name in names)),
            milvus,
        )

    def users_of_images(self, told: Mapping[str, str]) -> Mapping[str, str]:
        """The users that images name, by service: those that an engine told, and those that are known.

        Args:
            told: Those that an engine told.
        """
        every: Sequence[KeyReader] = [one for ones in self.readers.values() for one in ones]
        known = {one.name: one.user_of_image for one in every if isinstance(one, OtherServer)}
        return {**{name: user for name, user in known.items() if user}, **told}

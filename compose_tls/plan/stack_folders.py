"""The directories of the parts of a project, below the TLS directory, and who reads the keys in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final, Protocol, Self

from compose_tls.compose.service import Service
from compose_tls.layout import (
    ETCD,
    ETCD_CLIENT,
    INTERNAL,
    MILVUS,
    OBJECT_STORE,
    STACK_CA,
    stack_folders,
)
from compose_tls.plan.container_user import KeyReader
from compose_tls.project.milvus_services import certain_services
from compose_tls.project.model import Project
from compose_tls.stack.milvus.milvus_version import MilvusVersion
from compose_tls.values import dataclass

# Bitnami's images run as this user: https://github.com/bitnami/containers
_BITNAMI: Final = "1001"


class Held(Protocol):
    """An identity, planned or recorded."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def members(self) -> tuple[str, ...]:
        """The services that hold it."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that reads a key, and is not Milvus."""

    service: Service = field(repr=False)

    @property
    def name(self) -> str:
        """Its name."""
        return self.service.name

    @property
    def version(self) -> MilvusVersion:
        """Of no Milvus: its image runs as root, as far as nothing else is known."""
        return MilvusVersion(0, 0)

    @property
    def user_of_image(self) -> str | None:
        """The user that its image is known to run as."""
        image = self.service.text("image") or ""
        return _BITNAMI if image.rpartition("/")[0].endswith("bitnami") else None


@dataclass(frozen=True, slots=True)
class Folders:
    """What parts of a project have below the TLS directory.

    Attributes:
        files: The files of each directory: the name there, and in the PKI directory.
        readers: Who reads the keys of each.
        servers: The services that are etcd or the object store.
        milvus: The Milvus services that have files there.
    """

    files: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    readers: Mapping[str, tuple[KeyReader, ...]] = field(default_factory=dict, repr=False)
    servers: tuple[str, ...] = ()
    milvus: tuple[str, ...] = ()

    @classmethod
    def of(cls, identities: Iterable[Held], project: Project) -> Self:
        """Those of some identities; of them only those of the parts count.

        Args:
            identities: The identities, planned or recorded.
            project: The project.
        """
        members = {one.name: one.members for one in identities}
        if STACK_CA not in members:
            return cls()
        etcd, store = members.get(ETCD, ()), members.get(OBJECT_STORE, ())
        everyone = tuple(one.name for one in certain_services(project.milvus))
        milvus = members.get(INTERNAL) or members.get(ETCD_CLIENT) or everyone
        services = project.compose.services
        by_name = {one.name: one for one in project.milvus}
        return cls(
            stack_folders(members),
            {
                ETCD: tuple(Server(services[name]) for name in etcd if name in services),
                OBJECT_STORE: tuple(Server(services[name]) for name in store if name in services),
                MILVUS: tuple(by_name[name] for name in milvus if name in by_name),
            },
            tuple(dict.fromkeys((*etcd, *store))),
            milvus,
        )

    def users_of_images(self, told: Mapping[str, str]) -> Mapping[str, str]:
        """The users that images name, by service: those that an engine told, and those that are known.

        Args:
            told: Those that an engine told.
        """
        every: Sequence[KeyReader] = [one for ones in self.readers.values() for one in ones]
        known = {one.name: one.user_of_image for one in every if isinstance(one, Server)}
        return {**{name: user for name, user in known.items() if user}, **told}

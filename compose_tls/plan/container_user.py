"""Which user reads the server key in the container, and how only that user can read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final, TypeAlias

from compose_tls.compose.service import Service
from compose_tls.layout import PRIVATE
from compose_tls.observation import FileFacts, Observation
from compose_tls.project.milvus_services import MilvusService
from compose_tls.shell import behind, joined, typed
from compose_tls.stack import kafka
from compose_tls.stack.images import is_bitnami, repository_and_tag
from compose_tls.stack.milvus.milvus_version import FIRST_WITHOUT_ROOT, IMAGE_USER_ID
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning, number

_OWNER_AND_GROUP = 0o640
_GROUP = 0o070
_OTHERS = 0o007
_ROOT = 0


# Bitnami's images run as this user: https://github.com/bitnami/containers
_BITNAMI: Final = "1001"
# https://docs.rustfs.com/installation/container/docker
_RUSTFS: Final = "10001"


@dataclass(frozen=True, slots=True)
class OtherServer:
    """A service that reads a key, and is not Milvus."""

    service: Service = field(repr=False)

    @property
    def name(self) -> str:
        """Its name."""
        return self.service.name

    @property
    def version(self) -> None:
        """Of no Milvus: its image runs as root, as far as nothing else is known."""

    @property
    def user_of_image(self) -> str | None:
        """The user that its image is known to run as."""
        image = self.service.text("image")
        if is_bitnami(image):
            return _BITNAMI
        if kafka.kind(image) is not None:
            return kafka.IMAGE_USER
        return _RUSTFS if repository_and_tag(image or "")[0] == "rustfs" else None


KeyReader: TypeAlias = MilvusService | OtherServer
"""A service that reads a key."""


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """Mode, owner and group of the server key; ``None`` leaves it to the user who runs the command."""

    mode: int = PRIVATE
    uid: int | None = None
    gid: int | None = None
    warnings: tuple[TlsWarning, ...] = ()
    problem: TlsWarning | None = None

    def is_of(self, file: FileFacts) -> bool:
        """Whether a file has it already."""
        owned = self.uid in {None, file.uid} and self.gid in {None, file.gid}
        return owned and file.mode == self.mode


@dataclass(frozen=True, slots=True)
class ContainerUser:
    """The user that a container runs as, as the host's files see it.

    Attributes:
        uid: ``None`` for a name that only the image knows.
        gid: ``None`` where the image decides.
        groups: Further groups, of ``group_add``.
    """

    uid: int | None
    gid: int | None
    groups: frozenset[int] = frozenset()

    @classmethod
    def of(cls, milvus: KeyReader, user_of_image: str | None = None) -> ContainerUser:
        """The user of a service: Milvus images run as root up to 2.6 and as user 999 from 3.0 on.

        ``user:`` in the compose file wins; a user with a number but no group gets the one that the
        image gives it: https://docs.docker.com/reference/compose-file/services/#user

        Args:
            milvus: The service.
            user_of_image: The user that its image names, empty for root, or that of the compose file in
                numbers; ``None`` where that is not known, so that the rule for Milvus images holds.
        """
        added = frozenset(
            gid for text in milvus.service.texts("group_add") if (gid := number(text)) is not None
        )
        user, _, group = _named_user(milvus, user_of_image).partition(":")
        if user:
            uid = _ROOT if user == "root" else number(user)
            gid = _ROOT if group == "root" else number(group)
            return cls(uid, gid, added)
        if milvus.version is not None and milvus.version >= FIRST_WITHOUT_ROOT:
            return cls(IMAGE_USER_ID, IMAGE_USER_ID, added)
        return cls(_ROOT, _ROOT, added)

    def reads(self, file: FileFacts) -> bool | None:
        """Whether the user may read a file; ``None`` where that cannot be known.

        Only one of the three sets of bits counts, the first that fits: path_resolution(7). Root in the
        container reads any file of the host.
        """
        if self.uid == _ROOT:
            return True
        if self.uid == file.uid:
            return bool(file.mode & 0o400)
        by_group, by_all = bool(file.mode & 0o040), bool(file.mode & 0o004)
        if by_group == by_all and self.uid is not None:
            return by_all
        if file.gid in self.groups | {self.gid} and self.uid is not None:
            return by_group
        if self.uid is None or self.gid is None:
            return None
        return by_all

    def shares(self, file: FileFacts) -> bool:
        """Whether the user may be one of those that a file's group bits are for."""
        return self.gid is None or file.gid in self.groups | {self.gid}


def key_access(
    services: Sequence[KeyReader],
    observation: Observation,
    key_path: str,
    *,
    kept: bool = False,
    users_of_images: Mapping[str, str] = {},
) -> KeyAccess:
    """The access that lets the user of every container read the key, and no one else.

    Args:
        services: The services that read it.
        observation: The project, and who runs the command.
        key_path: The key, relative to the project.
        kept: Whether the key that is there stays.
        users_of_images: The user that the image of a service names, by the name of the service, where
            an engine told.
    """
    users = {one.name: ContainerUser.of(one, users_of_images.get(one.name)) for one in services}
    others = [one for one in services if users[one.name].uid != _ROOT] or list(services)
    if len({users[one.name] for one in others}) == 1:
        image_user = users_of_images.get(others[0].name)
        return _key_access(others[0], observation, key_path, image_user, kept=kept)
    names = ", ".join(one.name for one in others)
    text = f"{names} run as different users, and each must be able to read {key_path}"
    hint = "give them one user: in the compose file, or a group that they share (group_add:)"
    problem = TlsWarning("server-key-unreadable", text, key_path, hint)
    return KeyAccess(warnings=(problem,), problem=problem)


def _key_access(
    milvus: KeyReader,
    observation: Observation,
    key_path: str,
    user_of_image: str | None,
    *,
    kept: bool,
) -> KeyAccess:
    """The access that lets the container's user read the key.

    Args:
        milvus: The service.
        observation: The project, and who runs the command.
        key_path: The key, relative to the project.
        user_of_image: The user that its image names, where an engine told.
        kept: Whether the key that is there stays: then access that someone gave to the
            container's user does as well.
    """
    user = ContainerUser.of(milvus, user_of_image)
    sudo = observation.user_id != _ROOT
    command = give_command(milvus, key_path, sudo=sudo, user_of_image=user_of_image)
    there = observation.files.get(observation.directory / key_path) if kept else None
    given = there is not None and is_given(there, user, observation)
    if user.uid is None:
        if there is not None and given:
            return KeyAccess(there.mode)
        name = _named_user(milvus, user_of_image)
        text = (
            f"user {name} of service {milvus.name} must be able to read {key_path}, and only the "
            "image knows its numeric ID"
        )
        warning = TlsWarning("container-user-unknown", text, key_path, command)
        return KeyAccess(warnings=(warning,))
    # Who names root may have taken from it the right to read what is of others (cap_drop).
    named = milvus.service.text("user") and ContainerUser.of(milvus).uid == _ROOT
    if observation.user_id == _ROOT and (named or user.uid != _ROOT):
        return KeyAccess(uid=user.uid, gid=user.gid)
    if user.uid in {_ROOT, observation.user_id}:
        return KeyAccess()
    groups = user.groups | ({user.gid} if user.gid is not None else set())
    if common := sorted(groups & observation.group_ids):
        return KeyAccess(_OWNER_AND_GROUP, gid=common[0])
    if there is not None and given:
        return KeyAccess(there.mode)
    text = f"container user {user.uid} cannot read {key_path}"
    problem = TlsWarning("server-key-unreadable", text, key_path, command)
    return KeyAccess(warnings=(problem,), problem=problem)


def is_given(key: FileFacts, user: ContainerUser, observation: Observation) -> bool:
    """Whether a key is the container user's already, and no one else's.

    Where the number of the user is not known, an owner who is not the one that writes it will do.
    """
    reads = user.reads(key)
    private = not key.mode & (_GROUP | _OTHERS)
    if reads is None:
        return private and key.uid not in {_ROOT, observation.user_id}
    return reads and not key.mode & _OTHERS and (private or user.shares(key))


def give_command(
    milvus: KeyReader, key_path: str, *, sudo: bool, user_of_image: str | None = None
) -> str:
    """The one command that gives the key to the container's user, and to no one else."""
    user = ContainerUser.of(milvus, user_of_image)
    owner = str(user.uid)
    if user.uid is None:
        name = _named_user(milvus, user_of_image).partition(":")[0]
        image = milvus.service.text("image") or "IMAGE"
        ask = [
            "docker",
            "run",
            "--rm",
            "--user",
            name,
            "--entrypoint",
            "id",
            *behind([image]),
            "-u",
        ]
        owner = f'"$({joined(ask)})"'
    return f"{'sudo ' if sudo else ''}chown {owner} {typed(key_path)}"


def _named_user(milvus: KeyReader, user_of_image: str | None) -> str:
    """The user as the compose file names it, else as the image does; empty where neither is known.

    What the image says goes before a mere name, of which it knows the number.
    """
    named = milvus.service.text("user") or ""
    numbered = all(part.isdecimal() for part in named.split(":") if part)
    if user_of_image is None or (named and numbered):
        return named
    return user_of_image or named or "root"

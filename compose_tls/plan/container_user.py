"""Who reads the server key inside the container, and how it is made readable for nobody else."""

from __future__ import annotations

from dataclasses import dataclass

from compose_tls.changes import PlanWarning
from compose_tls.facts import Observation
from compose_tls.milvus.version import FIRST_WITHOUT_ROOT, IMAGE_USER_ID
from compose_tls.plan.select import MilvusService

_OWNER_ONLY = 0o600
_OWNER_AND_GROUP = 0o640
_ROOT = 0


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """Mode, owner and group of the server key; ``None`` leaves it to whoever runs the command."""

    mode: int = _OWNER_ONLY
    uid: int | None = None
    gid: int | None = None
    warnings: tuple[PlanWarning, ...] = ()


def key_access(milvus: MilvusService, observation: Observation, key_path: str) -> KeyAccess:
    """The access that lets the container's user read the key.

    Milvus images run as root up to 2.6 and as user 999 from 3.0 on; ``user:`` in the compose file
    wins. Root in the container reads any file of the host.
    """
    uid, gid = _container_user(milvus)
    if uid is None:
        user = milvus.service.text("user")
        text = f"user {user} of service {milvus.name} must be able to read {key_path}"
        return KeyAccess(warnings=(PlanWarning("container-user-unknown", text),))
    if uid in {_ROOT, observation.user_id}:
        return KeyAccess()
    if observation.user_id == _ROOT:
        return KeyAccess(uid=uid, gid=gid)
    if gid is not None and gid in observation.group_ids:
        return KeyAccess(_OWNER_AND_GROUP, gid=gid)
    text = f"container user {uid} cannot read {key_path}: run sudo chown {uid} {key_path}"
    return KeyAccess(warnings=(PlanWarning("server-key-unreadable", text),))


def _container_user(milvus: MilvusService) -> tuple[int | None, int | None]:
    user, _, group = (milvus.service.text("user") or "").partition(":")
    if user:
        return (
            int(user) if user.isdecimal() else _ROOT if user == "root" else None,
            int(group) if group.isdecimal() else None,
        )
    if milvus.version >= FIRST_WITHOUT_ROOT:
        return IMAGE_USER_ID, IMAGE_USER_ID
    return _ROOT, _ROOT

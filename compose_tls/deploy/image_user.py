"""The number of a user that an image or a compose file names, from the image's own files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from compose_tls.deploy.container import ImageFacts
from compose_tls.deploy.container_layer import read_file
from compose_tls.deploy.engine import Engine
from compose_tls.errors import FileUnreadable

_USERS: Final = "/etc/passwd"
_GROUPS: Final = "/etc/group"
# The fields of passwd(5) and group(5): name, password, number, and the group of a user.
_NUMBER, _GROUP_OF_USER = 2, 3


def numbered_user(engine: Engine, image: ImageFacts, user: str) -> str | None:
    """A user in numbers, ``uid`` or ``uid:gid``, as the engine finds it at the start of a container.

    Nothing is started: the files are taken out of a container that only exists.

    Args:
        engine: The engine.
        image: The image.
        user: ``name`` or ``uid``, with ``:group`` or ``:gid``; empty for root.

    Returns:
        The numbers; ``None`` where the image does not know the name.

    Raises:
        EngineUnreachable: The engine stopped answering.
    """
    name, _, group = user.partition(":")
    if all(part.isdecimal() for part in (name, group) if part):
        return user
    with engine.throw_away(image.id) as container:
        return numbers(user, _file(engine, container, _USERS), _file(engine, container, _GROUPS))


def numbers(user: str, passwd: str, group: str) -> str | None:
    """The same from the text of ``/etc/passwd`` and ``/etc/group``."""
    name, _, own_group = user.partition(":")
    known = next((entry for entry in _entries(passwd) if entry[0] == name), None)
    uid = name if name.isdecimal() else known[_NUMBER] if known else None
    gid: str | None = known[_GROUP_OF_USER] if known and not own_group else own_group
    if own_group and not own_group.isdecimal():
        gid = next((entry[_NUMBER] for entry in _entries(group) if entry[0] == own_group), None)
    if uid is None or gid is None or not uid.isdecimal():
        return None
    return f"{uid}:{gid}" if gid else uid


def _entries(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) > _GROUP_OF_USER:
            yield fields


def _file(engine: Engine, container: str, path: str) -> str:
    with suppress(FileUnreadable):
        return (read_file(engine, container, path) or b"").decode("utf-8", "replace")
    return ""

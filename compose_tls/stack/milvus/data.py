"""Where Milvus keeps data of its own, in its container.

Source: configs/milvus.yaml of the releases for the keys and their defaults.
"""

from __future__ import annotations

from typing import Final

from compose_tls.stack.dependency import Settings, is_true
from compose_tls.stack.object_store import is_local
from compose_tls.vocabulary import DATA_DIRECTORY

_EMBEDDED_ETCD: Final = "default.etcd"


def data_directories(settings: Settings, *, component: bool) -> tuple[str, ...]:
    """The directories that a Milvus with these settings writes to, and that it needs again.

    Args:
        settings: The settings as Milvus sees them.
        component: Whether it is a part of a cluster: then messages are kept elsewhere, and so are the
            segments where the storage is not local.

    Returns:
        Those of the embedded etcd first; relative ones count from the working directory.
    """
    found = []
    if is_true(settings(("etcd", "use", "embed"))):
        found.append(settings(("etcd", "data", "dir")) or _EMBEDDED_ETCD)
    local = is_local(settings)
    if local or not component:
        found.append(DATA_DIRECTORY)
    if local:
        found.append(settings(("localStorage", "path")) or DATA_DIRECTORY)
    if not component:
        found.append(settings(("rocksmq", "path")) or DATA_DIRECTORY)
    return tuple(dict.fromkeys(found))

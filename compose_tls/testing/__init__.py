"""For integration tests: a real Milvus that speaks TLS.

``milvus_tls`` runs one in a ``with`` block; pytest gets the same as fixtures (``plugin``). Names are
loaded on first use, so that the plugin, which pytest loads in every run, costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compose_tls.testing.embedded import EmbeddedServer as EmbeddedServer
    from compose_tls.testing.embedded import embedded_server as embedded_server
    from compose_tls.testing.server import MilvusServer as MilvusServer
    from compose_tls.testing.server import milvus_tls as milvus_tls

_HOMES = {
    "EmbeddedServer": "compose_tls.testing.embedded",
    "MilvusServer": "compose_tls.testing.server",
    "embedded_server": "compose_tls.testing.embedded",
    "milvus_tls": "compose_tls.testing.server",
}

__all__ = ["EmbeddedServer", "MilvusServer", "embedded_server", "milvus_tls"]

if not TYPE_CHECKING:  # to which every name that there is not would be an Any

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

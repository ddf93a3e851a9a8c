"""For integration tests: a real Milvus that speaks TLS.

``milvus_tls`` runs one in a ``with`` block; pytest gets the same as fixtures (``plugin``). Names are
loaded on first use, so that the plugin, which pytest loads in every run, costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compose_tls.lazy import loader

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


__getattr__ = loader(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__

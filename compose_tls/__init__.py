"""Turns a Milvus Docker Compose project into one that encrypts its traffic, and proves it.

The functions here are the commands: they return what ``--json`` prints, print nothing and never exit.
Names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compose_tls.config import TlsConfig as TlsConfig
    from compose_tls.errors import ComposeTlsError as ComposeTlsError
    from compose_tls.version import __version__ as __version__
    from compose_tls.workflows.check import check as check
    from compose_tls.workflows.client import client as client
    from compose_tls.workflows.connect import connect as connect
    from compose_tls.workflows.disable import disable as disable
    from compose_tls.workflows.enable import enable as enable
    from compose_tls.workflows.renew import renew as renew
    from compose_tls.workflows.status import status as status

_HOMES = {
    "ComposeTlsError": "compose_tls.errors",
    "TlsConfig": "compose_tls.config",
    "__version__": "compose_tls.version",
    "check": "compose_tls.workflows.check",
    "client": "compose_tls.workflows.client",
    "connect": "compose_tls.workflows.connect",
    "disable": "compose_tls.workflows.disable",
    "enable": "compose_tls.workflows.enable",
    "renew": "compose_tls.workflows.renew",
    "status": "compose_tls.workflows.status",
}

__all__ = [
    "ComposeTlsError",
    "TlsConfig",
    "__version__",
    "check",
    "client",
    "connect",
    "disable",
    "enable",
    "renew",
    "status",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

"""Turns a Milvus Docker Compose project into one whose clients connect with TLS, and proves it.

The functions here are the commands: they print nothing and never exit, and each returns a result of its
own, the one that ``--json`` prints. Names are loaded on first use, so that importing the package costs
nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, whose import would be most of --version

if TYPE_CHECKING:
    from typing import Any

    from compose_tls.config import TlsConfig as TlsConfig
    from compose_tls.errors import CheckFailed as CheckFailed
    from compose_tls.errors import ComposeTlsError as ComposeTlsError
    from compose_tls.results import CertificateResult as CertificateResult
    from compose_tls.results import CheckResult as CheckResult
    from compose_tls.results import ClientResult as ClientResult
    from compose_tls.results import ConnectResult as ConnectResult
    from compose_tls.results import CutOff as CutOff
    from compose_tls.results import DeclaredService as DeclaredService
    from compose_tls.results import DeployedService as DeployedService
    from compose_tls.results import DisableResult as DisableResult
    from compose_tls.results import EnableResult as EnableResult
    from compose_tls.results import Endpoint as Endpoint
    from compose_tls.results import ExportResult as ExportResult
    from compose_tls.results import FileResult as FileResult
    from compose_tls.results import FileState as FileState
    from compose_tls.results import GivenFiles as GivenFiles
    from compose_tls.results import InitResult as InitResult
    from compose_tls.results import Link as Link
    from compose_tls.results import NeighbourResult as NeighbourResult
    from compose_tls.results import Probe as Probe
    from compose_tls.results import Recorded as Recorded
    from compose_tls.results import RenewResult as RenewResult
    from compose_tls.results import Result as Result
    from compose_tls.results import Snippet as Snippet
    from compose_tls.results import StatusResult as StatusResult
    from compose_tls.version import __version__ as __version__
    from compose_tls.vocabulary import TlsMode as TlsMode
    from compose_tls.vocabulary import TlsWarning as TlsWarning
    from compose_tls.workflows.check import check as check
    from compose_tls.workflows.client import client as client
    from compose_tls.workflows.connect import connect as connect
    from compose_tls.workflows.disable import disable as disable
    from compose_tls.workflows.enable import enable as enable
    from compose_tls.workflows.export import export as export
    from compose_tls.workflows.init import init as init
    from compose_tls.workflows.renew import renew as renew
    from compose_tls.workflows.server_access import ClientOf as ClientOf
    from compose_tls.workflows.status import status as status

_NAMES = {
    "config": "TlsConfig",
    "errors": "CheckFailed ComposeTlsError",
    "results": (
        "CertificateResult CheckResult ClientResult ConnectResult CutOff DeclaredService "
        "DeployedService DisableResult EnableResult Endpoint ExportResult FileResult "
        "FileState GivenFiles InitResult Link NeighbourResult Probe Recorded RenewResult "
        "Result Snippet StatusResult"
    ),
    "version": "__version__",
    "vocabulary": "TlsMode TlsWarning",
    "workflows.check": "check",
    "workflows.client": "client",
    "workflows.connect": "connect",
    "workflows.server_access": "ClientOf",
    "workflows.disable": "disable",
    "workflows.enable": "enable",
    "workflows.export": "export",
    "workflows.init": "init",
    "workflows.renew": "renew",
    "workflows.status": "status",
}
"""The modules, and the names that are loaded from each when first used."""
_HOMES = dict(sorted((name, home) for home, names in _NAMES.items() for name in names.split()))
__all__ = list(_HOMES)

if not TYPE_CHECKING:  # to which every name that there is not would be an Any

    def __getattr__(name: str) -> Any:
        import importlib  # noqa: PLC0415 - not for --version

        if name not in _HOMES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__

"""What commands return and what ``--json`` prints, loaded as it is asked for.

A class of pydantic takes up to half a millisecond to make, and a command needs its own result only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compose_tls.results.commands import SCHEMA_VERSION as SCHEMA_VERSION
    from compose_tls.results.commands import ChangeResult as ChangeResult
    from compose_tls.results.commands import CommandResult as CommandResult
    from compose_tls.results.documents import ErrorDetail as ErrorDetail
    from compose_tls.results.documents import Failure as Failure
    from compose_tls.results.documents import Result as Result
    from compose_tls.results.documents import to_json as to_json
    from compose_tls.results.documents import to_json_line as to_json_line
    from compose_tls.results.init_result import InitResult as InitResult
    from compose_tls.results.issue_results import EnableResult as EnableResult
    from compose_tls.results.issue_results import IssueResult as IssueResult
    from compose_tls.results.issue_results import NeighbourResult as NeighbourResult
    from compose_tls.results.issue_results import Rollover as Rollover
    from compose_tls.results.other_results import CheckResult as CheckResult
    from compose_tls.results.other_results import ClientResult as ClientResult
    from compose_tls.results.other_results import ConnectResult as ConnectResult
    from compose_tls.results.other_results import DisableResult as DisableResult
    from compose_tls.results.other_results import ExportResult as ExportResult
    from compose_tls.results.other_results import GivenFiles as GivenFiles
    from compose_tls.results.other_results import Snippet as Snippet
    from compose_tls.results.parts import CertificateResult as CertificateResult
    from compose_tls.results.parts import CutOff as CutOff
    from compose_tls.results.parts import Endpoint as Endpoint
    from compose_tls.results.parts import FileResult as FileResult
    from compose_tls.results.parts import LeftOut as LeftOut
    from compose_tls.results.parts import Mode as Mode
    from compose_tls.results.parts import Probe as Probe
    from compose_tls.results.renew_result import RenewResult as RenewResult
    from compose_tls.results.status_result import CERTIFICATES_UNUSABLE as CERTIFICATES_UNUSABLE
    from compose_tls.results.status_result import CLIENTS as CLIENTS
    from compose_tls.results.status_result import MONITORING as MONITORING
    from compose_tls.results.status_result import OFF_OR_DRIFTED as OFF_OR_DRIFTED
    from compose_tls.results.status_result import DeclaredService as DeclaredService
    from compose_tls.results.status_result import DeployedService as DeployedService
    from compose_tls.results.status_result import FileState as FileState
    from compose_tls.results.status_result import Link as Link
    from compose_tls.results.status_result import Recorded as Recorded
    from compose_tls.results.status_result import StatusResult as StatusResult

_NAMES = {
    "commands": "SCHEMA_VERSION ChangeResult CommandResult",
    "documents": "ErrorDetail Failure Result to_json to_json_line",
    "init_result": "InitResult",
    "issue_results": "EnableResult IssueResult NeighbourResult Rollover",
    "other_results": (
        "CheckResult ClientResult ConnectResult DisableResult ExportResult GivenFiles Snippet"
    ),
    "parts": "CertificateResult CutOff Endpoint FileResult LeftOut Mode Probe",
    "renew_result": "RenewResult",
    "status_result": (
        "CERTIFICATES_UNUSABLE CLIENTS MONITORING OFF_OR_DRIFTED DeclaredService DeployedService "
        "FileState Link Recorded StatusResult"
    ),
}
"""The modules, and the names that are loaded from each when first used."""
_HOMES = dict(sorted((name, home) for home, names in _NAMES.items() for name in names.split()))
__all__ = list(_HOMES)

if not TYPE_CHECKING:  # to which every name that there is not would be an Any

    def __getattr__(name: str) -> Any:
        import importlib  # noqa: PLC0415 - only what is not loaded yet comes here

        if name not in _HOMES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

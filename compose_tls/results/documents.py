"""What ``--json`` prints: a result, or an error, as a document.

The JSON schema in docs/schema.json is generated from these models. Keys that do not apply are left out of
the JSON: what is ``None``, and a ``LeftOut`` field that has its default.
"""

# Without annotations as texts: pydantic would compile each of them.

import json
from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import Field

from compose_tls.results.commands import SCHEMA_VERSION, CommandResult
from compose_tls.results.init_result import InitResult
from compose_tls.results.issue_results import EnableResult
from compose_tls.results.other_results import (
    CheckResult,
    ClientResult,
    ConnectResult,
    DisableResult,
    ExportResult,
)
from compose_tls.results.parts import LeftOut, Model, Probe
from compose_tls.results.renew_result import RenewResult
from compose_tls.results.status_result import StatusResult
from compose_tls.vocabulary import TlsWarning

Result: TypeAlias = (
    EnableResult
    | InitResult
    | DisableResult
    | StatusResult
    | CheckResult
    | RenewResult
    | ClientResult
    | ConnectResult
    | ExportResult
)
"""What any command returns."""


class ErrorDetail(Model, frozen=True):
    """An error as programs read it."""

    code: str
    message: str
    hint: str
    path: str | None = None
    line: int | None = None


class Failure(Model, frozen=True):
    """A command that failed."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    command: str
    ok: Literal[False] = False
    error: ErrorDetail
    checks: LeftOut[tuple[Probe, ...]] = ()
    time: datetime | None = None
    warnings: tuple[TlsWarning, ...] = ()


def to_json(model: CommandResult | Failure) -> str:
    """One JSON document, keys that do not apply left out."""
    # In ASCII, which every terminal takes and which can spell a path that is not valid UTF-8.
    return json.dumps(_document(model), indent=2)


def to_json_line(model: CommandResult | Failure) -> str:
    """The same document on one line, for streams of documents."""
    return json.dumps(_document(model))


def _document(model: CommandResult | Failure) -> dict[str, Any]:
    left_out = {
        name
        for name, field in type(model).model_fields.items()
        if field.json_schema_extra and getattr(model, name) == field.default
    }
    return model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=left_out)

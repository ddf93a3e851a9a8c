"""Results and errors as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compose_tls.errors import ComposeTlsError

if TYPE_CHECKING:
    from compose_tls.results import Failure, Probe, Result
    from compose_tls.workflows.watch import Round


def result_json(result: Result) -> str:
    """A result as one JSON document."""
    from compose_tls.results import to_json

    return to_json(result)


def failure_json(command: str, error: ComposeTlsError, checks: Sequence[Probe]) -> str:
    """An error as one JSON document."""
    from compose_tls.results import to_json

    return to_json(_failure(command, error, checks))


def round_json(found: Round) -> str:
    """The document that a single check would print, with the time, on one line."""
    from compose_tls.results import to_json_line

    outcome = found.outcome
    if isinstance(outcome, ComposeTlsError):
        failure = _failure("check", outcome, found.checks)
        return to_json_line(failure.model_copy(update={"time": found.began}))
    return to_json_line(outcome.model_copy(update={"time": found.began}))


def _failure(command: str, error: ComposeTlsError, checks: Sequence[Probe]) -> Failure:
    from compose_tls.results import ErrorDetail, Failure

    detail = ErrorDetail(
        code=error.code, message=error.message, hint=error.hint, path=error.path, line=error.line
    )
    return Failure(command=command, error=detail, checks=tuple(checks), warnings=error.warnings)

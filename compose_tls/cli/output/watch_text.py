"""The rounds of check --watch: a line each, in text or as JSON (NDJSON)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from compose_tls.cli.output import rendering
from compose_tls.errors import ComposeTlsError

if TYPE_CHECKING:
    from compose_tls.results import CheckResult
    from compose_tls.workflows.watch import Round


def round_json(found: Round) -> str:
    """The document that a single check would print, with the time, on one line."""
    from compose_tls.results import to_json_line  # noqa: PLC0415 - pydantic costs 80 ms

    document = (
        rendering.failure("check", found.outcome, found.checks)
        if isinstance(found.outcome, ComposeTlsError)
        else found.outcome
    )
    return to_json_line(document.model_copy(update={"time": found.began}))


def round_lines(found: Round, before: Round | None) -> Iterator[str]:
    """One line for people, and in detail what is not as it was in the round before."""
    yield f"{found.began:%Y-%m-%d %H:%M:%S} UTC  {_verdict(found)}"
    yield from rendering.check_lines(_changed(found.checks, before.checks if before else ()))


def _verdict(found: Round) -> str:
    if isinstance(found.outcome, ComposeTlsError):
        return f"FAILED  {found.outcome.message}"
    where = found.outcome.endpoint.uri if found.outcome.endpoint else "the server"
    return f"ok      {where}: {len(found.checks)} checks"


def _changed(now: Iterable[CheckResult], before: Iterable[CheckResult]) -> list[CheckResult]:
    known = {check.name: (check.ok, check.skipped, check.observed) for check in before}
    return [
        check for check in now if known.get(check.name) != (check.ok, check.skipped, check.observed)
    ]

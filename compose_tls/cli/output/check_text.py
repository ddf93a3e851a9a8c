"""What check prints for people: its probes once, or with --watch a line for each round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from compose_tls.cli.line import Line, Piece, line
from compose_tls.cli.output import rendering
from compose_tls.errors import ComposeTlsError

if TYPE_CHECKING:
    from compose_tls.results import CheckResult, Probe
    from compose_tls.workflows.watch import Round


def check_result_lines(result: CheckResult, *, verbose: bool, checks_told: bool) -> Iterator[Line]:
    """The probes, unless they were told as they ended, and what they prove."""
    if not checks_told:
        yield from rendering.check_lines(result.checks, verbose=verbose)
    yield rendering.proof_line(result.endpoint)


def round_lines(found: Round, before: Round | None) -> Iterator[Line]:
    """One line for people, and in detail what is not as it was in the round before."""
    yield line(*_verdict(found), head=(f"{found.began:%Y-%m-%d %H:%M:%S} UTC  ",))
    yield from rendering.check_lines(_changed(found.checks, before.checks if before else ()))


def _verdict(found: Round) -> tuple[str | Piece, ...]:
    if isinstance(found.outcome, ComposeTlsError):
        return Piece("FAILED", "bad"), f"  {found.outcome.message}"
    outcome = found.outcome
    return Piece("ok", "good"), f"      {outcome.endpoint.uri}: {len(found.checks)} checks"


def _changed(now: Iterable[Probe], before: Iterable[Probe]) -> list[Probe]:
    known = {(check.service, check.name): _told(check) for check in before}
    return [check for check in now if known.get((check.service, check.name)) != _told(check)]


def _told(check: Probe) -> tuple[bool, bool | None, str]:
    return check.ok, check.skipped, check.observed

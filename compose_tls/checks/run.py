"""All checks of a server, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from compose_tls.checks import probes, refusals
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.pymilvus_probe import PymilvusProbe
from compose_tls.checks.target import Target
from compose_tls.facts import TlsMode
from compose_tls.results import CheckResult

# A single probe needs milliseconds where all is well; pymilvus also takes a second or two to import.
_LONGEST_PROBE: Final = 10.0
_LONGEST_PYMILVUS: Final = 20.0
# Where not even a good client was served, the others are not waited for as long.
_LONGEST_AFTER_FAILURE: Final = 1.0


def run(
    target: Target,
    *,
    now: datetime,
    timeout: float,
    on_event: Callable[[str], None] = lambda _: None,
) -> tuple[CheckResult, ...]:
    """Run every check, each on a connection of its own; the failure of one stops none of the others.

    Args:
        target: The server.
        now: The time to judge validity by.
        timeout: Seconds that a single probe may take; at most 10 are used, and 20 for pymilvus.
        on_event: Told what is checked.

    Raises:
        CertificateUnreadable: A file of the client cannot be read, or not be used.
    """
    seconds = min(timeout, _LONGEST_PROBE)
    results = []

    def timed(name: str, probe: Callable[[], Outcome]) -> Outcome:
        began = time.perf_counter()
        outcome = probe()
        results.append(_result(name, outcome, time.perf_counter() - began))
        return outcome

    on_event(f"checking {target.authority}")
    with PymilvusProbe(target) as pymilvus:
        if not timed("tls-handshake", lambda: probes.handshake(target, seconds)).ok:
            seconds = min(seconds, _LONGEST_AFTER_FAILURE)
        timed("server-certificate", lambda: probes.certificate(target, seconds, now))
        ready = timed("grpc-ready", lambda: probes.grpc_ready(target, seconds))
        foreign = refusals.foreigner(now)
        timed("refuses-plain-text", lambda: refusals.plain_text(target, seconds))
        timed("client-refuses-foreign-ca", lambda: refusals.another_ca(target, foreign, seconds))
        if target.mode is TlsMode.MUTUAL:
            timed("refuses-anonymous-client", lambda: refusals.no_certificate(target, seconds))
            timed(
                "refuses-foreign-client",
                lambda: refusals.foreign_certificate(target, foreign, seconds),
            )
        patience = min(timeout, _LONGEST_PYMILVUS)
        timed("pymilvus", lambda: pymilvus.outcome(ready, patience))
    return tuple(results)


def _result(name: str, outcome: Outcome, seconds: float) -> CheckResult:
    return CheckResult(
        name=name,
        ok=outcome.ok,
        expected=outcome.expected,
        observed=outcome.observed,
        seconds=round(seconds, 3),
        skipped=True if outcome.skipped else None,
        hint=None if outcome.ok else outcome.hint,
    )

"""All checks of a server, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from compose_tls.checks import probes, refusals
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.pymilvus_probe import PymilvusProbe
from compose_tls.checks.target import Target
from compose_tls.facts import TlsMode
from compose_tls.results import CheckResult

Probe = Callable[[], Outcome]

_LONGEST_PROBE = 10.0


def run(
    target: Target, *, now: datetime, timeout: float, on_event: Callable[[str], None]
) -> tuple[CheckResult, ...]:
    """Run every check; the failure of one stops none of the others.

    Args:
        target: The server.
        now: The time to judge validity by.
        timeout: Seconds that a single probe may take; at most 10 are used.
        on_event: Told what is checked.
    """
    seconds = min(timeout, _LONGEST_PROBE)
    pymilvus = PymilvusProbe(target)
    results = []
    on_event(f"checking {target.authority}")
    with refusals.foreigner(now) as foreign:
        for name, probe in _probes(target, foreign, pymilvus, now, seconds):
            began = time.perf_counter()
            outcome = probe()
            results.append(
                CheckResult(
                    name=name,
                    ok=outcome.ok,
                    expected=outcome.expected,
                    observed=outcome.observed,
                    seconds=round(time.perf_counter() - began, 3),
                    skipped=True if outcome.skipped else None,
                    hint=None if outcome.ok else outcome.hint,
                )
            )
    return tuple(results)


def _probes(
    target: Target,
    foreign: refusals.Foreigner,
    pymilvus: PymilvusProbe,
    now: datetime,
    seconds: float,
) -> Iterator[tuple[str, Probe]]:
    yield "tls-handshake", lambda: probes.handshake(target, seconds)
    yield "server-certificate", lambda: probes.certificate(target, seconds, now)
    yield "grpc-ready", lambda: probes.grpc_ready(target, seconds)
    yield "refuses-plain-text", lambda: refusals.plain_text(target, seconds)
    yield "client-refuses-foreign-ca", lambda: refusals.another_ca(target, foreign, seconds)
    if target.mode is TlsMode.MUTUAL:
        yield "refuses-anonymous-client", lambda: refusals.no_certificate(target, seconds)
        yield (
            "refuses-foreign-client",
            lambda: refusals.foreign_certificate(target, foreign, seconds),
        )
    yield "pymilvus", lambda: pymilvus.outcome(seconds + _LONGEST_PROBE)

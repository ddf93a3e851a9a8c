"""Running the live checks, and judging them."""

from __future__ import annotations

from compose_tls.checks.check_target import Target
from compose_tls.checks.run import run
from compose_tls.config import TlsConfig
from compose_tls.errors import CheckFailed
from compose_tls.results import Probe
from compose_tls.workflows import preamble


def prove(
    target: Target, config: TlsConfig, on_event: preamble.OnEvent, *, deep: bool = False
) -> tuple[Probe, ...]:
    """Run every check against a server.

    Args:
        target: The server, and what a client of it has.
        config: The settings; they hold the time a probe may take.
        on_event: Told about progress.
        deep: Whether to create, fill, search and drop a throw-away collection as well.

    Raises:
        CheckFailed: At least one check failed; the error holds the results of all.
    """
    checks = run(
        target,
        now=preamble.now(),
        timeout=config.timeout,
        with_collection=deep,
        on_event=on_event,
    )
    failed = [check for check in checks if not check.ok]
    if failed:
        first = failed[0]
        others = f" ({len(failed)} of {len(checks)} checks failed)" if len(failed) > 1 else ""
        raise CheckFailed(
            f"check {first.name} failed: {first.observed}{others}",
            hint=first.hint or f"expected: {first.expected}",
            checks=checks,
        )
    return checks

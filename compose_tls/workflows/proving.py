"""Running the live checks, and judging them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from compose_tls import listener
from compose_tls.checks.check_target import Target
from compose_tls.checks.pymilvus_probe import PymilvusProbe
from compose_tls.checks.readiness import Readiness, readiness
from compose_tls.checks.run import run
from compose_tls.config import TlsConfig
from compose_tls.errors import CheckFailed
from compose_tls.results import Probe
from compose_tls.workflows import preamble

_LOOK_SECONDS: Final = 2.0
_INTERVAL: Final = 0.5
_SAY_AGAIN: Final = 10.0
_AGAIN: Final = "start the server and run this again"


class Prover:
    """Looks at a server until it is ready, and proves it.

    pymilvus takes a second to load, and loads from the first look on. It has to be closed.
    """

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self._started: PymilvusProbe | None = None

    def look(self, target: Target) -> Readiness:
        """Look once whether the server is ready."""
        if self._started is None:
            self._started = PymilvusProbe(target)
        return readiness(target, _LOOK_SECONDS)

    def prove(self, target: Target, on_event: listener.OnEvent) -> tuple[Probe, ...]:
        """Run every check against it; the errors are those of ``prove``."""
        try:
            return prove(target, self._config, on_event, started=self._started)
        finally:
            self.close()

    def close(self) -> None:
        """Leave no pymilvus behind."""
        if self._started is not None:
            self._started.close()
            self._started = None


def prove(
    target: Target,
    config: TlsConfig,
    on_event: listener.OnEvent,
    *,
    deep: bool = False,
    patient: bool = False,
    starts_silently: bool = False,
    started: PymilvusProbe | None = None,
) -> tuple[Probe, ...]:
    """Run every check against a server.

    Args:
        target: The server, and what a client of it has.
        config: The settings; they hold the time a probe may take.
        on_event: Told about progress.
        deep: Whether to also create, fill, search and drop a throw-away collection.
        patient: Whether to wait first while Milvus starts.
        starts_silently: Whether nothing listens there until it has started, as on the host's network;
            the engine listens on the ports that it publishes.
        started: pymilvus, where it was started before.

    Raises:
        CheckFailed: At least one check failed; the error holds the results of all.
    """
    if patient:
        _wait(target, config.timeout, on_event, starts_silently=starts_silently)
    checks = run(
        target,
        now=preamble.now(),
        timeout=config.timeout,
        with_collection=deep,
        on_event=on_event,
        started=started,
    )
    failed = [check for check in checks if not check.ok]
    if failed:
        # A server in another mode than it should have accepts old versions, too: that is not the cause.
        first = min(failed, key=lambda check: check.name == "tls-versions")
        summary = f"check {first.name} failed"
        if not any(check.name == "grpc-ready" for check in checks):
            # Nothing else could be asked.
            message, hint = f"{target.authority}: {first.observed}", first.hint or _AGAIN
        else:
            others = f" ({len(failed)} of {len(checks)} checks failed)" if len(failed) > 1 else ""
            message = f"{summary}: {first.observed}{others}"
            summary, hint = summary + others, first.hint or f"expected: {first.expected}"
        raise CheckFailed(message, hint=hint, checks=checks, summary=summary)
    return checks


def _wait(
    target: Target, timeout: float, on_event: listener.OnEvent, *, starts_silently: bool
) -> None:
    """Wait while the server starts; one that will not be otherwise is not waited for."""
    began = time.monotonic()
    for host, port in ((target.host, target.port), *target.further):
        place = replace(target, host=host, port=port, further=())
        _wait_there(place, timeout, on_event, began, starts_silently=starts_silently)


def _wait_there(
    target: Target,
    timeout: float,
    on_event: listener.OnEvent,
    began: float,
    *,
    starts_silently: bool,
) -> None:
    told, told_at = "", began
    while True:
        found = readiness(target, min(timeout, _LOOK_SECONDS))
        waited = time.monotonic() - began
        passes = found.may_pass or (found.nobody and starts_silently)
        if not passes or waited >= timeout:
            return
        if found.detail != told or began + waited - told_at >= _SAY_AGAIN:
            told, told_at = found.detail, began + waited
            name = target.service or target.authority
            # A listener counts the seconds itself.
            counted = isinstance(on_event, listener.Listener)
            seconds = "" if counted else f" ({waited:.0f} of at most {timeout:g} s)"
            on_event(f"waiting for {name}: {told}{seconds}")
        time.sleep(min(_INTERVAL, timeout - waited))

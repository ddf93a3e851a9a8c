"""All checks of a server, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from compose_tls.checks import negative_probes, probes
from compose_tls.checks.check_target import Target
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.pymilvus_probe import PymilvusProbe, deep, listing
from compose_tls.listener import OnEvent, probed, silent
from compose_tls.pki.handshake import foreigner
from compose_tls.results import Probe
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode

# A single probe needs milliseconds where all is well; pymilvus also takes a second or two to import,
# and a new collection three to be loaded.
_LONGEST_PROBE: Final = 10.0
_LONGEST_PYMILVUS: Final = 20.0
_LONGEST_DEEP: Final = 30.0
# What all of them have together at least; Milvus gets longer where --timeout gives it.
_LEAST_TOTAL: Final = 60.0
# Where not even a good client was served, the others are not waited for as long.
_LONGEST_AFTER_FAILURE: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Share:
    """The time that the probes of a run have together, so that a server that stalls costs it once.

    Attributes:
        ends: When it is over, by ``time.monotonic``.
        longest: Seconds that one of them takes at most.
        least: Seconds that each still gets.
    """

    ends: float
    longest: float
    least: float

    @classmethod
    def of(cls, timeout: float) -> _Share:
        """That of a run which may take so many seconds."""
        least = min(timeout, _LONGEST_AFTER_FAILURE)
        return cls(
            time.monotonic() + max(timeout, _LEAST_TOTAL), min(timeout, _LONGEST_PROBE), least
        )

    def after_failure(self) -> _Share:
        """The same where not even a good client was served."""
        return replace(self, longest=min(self.longest, _LONGEST_AFTER_FAILURE))

    def seconds(self, longest: float | None = None) -> float:
        """How long the next one may take."""
        longest = self.longest if longest is None else longest
        return max(min(longest, self.ends - time.monotonic()), self.least)


def run(
    target: Target,
    *,
    now: datetime,
    timeout: float,
    with_collection: bool = False,
    on_event: OnEvent = silent,
) -> tuple[Probe, ...]:
    """Run every check, each on a connection of its own; the failure of one stops none of the others.

    Args:
        target: The server.
        now: The time to judge validity by.
        timeout: Seconds that a single probe may take; at most 10 are used, 20 for pymilvus, and 30 for
            the throw-away collection. After as many in all, or 60, each has one second more.
        with_collection: Whether to create, fill, search and drop a throw-away collection as well.
        on_event: Told what is checked, and each probe as it ends.

    Raises:
        CertificateUnreadable: A file of the client cannot be read, or not be used.
    """
    share = _Share.of(timeout)
    results = []

    def timed(name: str, probe: Callable[[], Outcome]) -> Outcome:
        began = time.perf_counter()
        outcome = probe()
        results.append(_result(name, outcome, time.perf_counter() - began, target))
        probed(on_event, results[-1])
        return outcome

    on_event(f"checking {target.authority}")
    with ExitStack() as stack:
        tasks = {"pymilvus": listing(), **({"deep": deep()} if with_collection else {})}
        clients = {
            name: stack.enter_context(closing(PymilvusProbe(target, task)))
            for name, task in tasks.items()
        }
        met = timed("tls-handshake", lambda: probes.handshake(target, share.seconds()))
        if not met.ok:
            share = share.after_failure()
        # Where nothing listens nothing else can be asked, and one line says so.
        ready = met if met.unreachable else _every_other(target, share, now, timed)
        if target.rest is not None:
            _rest(target.rest, share, timed)
        for name, client in clients.items():
            longest = _LONGEST_DEEP if name == "deep" else _LONGEST_PYMILVUS
            timed(name, partial(client.outcome, ready, share.seconds(min(timeout, longest))))
    return tuple(results)


def run_server(
    target: Target,
    *,
    now: datetime,
    timeout: float,
    on_event: OnEvent = silent,
) -> tuple[Probe, ...]:
    """Run the checks that concern TLS only, against a server that is not Milvus: etcd, an object store.

    Args:
        target: The server; where its mode is mutual it accepts who has a certificate of its CA.
        now: The time to judge validity by.
        timeout: Seconds that a single probe may take, and all of them, as for ``run``.
        on_event: Told what is checked, and each probe as it ends.

    Raises:
        CertificateUnreadable: A file of the client cannot be read, or not be used.
    """
    results: list[Probe] = []
    on_event(f"checking {target.service} at {target.authority}")

    def timed(name: str, probe: Callable[[], Outcome]) -> Outcome:
        began = time.perf_counter()
        outcome = probe()
        found = _result(name, outcome, time.perf_counter() - began, target)
        results.append(found.model_copy(update={"service": target.service}))
        probed(on_event, results[-1])
        return outcome

    share = _Share.of(timeout)
    met = timed("tls-handshake", lambda: probes.handshake(target, share.seconds()))
    if met.unreachable:
        return tuple(results)
    if not met.ok:
        share = share.after_failure()
    timed("server-certificate", lambda: probes.certificate(target, share.seconds(), now))
    timed("refuses-plain-text", lambda: negative_probes.plain_text(target, share.seconds()))
    _strangers(target, share, now, timed)
    return tuple(results)


def _every_other(
    target: Target,
    share: _Share,
    now: datetime,
    timed: Callable[[str, Callable[[], Outcome]], Outcome],
) -> Outcome:
    """What is asked of a server that listens; whether Milvus answers."""
    timed("server-certificate", lambda: probes.certificate(target, share.seconds(), now))
    ready = timed("grpc-ready", lambda: probes.grpc_ready(target, share.seconds()))
    timed("refuses-plain-text", lambda: negative_probes.plain_text(target, share.seconds()))
    timed("tls-versions", lambda: negative_probes.old_tls(target, share.seconds()))
    _strangers(target, share, now, timed)
    if target.mode is TlsMode.MUTUAL:
        timed(
            "refuses-expired-client",
            lambda: negative_probes.expired_certificate(target, share.seconds()),
        )
        timed("names-client-cas", lambda: probes.client_authorities(target, share.seconds()))
    return ready


def _strangers(
    target: Target,
    share: _Share,
    now: datetime,
    timed: Callable[[str, Callable[[], Outcome]], Outcome],
) -> None:
    """Who has another CA is refused, on either side; in mode 2 who shows no certificate, too."""
    foreign = foreigner(now)
    timed(
        "client-refuses-foreign-ca",
        lambda: negative_probes.another_ca(target, foreign, share.seconds()),
    )
    if target.mode is TlsMode.MUTUAL:
        timed(
            "refuses-anonymous-client",
            lambda: negative_probes.no_certificate(target, share.seconds()),
        )
        timed(
            "refuses-foreign-client",
            lambda: negative_probes.foreign_certificate(target, foreign, share.seconds()),
        )


def _rest(
    rest: Target, share: _Share, timed: Callable[[str, Callable[[], Outcome]], Outcome]
) -> None:
    """REST has the mode of gRPC, on a port of its own."""
    answered = timed("rest-answers", lambda: probes.rest(rest, share.seconds()))
    if answered.unreachable:
        return
    if not answered.ok:
        share = share.after_failure()
    timed("rest-refuses-plain-text", lambda: negative_probes.plain_text(rest, share.seconds()))
    if rest.mode is TlsMode.MUTUAL:
        timed(
            "rest-refuses-anonymous-client",
            lambda: negative_probes.no_certificate(rest, share.seconds()),
        )


def _result(name: str, outcome: Outcome, seconds: float, target: Target) -> Probe:
    return Probe(
        name=name,
        ok=outcome.ok,
        expected=outcome.expected,
        observed=outcome.observed,
        seconds=round(seconds, 3),
        skipped=True if outcome.skipped else None,
        untried=outcome.untried,
        hint=None if outcome.ok or not outcome.hint else target.advice(outcome.hint),
    )

"""All checks of a server, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
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
from compose_tls.vocabulary import TlsMode

# A single probe needs milliseconds where all is well; pymilvus also takes a second or two to import,
# and a new collection three to be loaded.
_LONGEST_PROBE: Final = 10.0
_LONGEST_PYMILVUS: Final = 20.0
_LONGEST_DEEP: Final = 30.0
# Where not even a good client was served, the others are not waited for as long.
_LONGEST_AFTER_FAILURE: Final = 1.0


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
            the throw-away collection.
        with_collection: Whether to create, fill, search and drop a throw-away collection as well.
        on_event: Told what is checked, and each probe as it ends.

    Raises:
        CertificateUnreadable: A file of the client cannot be read, or not be used.
    """
    seconds = min(timeout, _LONGEST_PROBE)
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
        met = timed("tls-handshake", lambda: probes.handshake(target, seconds))
        if not met.ok:
            seconds = min(seconds, _LONGEST_AFTER_FAILURE)
        # Where nothing listens nothing else can be asked, and one line says so.
        ready = met if met.unreachable else _every_other(target, seconds, now, timed)
        if target.rest is not None:
            _rest(target.rest, seconds, timed)
        for name, client in clients.items():
            longest = _LONGEST_DEEP if name == "deep" else _LONGEST_PYMILVUS
            timed(name, partial(client.outcome, ready, min(timeout, longest)))
    return tuple(results)


def run_server(
    target: Target,
    *,
    now: datetime,
    timeout: float,
    on_event: OnEvent = silent,
) -> tuple[Probe, ...]:
    """Run the checks that concern TLS alone, against a server that is no Milvus: etcd, an object store.

    Args:
        target: The server; where its mode is mutual it lets in who has a certificate of its CA.
        now: The time to judge validity by.
        timeout: Seconds that a single probe may take; at most 10 are used.
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

    seconds = min(timeout, _LONGEST_PROBE)
    met = timed("tls-handshake", lambda: probes.handshake(target, seconds))
    if met.unreachable:
        return tuple(results)
    if not met.ok:
        seconds = min(seconds, _LONGEST_AFTER_FAILURE)
    timed("server-certificate", lambda: probes.certificate(target, seconds, now))
    timed("refuses-plain-text", lambda: negative_probes.plain_text(target, seconds))
    _strangers(target, seconds, now, timed)
    return tuple(results)


def _every_other(
    target: Target,
    seconds: float,
    now: datetime,
    timed: Callable[[str, Callable[[], Outcome]], Outcome],
) -> Outcome:
    """What is asked of a server that listens; whether Milvus answers."""
    timed("server-certificate", lambda: probes.certificate(target, seconds, now))
    ready = timed("grpc-ready", lambda: probes.grpc_ready(target, seconds))
    timed("refuses-plain-text", lambda: negative_probes.plain_text(target, seconds))
    timed("tls-versions", lambda: negative_probes.old_tls(target, seconds))
    _strangers(target, seconds, now, timed)
    if target.mode is TlsMode.MUTUAL:
        timed("names-client-cas", lambda: probes.client_authorities(target, seconds))
    return ready


def _strangers(
    target: Target,
    seconds: float,
    now: datetime,
    timed: Callable[[str, Callable[[], Outcome]], Outcome],
) -> None:
    """Who has another CA is refused, on either side; in mode 2 who shows no certificate, too."""
    foreign = foreigner(now)
    timed("client-refuses-foreign-ca", lambda: negative_probes.another_ca(target, foreign, seconds))
    if target.mode is TlsMode.MUTUAL:
        timed("refuses-anonymous-client", lambda: negative_probes.no_certificate(target, seconds))
        timed(
            "refuses-foreign-client",
            lambda: negative_probes.foreign_certificate(target, foreign, seconds),
        )


def _rest(
    rest: Target, seconds: float, timed: Callable[[str, Callable[[], Outcome]], Outcome]
) -> None:
    """REST has the mode of gRPC, on a port of its own."""
    answered = timed("rest-answers", lambda: probes.rest(rest, seconds))
    if answered.unreachable:
        return
    if not answered.ok:
        seconds = min(seconds, _LONGEST_AFTER_FAILURE)
    timed("rest-refuses-plain-text", lambda: negative_probes.plain_text(rest, seconds))
    if rest.mode is TlsMode.MUTUAL:
        timed(
            "rest-refuses-anonymous-client", lambda: negative_probes.no_certificate(rest, seconds)
        )


def _result(name: str, outcome: Outcome, seconds: float, target: Target) -> Probe:
    return Probe(
        name=name,
        ok=outcome.ok,
        expected=outcome.expected,
        observed=outcome.observed,
        seconds=round(seconds, 3),
        skipped=True if outcome.skipped else None,
        hint=None if outcome.ok or not outcome.hint else target.advice(outcome.hint),
    )

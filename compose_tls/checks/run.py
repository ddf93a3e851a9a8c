"""All checks of a server, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import field, replace
from datetime import datetime
from functools import partial
from typing import Final, Protocol

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


class _Ask(Protocol):
    """One probe of a server."""

    def __call__(self, target: Target, /, *, timeout: float) -> Outcome:
        """Ask the server; ``timeout`` is in seconds."""


@dataclass(slots=True)
class _Run:
    """The probes of a server, and the time that they have together: one that stalls costs it once.

    Attributes:
        target: The server.
        now: The time, aware.
        on_event: Told as each probe begins and ends.
        ends: When all of it is used up, by ``time.monotonic``.
        longest: What one probe may take, in seconds.
        least: What one has also then.
        service: What the results say that they are of; ``None`` for the only server.
        results: What was found so far.
    """

    target: Target
    now: datetime
    on_event: OnEvent
    ends: float
    longest: float
    least: float
    service: str | None
    results: list[Probe] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        target: Target,
        now: datetime,
        timeout: float,
        on_event: OnEvent,
        service: str | None = None,
    ) -> _Run:
        """A run that may take so many seconds."""
        ends = time.monotonic() + max(timeout, _LEAST_TOTAL)
        longest, least = min(timeout, _LONGEST_PROBE), min(timeout, _LONGEST_AFTER_FAILURE)
        return cls(target, now, on_event, ends, longest, least, service)

    def seconds(self, longest: float) -> float:
        """How long the next one may take."""
        return max(min(longest, self.ends - time.monotonic()), self.least)

    def advice(self, name: str, found: Outcome) -> str | None:
        """What to do about a failure; who is taken without a certificate is taken with any."""
        if found.ok or not found.hint:
            return None
        failed = [one.hint for one in self.results if one.name == "refuses-anonymous-client"]
        cause = next(filter(None, failed), None) if name.startswith("refuses-") else None
        return cause or self.target.advice(found.hint)

    def timed(self, name: str, probe: Callable[[], Outcome]) -> Outcome:
        """Make a probe, and keep what it found."""
        began = time.perf_counter()
        found = probe()
        self.results.append(
            Probe(
                name=name,
                service=self.service,
                ok=found.ok,
                expected=found.expected,
                observed=found.observed,
                seconds=round(time.perf_counter() - began, 3),
                skipped=True if found.skipped else None,
                untried=found.untried,
                hint=self.advice(name, found),
            )
        )
        probed(self.on_event, self.results[-1])
        return found

    def ask(self, name: str, probe: _Ask) -> Outcome:
        """The same for a probe that gets the server, and its share of the time."""
        return self.timed(name, lambda: probe(self.target, timeout=self.seconds(self.longest)))

    def first(self, name: str, probe: _Ask) -> Outcome:
        """The same for that of a good client: where not even that is served, others wait less."""
        found = self.ask(name, probe)
        if not found.ok:
            self.longest = min(self.longest, _LONGEST_AFTER_FAILURE)
        return found

    def every_other(self, *, verified: bool) -> Outcome:
        """What is asked of a Milvus that listens; whether it answers."""
        served = partial(probes.certificate, now=self.now, by_sdks=verified)
        self.ask("server-certificate", served)
        ready = self.ask("grpc-ready", probes.grpc_ready)
        self.ask("refuses-plain-text", negative_probes.plain_text)
        self.ask("tls-versions", negative_probes.old_tls)
        self.strangers()
        if self.target.mode is TlsMode.MUTUAL:
            self.ask("refuses-expired-client", negative_probes.expired_certificate)
            self.ask("names-client-cas", probes.client_authorities)
        return ready

    def strangers(self) -> None:
        """Probes with another CA on either side, and in mode 2 without a certificate."""
        foreign = foreigner(self.now)
        self.ask("client-refuses-foreign-ca", partial(negative_probes.another_ca, foreign=foreign))
        if self.target.mode is TlsMode.MUTUAL:
            self.ask("refuses-anonymous-client", negative_probes.no_certificate)
            stranger = partial(negative_probes.foreign_certificate, foreign=foreign)
            self.ask("refuses-foreign-client", stranger)

    def rest(self) -> None:
        """REST has the mode of gRPC, on a port of its own."""
        if self.first("rest-answers", probes.rest).unreachable:
            return
        self.ask("rest-refuses-plain-text", negative_probes.plain_text)
        if self.target.mode is TlsMode.MUTUAL:
            self.ask("rest-refuses-anonymous-client", negative_probes.no_certificate)


def run(
    target: Target,
    *,
    now: datetime,
    timeout: float,
    with_collection: bool = False,
    on_event: OnEvent = silent,
    started: PymilvusProbe | None = None,
) -> tuple[Probe, ...]:
    """Run every check, each on a connection of its own; the failure of one stops none of the others.

    Args:
        target: The server.
        now: The time to judge validity by.
        timeout: Seconds that a single probe may take; at most 10 are used, 20 for pymilvus, and 30 for
            the throw-away collection. After as many in all, or 60, each has one second more.
        with_collection: Whether to create, fill, search and drop a throw-away collection as well.
        on_event: Told what is checked, and each probe as it ends.
        started: pymilvus, if the caller has started it; the caller closes it.

    Raises:
        CertificateUnreadable: A file of the client cannot be read, or not be used.
    """
    asked = _Run.of(target, now, timeout, on_event)
    on_event(f"checking {target.authority}")
    with ExitStack() as stack:
        tasks = {"pymilvus": listing(), **({"deep": deep()} if with_collection else {})}
        clients: dict[str, PymilvusProbe] = {}
        for name, task in tasks.items():
            if name == "pymilvus" and started is not None and started.meets(target):
                clients[name] = started
            else:
                clients[name] = stack.enter_context(closing(PymilvusProbe(target, task)))
        met = asked.first("tls-handshake", probes.handshake)
        # Where nothing listens nothing else can be asked, and one line says so.
        ready = met if met.unreachable else asked.every_other(verified=met.ok)
        if target.rest is not None:
            replace(asked, target=target.rest).rest()
        for name, client in clients.items():
            longest = _LONGEST_DEEP if name == "deep" else _LONGEST_PYMILVUS
            share = asked.seconds(min(timeout, longest))
            asked.timed(name, partial(client.outcome, ready, share))
    return tuple(asked.results)


def run_server(
    target: Target,
    *,
    now: datetime,
    timeout: float,
    on_event: OnEvent,
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
    asked = _Run.of(target, now, timeout, on_event, target.service)
    on_event(f"checking {target.service} at {target.authority}")
    if not asked.first("tls-handshake", probes.handshake).unreachable:
        # Only Milvus connects to it.
        asked.ask("server-certificate", partial(probes.certificate, now=now, by_sdks=False))
        asked.ask("refuses-plain-text", negative_probes.plain_text)
        asked.strangers()
    return tuple(asked.results)

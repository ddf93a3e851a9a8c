"""Waits until Milvus is ready, with progress; ends at once if it cannot become ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeVar

from compose_tls.deploy.container import ContainerFacts
from compose_tls.deploy.diagnose import Diagnosis, reason
from compose_tls.errors import ContainerExited, NotReady
from compose_tls.shell import typed
from compose_tls.values import dataclass

# Between being ready and being known to be is at most this and one probe: under half a second.
INTERVAL = 0.2

# How often the log of a running container is read for what holds it up, and for how long a line that
# says so counts. Milvus 2.3.5 repeats such lines every 2 to 6 seconds (measured).
_LOOK_INTERVAL = 2.0
_COUNTS = 10.0

# A restart policy lets Milvus wait for etcd or MinIO by dying; this is often permanent.
_CRASH_LOOP = 3

# Who was killed for memory ends with SIGKILL, and the engine learns of the reason by an event of its own,
# which can come after the end (Engine 20.10 on a busy machine, measured): so long it is asked again.
_KILLED = 137
_LATE_LOOKS = 10

# A Milvus that finds its files wrong says so and exits within 6 s (2.3.5, measured).
_SETTLE_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether a container has run long enough."""

    ready: bool
    detail: str = "whether it keeps running"


def settled(health: str | None, seconds: float) -> Settled:
    """Whether the previous container can be said to run again.

    Args:
        health: What its health check says.
        seconds: Since it was restarted.
    """
    return Settled(health == "healthy" or seconds >= _SETTLE_SECONDS)


class Answer(Protocol):
    """What one look at Milvus says."""

    @property
    def ready(self) -> bool:
        """Whether it answers as it should."""

    @property
    def detail(self) -> str:
        """What it still lacks, in words that follow "waiting for …:"."""


_Answer = TypeVar("_Answer", bound=Answer)


def wait_until_ready(
    probe: Callable[[], _Answer],
    container: Callable[[], ContainerFacts | None],
    log: Callable[[], Sequence[str]],
    *,
    service: str,
    timeout: float,
    started: float | None = None,
    on_event: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> _Answer:
    """Ask Milvus several times a second until it is ready.

    Args:
        probe: One look at Milvus, on a fresh connection; asked only while the container runs.
        container: The container of the service, freshly inspected.
        log: The last lines that it logged since it was deployed, earlier runs included; asked rarely.
        service: The service's name, for messages.
        timeout: Seconds after which to give up.
        started: When they began, by ``clock``: several containers that start together share them.
        on_event: Told what is waited for, whenever that changes.
        clock: Seconds that only go forward.
        sleep: Waits that many seconds.

    Returns:
        The answer that said ready.

    Raises:
        ContainerExited: The container stopped, crashes again and again, could not start or is gone.
        NotReady: The time is up.
    """
    watch = _Watch(service, log)
    deadline = (clock() if started is None else started) + timeout
    next_look = clock() + _LOOK_INTERVAL
    told: str | None = None
    while True:
        facts = container()
        watch.check(facts)
        if facts is not None and facts.running:
            answer = probe()
            if answer.ready:
                return answer
            waiting_for = answer.detail
        else:
            waiting_for = f"container is {facts.status}" if facts else "there is no container yet"
        if clock() >= next_look:
            watch.look(clock())
            next_look = clock() + _LOOK_INTERVAL
        if watch.passing:
            waiting_for = f"{waiting_for} ({watch.passing.meaning})"
        if waiting_for != told:
            told = waiting_for
            on_event(f"waiting for {service}: {waiting_for}")
        left = deadline - clock()
        if left <= 0:
            raise watch.not_ready(timeout, waiting_for)
        sleep(min(INTERVAL, left))


@dataclass(slots=True)
class _Watch:
    """What is known about the container from one look to the next."""

    service: str
    log: Callable[[], Sequence[str]]
    seen: bool = False
    restarts: int = 0
    passing: Diagnosis | None = None
    passing_since: float = 0.0
    last_line: str | None = None
    killed: int = 0

    def check(self, facts: ContainerFacts | None) -> None:
        """Raise ContainerExited when there is nothing left to wait for."""
        if facts is None:
            if self.seen:
                raise ContainerExited(
                    f"the container of {self.service} was removed while it was waited for",
                    hint="find out what removed it, and start again",
                )
            return
        self.seen = True
        if facts.oom_killed and not facts.running:
            raise ContainerExited(
                f"{self.service} was killed because its memory ran out"
                f" (exit code {facts.exit_code})",
                hint="raise mem_limit (deploy.resources.limits.memory) of the service, or free memory",
            )
        stopped = facts.status in {"exited", "dead", "removing"}
        if stopped and facts.exit_code == _KILLED and not facts.error:
            self.killed += 1
            if self.killed <= _LATE_LOOKS:
                return
            raise ContainerExited(
                f"{self.service} was killed (exit code {_KILLED}); the engine does not say why",
                hint="if memory ran out (see dmesg), raise mem_limit of the service, or free "
                "memory; otherwise read its log"
                f": docker compose logs {typed(self.service)}",
            )
        if facts.error and (stopped or facts.status == "created"):
            raise self._exited("could not be started", [facts.error], "the engine")
        if stopped:
            raise self._exited(f"exited with code {facts.exit_code}", self.log())
        restarts = max(facts.restart_count, int(facts.status == "restarting"))
        if restarts > self.restarts:
            self.restarts = restarts
            self._judge_restart(restarts)

    def look(self, now: float) -> None:
        """See whether what was logged lately names something that can pass by itself."""
        lines = self.log()
        diagnosis = reason(lines[self._known(lines) :])
        self.last_line = lines[-1] if lines else None
        if diagnosis and diagnosis.transient:
            self.passing, self.passing_since = diagnosis, now
        elif now - self.passing_since > _COUNTS:
            self.passing = None

    def not_ready(self, timeout: float, waiting_for: str) -> NotReady:
        """The error for when the time is up."""
        message = f"{self.service} is not ready after {timeout:g} s: {waiting_for}"
        hint = f"wait longer with --timeout, and read docker compose logs {typed(self.service)}"
        diagnosis = self.passing or reason(self.log())
        if diagnosis is None or (diagnosis.transient and not self.passing):
            return NotReady(message, hint=hint)
        if self.passing:
            message = f"{message}; its log says: {diagnosis.line}"
        else:
            message = f"{message}; {_explain(diagnosis)}"
        return NotReady(message, hint=diagnosis.next_step if diagnosis.known else hint)

    def _known(self, lines: Sequence[str]) -> int:
        """How many of the lines were there at the last look: its last line has a time and is found."""
        places = range(len(lines), 0, -1)
        return next((place for place in places if lines[place - 1] == self.last_line), 0)

    def _judge_restart(self, restarts: int) -> None:
        lines = self.log()
        diagnosis = reason(lines)
        hopeless = diagnosis is not None and diagnosis.known and not diagnosis.transient
        if hopeless or restarts >= _CRASH_LOOP:
            raise self._exited("exits at start and keeps restarting", lines)

    def _exited(
        self, how: str, lines: Sequence[str], who: Literal["its log", "the engine"] = "its log"
    ) -> ContainerExited:
        diagnosis = reason(lines)
        hint = f"read its whole log: docker compose logs {typed(self.service)}"
        if diagnosis is None:
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            said = f"{who} ends with: {last}" if last else f"{who} says nothing"
            return ContainerExited(f"{self.service} {how}; {said}", hint=hint)
        return ContainerExited(
            f"{self.service} {how}: {_explain(diagnosis, who)}",
            hint=diagnosis.next_step if diagnosis.known else hint,
        )


def _explain(diagnosis: Diagnosis, who: str = "its log") -> str:
    if diagnosis.known:
        return f"{diagnosis.meaning}; {who} says: {diagnosis.line}"
    return f"{diagnosis.meaning}: {diagnosis.line}"

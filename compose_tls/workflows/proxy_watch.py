"""Watching one proxy while it starts: where it is reached, and whether it is ready there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field, replace
from datetime import datetime
from functools import partial

from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import Readiness
from compose_tls.deploy.container import ContainerFacts
from compose_tls.deploy.engine import Engine
from compose_tls.deploy.wait import Answer, Settled, settled, wait_until_ready
from compose_tls.errors import NotReady
from compose_tls.patterns import regex
from compose_tls.setup import Proxy
from compose_tls.values import dataclass
from compose_tls.workflows.deployed_places import met_at, others
from compose_tls.workflows.server_access import HostPort

# A Milvus that was configured for TLS and answers in plain text does so for good. Longer than one answer
# of a process that is just going.
_PLAIN_SECONDS = 3.0
# How long the previous services have until they run; --timeout may be shorter than that takes.
_BACK_SECONDS = 60.0

# Milvus 2.3.5 says so at level debug, its default (measured).
_SET_BY_ETCD = regex(
    r"got config from etcd.*\[key=(?P<key>[^\]]*common/security/tlsMode)\]", re.IGNORECASE
)


@dataclass(slots=True)
class ContainerWatch:
    """The container of one service while it is waited for: inspected once a round.

    Attributes:
        service: The name of the service.
        project: The name of the project.
        began: When it was restarted: older lines of its log do not count.
        engine: The engine.
        clock: Seconds that only go forward.
        container: The container as it was last inspected.
    """

    service: str
    project: str
    began: datetime
    engine: Engine
    clock: Callable[[], float]
    container: ContainerFacts | None = field(default=None, init=False)

    def inspect(self) -> ContainerFacts | None:
        """The container of now."""
        self.container = self.engine.container(self.project, self.service)
        return self.container

    def log(self) -> list[str]:
        """What it logged since it was restarted."""
        if self.container is None:
            return []
        return self.engine.log_tail(self.container.id, since=self.began)

    def settled(self, started: float) -> Settled:
        """Whether it can be said to run again.

        Args:
            started: When that was begun, by ``clock``.
        """
        health = self.container.health if self.container else None
        return settled(health, self.clock() - started)

    def wait(
        self,
        look: Callable[[], Answer],
        started: float,
        timeout: float,
        on_event: Callable[[str], None],
        sleep: Callable[[float], None],
    ) -> None:
        """Wait until one look says that it is ready; see ``wait_until_ready``."""
        wait_until_ready(
            look,
            self.inspect,
            self.log,
            service=self.service,
            timeout=timeout,
            started=started,
            on_event=on_event,
            clock=self.clock,
            sleep=sleep,
        )

    def wait_for_old(
        self, started: float, on_event: Callable[[str], None], sleep: Callable[[float], None]
    ) -> None:
        """Wait until a previous service runs, which need not speak TLS."""
        self.wait(partial(self.settled, started), started, _BACK_SECONDS, on_event, sleep)


@dataclass(slots=True)
class ProxyWatch(ContainerWatch):
    """One proxy while it is waited for; its target is built once.

    Attributes:
        build: What to check, for a proxy whose gRPC and REST are at these addresses; it reads files.
        ask: One look at whether a server is ready.
        on_event: Told where it is reached, where that is not a published port.
    """

    proxy: Proxy
    build: Callable[[Proxy, HostPort, HostPort | None], Target]
    ask: Callable[[Target], Readiness]
    on_event: Callable[[str], None]
    known: Target | None = None
    plain_since: float | None = None

    def look(self) -> Readiness:
        """One look, and an end where no waiting helps."""
        answer, now = self._answer(self.target()), self.clock()
        if answer.state != "plain-text":
            self.plain_since = None
        elif self.plain_since is None:
            self.plain_since = now
        elif now - self.plain_since >= _PLAIN_SECONDS:
            raise self._ignored()
        return answer

    def _answer(self, target: Target) -> Readiness:
        """What the server says; where it is reached at several places, the first that is not ready."""
        answer = self.ask(target)
        for host, port in target.further if answer.ready else ():
            other = self.ask(replace(target, host=host, port=port, further=()))
            if not other.ready:
                return replace(other, detail=f"at {host}:{port}: {other.detail}")
        return answer

    def _ignored(self) -> NotReady:
        """The error for a Milvus that is up without TLS."""
        what = f"{self.service} is up and answers in plain text: the TLS settings do not reach it"
        for line in reversed(self.log()):
            if found := _SET_BY_ETCD.search(line):
                return NotReady(
                    f"{what}; its log says that etcd sets {found['key']}",
                    hint="etcd overrides file and environment: remove the key there,"
                    f" etcdctl del {found['key']}, and run this again",
                )
        return NotReady(
            what,
            hint="see what else sets common.security.tlsMode: the image's own milvus.yaml or start"
            " script, or etcd (etcdctl get --prefix by-dev/config)",
        )

    def target(self) -> Target:
        """The server, once its container runs: only then does the engine tell its port."""
        place, rest = self._place(self.proxy.port), self._place(self.proxy.rest_port)
        if place is None:
            raise NotReady(
                f"service {self.service} publishes no port for Milvus, so nothing can be proved",
                hint=f'publish it: ports: ["{self.proxy.port}:{self.proxy.port}"]',
            )
        if self.known is None:
            self.known = self.build(self.proxy, HostPort(*place), rest and HostPort(*rest))
        # A port that the engine picks is another one after each start.
        replicas = self.engine.replicas(self.project, self.service)
        further = others(met_at(replicas, self.proxy.port), place)
        self.known = replace(
            self.known, host=place[0], port=place[1], rest_address=rest, further=further
        )
        return self.known

    def read_anew(self) -> None:
        """Read the files of the target once more: those of the client may be written last."""
        known = self.target()
        rest = known.rest_address and HostPort(*known.rest_address)
        self.known = self.build(self.proxy, HostPort(known.host, known.port), rest)

    def _place(self, port: int | None) -> tuple[str, int] | None:
        """Where a port of the container is reached from here: as published, else on its network."""
        if port is None or self.container is None:
            return None
        place = next(iter(met_at([self.container], port)), None)
        if place and self.known is None and not self.container.published_ports(port):
            self.on_event(f"{self.service} publishes no port {port}: it is reached at {place[0]}")
        return place

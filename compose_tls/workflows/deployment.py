"""Deploying a plan: before anything is written, and after."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from datetime import UTC, datetime
from functools import partial

from compose_tls import listener
from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import Readiness
from compose_tls.config import TlsConfig
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.engine import Engine
from compose_tls.deploy.port_check import require_free
from compose_tls.deploy.recreate import starting
from compose_tls.errors import ComposeTlsError, EngineError
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.endpoints import sharing
from compose_tls.project.model import Project
from compose_tls.results import Probe
from compose_tls.setup import Concerned, Proxy
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.neighbour_start import require_running, to_start
from compose_tls.workflows.proving import Prover
from compose_tls.workflows.proxy_watch import ProxyWatch
from compose_tls.workflows.recreation import Review
from compose_tls.workflows.refusals import settled
from compose_tls.workflows.replica_health import require_health
from compose_tls.workflows.requirements import require_readable
from compose_tls.workflows.rollback import HALF_WAY, Undo, changed, put_back
from compose_tls.workflows.server_access import HostPort, target_of
from compose_tls.workflows.server_first import ServerFirst
from compose_tls.workflows.stack_check import (
    container_place,
    planned_servers,
    prove_servers,
)


@dataclass(frozen=True, slots=True)
class Deployment(Concerned):
    """A deployment that can begin: engine, Compose and free ports are there.

    Attributes:
        proxies: The services to restart.
        timeout: Seconds that all of them together have until they are ready.
        project: The project as it is given to Compose.
        name: The name that Compose gives to it.
        running: Those of the services that ran before.
        target: What to check, for a proxy whose gRPC and REST are at these addresses; it reads files.
        look: One look at whether a server is ready.
        prove: Runs every check against a server.
        restart_only: Whether the containers stay, and are only restarted.
        current: Those of the services that run the very files already: they are only checked.
        unhealthy: Those whose health check failed before, so that it tells nothing now.
        settled: Called once it is proved, or taken back.
        ended: Called at the end, whichever it is.
        servers: The services that are etcd or the object store, and are restarted before them.
        others: The Milvus services that are not proxies, and are restarted with them.
        prove_servers: Runs every check against etcd and the object store.
        neighbours: Further services that talk to Milvus, restarted once it is proved.
        sharing: Those of them that are in its network, and so whenever it was restarted.
        clock: Seconds that only go forward.
        sleep: Waits that many seconds.
    """

    proxies: tuple[Proxy, ...]
    timeout: float
    engine: Engine = field(repr=False)
    compose: ComposeCli
    project: ComposeInvocation = field(repr=False)
    name: str
    running: frozenset[str]
    target: Callable[[Proxy, HostPort, HostPort | None], Target] = field(repr=False)
    look: Callable[[Target], Readiness] = field(repr=False)
    prove: Callable[[Target, listener.OnEvent], tuple[Probe, ...]] = field(repr=False)
    restart_only: bool = False
    current: frozenset[str] = frozenset()
    unhealthy: frozenset[str] = frozenset()
    settled: Callable[[], None] = lambda: None
    ended: Callable[[], None] = lambda: None
    servers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    prove_servers: Callable[[listener.OnEvent], tuple[Probe, ...]] = lambda _: ()
    neighbours: tuple[str, ...] = ()
    sharing: tuple[str, ...] = ()
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(
        self,
        undo: list[Undo] | None,
        on_event: listener.OnEvent,
        before_proof: Callable[[], None] | None = None,
    ) -> tuple[Probe, ...]:
        """Restart the services, wait until they are ready over TLS, and check them.

        Args:
            undo: What takes the written files back when this fails, in the order in which they were
                written; ``None`` to leave them.
            on_event: Told about progress.
            before_proof: Called once the services are ready; what it writes belongs into ``undo``.

        Raises:
            EngineError: One cannot be started, or does not become ready.
            CheckFailed: One runs, but does not do what it must.
            CertificateUnreadable: The client's files cannot be used for the check.
            KeyboardInterrupt: The user interrupted it; its note says how things stand.
        """
        touched = list(self.sharing)
        try:
            began, started = datetime.now(UTC), self.clock()
            for proxy in self.proxies:
                if proxy.endpoint is None:
                    on_event(
                        f"{proxy.service} declares no port of this machine: it is proved at the one that "
                        "the engine picks, or at the address of its container"
                    )
            ready = self._started(began, started, on_event)
            if before_proof is not None:
                before_proof()
                for watch in ready:
                    watch.read_anew()
            proved = [self.prove(watch.target(), on_event) for watch in ready]
            proved.append(self.prove_servers(on_event))
            for proxy in self.proxies:
                self._require_health(proxy.service)
            if self.neighbours:
                touched[:] = self.neighbours
                self._up(touched, on_event)
                require_running(touched, self.compose, self.project, self.sleep)
            self.settled()
        except ComposeTlsError as error:
            if undo is not None and changed(undo):
                done = self._restore(undo, on_event, touched)
                error.hint = f"{error.hint} ({done}; --keep-on-failure leaves things as they are)"
            raise
        except KeyboardInterrupt as interrupt:
            # What a write said about its files is not so any more, once they are taken back.
            interrupt.__notes__ = [self._after_interrupt(undo, on_event, touched)]
            raise
        finally:
            self.ended()
        return tuple(check for checks in proved for check in checks)

    def _started(
        self, began: datetime, started: float, on_event: listener.OnEvent
    ) -> list[ProxyWatch]:
        """Start all of them again, and wait for the proxies; a restart leaves clients one of several."""
        names = [name for name in self.everything if name not in self.current]
        one_by_one = self.restart_only and not self.servers and len(self.proxies) > 1
        first = [name for name in names if name not in self.services] if one_by_one else names
        if first or not one_by_one:
            self._up(first, on_event)
        ready = []
        for proxy in self.proxies:
            if one_by_one:
                self._up([proxy.service], on_event)
            ready.append(self._ready(proxy, began, started, on_event))
        return ready

    def _up(self, services: Sequence[str], on_event: listener.OnEvent) -> None:
        if not services:
            on_event(f"{', '.join(self.services)} runs these files already, and is not recreated")
            return
        milvus = dict.fromkeys((*self.others, *self.services))
        order = ServerFirst(
            self.servers,
            tuple(milvus) if self.servers or self.others else (),
            self.engine,
            self.compose,
            self.project,
            self.name,
            self.clock,
            self.sleep,
        )
        (order.restart if self.restart_only else order.up)(services, on_event)

    def _ready(
        self, proxy: Proxy, began: datetime, started: float, on_event: listener.OnEvent
    ) -> ProxyWatch:
        """Wait for one proxy."""
        watch = self._watch(proxy, began, on_event)
        watch.wait(watch.look, started, self.timeout, on_event, self.sleep)
        return watch

    def _require_health(self, service: str) -> None:
        require_health(
            partial(self.engine.replicas, self.name, service, running=False),
            self.engine.health_check,
            service,
            asked=service not in self.unhealthy,
            replaced=service not in self.current,
            patience=self.timeout,
            clock=self.clock,
            sleep=self.sleep,
        )

    def _watch(self, proxy: Proxy, began: datetime, on_event: listener.OnEvent) -> ProxyWatch:
        return ProxyWatch(
            service=proxy.service,
            project=self.name,
            began=began,
            engine=self.engine,
            proxy=proxy,
            build=self.target,
            ask=self.look,
            clock=self.clock,
            on_event=on_event,
        )

    def _after_interrupt(
        self, undo: list[Undo] | None, on_event: listener.OnEvent, touched: Sequence[str]
    ) -> str:
        """Take back what was done; how things stand, in words."""
        if undo is not None and changed(undo):
            return self._restore(undo, on_event, touched)
        files = "the new files are in place" if undo is None else "no file had to be changed"
        return (
            f"{files}; {', '.join(self.services)} may still be starting; compose-tls check shows it"
        )

    def _restore(self, undo: list[Undo], on_event: listener.OnEvent, touched: Sequence[str]) -> str:
        """Put the previous files back and start the previous services again; what came of it.

        Raises:
            KeyboardInterrupt: The user interrupted this, too; its note says how things stand.
        """
        try:
            on_event("putting the previous files back")
            return self._take_back(undo, on_event, touched)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(HALF_WAY)
            raise

    def _take_back(
        self, undo: list[Undo], on_event: listener.OnEvent, touched: Sequence[str]
    ) -> str:
        try:
            put_back(undo)
        except ComposeTlsError as error:
            return f"the previous files could not be put back: {error.message}"
        done = "the previous files are back"
        several = len(self.everything) > 1
        what = "the previous services" if several else "the previous service"
        before = [name for name in self.everything if name in self.running]
        new = [name for name in self.everything if name not in before]
        try:
            if new:
                self.compose.stop(self.project, new)
            if before:
                began, started = datetime.now(UTC), self.clock()
                self._up([name for name in before if name not in self.current], on_event)
                for proxy in self.proxies:
                    if proxy.service in before:
                        watch = self._watch(proxy, began, on_event)
                        watch.wait_for_old(started, on_event, self.sleep)
                self._up(touched, on_event) if touched else None
                done += f" and {what} {'run' if several else 'runs'} again"
        except EngineError as error:
            done += f", but {what} did not start again: {error.message}"
        self.settled()
        return done


def prepare(
    planned: ServicePlan, project: Project, config: TlsConfig, seen: EngineProject
) -> tuple[Deployment, tuple[TlsWarning, ...]]:
    """Make sure, before anything is written, that a deployment can begin and loses nothing.

    Args:
        planned: The plan to deploy.
        project: The project without what an earlier enable put in.
        config: The settings.
        seen: The project as engine and Compose have it.

    Returns:
        The deployment, and what to report about it.

    Raises:
        EngineError: A port is taken, or the engine stopped answering.
        KeyUnreadableInContainer: The container's user could not read the server key.
        Refusal: Something would be lost, and the user has not accepted that.
    """
    require_readable(planned)
    deployment = _deployment(planned, config, seen)
    begun = starting(seen.services, seen.states, deployment.everything)
    review = Review(project, config, seen)
    settled_here = not planned.plan.changed and begun == frozenset(deployment.everything)
    untouched = frozenset(deployment.everything) - frozenset(deployment.services)
    untouched -= planned.written
    current = frozenset(
        service
        for service in deployment.everything
        if (settled_here or service in untouched) and review.is_current(service)
    )
    # Where something runs, what Milvus needs is started but never replaced.
    others = () if any(state.alive for state in seen.states) else begun
    recreated = frozenset(deployment.everything) - current
    shared = [name for name in sharing(project.compose.services, recreated) if name in seen.running]
    neighbours = tuple(dict.fromkeys((*to_start(planned, seen, review), *shared)))
    told = settled(review.recreating(recreated, others, neighbours), config.accept)
    # The step before it is omitted for a user who accepts it.
    warnings = tuple(replace(w, hint=None) if w.code in config.accept else w for w in told)
    concerned = {name: seen.services[name] for name in begun if name in seen.services}
    require_free(concerned, seen.running, seen.engine.port_owner, seen.name)
    unhealthy = frozenset(filter(review.is_unhealthy, deployment.services))
    deployment = replace(deployment, current=current, unhealthy=unhealthy, neighbours=neighbours)
    return replace(deployment, sharing=tuple(shared)), warnings


def prepare_restart(
    planned: ServicePlan, config: TlsConfig, project: ComposeInvocation, stack: ExitStack
) -> tuple[Deployment, EngineProject]:
    """Make sure, before anything is written, that services can be restarted.

    Args:
        planned: The plan whose files the services are to read.
        config: The settings.
        project: The project as it is given to Compose.
        stack: Closes the connection to the engine.

    Raises:
        EngineError: No engine or no Compose.
        KeyUnreadableInContainer: The container's user could not read the server key.
    """
    require_readable(planned, restart=True)
    seen = EngineProject.connect(project, stack)
    return replace(_deployment(planned, config, seen), restart_only=True), seen


def _deployment(planned: ServicePlan, config: TlsConfig, seen: EngineProject) -> Deployment:
    directory, prover = planned.plan.directory, Prover(config)
    return Deployment(
        proxies=planned.proxies,
        timeout=config.timeout,
        engine=seen.engine,
        compose=seen.compose,
        project=seen.invocation,
        name=seen.name,
        running=seen.running.intersection(planned.everything),
        target=lambda proxy, grpc, rest: target_of(directory, config, grpc, rest, proxy.service),
        look=prover.look,
        prove=prover.prove,
        ended=prover.close,
        servers=planned.servers,
        others=planned.others,
        prove_servers=lambda on_event: prove_servers(
            directory,
            config,
            planned_servers(planned),
            container_place(seen.engine, seen.name),
            on_event,
        ),
    )

"""Deploying a plan: before anything is written, and after."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import Readiness, readiness
from compose_tls.config import TlsConfig
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.compose_output import ServiceState
from compose_tls.deploy.engine import Engine
from compose_tls.deploy.port_check import require_free
from compose_tls.deploy.recreate import starting
from compose_tls.deploy.wait import Answer, wait_until_ready
from compose_tls.errors import (
    ComposeTlsError,
    ConflictingSettings,
    EngineError,
    KeyUnreadableInContainer,
)
from compose_tls.layout import CLIENT
from compose_tls.plan.model import ServicePlan
from compose_tls.results import Probe
from compose_tls.setup import Proxy
from compose_tls.vocabulary import TlsMode, TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import Address, target_of
from compose_tls.workflows.proving import prove
from compose_tls.workflows.proxy_watch import ProxyWatch
from compose_tls.workflows.rollback import HALF_WAY, Undo, changed, put_back

_PROBE_SECONDS = 2.0

# How long the services of before have until they run; --timeout may be shorter than that takes.
_BACK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment that can begin: engine, Compose and free ports are there.

    Attributes:
        proxies: The services to start anew.
        timeout: Seconds that all of them together have until they are ready.
        project: The project as it is given to Compose.
        name: The name that Compose gives to it.
        running: Those of the services that ran before.
        target: What to check, for a proxy whose gRPC and REST are at these addresses; it reads files.
        look: One look at whether a server is ready.
        prove: Runs every check against a server.
        restart_only: Whether the containers stay, and are only restarted.
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
    target: Callable[[Proxy, Address, Address | None], Target] = field(repr=False)
    look: Callable[[Target], Readiness] = field(repr=False)
    prove: Callable[[Target, preamble.OnEvent], tuple[Probe, ...]] = field(repr=False)
    restart_only: bool = False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(
        self,
        undo: list[Undo] | None,
        on_event: preamble.OnEvent,
        before_proof: Callable[[], None] = lambda: None,
    ) -> tuple[Probe, ...]:
        """Start the services anew, wait until they are ready over TLS, and check them.

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
        try:
            began, started = datetime.now(UTC), self.clock()
            self._up(self.services, on_event)
            targets = [self._ready(proxy, began, started, on_event) for proxy in self.proxies]
            before_proof()
            proved = [self.prove(target, on_event) for target in targets]
        except ComposeTlsError as error:
            if undo is not None and changed(undo):
                done = self._restore(undo, on_event)
                error.hint = f"{error.hint} ({done}; --keep-on-failure leaves things as they are)"
            raise
        except KeyboardInterrupt as interrupt:
            # What a write said about its files is not so any more, once they are taken back.
            interrupt.__notes__ = [self._after_interrupt(undo, on_event)]
            raise
        return tuple(check for checks in proved for check in checks)

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the services to start anew."""
        return tuple(proxy.service for proxy in self.proxies)

    def _up(self, services: Sequence[str], on_event: preamble.OnEvent) -> None:
        if self.restart_only:
            on_event(f"restarting {', '.join(services)}")
            self.compose.restart(self.project, services)
            return
        self.compose.up(
            self.project, services, on_event=on_event, port_owner=self.engine.port_owner
        )

    def _ready(
        self, proxy: Proxy, began: datetime, started: float, on_event: preamble.OnEvent
    ) -> Target:
        """Wait for one proxy, and say where it was met."""
        watch = self._watch(proxy, began, on_event)
        self._wait(watch, watch.look, started, self.timeout, on_event)
        return watch.target()

    def _stays_up(
        self, proxy: Proxy, began: datetime, started: float, on_event: preamble.OnEvent
    ) -> None:
        """Look for a while whether a service of before runs, which need not speak TLS."""
        watch = self._watch(proxy, began, on_event)
        self._wait(watch, lambda: watch.settled(started), started, _BACK_SECONDS, on_event)

    def _watch(self, proxy: Proxy, began: datetime, on_event: preamble.OnEvent) -> ProxyWatch:
        return ProxyWatch(
            proxy=proxy,
            project=self.name,
            began=began,
            engine=self.engine,
            build=self.target,
            ask=self.look,
            clock=self.clock,
            on_event=on_event,
        )

    def _wait(
        self,
        watch: ProxyWatch,
        probe: Callable[[], Answer],
        started: float,
        timeout: float,
        on_event: preamble.OnEvent,
    ) -> None:
        wait_until_ready(
            probe,
            watch.inspect,
            watch.log,
            service=watch.proxy.service,
            timeout=timeout,
            started=started,
            on_event=on_event,
            clock=self.clock,
            sleep=self.sleep,
        )

    def _after_interrupt(self, undo: list[Undo] | None, on_event: preamble.OnEvent) -> str:
        """Take back what was done; how things stand, in words."""
        if undo is not None and changed(undo):
            return self._restore(undo, on_event)
        files = "the new files are in place" if undo is None else "no file had to be changed"
        return f"{files}; {', '.join(self.services)} may still be starting: compose-tls check tells"

    def _restore(self, undo: list[Undo], on_event: preamble.OnEvent) -> str:
        """Put the previous files back and start the previous services again; what came of it.

        Raises:
            KeyboardInterrupt: The user interrupted this, too; its note says how things stand.
        """
        try:
            on_event("putting the previous files back")
            return self._take_back(undo, on_event)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(HALF_WAY)
            raise

    def _take_back(self, undo: list[Undo], on_event: preamble.OnEvent) -> str:
        try:
            put_back(undo)
        except ComposeTlsError as error:
            return f"the previous files could not be put back: {error.message}"
        done = "the previous files are back"
        several = len(self.proxies) > 1
        what = "the previous services" if several else "the previous service"
        before = [proxy for proxy in self.proxies if proxy.service in self.running]
        new = [proxy.service for proxy in self.proxies if proxy not in before]
        try:
            if new:
                self.compose.stop(self.project, new)
            if before:
                began, started = datetime.now(UTC), self.clock()
                self._up([proxy.service for proxy in before], on_event)
                for proxy in before:
                    self._stays_up(proxy, began, started, on_event)
                done += f" and {what} {'run' if several else 'runs'} again"
        except EngineError as error:
            done += f", but {what} did not start again: {error.message}"
        return done


def prepare(
    planned: ServicePlan, config: TlsConfig, project: ComposeInvocation, stack: ExitStack
) -> Deployment:
    """Make sure, before anything is written, that a deployment can begin.

    Args:
        planned: The plan to deploy.
        config: The settings.
        project: The project as it is given to Compose.
        stack: Closes the connection to the engine.

    Raises:
        ConflictingSettings: There is no client certificate, without which mode 2 cannot be proved.
        EngineError: No engine, no Compose, or a port is taken.
        KeyUnreadableInContainer: The container's user could not read the server key.
    """
    if config.tls_mode is TlsMode.MUTUAL and planned.identities.get(CLIENT) is None:
        raise ConflictingSettings(
            "mode 2 cannot be proved without a client certificate",
            hint="bring one with --client-cert and --client-key, or leave --up out",
        )
    require_readable_key(planned.key_problem, "enable without --up", "docker compose up -d")
    deployment, services, states = _connected(planned, config, project, stack)
    begun = starting(services, states, deployment.services)
    concerned = {name: services[name] for name in begun if name in services}
    running = frozenset(state.service for state in states if state.running)
    require_free(concerned, running, deployment.engine.port_owner)
    return deployment


def prepare_restart(
    planned: ServicePlan, config: TlsConfig, project: ComposeInvocation, stack: ExitStack
) -> Deployment:
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
    names = " ".join(planned.services)
    require_readable_key(
        planned.key_problem, "renew --no-restart", f"docker compose restart {names}"
    )
    deployment, _, _ = _connected(planned, config, project, stack)
    return replace(deployment, restart_only=True)


def require_readable_key(problem: TlsWarning | None, command: str, start: str) -> None:
    """Make sure that the container's user can read the server key.

    Args:
        problem: Why it cannot.
        command: The command of compose-tls that goes on all the same, for the hint.
        start: What starts the service then.

    Raises:
        KeyUnreadableInContainer: It cannot.
    """
    if problem is not None:
        raise KeyUnreadableInContainer(
            problem.message,
            hint=f"run compose-tls {command}, then {problem.hint}, then {start}",
            path=problem.path,
        )


def _connected(
    planned: ServicePlan,
    config: TlsConfig,
    project: ComposeInvocation,
    stack: ExitStack,
) -> tuple[Deployment, Mapping[str, Any], tuple[ServiceState, ...]]:
    """A deployment with the real engine and Compose; the project's services, and its containers."""
    engine = stack.enter_context(Engine.connect(project.environment))
    compose = ComposeCli.find(project.environment)
    directory = planned.plan.directory
    document, states = compose.config(project), compose.ps(project)
    running = frozenset(state.service for state in states if state.running)
    deployment = Deployment(
        proxies=planned.proxies,
        timeout=config.timeout,
        engine=engine,
        compose=compose,
        project=project,
        name=str(document["name"]),
        running=running.intersection(planned.services),
        target=lambda proxy, grpc, rest: target_of(directory, config, grpc, rest, proxy.service),
        look=partial(readiness, timeout=_PROBE_SECONDS),
        prove=lambda target, on_event: prove(target, config, on_event),
    )
    return deployment, document.get("services") or {}, states

"""Deploying a plan: before anything is written, and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import readiness
from compose_tls.config import TlsConfig, named_places
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.container import ContainerFacts
from compose_tls.deploy.engine import Engine
from compose_tls.deploy.port_check import require_free
from compose_tls.deploy.recreate import starting
from compose_tls.deploy.wait import wait_until_ready
from compose_tls.errors import (
    ComposeTlsError,
    ConflictingSettings,
    EngineError,
    KeyUnreadableInContainer,
    NotReady,
)
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.results import CheckResult
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import Address, target_of
from compose_tls.workflows.proving import prove
from compose_tls.workflows.rollback import HALF_WAY, Undo, changed, put_back

_PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment that can begin: engine, Compose and free ports are there."""

    planned: ServicePlan
    config: TlsConfig
    engine: Engine = field(repr=False)
    compose: ComposeCli
    project: ComposeInvocation = field(repr=False)
    name: str
    was_running: bool
    restart_only: bool = False

    def run(
        self,
        undo: list[Undo] | None,
        on_event: preamble.OnEvent,
        before_proof: Callable[[], None] = lambda: None,
    ) -> tuple[CheckResult, ...]:
        """Start the service anew, wait until it is ready over TLS, and check it.

        Args:
            undo: What takes the written files back when this fails, in the order in which they were
                written; ``None`` to leave them.
            on_event: Told about progress.
            before_proof: Called once the service is ready; what it writes belongs into ``undo``.

        Raises:
            EngineError: It cannot be started, or does not become ready.
            CheckFailed: It runs, but does not do what it must.
            CertificateUnreadable: The client's files cannot be used for the check.
            KeyboardInterrupt: The user interrupted it; its note says how things stand.
        """
        try:
            began = datetime.now(UTC)
            self._up(on_event)
            wait_until_ready(
                lambda: readiness(self._target(), timeout=_PROBE_SECONDS),
                self._container,
                lambda: self._log(began),
                service=self.planned.service,
                timeout=self.config.timeout,
                on_event=on_event,
            )
            before_proof()
            return prove(self._target(), self.config, on_event)
        except ComposeTlsError as error:
            if undo is not None and changed(undo):
                done = self._restore(undo, on_event)
                error.hint = f"{error.hint} ({done}; --keep-on-failure leaves things as they are)"
            raise
        except KeyboardInterrupt as interrupt:
            # What a write said about its files is not so any more, once they are taken back.
            interrupt.__notes__ = [self._after_interrupt(undo, on_event)]
            raise

    def _up(self, on_event: preamble.OnEvent) -> None:
        if self.restart_only:
            on_event(f"restarting {self.planned.service}")
            self.compose.restart(self.project, [self.planned.service])
            return
        self.compose.up(
            self.project,
            [self.planned.service],
            on_event=on_event,
            port_owner=self.engine.port_owner,
        )

    def _container(self) -> ContainerFacts | None:
        return self.engine.container(self.name, self.planned.service)

    def _log(self, since: datetime) -> list[str]:
        found = self._container()
        return self.engine.log_tail(found.id, since=since) if found else []

    def _target(self) -> Target:
        """The server, once its container runs: only then does the engine tell its port."""
        container = self._container()
        place = container.published_port(self.planned.proxy_port) if container else None
        if place is None:
            raise NotReady(
                f"service {self.planned.service} publishes no port for Milvus, so nothing can be proved",
                hint=f'publish it: ports: ["{self.planned.proxy_port}:{self.planned.proxy_port}"]',
            )
        directory, state = self.planned.plan.directory, self.planned.state
        rest = container.published_port(state.rest_port) if container and state.rest_port else None
        return target_of(
            directory, state, self.config, Address(*place), Address(*rest) if rest else None
        )

    def _after_interrupt(self, undo: list[Undo] | None, on_event: preamble.OnEvent) -> str:
        """Take back what was done; how things stand, in words."""
        if undo is not None and changed(undo):
            return self._restore(undo, on_event)
        files = "the new files are in place" if undo is None else "no file had to be changed"
        return f"{files}; {self.planned.service} may still be starting: compose-tls check tells"

    def _restore(self, undo: list[Undo], on_event: preamble.OnEvent) -> str:
        """Put the previous files back and start the previous service again; what came of it.

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
            directory, variables = self.planned.plan.directory, self.project.environment
            put_back(undo, named_places(self.config, directory, variables))
        except ComposeTlsError as error:
            return f"the previous files could not be put back: {error.message}"
        done = "the previous files are back"
        try:
            if self.was_running:
                self._up(on_event)
                done += " and the previous service runs again"
            else:
                self.compose.stop(self.project, [self.planned.service])
        except EngineError as error:
            done += f", but the previous service did not start again: {error.message}"
        return done


def prepare(
    planned: ServicePlan, config: TlsConfig, variables: Mapping[str, str], stack: ExitStack
) -> Deployment:
    """Make sure, before anything is written, that a deployment can begin.

    Args:
        planned: The plan to deploy.
        config: The settings.
        variables: The process environment.
        stack: Closes the connection to the engine.

    Raises:
        ConflictingSettings: There is no client certificate, without which mode 2 cannot be proved.
        EngineError: No engine, no Compose, or a port is taken.
        KeyUnreadableInContainer: The container's user could not read the server key.
    """
    if config.tls_mode is TlsMode.MUTUAL and "client" not in planned.certificates.sources:
        raise ConflictingSettings(
            "mode 2 cannot be proved without a client certificate",
            hint="bring one with --client-cert and --client-key, or leave --up out",
        )
    _require_readable_key(planned, "enable without --up", "docker compose up -d")
    engine, compose, project = _connect(planned, config, variables, stack)
    document = compose.config(project)
    services: dict[str, Any] = document.get("services") or {}
    states = compose.ps(project)
    running = frozenset(state.service for state in states if state.running)
    begun = starting(services, states, [planned.service])
    concerned = {name: services[name] for name in begun if name in services}
    require_free(concerned, running, engine.port_owner)
    was_running = planned.service in running
    return Deployment(planned, config, engine, compose, project, str(document["name"]), was_running)


def prepare_restart(
    planned: ServicePlan, config: TlsConfig, variables: Mapping[str, str], stack: ExitStack
) -> Deployment | None:
    """Make sure, before anything is written, that a service can be restarted.

    Args:
        planned: The plan whose files the service is to read.
        config: The settings.
        variables: The process environment.
        stack: Closes the connection to the engine.

    Returns:
        ``None`` where the service does not run, so that there is nothing to restart.

    Raises:
        EngineError: No engine or no Compose.
        KeyUnreadableInContainer: The container's user could not read the server key.
    """
    _require_readable_key(
        planned, "renew --no-restart", f"docker compose restart {planned.service}"
    )
    engine, compose, project = _connect(planned, config, variables, stack)
    states = compose.ps(project)
    if not any(state.service == planned.service and state.running for state in states):
        return None
    name = compose.project_name(project)
    return Deployment(
        planned, config, engine, compose, project, name, was_running=True, restart_only=True
    )


def _require_readable_key(planned: ServicePlan, command: str, start: str) -> None:
    for warning in planned.plan.warnings:
        if warning.code == "server-key-unreadable":
            raise KeyUnreadableInContainer(
                warning.message,
                hint=f"run compose-tls {command}, then {warning.hint}, then {start}",
                path=warning.path,
            )


def _connect(
    planned: ServicePlan, config: TlsConfig, variables: Mapping[str, str], stack: ExitStack
) -> tuple[Engine, ComposeCli, ComposeInvocation]:
    engine = stack.enter_context(Engine.connect(variables))
    directory = planned.plan.directory
    files = tuple(directory / name for name in config.file)
    return engine, ComposeCli.find(variables), ComposeInvocation(directory, files, variables)

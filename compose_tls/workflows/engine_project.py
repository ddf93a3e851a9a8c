"""A project as engine and Compose have it, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.compose_output import ServiceState
from compose_tls.deploy.declared import Declared, declared
from compose_tls.deploy.deployed import Deployed, deployed
from compose_tls.deploy.engine import Engine
from compose_tls.project.model import Project
from compose_tls.values import dataclass


@dataclass(frozen=True)
class EngineProject:
    """A project that engine and Compose were asked about.

    Attributes:
        invocation: The project as it is given to Compose.
        document: What ``docker compose config`` makes of the files as they lie.
        states: Its containers; none where Compose was not asked for them.
    """

    engine: Engine = field(repr=False)
    compose: ComposeCli
    invocation: ComposeInvocation = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)
    states: tuple[ServiceState, ...] = ()

    @classmethod
    def connect(cls, invocation: ComposeInvocation, stack: ExitStack) -> Self:
        """Ask the real engine and Compose.

        Args:
            invocation: The project as it is given to Compose.
            stack: Closes the connection to the engine.

        Raises:
            EngineError: No engine or no Compose, or it refuses the project.
        """
        engine = stack.enter_context(Engine.connect(invocation.environment))
        compose = ComposeCli.find(invocation.environment)
        return cls(engine, compose, invocation, compose.config(invocation), compose.ps(invocation))

    @property
    def name(self) -> str:
        """The name that Compose gives to it."""
        return str(self.document["name"])

    @property
    def services(self) -> Mapping[str, Any]:
        """Its services, those behind a profile that is not switched on left out."""
        return self.document.get("services") or {}

    @property
    def running(self) -> frozenset[str]:
        """The services that run."""
        return frozenset(state.service for state in self.states if state.running)

    @property
    def env_files(self) -> tuple[Path, ...]:
        """The files of ``--env-file``, or of COMPOSE_ENV_FILES."""
        named = self.invocation.environment.get("COMPOSE_ENV_FILES", "").split(",")
        listed = tuple(self.invocation.directory / name for name in named if name)
        return self.invocation.env_files or listed

    def complete(self, service: str) -> Mapping[str, Any]:
        """The document with a service in it, though its profile be switched off."""
        return self.document if service in self.services else self._everything

    @cached_property
    def _everything(self) -> Mapping[str, Any]:
        return self.compose.config(replace(self.invocation, profiles=("*",)))

    def look(self, service: str, project: Project) -> tuple[Declared, Deployed | None]:
        """A service as the files declare it, and as it is deployed; ``None`` where it is not.

        Args:
            service: Its name.
            project: The project as it was read.

        Raises:
            EngineError: Compose refuses the project, or the engine does not answer.
        """
        seen = project.observation
        wanted = declared(
            self.complete(service),
            service,
            directory=project.directory,
            files=[path for path in seen.compose_files if seen.content(path) is not None],
            env_files=self.env_files,
        )
        return wanted, deployed(self.engine, wanted)

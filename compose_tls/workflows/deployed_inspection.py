"""What is deployed of some services, where an engine answers at once; nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.declared import Declared
from compose_tls.deploy.deployed import Deployed, paths_of
from compose_tls.deploy.docker_host import LITTLE_PATIENCE
from compose_tls.deploy.engine import LABEL, Engine
from compose_tls.deploy.port_check import project_of, taken
from compose_tls.deploy.verdict import Verdict, verdict
from compose_tls.errors import ComposeFailed, EngineError
from compose_tls.observe.tls_files import changed_at
from compose_tls.project.declared_tls import DeclaredTls
from compose_tls.project.endpoints import sharing
from compose_tls.project.model import Project
from compose_tls.results import DeployedService
from compose_tls.shell import joined
from compose_tls.values import dataclass
from compose_tls.workflows import preamble
from compose_tls.workflows.deployed_places import Place, met_at
from compose_tls.workflows.deployed_state import DeployedState
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.next_step import compose_command, own_command
from compose_tls.workflows.refusals import as_warning


def inspect(
    opened: preamble.Opened, project: Project, services: Sequence[DeclaredTls]
) -> DeployedState:
    """See whether services run the files as they are now.

    Args:
        opened: What the command works on.
        project: The project as it is.
        services: The services, and what they are told.

    Returns:
        What is deployed; or why no engine could be asked.
    """
    try:
        with Engine.connect(opened.variables, patience=LITTLE_PATIENCE) as engine:
            compose = ComposeCli.find(opened.variables)
            there = compose.config(opened.invocation)
            seen = EngineProject(engine, compose, opened.invocation, there)
            return _Inspection(opened, project, seen).all(services)
    except ComposeFailed as error:
        # What is not fetched is told by itself.
        refused = None if project.compose.elsewhere else as_warning(error)
        return DeployedState(reason=error.message, refused=refused)
    except EngineError as error:
        return DeployedState(reason=error.message)


@dataclass(frozen=True, slots=True)
class _Inspection:
    opened: preamble.Opened
    project: Project
    engine_project: EngineProject = field(repr=False)

    def all(self, services: Sequence[DeclaredTls]) -> DeployedState:
        """Each of the services.

        Raises:
            EngineError: Compose refuses the project, or the engine does not answer.
        """
        seen: list[tuple[DeclaredTls, Declared, Deployed | None, Verdict]] = []
        taken: dict[int, str] = {}
        for one in services:
            wanted, found = self.engine_project.look(one.name, self.project)
            said = verdict(found, wanted, self.changed(one))
            if said.agreement == "absent":
                by_others = {} if found and _is_paused(found) else self.taken(wanted)
                told = (f"port {port} is in use by {owner}" for port, owner in by_others.items())
                said = replace(said, reasons=(*said.reasons, *told))
                taken |= by_others
            seen.append((one, wanted, found, said))
        results = tuple(_result(one.name, said) for one, _, _, said in seen)
        places = {
            one.name: place
            for one, _, found, _ in seen
            if found is not None and (place := self.place(one, found))
        }
        return DeployedState(results, next=self.next(seen, taken), places=places)

    def taken(self, wanted: Declared) -> dict[int, str]:
        """The ports of a service that has no running container, and the containers that have them."""
        described = self.engine_project.complete(wanted.service)["services"][wanted.service]
        return dict(taken(described, self.engine_project.engine.port_owner))

    def place(self, one: DeclaredTls, found: Deployed) -> Place | None:
        """Where it is reached, as published, else on its network."""
        replicas = self.engine_project.engine.replicas(found.project, one.name)
        return next(iter(met_at(replicas, one.milvus.configuration.proxy_port)), None)

    def changed(self, one: DeclaredTls) -> Mapping[str, Any]:
        """When the files were changed that the service reads once, by their names."""
        configuration = one.milvus.configuration.files.values()
        settings = [each.path for each in configuration if each.path]
        times = changed_at(one.read_files, settings=settings)
        return {self.project.relative(path): time for path, time in times.items()}

    def next(
        self,
        seen: Sequence[tuple[DeclaredTls, Declared, Deployed | None, Verdict]],
        taken: Mapping[int, str],
    ) -> str | None:
        by_agreement: dict[str, list[str]] = {}
        for one, wanted, found, said in seen:
            if said.agreement == "foreign" and found is not None:
                return self.elsewhere(found, wanted)
            by_agreement.setdefault(said.agreement, []).append(one.name)
        if stale := by_agreement.get("stale"):
            words = ("up", "-d", "--no-deps", "--force-recreate")
            stale += sharing(self.project.compose.services, stale)
            return compose_command(self.opened, *words, services=stale)
        paused = [one.name for one, _, found, _ in seen if found and _is_paused(found)]
        if paused:
            return compose_command(self.opened, "unpause", services=paused)
        if none := [one.name for one, wanted, _, _ in seen if not wanted.replicas]:
            start = compose_command(self.opened, "up", "-d")
            return f"set replicas of {' and '.join(none)} to 1 (deploy.replicas, or scale); then {start}"
        if absent := by_agreement.get("absent"):
            for owner in taken.values():
                ports = [str(port) for port, by in taken.items() if by == owner]
                return self.freeing_ports(ports, owner, absent)
            everything = len(absent) == len(seen) and not any(
                one.milvus.service.profiles() for one, _, _, _ in seen
            )
            return compose_command(self.opened, "up", "-d", services=() if everything else absent)
        return None

    def freeing_ports(self, ports: Sequence[str], owner: str, services: Sequence[str]) -> str:
        """The command that looks at a project with ports of this one: it may be this one, moved."""
        other = project_of(owner)
        start = compose_command(self.opened, "up", "-d")
        if other and other == self.engine_project.name:
            # A service that is gone from the files, or has another name now.
            return f"{joined(['docker', 'stop', owner.split()[1]])} && {start}"
        if not other or not self.has_moved(other, services):
            another = "another port" if len(ports) == 1 else "other ports"
            return f"publish {another} than {' and '.join(ports)}, or stop {owner}; then {start}"
        config = self.opened.config.model_copy(update={"project_name": other})
        opened = replace(self.opened, config=config, typed=self.opened.typed | {"project_name"})
        return own_command(opened, "status")

    def has_moved(self, other: str, services: Sequence[str]) -> bool:
        """Whether another project has such services, from a directory that is no longer there."""
        engine = self.engine_project.engine
        labels = [one["Config"]["Labels"] for name in services for one in engine.containers(name)]
        found = [one for one in labels if one.get(f"{LABEL}project") == other]
        places = [one.get(f"{LABEL}project.working_dir") or "" for one in found]
        return bool(places) and not any(map(os.path.isdir, places))

    def elsewhere(self, found: Deployed, wanted: Declared) -> str:
        """The command that looks at a container with what it was made from; what is gone cannot be."""
        files = paths_of(found.files, found.directory)
        env_files = paths_of(found.env_files, found.directory)
        if not all(map(os.path.isfile, (*files, *env_files))):
            # Made from files that are no longer there, it can only be replaced by these.
            words = ("up", "-d", "--no-deps", "--force-recreate")
            return compose_command(self.opened, *words, services=[wanted.service])
        root = Path(found.directory or self.opened.root).resolve()
        options = [] if root == Path.cwd() else ["-C", str(root)]
        if found.project != wanted.project:
            options += ["-p", found.project]
        if files != tuple(map(os.path.realpath, wanted.files)):
            options += [word for file in files for word in ("-f", os.path.relpath(file, root))]
        options += [word for file in env_files for word in ("--env-file", file)]
        return joined(["compose-tls", "status", *options])


def _is_paused(found: Deployed) -> bool:
    """Whether Compose cannot start it: it has to go on first."""
    return any(one.container.status == "paused" for one in found.each)


def _result(service: str, said: Verdict) -> DeployedService:
    container = said.container
    return DeployedService(
        service=service,
        state=said.agreement,
        reasons=said.reasons,
        container=container.name if container else None,
        health=said.health,
        started_at=container.started_at if container and container.running else None,
    )

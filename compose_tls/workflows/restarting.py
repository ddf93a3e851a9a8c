"""Whether a restart makes Milvus read the files of this project, looked at before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from compose_tls.deploy.differences import differences
from compose_tls.deploy.docker_host import LITTLE_PATIENCE, reach
from compose_tls.errors import DeployedDifferently, EngineError, NotDeployed
from compose_tls.layout import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.listener import OnEvent
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.model import Project
from compose_tls.setup import Proxy
from compose_tls.shell import quoted, typed
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning
from compose_tls.workflows.deployment import Deployment
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.next_step import compose_command
from compose_tls.workflows.preamble import Opened


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the container of a service stands.

    Attributes:
        proxy: The service.
        running: Whether it runs; one that does not reads the files when it is started.
        stale: Whether it has not read the certificates as they are now.
        drifted: Why a restart would change more than the certificates; ``None`` where it does not.
    """

    proxy: Proxy
    running: bool
    stale: bool
    drifted: DeployedDifferently | None


def look(seen: EngineProject, planned: ServicePlan, project: Project) -> tuple[Standing, ...]:
    """See which containers run the files of the project.

    Args:
        seen: The project as engine and Compose have it.
        planned: The plan for the files.
        project: The project as it is.

    Raises:
        NotDeployed: A service has no container, or one that a restart here does not reach.
        EngineError: The engine or Compose does not answer.
    """
    return tuple(_standing(proxy, seen, planned, project) for proxy in planned.proxies)


def readers(deployment: Deployment, written: Collection[str]) -> Deployment:
    """A deployment that restarts only those servers and parts of Milvus that have something to read.

    Where that is a server, every part of Milvus goes along: it could not write what it has not written
    yet to a server that is gone, and so is stopped first.

    Args:
        deployment: The deployment.
        written: The services of which something is written.
    """
    touched = deployment.running.intersection(written)
    servers = tuple(name for name in deployment.servers if name in touched)
    parts = deployment.running if servers else touched
    others = tuple(name for name in deployment.others if name in parts)
    return replace(deployment, servers=servers, others=others)


def reading_again(opened: Opened, project: Project, names: Sequence[str]) -> str:
    """The command after which services have read their files.

    A restart starts nothing that has stopped with other settings, and replaces no container.

    Args:
        opened: The project; where no engine answers, its services are taken to run these files.
        project: The same as it is.
        names: The services.
    """
    words: tuple[str, ...] = ("restart",)
    with suppress(EngineError), ExitStack() as stack:
        reach(opened.variables, patience=LITTLE_PATIENCE)
        seen = EngineProject.connect(opened.invocation, stack)
        running = [
            differences(found, wanted)
            for wanted, found in (seen.look(name, project) for name in names)
            if found and found.container.running and found.project == wanted.project
        ]
        unlike = (each for each in chain(*running) if not (each.of_origin or each.of_moved_tag))
        if len(running) < len(names) or any(unlike):
            words = ("up", "-d", "--force-recreate") if running else ("up", "-d")
    return compose_command(opened, *words, services=names)


def restart_neighbours(
    opened: Opened, names: Sequence[str], stack: ExitStack, on_event: OnEvent
) -> tuple[TlsWarning, ...]:
    """Let services that talk to Milvus read what is new; what is to be said where that cannot be.

    Args:
        opened: The project.
        names: They.
        stack: Closes the connection to the engine.
        on_event: Told about progress.
    """
    if not names:
        return ()
    try:
        seen = EngineProject.connect(opened.invocation, stack)
        running = [name for name in names if name in seen.running]
        if running:
            on_event(f"restarting {', '.join(running)}")
            seen.compose.restart(seen.invocation, running)
    except EngineError as error:
        text = f"{', '.join(names)} still use the previous certificates: {error.message}"
        hint = compose_command(opened, "restart", services=names)
        return (TlsWarning("neighbours-not-restarted", text, hint=hint),)
    return ()


def _standing(
    proxy: Proxy, seen: EngineProject, planned: ServicePlan, project: Project
) -> Standing:
    service = proxy.service
    wanted, found = seen.look(service, project)
    if found is None or found.project != wanted.project:
        elsewhere = (
            f"; one of the project {found.project} was made from these files" if found else ""
        )
        first = (
            f"name that project: -p {typed(found.project)}"
            f" (or COMPOSE_PROJECT_NAME={quoted(found.project)})"
            if found
            else "start it: docker compose up -d; or name the project that it runs in with -p"
        )
        raise NotDeployed(
            f"service {service} has no container in the project {wanted.project}{elsewhere}",
            hint=first,
        )
    settings = planned.state.settings
    started = found.container.started_at
    names_read = [SERVER_CERTIFICATE, SERVER_KEY]
    if settings.tls_mode is TlsMode.MUTUAL:
        names_read.append(CA_CERTIFICATE)
    served = [project.directory / settings.served_dir / name for name in names_read]
    # A restart leaves the container what it is; the place of its creation is not a setting.
    reasons = list(
        dict.fromkeys(
            str(each)
            for one in found.each
            for each in differences(one, wanted)
            if not (each.of_origin or each.of_moved_tag or each.subject == "replicas")
        )
    )
    changed = list(_changed_settings(service, planned, project, started))
    reasons += [f"{path} was changed since the start" for path in changed]
    drifted = None
    if reasons:
        drifted = DeployedDifferently(
            f"{service} would start with other settings than it runs with: {'; '.join(reasons)}",
            hint=f"deploy these first: docker compose up -d --force-recreate {typed(service)}",
            path=next(iter(changed), None),
        )
    starts = [one.container.started_at for one in found.each if one.container.running]
    stale = any(_is_older(start, served) for start in starts or [started])
    return Standing(proxy, bool(starts), stale, drifted)


def _changed_settings(
    service: str, planned: ServicePlan, project: Project, started: datetime | None
) -> Iterator[str]:
    """The mounted settings that are neither those of enable nor those that it was started with."""
    recorded = {file.path: file.after for file in planned.state.files}
    for one in project.milvus:
        for file in one.configuration.files.values() if one.name == service else ():
            if file.path is None or file.content is None:
                continue
            name = project.relative(file.path)
            as_enabled = recorded.get(name) == hashlib.sha256(file.content).hexdigest()
            if not as_enabled and _is_older(started, [file.path]):
                yield name


def _is_older(started: datetime | None, files: list[Path]) -> bool:
    """Whether a container was started before one of some files was written."""
    if started is None:
        return False
    times = (path.stat().st_mtime for path in files if path.exists())
    return any(datetime.fromtimestamp(time, UTC) > started for time in times)

"""renew: observe → plan → (preview) → issue → rehearse → apply → (restart → check) → result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from compose_tls import listener
from compose_tls.apply.inverse import snapshot
from compose_tls.apply.transaction import apply
from compose_tls.changes import Plan
from compose_tls.credentials import issuing
from compose_tls.credentials.issuing import Issued
from compose_tls.errors import EngineError, NotDeployed, WrongUsage, settle
from compose_tls.observe.client_files import with_clients
from compose_tls.plan.ca_rollover import REPLACED, Extent
from compose_tls.plan.renew import RenewPlan, parts, plan_renew
from compose_tls.project.declared_tls import DeclaredTls, declared_tls, mode_differs
from compose_tls.project.endpoints import sharing
from compose_tls.project.model import Project
from compose_tls.results import Probe, RenewResult
from compose_tls.vocabulary import TlsWarning, duration
from compose_tls.workflows import deployment, preamble, restarting
from compose_tls.workflows.deployment_backup import backed_up
from compose_tls.workflows.image_users import users_of_images
from compose_tls.workflows.next_step import own_command
from compose_tls.workflows.planning import issued
from compose_tls.workflows.refusals import gathered
from compose_tls.workflows.reporting import report
from compose_tls.workflows.rollback import Undo
from compose_tls.workflows.whole_hints import with_whole_hints


@with_whole_hints
def renew(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
    *,
    ca: bool = False,
    finish: bool = False,
    within: timedelta | str | None = None,
    force: bool = False,
    dry_run: bool = False,
    restart: bool = True,
    keep_on_failure: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: listener.OnEvent = listener.silent,
) -> RenewResult:
    """Replace certificates that expire soon, and restart Milvus with the new ones.

    With ``ca``, a new CA joins the old one: clients of either are accepted, and ``ca.pem`` holds both.
    Once every client has that file, ``finish`` lets the new CA take over, and the old one goes.

    Args:
        directory: The project directory.
        config: The settings; properties that are not set stay as in the certificates.
        ca: Renew the CA.
        finish: Finish the rotation: trust only the new CA.
        within: How early to renew, as a timedelta or as text such as ``30d``; by default the last 30
            days, or the last third of a shorter validity.
        force: Renew server and client certificates even if they are not due.
        dry_run: Only report what would be done; write nothing.
        restart: Restart Milvus if it runs and its files are new, and check it.
        keep_on_failure: Leave files and containers as they are on failure.
        environment: Variables for Compose; by default those of the process.
        on_event: Called with progress, one line at a time.

    Returns:
        The certificates and files that changed; with a restart, the checks.

    Raises:
        WrongUsage: ``within`` is not a duration.
        NotEnabled: TLS is not enabled there.
        RolloverNotStarted: CA rotation has not started.
        ClientsLeftBehind: A further client has no certificate of the new CA yet.
        DeployedDifferently: A restart would also apply other settings; nothing was changed.
        NotDeployed: A service has no container; nothing was changed.
        ProjectError: The project cannot be read or written; nothing was changed.
        CertificateError: Certificates cannot be issued or used; nothing was changed.
        EngineError: Restarting failed; the project is as before, unless ``keep_on_failure``.
        CheckFailed: The running server does not pass the checks; the project is as before.
    """
    within = _duration(within) if isinstance(within, str) else within
    opened = preamble.open_project(directory, config, environment)
    extent: Extent = "finish" if finish else "ca" if ca else "end-entities"
    checks: tuple[Probe, ...] = ()
    with (
        preamble.writing(opened, dry_run=dry_run, on_event=on_event) as opened,
        ExitStack() as stack,
    ):
        project = _sound(opened, extent)
        users = users_of_images(project, opened.variables) if restart and not dry_run else {}
        deploy: deployment.Deployment | None = None
        said: tuple[TlsWarning, ...] = ()
        with gathered() as also:
            renewal = plan_renew(
                project,
                opened.config,
                opened.now,
                extent=extent,
                within=within,
                force=force,
                restart=restart,
                users_of_images=users,
            )
            planned = renewal.planned
            places, told = opened.writable(planned.plan)
            differs = (mode_differs(one, opened.config) for one in _declared(project))
            told = (*opened.told, *told, *filter(None, differs))
            also.extend(planned.plan.warnings)
            if restart and not dry_run:
                listener.busy(on_event, "asking Docker Compose and the engine")
                deploy, said = _prepare(renewal, project, opened, stack)
        if dry_run:
            return report(RenewResult, planned, renewal.config, dry_run=True, warnings=told)
        listener.busy(on_event, "issuing certificates")
        made = issued(planned, project, opened, renewal.config)
        if deploy is None:
            told += apply(planned.plan, made.contents, outside=places)
            if restart:
                said += restarting.restart_neighbours(opened, planned.beside, stack, on_event)
        else:
            if not keep_on_failure:
                whole = planned.plan, made.contents, snapshot(planned.plan)
                deploy = stack.enter_context(backed_up(deploy, opened, whole, places, on_event))
            undo: list[Undo] | None = None if keep_on_failure else []
            checks = _deployed(renewal, made.contents, places, deploy, undo, on_event)
    done = _result(opened, project, renewal, made, checks, told, restart=restart)
    return done.model_copy(update={"warnings": (*done.warnings, *said)})


def _duration(text: str) -> timedelta:
    """What a text for ``within`` means.

    Raises:
        WrongUsage: Nothing.
    """
    try:
        return duration(text)
    except ValueError as error:
        raise WrongUsage(f"within: {error}", hint='for example: within="30d"') from None


def _declared(project: Project) -> Sequence[DeclaredTls]:
    return declared_tls(project, project.state.services) if project.state else ()


def _sound(opened: preamble.Opened, extent: Extent) -> Project:
    """The project, with its further clients where they need the new CA.

    Raises:
        CertificateError: What stays cannot be used.
    """
    project = opened.observed()
    if extent != "end-entities":
        project = with_clients(project, opened.config)
    issuing.require_sound(project.observation, opened.config, project.state, REPLACED[extent])
    return project


def _deployed(
    renewal: RenewPlan,
    contents: Mapping[str, bytes],
    places: Iterable[Path],
    deploy: deployment.Deployment,
    undo: list[Undo] | None,
    on_event: listener.OnEvent,
) -> tuple[Probe, ...]:
    """Write what Milvus reads, restart it, write what clients read, and check it."""

    def write(part: Plan) -> None:
        before = snapshot(part)
        apply(part, contents, outside=places)
        if undo is not None:
            undo.append((part, contents, before))

    server_side, client_side = parts(renewal)
    write(server_side)
    return deploy.run(undo, on_event, lambda: write(client_side))


def _result(
    opened: preamble.Opened,
    project: Project,
    renewal: RenewPlan,
    made: Issued,
    checks: tuple[Probe, ...],
    told: tuple[TlsWarning, ...],
    *,
    restart: bool,
) -> RenewResult:
    """What was renewed, and what has still to be read by whom."""
    planned = renewal.planned
    waiting = renewal.restart and not checks
    read = planned.written | set(planned.services)
    left = () if restart else renewal.planned.beside
    milvus = [name for name in planned.everything if name in read]
    shared = sharing(project.compose.services, milvus)
    restarted = list(dict.fromkeys((*milvus, *left, *shared)))
    unread = restarted if waiting else left
    again = restarting.reading_again(opened, project, unread) if unread else ""
    return report(
        RenewResult,
        planned,
        renewal.config,
        issued=made,
        checks=checks,
        waiting=waiting,
        following=(again, own_command(opened, "check")) if waiting else (again,) if left else (),
        warnings=told,
        brought=renewal.config.server_cert is not None,
    )


def _prepare(
    renewal: RenewPlan, project: Project, opened: preamble.Opened, stack: ExitStack
) -> tuple[deployment.Deployment | None, tuple[TlsWarning, ...]]:
    """What restarts the services that have something to read, now or from an earlier renewal.

    Raises:
        EngineError: There is something to read, and no engine, or a service has no container.
        DeployedDifferently: A restart would put other settings in force as well.
        KeyUnreadableInContainer: The container's user could not read the server key.
    """
    planned, config = renewal.planned, renewal.config
    needed = renewal.restart or renewal.client_follows
    if planned.key_problem is not None and not needed:
        return None, ()
    try:
        deploy, seen = deployment.prepare_restart(planned, config, opened.invocation, stack)
        standing = restarting.look(seen, planned, project)
    except EngineError as error:
        if needed:
            error.hint += "; or write the files only, with --no-restart"
            raise
        # Whether Milvus serves what is there is not known then, and not said.
        known = isinstance(error, NotDeployed)
        return None, (TlsWarning(error.code, error.message, hint=error.hint),) if known else ()
    chosen = [one for one in standing if one.running and (renewal.restart or one.stale)]
    warnings = [settle(one.drifted, config.accept) for one in chosen if one.drifted]
    proxies = tuple(one.proxy for one in chosen)
    if not proxies:
        return None, tuple(warnings)
    deploy = replace(restarting.readers(deploy, planned.written), proxies=proxies)
    shared = [n for n in sharing(project.compose.services, deploy.everything) if n in seen.running]
    told = (name for name in renewal.planned.beside if name in seen.running)
    neighbours = tuple(dict.fromkeys((*told, *shared)))
    return replace(deploy, neighbours=neighbours, sharing=tuple(shared)), tuple(warnings)

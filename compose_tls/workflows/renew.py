"""renew: observe → plan → (preview) → issue → rehearse → apply → (restart → check) → result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta

from compose_tls.apply.inverse import snapshot
from compose_tls.apply.transaction import apply
from compose_tls.changes import Plan
from compose_tls.credentials import issuing
from compose_tls.observe import observe
from compose_tls.observe.client_files import with_clients
from compose_tls.plan.ca_rollover import Extent
from compose_tls.plan.renew import RenewPlan, parts, plan_renew
from compose_tls.results import Probe, RenewResult
from compose_tls.workflows import deployment, preamble
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.reporting import report, warned
from compose_tls.workflows.rollback import Undo


def renew(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
    *,
    ca: bool = False,
    finish: bool = False,
    within: timedelta | None = None,
    force: bool = False,
    dry_run: bool = False,
    restart: bool = True,
    keep_on_failure: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: preamble.OnEvent = preamble.silent,
) -> RenewResult:
    """Issue new certificates in the place of those that end soon, and have Milvus serve them.

    With ``ca``, a new CA joins the old one: clients of either are accepted, and ``ca.pem`` holds both.
    Once every client has that file, ``finish`` lets the new CA take over, and the old one goes.

    Args:
        directory: The project directory.
        config: The settings; what they leave open stays as the certificates have it.
        ca: Renew the CA.
        finish: Let the new CA take over.
        within: How early to renew; by default in the last 30 days, or the last third of a shorter life.
        force: Renew server and client in any case.
        dry_run: Only say what would be done.
        restart: Restart Milvus, where it runs and has something new to read, and check it.
        keep_on_failure: Leave things as they are when that fails.
        environment: Process variables, for Compose; those of the process by default.
        on_event: Told about progress, a line at a time.

    Raises:
        NotEnabled: ``enable`` has not been here.
        RolloverNotStarted: There is no new CA that could take over.
        ProjectError: The project cannot be read or written; nothing was changed.
        CertificateError: Certificates cannot be issued or used; nothing was changed.
        EngineError: Restarting failed; the project is as before, unless ``keep_on_failure``.
        CheckFailed: The running server does not pass; likewise.
    """
    opened = preamble.open_project(directory, config, environment)
    extent: Extent = "finish" if finish else "ca" if ca else "end-entities"
    checks: tuple[Probe, ...] = ()
    with preamble.writing(opened.root, dry_run=dry_run), ExitStack() as stack:
        project = observe(opened.root, opened.config, opened.variables)
        if finish:
            project = with_clients(project, opened.config)
        issuing.require_sound(project.observation, opened.config)

        def plan() -> RenewPlan:
            return plan_renew(
                project, opened.config, opened.now, extent=extent, within=within, force=force
            )

        renewal = plan()
        planned = renewal.planned
        if dry_run:
            return report(RenewResult, planned, renewal.config, dry_run=True)
        deploy = None
        if restart and renewal.restart:
            with deployment.told_first(planned, restart=True):
                seen = EngineProject.connect(opened.root, opened.config, opened.variables, stack)
            project = seen.with_image_users(project)
            renewal = plan()
            deploy, warnings = deployment.prepare_restart(
                renewal.planned, project, renewal.config, seen
            )
            planned = renewal.planned
            planned = warned(planned, warnings)
        issued = issuing.issue(
            planned.identities,
            planned.state,
            project.observation,
            renewal.config,
            opened.now,
            changed=planned.plan.changed,
        )
        if deploy is None:
            apply(planned.plan, issued.contents)
        else:
            undo: list[Undo] = []

            def write(part: Plan) -> None:
                before = snapshot(part)
                apply(part, issued.contents)
                undo.append((part, issued.contents, before))

            server_side, client_side = parts(renewal)
            write(server_side)
            checks = deploy.run(
                None if keep_on_failure else undo, on_event, lambda: write(client_side)
            )
    waiting = renewal.restart and not checks
    return report(
        RenewResult, planned, renewal.config, issued=issued, checks=checks, waiting=waiting
    )

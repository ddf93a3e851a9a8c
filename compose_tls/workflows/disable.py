"""disable: observe → plan → (preview) → apply → result."""

from __future__ import annotations

import os
from collections.abc import Mapping

from compose_tls import listener
from compose_tls.apply.transaction import apply
from compose_tls.changes import Plan, RemoveDirectory
from compose_tls.config import TlsConfig
from compose_tls.errors import ConflictingSettings
from compose_tls.observe.client_files import with_clients
from compose_tls.plan.disable import DisablePlan, plan_disable
from compose_tls.plan.stack_folders import Folders
from compose_tls.project.model import Project
from compose_tls.results import DisableResult
from compose_tls.workflows import preamble
from compose_tls.workflows.expected_loss import expected_loss
from compose_tls.workflows.next_step import compose_command, own_command, start_command
from compose_tls.workflows.refusals import gathered
from compose_tls.workflows.whole_hints import with_whole_hints


@with_whole_hints
def disable(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
    *,
    dry_run: bool = False,
    purge: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: listener.OnEvent = listener.silent,
) -> DisableResult:
    """Undo exactly what ``enable`` changed.

    Args:
        directory: The project directory.
        config: The settings; used are only locations, and what is accepted.
        dry_run: Only report what would be done; write nothing.
        purge: Remove certificates and keys as well.
        environment: Variables for interpolation by Compose; by default those of the process.
        on_event: Called with progress, if an earlier command is undone first.

    Returns:
        The files that were restored or removed, and the directories where keys stay.

    Raises:
        NotEnabled: TLS is not enabled there.
        ConflictingSettings: Only some of the enabled services are named.
        TlsRemains: Entries would stay that did not exist before; nothing was changed.
        CertificatesUnmounted: A Milvus would not start with the remaining settings; nothing was changed.
        ProjectError: A file cannot be restored safely, or cannot be written.
    """
    opened = preamble.open_project(directory, config, environment)
    with preamble.writing(opened, dry_run=dry_run, on_event=on_event) as opened:
        project = opened.observed()
        _require_all(opened, project)
        if purge:
            project = with_clients(project, opened.config)
        with gathered() as also:
            planned = plan_disable(project, opened.config, purge=purge)
            also.extend(planned.plan.warnings)
            places, told = opened.writable(planned.plan)
        told_beside = project.state.told if project.state else ()
        known = expected_loss(
            opened,
            planned.services,
            tuple(name for name in told_beside if name not in planned.services),
            lambda: opened.observed(without_ours=True),
        )
        if not dry_run:
            told += apply(planned.plan, {}, outside=places)
    opened, warnings = known.opened, known.warnings
    changes = planned.plan.changed and planned.services and not dry_run
    following = _following(opened, project, planned) if changes else ()
    return DisableResult(
        changed=planned.plan.changed,
        dry_run=True if dry_run else None,
        project=str(opened.root),
        mode=planned.mode,
        services=planned.told or planned.services,
        as_before=planned.before,
        exact=planned.exact,
        key_directories=planned.key_directories,
        in_use=planned.in_use,
        not_empty=() if dry_run else _not_empty(planned.plan),
        purge=_purge(opened, project) if planned.key_directories and not dry_run else None,
        files=preamble.file_results(planned.plan),
        diff=planned.plan.diff(),
        next=following,
        warnings=(*opened.told, *told, *planned.plan.warnings, *warnings),
    )


def _require_all(opened: preamble.Opened, project: Project) -> None:
    """Make sure that nobody means one of several services: what they share is removed as a whole.

    Raises:
        ConflictingSettings: The user names others than those that are enabled.
    """
    enabled = project.state.services if project.state else ()
    named = opened.given.service if "service" in opened.typed else ()
    if not named or not enabled or set(named) >= set(enabled):
        return
    rest = [word for name in enabled if name not in named for word in ("--service", name)]
    only = own_command(opened, "enable", *rest)
    raise ConflictingSettings(
        f"disable removes TLS from all enabled services: {', '.join(enabled)}",
        hint=f"leave --service out; or leave TLS on for the others: {only}",
    )


def _following(opened: preamble.Opened, project: Project, planned: DisablePlan) -> tuple[str, ...]:
    """The commands that put the files in force."""
    state = project.state
    switched = tuple(one.service for one in (state.neighbours if state else None) or ())
    told = (name for name in (state.told if state else ()) if name not in switched)
    concerned = tuple(dict.fromkeys((*planned.services, *told)))
    following = start_command(opened, project, planned.plan, concerned, switched)
    folders = Folders.of(state.identities if state else (), project)
    if following and folders.servers:
        milvus = dict.fromkeys((*folders.milvus, *planned.services))
        return (compose_command(opened, "stop", services=milvus), *following)
    return following


def _not_empty(plan: Plan) -> tuple[str, ...]:
    """The directories that were to be removed, and are still there: something else is in them."""
    removed = (one.path for one in plan.changes if isinstance(one, RemoveDirectory))
    return tuple(plan.relative(path) for path in removed if path.is_dir())


def _purge(opened: preamble.Opened, project: Project) -> str:
    """The command that removes what stays: where it is, no record tells by then."""
    tls_dir = (project.state.settings if project.state else opened.config).tls_dir
    default = tls_dir == TlsConfig.model_fields["tls_dir"].default
    return own_command(opened, "disable", "--purge", tls_dir="" if default else tls_dir)

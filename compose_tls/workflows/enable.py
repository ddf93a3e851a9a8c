"""enable: observe → plan → (preview) → issue → rehearse → apply → (deploy → check) → result."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from compose_tls import listener
from compose_tls.apply.inverse import snapshot
from compose_tls.apply.transaction import apply
from compose_tls.layout import CA, CA_KEY, CLIENT, CLIENT_CA_KEY
from compose_tls.plan.changed_services import redefined
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.declared_tls import declared_mode, declared_tls
from compose_tls.project.endpoints import carrier
from compose_tls.project.model import Project
from compose_tls.results import EnableResult, Probe
from compose_tls.vocabulary import TlsMode, TlsWarning
from compose_tls.workflows import preamble, requirements
from compose_tls.workflows.deployed_state import DeployedState
from compose_tls.workflows.expected_loss import expected_loss
from compose_tls.workflows.next_step import (
    compose_command,
    issuing_options,
    own_command,
    start_command,
)
from compose_tls.workflows.planning import enabling, issued
from compose_tls.workflows.reachable_engine import inspect_deployed
from compose_tls.workflows.reporting import report
from compose_tls.workflows.whole_hints import with_whole_hints

if TYPE_CHECKING:
    from compose_tls.workflows.deployment import Deployment


@with_whole_hints
def enable(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
    *,
    dry_run: bool = False,
    up: bool = False,
    keep_on_failure: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: listener.OnEvent = listener.silent,
) -> EnableResult:
    """Turn on TLS for a Milvus Compose project.

    Args:
        directory: The project directory.
        config: The settings.
        dry_run: Only report what would be done; write nothing.
        up: Deploy with Docker Compose, wait until Milvus is ready over TLS, and check it.
        keep_on_failure: With ``up``, leave files and containers as they are on failure.
        environment: Variables for Compose; by default those of the process.
        on_event: Called with progress, one line at a time.

    Returns:
        The files that were, or would be, written, the certificates, which services it cuts off, and with
        ``up`` the checks.

    Raises:
        ProjectError: The project cannot be read or patched; nothing was changed.
        CertificateError: Certificates cannot be used; nothing was changed.
        EngineError: Deploying failed; the project is as before, unless ``keep_on_failure``.
        CheckFailed: The running server does not pass the checks; the project is as before.
    """
    opened = preamble.open_project(directory, config, environment, enabling=True)
    return enable_opened(
        opened, dry_run=dry_run, up=up, keep_on_failure=keep_on_failure, on_event=on_event
    )


def enable_opened(
    given: preamble.Opened,
    *,
    dry_run: bool = False,
    up: bool,
    keep_on_failure: bool,
    on_event: listener.OnEvent,
    before_proof: Callable[[ServicePlan], None] = lambda _: None,
) -> EnableResult:
    """The same for a project whose settings are settled.

    Args:
        given: The project.
        dry_run: As for ``enable``, like all that follow.
        up: Deploy it.
        keep_on_failure: Leave files and containers as they are on failure.
        on_event: Told about progress.
        before_proof: Called with the plan once Milvus is ready over TLS, before it is checked.

    Raises:
        ComposeTlsError: As for ``enable``.
    """
    checks: tuple[Probe, ...] = ()
    with (
        preamble.writing(given, dry_run=dry_run, on_event=on_event) as begun,
        ExitStack() as stack,
    ):
        project = begun.observed(without_ours=True)
        opened = _at_least_declared(_as_called_now(begun, project), project)
        deploy = None
        with enabling(opened, project, deploying=up and not dry_run) as found:
            planned, places, told = found.service, found.places, found.told
            if up and not dry_run:
                deploy, warnings = _prepared(planned, project, opened, stack, on_event)
            else:
                known = expected_loss(opened, planned.everything, planned.beside, lambda: project)
                opened, warnings = known.opened, known.warnings
                found.also.extend(warnings)
        deployed = DeployedState() if planned.plan.changed or deploy else _deployed(opened, planned)
        if dry_run:
            result = report(EnableResult, planned, opened.config, dry_run=True, warnings=told)
            result = result.model_copy(update={"deployed": deployed.current})
            return _told(result, planned, project, opened, warnings)
        listener.busy(on_event, "issuing certificates")
        made = issued(planned, project, opened, opened.config)
        undo = planned.plan, made.contents, snapshot(planned.plan)
        if deploy is not None and not keep_on_failure:
            from compose_tls.workflows.deployment_backup import backed_up  # noqa: PLC0415 - as above

            deploy = stack.enter_context(backed_up(deploy, opened, undo, places, on_event))
        if planned.plan.changed:
            told += apply(planned.plan, made.contents, outside=places)
        if deploy is not None:
            written = report(EnableResult, planned, opened.config, issued=made, warnings=told)
            listener.written(on_event, _told(written, planned, project, opened, warnings))
            taken_back = None if keep_on_failure else [undo]
            checks = deploy.run(taken_back, on_event, partial(before_proof, planned))
    following = () if checks else _following(opened, project, planned, deployed)
    result = report(
        EnableResult,
        planned,
        opened.config,
        issued=made,
        checks=checks,
        following=following,
        warnings=told,
    )
    if deployed.services:
        result = result.model_copy(update={"deployed": deployed.current})
    return _told(result, planned, project, opened, warnings)


def _deployed(opened: preamble.Opened, planned: ServicePlan) -> DeployedState:
    """What runs of a project in which no file changes."""
    project = opened.observed()
    return inspect_deployed(opened, project, declared_tls(project, planned.services))


def _prepared(
    planned: ServicePlan,
    project: Project,
    opened: preamble.Opened,
    stack: ExitStack,
    on_event: listener.OnEvent,
) -> tuple[Deployment, tuple[TlsWarning, ...]]:
    """The deployment of a plan, and what to report about it.

    Raises:
        EngineError: Deploying cannot begin.
        Refusal: Something would be lost, and the user has not accepted that.
    """
    from compose_tls.workflows import deployment  # noqa: PLC0415 - engine and checks are heavy
    from compose_tls.workflows.engine_project import EngineProject  # noqa: PLC0415 - as above

    requirements.require_client(planned, opened.config)
    listener.busy(on_event, "asking Docker Compose and the engine")
    with requirements.told_first(planned):
        seen = EngineProject.connect(opened.invocation, stack)
    requirements.require_reached(planned, seen)
    return deployment.prepare(planned, project, opened.config, seen)


def _as_called_now(opened: preamble.Opened, project: Project) -> preamble.Opened:
    """With the names that recorded services have by now."""
    if not project.renamed:
        return opened
    service = tuple(project.renamed.get(name, name) for name in opened.config.service)
    return replace(opened, config=opened.config.model_copy(update={"service": service}))


def _at_least_declared(opened: preamble.Opened, project: Project) -> preamble.Opened:
    """With a mode that asks no less of clients than what is there, where none is given.

    The record may be lost or older, or another tool may have switched TLS on. What was there already when
    the recorded mode was chosen does not count again.
    """
    declared = declared_mode(project, opened.config.service)
    before = project.state.before if project.state else None
    known = before is not None and declared <= max(before.values(), default=0)
    mode = project.mode_by_hand if known else max(declared, project.mode_by_hand)
    if "mode" in opened.given.model_fields_set or mode <= opened.config.tls_mode:
        return opened
    return replace(opened, config=opened.config.model_copy(update={"mode": int(mode)}))


def _following(
    opened: preamble.Opened, project: Project, planned: ServicePlan, deployed: DeployedState
) -> tuple[str, ...]:
    """The commands that put the files in force, and prove it; none where they are, or may be."""
    if not planned.plan.changed and deployed.current is not False:
        return ()
    read = planned.written | set(planned.services)
    concerned = tuple(name for name in planned.everything if name in read)
    start = start_command(
        opened, project, planned.plan, concerned, planned.beside, redefined(planned, project)
    )
    if not start and planned.plan.changed:
        # Nothing that a container reads, such as the name of a file that is recorded.
        deployed = _deployed(opened, planned)
    if not start or not planned.plan.changed:
        start = (deployed.next,) if deployed.next else ()
    if start and read & set(planned.servers):
        # While it still reaches etcd and the object store as they are.
        milvus = dict.fromkeys((*planned.others, *planned.services))
        start = (compose_command(opened, "stop", services=milvus), *start)
    unprovable = opened.config.tls_mode is TlsMode.MUTUAL and planned.identities.get(CLIENT) is None
    services = project.compose.services
    places = [carrier(services[proxy.service], services) for proxy in planned.proxies]
    unprovable |= all(place.text("network_mode") == "none" for place in places)
    return start if unprovable else (*start, own_command(opened, "check"))


def _issuing(opened: preamble.Opened, *, own_ca: bool) -> str:
    """The command that issues client certificates; empty where no key for it is known."""
    config = opened.config
    provided = config.client_ca_key if config.client_ca_cert else config.ca_key
    made = (opened.root / config.pki_dir / CLIENT_CA_KEY).exists()
    if not (own_ca or provided or made):
        return ""
    return own_command(opened, "client", "NAME", *issuing_options(opened))


def _told(
    result: EnableResult,
    planned: ServicePlan,
    before: Project,
    opened: preamble.Opened,
    warnings: tuple[TlsWarning, ...] = (),
) -> EnableResult:
    """The same, with what only enable tells."""
    config = opened.config
    mutual_before = before.state is not None and before.state.settings.tls_mode is TlsMode.MUTUAL
    # Without a record, the entries of an earlier enable are in what was declared.
    if before.state is None:
        mutual_before = declared_mode(before, planned.services) is TlsMode.MUTUAL
    newly_mutual = config.tls_mode is TlsMode.MUTUAL and not mutual_before
    issues = planned.identities.source(CA) in {"issued", "existing"} and config.ca_cert is None
    own_ca = issues and (bool(result.dry_run) or (opened.root / config.pki_dir / CA_KEY).exists())
    return result.model_copy(
        update={
            "cut_off": planned.cut_off,
            "neighbours": planned.neighbours,
            "pki_dir": config.pki_dir,
            "tls_dir": config.tls_dir,
            "ca_key": f"{config.pki_dir}/{CA_KEY}" if own_ca else None,
            "issue_with": _issuing(opened, own_ca=own_ca) if newly_mutual else None,
            "then": (own_command(opened, "connect"),) if result.checks else (),
            "warnings": tuple(dict.fromkeys((*result.warnings, *warnings))),
        }
    )

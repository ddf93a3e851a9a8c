"""What a command that writes did, as a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from compose_tls.changes import IdentityPlan
from compose_tls.config import TlsConfig
from compose_tls.credentials.issuing import Issued
from compose_tls.layout import CA, NEXT_CA
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.server_access import connect_arguments_of

if TYPE_CHECKING:
    from compose_tls.results import EnableResult, InitResult, Probe, RenewResult, Rollover

_R = TypeVar("_R", "EnableResult", "InitResult", "RenewResult")


def report(
    kind: type[_R],
    planned: ServicePlan,
    config: TlsConfig,
    *,
    dry_run: bool = False,
    issued: Issued | None = None,
    checks: tuple[Probe, ...] = (),
    waiting: bool = False,
    following: tuple[str, ...] = (),
    warnings: tuple[TlsWarning, ...] = (),
    **more: Any,
) -> _R:
    """The result of a plan for a service.

    Args:
        kind: The result of the command.
        planned: The plan.
        config: The settings.
        dry_run: Whether nothing was written.
        issued: The certificates.
        checks: What was proved, where the service was started.
        waiting: Whether the service has still to read what was written.
        following: The commands to go on with.
        warnings: What there is to know besides that of the plan.
        more: What only that result has.
    """
    plan = planned.plan
    endpoint = planned.endpoint
    concerns = issued.warnings if issued else ()
    return kind(
        changed=plan.changed,
        dry_run=True if dry_run else None,
        mode=config.mode,
        project=str(plan.directory),
        services=planned.services,
        files=preamble.file_results(plan),
        certificates=issued.certificates if issued else (),
        endpoint=endpoint,
        connect=connect_arguments_of(plan.directory, config, endpoint) if endpoint else None,
        checks=checks,
        deployed=True if checks else False if waiting else None,
        diff=plan.diff(),
        next=following,
        rollover=_rollover(planned.identities),
        issued=tuple(n for n, source in planned.identities.sources.items() if source == "issued"),
        warnings=tuple(dict.fromkeys(warnings + plan.warnings + concerns)),
        **more,
    )


def _rollover(identities: IdentityPlan) -> Rollover:
    """Whether a new CA is to take over."""
    following = identities.source(NEXT_CA)
    if identities.source(CA) == "promoted":
        return "finished"
    return "none" if following is None else "started" if following == "issued" else "pending"

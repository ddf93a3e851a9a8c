"""What a command that writes did, as a result."""

from __future__ import annotations

from collections.abc import Iterable

from compose_tls.config import TlsConfig
from compose_tls.credentials.issuing import Issued
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.results import CheckResult, Result
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import connect_arguments_of


def report(
    command: str,
    planned: ServicePlan,
    config: TlsConfig,
    *,
    dry_run: bool = False,
    issued: Issued | None = None,
    checks: tuple[CheckResult, ...] | None = None,
    waiting: bool = False,
    warnings: Iterable[TlsWarning] = (),
) -> Result:
    """The result of a plan for a service.

    Args:
        command: The command.
        planned: The plan.
        config: The settings.
        dry_run: Whether nothing was written.
        issued: The certificates.
        checks: What was proved, where the service was started.
        waiting: Whether the service has still to read what was written.
        warnings: What there is to know besides that of the plan.
    """
    plan, endpoint = planned.plan, planned.endpoint
    return Result(
        command=command,
        changed=plan.changed,
        dry_run=dry_run or None,
        mode=config.mode,
        project=str(plan.directory),
        services=(planned.service,),
        files=preamble.file_results(plan),
        certificates=issued.certificates if issued else None,
        endpoint=endpoint,
        connect=connect_arguments_of(plan.directory, config, config.tls_mode, endpoint)
        if endpoint
        else None,
        checks=checks,
        deployed=True if checks is not None else False if waiting else None,
        diff=plan.diff() or None,
        warnings=(*warnings, *plan.warnings),
    )

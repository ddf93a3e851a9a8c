"""enable: observe → plan → (preview) → issue → rehearse → apply → (deploy → check) → result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack

from compose_tls.apply.inverse import snapshot
from compose_tls.apply.transaction import apply
from compose_tls.config import TlsConfig, named_places
from compose_tls.credentials import issuing
from compose_tls.observe import observe
from compose_tls.plan.enable import plan_enable
from compose_tls.results import CheckResult, Result
from compose_tls.workflows import deployment, preamble
from compose_tls.workflows.reporting import report


def enable(
    directory: str | os.PathLike[str] = ".",
    config: TlsConfig | None = None,
    *,
    dry_run: bool = False,
    up: bool = False,
    keep_on_failure: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: preamble.OnEvent = preamble.silent,
) -> Result:
    """Put TLS into a Milvus Compose project.

    Args:
        directory: The project directory.
        config: The settings.
        dry_run: Only say what would be done.
        up: Deploy with Docker Compose, wait until Milvus is ready over TLS, and check it.
        keep_on_failure: With ``up``, leave things as they are when the deployment fails.
        environment: Process variables, for Compose; those of the process by default.
        on_event: Told about progress, a line at a time.

    Raises:
        ProjectError: The project cannot be read or patched; nothing was changed.
        CertificateError: Certificates cannot be used; nothing was changed.
        EngineError: Deploying failed; the project is as before, unless ``keep_on_failure``.
        CheckFailed: The running server does not pass; likewise.
    """
    config = config or TlsConfig()
    variables = preamble.environment_of(environment)
    path = preamble.project_directory(directory, config, variables)
    checks: tuple[CheckResult, ...] | None = None
    outside = named_places(config, path, variables)
    with preamble.writing(path, outside, dry_run=dry_run) as told, ExitStack() as stack:
        observation = observe(path, config, variables)
        issuing.require_sound(observation, config)
        planned = plan_enable(observation, config, preamble.now())
        if dry_run:
            return report("enable", planned, config, dry_run=True)
        deploy = deployment.prepare(planned, config, variables, stack) if up else None
        issued = issuing.issue(planned, observation, config, preamble.now())
        before = snapshot(planned.plan)
        if planned.plan.changed:
            told.extend(apply(planned.plan, issued.contents, outside=outside))
        if deploy is not None:
            undo = None if keep_on_failure else [(planned.plan, issued.contents, before)]
            checks = deploy.run(undo, on_event)
    return report("enable", planned, config, issued=issued, checks=checks, warnings=told)

"""disable: observe → plan → (preview) → apply → result."""

from __future__ import annotations

import os
from collections.abc import Mapping

from compose_tls.apply.transaction import apply
from compose_tls.config import TlsConfig, named_places
from compose_tls.observe import observe
from compose_tls.observe.client_files import with_clients
from compose_tls.plan.disable import plan_disable
from compose_tls.results import Result
from compose_tls.workflows import preamble


def disable(
    directory: str | os.PathLike[str] = ".",
    config: TlsConfig | None = None,
    *,
    dry_run: bool = False,
    purge: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Result:
    """Take back exactly what ``enable`` put in.

    Args:
        directory: The project directory.
        config: The settings; only where things are matters.
        dry_run: Only say what would be done.
        purge: Remove certificates and keys as well.
        environment: Variables that Compose interpolates with; those of the process by default.

    Raises:
        NotEnabled: ``enable`` has not been here.
        ProjectError: A file cannot be put back safely, or not be written.
    """
    config = config or TlsConfig()
    variables = preamble.environment_of(environment)
    path = preamble.project_directory(directory, config, variables)
    outside = named_places(config, path, variables)
    with preamble.writing(path, outside, dry_run=dry_run) as told:
        observation = observe(path, config, variables)
        if purge:
            observation = with_clients(observation, config)
        planned = plan_disable(observation, config, purge=purge)
        if not dry_run:
            told.extend(apply(planned.plan, {}, outside=outside))
    return Result(
        command="disable",
        changed=planned.plan.changed,
        dry_run=dry_run or None,
        project=str(path),
        services=planned.state.services,
        files=preamble.file_results(planned.plan),
        diff=planned.plan.diff(),
        warnings=(*told, *planned.plan.warnings),
    )

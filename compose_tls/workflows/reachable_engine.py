"""What runs of a project, asked without loading the client of an engine where none answers."""

from __future__ import annotations

from collections.abc import Sequence

from compose_tls.deploy.docker_host import LITTLE_PATIENCE, reach
from compose_tls.errors import EngineError
from compose_tls.project.declared_tls import DeclaredTls
from compose_tls.project.model import Project
from compose_tls.workflows import preamble
from compose_tls.workflows.deployed_state import DeployedState


def inspect_deployed(
    opened: preamble.Opened, project: Project, services: Sequence[DeclaredTls]
) -> DeployedState:
    """What is deployed of some services, where an engine answers soon.

    Args:
        opened: What the command works on.
        project: The project as it is.
        services: The services, and what they are told.
    """
    if not services:
        return DeployedState()
    try:
        reach(opened.variables, patience=LITTLE_PATIENCE)
    except EngineError as error:
        return DeployedState(reason=error.message)
    # Half of what a command would load.
    from compose_tls.workflows.deployed_inspection import inspect  # noqa: PLC0415 - see above

    return inspect(opened, project, services)

"""What runs of a project, asked without loading the client of an engine where none answers."""

from __future__ import annotations

from collections.abc import Sequence

from compose_tls.deploy.docker_host import LITTLE_PATIENCE, reach
from compose_tls.errors import EngineError
from compose_tls.project.declared_tls import DeclaredTls
from compose_tls.project.model import Project
from compose_tls.workflows import preamble
from compose_tls.workflows.looked import Looked


def looked_at(opened: preamble.Opened, project: Project, services: Sequence[DeclaredTls]) -> Looked:
    """What is deployed of some services, where an engine answers soon.

    Args:
        opened: What the command works on.
        project: The project as it is.
        services: The services, and what they are told.
    """
    if not services:
        return Looked()
    try:
        reach(opened.variables, patience=LITTLE_PATIENCE)
    except EngineError as error:
        return Looked(reason=error.message)
    from compose_tls.workflows.looking import look  # noqa: PLC0415 - half of what status would load

    return look(opened, project, services)

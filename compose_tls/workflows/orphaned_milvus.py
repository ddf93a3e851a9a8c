"""A Milvus that runs already, of a service that the files do not have any more."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from compose_tls.errors import ServiceRenamed
from compose_tls.project.model import Project
from compose_tls.stack.milvus.role import ends_client_tls, runs_milvus
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.origin import listed, place_of


def orphaned_milvus(
    project: Project, seen: EngineProject, services: Collection[str]
) -> Iterator[ServiceRenamed]:
    """That another Milvus would be started in addition, maybe on the same data.

    Args:
        project: The project.
        seen: The project as engine and Compose have it.
        services: The Milvus services that are to be started or replaced.

    Raises:
        EngineUnreachable: The engine stopped answering.
    """
    known = {*project.compose.services, *seen.services}
    for state in seen.states:
        if not services or not state.alive or state.service in known:
            continue
        for attributes in seen.engine.containers(state.service):
            config = attributes.get("Config") or {}
            command = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
            is_it = attributes["Id"].startswith(state.id)
            if is_it and runs_milvus(config.get("Image"), command) and ends_client_tls(command):
                yield ServiceRenamed(
                    f"container {state.name} of service {state.service}, which the project no "
                    "longer has, still runs Milvus"
                    f": {listed(sorted(services))} would be started "
                    "in addition",
                    hint=f"call the service {state.service} as before, or stop that container first:"
                    f" docker stop {state.name}",
                    **place_of(project, min(services)),
                )

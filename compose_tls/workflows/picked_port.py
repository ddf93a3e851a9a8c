"""Where a port is met that the engine picks: known only while the container runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from compose_tls.errors import EngineError


def picked_port(
    service: str, port: int, directories: Collection[Path], variables: Mapping[str, str]
) -> tuple[str, int] | None:
    """Address and port on this machine; ``None`` where no engine answers, or nothing runs.

    Args:
        service: The service.
        port: Its port, in the container.
        directories: The project directory, as Compose may see it.
        variables: The process environment.
    """
    from compose_tls.deploy.container import container_facts  # noqa: PLC0415 - docker costs 150 ms
    from compose_tls.deploy.engine import LABEL, Engine  # noqa: PLC0415 - as above

    places = {os.path.realpath(directory) for directory in directories}
    with suppress(EngineError), Engine.connect(variables) as engine:
        for attributes in engine.containers(service):
            labels = attributes["Config"].get("Labels") or {}
            if os.path.realpath(labels.get(f"{LABEL}project.working_dir", "")) in places:
                found = container_facts(attributes).published_port(port)
                if found is not None:
                    return found
    return None

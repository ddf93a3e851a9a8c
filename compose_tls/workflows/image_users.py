"""The users that images name, asked of an engine before anything is planned."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from compose_tls.errors import EngineError
from compose_tls.project.model import Project


def users_of_images(
    project: Project, variables: Mapping[str, str], *, every: bool = False
) -> dict[str, str]:
    """The user that the image of each Milvus service names, by the service; empty for root.

    Args:
        project: The project.
        variables: The process environment.
        every: Whether those of all other services are wanted as well.

    Returns:
        Nothing of an image that is not on this machine. Where no engine answers, deploying says so.
    """
    from compose_tls.deploy.engine import Engine  # noqa: PLC0415 - docker costs 150 ms

    found: dict[str, str] = {}
    with suppress(EngineError), Engine.connect(variables) as engine:
        milvus = [one.service for one in project.milvus]
        for service in project.compose.services.values() if every else milvus:
            name = service.text("image")
            image = engine.image(name) if name else None
            if image is not None:
                found[service.name] = image.user
    return found

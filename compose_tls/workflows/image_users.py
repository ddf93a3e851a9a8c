"""The users that images name, asked of an engine before anything is planned."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from compose_tls.errors import EngineError
from compose_tls.project.model import Project


def users_of_images(project: Project, variables: Mapping[str, str]) -> dict[str, str]:
    """The user that each service gets from its image, by the service; empty for root.

    That is the user that the image names, or the number of one that the compose file names.

    Args:
        project: The project.
        variables: The process environment.

    Returns:
        Nothing of an image that is not on this machine. Where no engine answers, deploying says so.
    """
    from compose_tls.deploy.engine import Engine  # noqa: PLC0415 - docker costs 150 ms
    from compose_tls.deploy.image_user import numbered_user  # noqa: PLC0415 - as above

    found: dict[str, str] = {}
    with suppress(EngineError), Engine.connect(variables) as engine:
        for service in project.compose.services.values():
            name = service.text("image")
            image = engine.image(name) if name else None
            if image is None:
                continue
            own = service.text("user")
            number = numbered_user(engine, image, own or image.user)
            if own is None:
                found[service.name] = image.user if number is None else number
            elif number is not None:
                found[service.name] = number
    return found

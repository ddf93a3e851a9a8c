"""The services of a project, for completing their names in a shell."""

from __future__ import annotations

import os

from compose_tls.workflows import preamble


def service_names(
    directory: str | os.PathLike[str], settings: preamble.Settings = None
) -> tuple[str, ...]:
    """The names of all services, those that run Milvus first.

    Args:
        directory: The project directory.
        settings: The settings; only which project it is matters.

    Raises:
        ComposeTlsError: The project cannot be read.
    """
    opened = preamble.open_project(directory, settings, None)
    project = opened.observed()
    milvus = (one.name for one in project.milvus)
    return tuple(dict.fromkeys((*milvus, *project.compose.services)))

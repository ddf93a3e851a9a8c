"""The names that a project has, for completing them in a shell: of its services, of its clients."""

from __future__ import annotations

import os

from compose_tls.files import ProjectFiles
from compose_tls.layout import CERTIFICATE, CLIENTS_DIRECTORY
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


def client_names(
    directory: str | os.PathLike[str], settings: preamble.Settings = None
) -> tuple[str, ...]:
    """The names of the further clients that have a certificate.

    Args:
        directory: The project directory.
        settings: The settings; only which project it is matters.

    Raises:
        ComposeTlsError: The project cannot be read.
    """
    opened = preamble.open_project(directory, settings, None)
    place = opened.root / opened.config.pki_dir / CLIENTS_DIRECTORY
    if not ProjectFiles(opened.root, opened.named_places).is_inside(place):
        return ()
    return tuple(sorted(path.stem for path in place.glob(f"*{CERTIFICATE}")))

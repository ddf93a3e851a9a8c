"""Files of other services that show which of them use Milvus, and which can read the keys."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from compose_tls.compose.compose_project import ComposeProject
from compose_tls.compose.service import Service
from compose_tls.errors import ProjectError
from compose_tls.files import ENV_LIMIT, NEIGHBOUR_LIMIT
from compose_tls.observe.file_reader import FileReader

_CONFIGURATION: Final = frozenset(
    {
        *(".cfg", ".conf", ".env", ".ini", ".json", ".properties", ".sh", ".template", ".toml"),
        *(".yaml", ".yml"),
    }
)
_CADDYFILE: Final = "Caddyfile"
# Enough for the configuration of a proxy; a directory with more holds data.
_MOST_FILES: Final = 64
_DEPTH: Final = 2


def read_neighbours(project: ComposeProject, reader: FileReader, ours: Collection[str]) -> None:
    """Read what configures the services of a project; what cannot be read says nothing.

    Those are their ``env_file`` files, the configuration files inside the project that they mount, their
    configs and secrets there, label files, and the Dockerfile and ``.dockerignore`` files of what they
    are built from.

    Args:
        project: The project.
        reader: Remembers the files.
        ours: The services that run Milvus, whose files are read where it is known which count.
    """
    for service in project.services.values():
        for path in (*service.env_files(), *service.label_files()):
            with suppress(ProjectError):
                reader.content(path, ENV_LIMIT)
        mounted = () if service.name in ours else _mounted(service, project.directory)
        for path in (*mounted, *_of_build(service, project.directory)):
            with suppress(ProjectError):
                reader.content(path, NEIGHBOUR_LIMIT)


def _mounted(service: Service, directory: Path) -> Iterator[Path]:
    whole = (*service.config_mounts(), *service.secret_mounts())
    for mount in (*service.mounts(), *whole):
        place = mount.host_path
        if place is None or place == directory or not place.is_relative_to(directory):
            continue
        if place.is_dir():
            yield from islice(_below(place, _DEPTH), _MOST_FILES)
        elif mount in whole or _is_configuration(place):
            yield place


def _is_configuration(path: Path) -> bool:
    return path.suffix in _CONFIGURATION or path.name.startswith(_CADDYFILE)


def _below(directory: Path, depth: int) -> Iterator[Path]:
    """The configuration files in a directory, links left out."""
    with suppress(OSError), os.scandir(directory) as found:
        entries = sorted(islice(found, _MOST_FILES), key=lambda entry: entry.name)
        for entry in entries:
            path = directory / entry.name
            if entry.is_file(follow_symlinks=False) and _is_configuration(path):
                yield path
            elif depth > 1 and entry.is_dir(follow_symlinks=False):
                yield from _below(path, depth - 1)


def _of_build(service: Service, directory: Path) -> Iterator[Path]:
    """The Dockerfile in the project, and what says which files of a build context are left out."""
    build = service.build_context()
    if build is not None:
        yield from build.ignore_files
        if build.file.is_relative_to(directory):
            yield build.file

"""Whether planned edits have their effect when Compose loads the project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from compose_tls.changes import CreateFile, FileChange, KeepFile, PatchFile
from compose_tls.compose.compose_project import load_project
from compose_tls.config import TlsConfig
from compose_tls.errors import EditRefused
from compose_tls.project.milvus_services import MilvusService, milvus_services
from compose_tls.project.model import Project, named_services
from compose_tls.setup import Member

# The settings that decide which certificate is presented, and to which clients.
_CERTAIN: Final = frozenset({"common", "tls"})


def require_effect(
    project: Project,
    config: TlsConfig,
    planned: Sequence[tuple[Member, MilvusService]],
    changes: Iterable[FileChange],
    override: Path | None,
) -> None:
    """Make sure that nothing which is loaded later wins over what is written.

    Args:
        project: The project without what an earlier enable put in.
        config: The settings.
        planned: What each Milvus is to be told, and its service.
        changes: What is written.
        override: The override file that gets edits; ``None`` where none does.

    Raises:
        EditRefused: Something does.
    """
    # If only one place defines a service, nothing can.
    several = {one.name: member for member, one in planned if len(one.service.definitions) > 1}
    if not several:
        return
    written = {change.path: _content(change, project) for change in changes}

    def read(path: Path) -> bytes | None:
        return written[path] if path in written else project.read(path)

    observed = project.observation
    loaded = dict.fromkeys((*observed.compose_files, *([override] if override else [])))
    files = [path for path in loaded if read(path) is not None]
    base = project.directory if config.project_directory else None
    compose = load_project(project.directory, files, read, observed.variables, base)
    for one in milvus_services(compose, read, named_services(config, project.state)):
        for setting in several[one.name].settings if one.name in several else ():
            told = one.configuration.get(setting.route)
            place = one.configuration.place_of(setting.route, read)
            certain = setting.route[0] in _CERTAIN
            if place is None or not certain or told in {None, setting.value}:
                continue
            path, line = project.relative(place[0]), place[1]
            raise EditRefused(
                f"{path}{f':{line}' if line else ''} sets {setting.variable} of {one.name} to "
                f"{told}, which overrides what would be written",
                hint=f"set it to {setting.value} there, or remove it",
                path=path,
                line=line,
            )


def _content(change: FileChange, project: Project) -> bytes | None:
    """What a file holds once a change is carried out."""
    match change:
        case PatchFile(new=new):
            return new
        case CreateFile(content=bytes() as content):
            return content
        case KeepFile():
            return project.observation.content(change.path)
        case _:
            return None

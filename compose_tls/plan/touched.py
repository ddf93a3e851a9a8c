"""Of which services something is written, so that they have to be restarted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compose_tls.changes import KeepFile, MakeDirectory, RemoveDirectory
from compose_tls.layout import MILVUS, STACK_FILES
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.plan.stack_folders import Folders
from compose_tls.project.model import Project
from compose_tls.state.recorded import State
from compose_tls.vocabulary import Scope

_WIDTHS: Final[Mapping[Scope, int]] = {"proxy": 0, "internal": 1, "all": 2}


def scope_is_smaller(before: Scope, now: Scope) -> bool:
    """Whether less is encrypted than before."""
    return _WIDTHS[now] < _WIDTHS[before]


def touched_services(planned: ServicePlan, project: Project) -> frozenset[str] | None:
    """The servers and Milvus services whose entries or files change; ``None`` where all are proxies.

    Args:
        planned: The plan.
        project: The project, without what an earlier enable put in.
    """
    if not planned.servers and not planned.others:
        return None
    before, after = _edits(project.state), _edits(planned.state)
    found = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    folders = Folders.of((one.identity for one in planned.identities.identities), project)
    root = project.directory / planned.state.settings.tls_dir
    written = [
        change.path
        for change in planned.plan.changes
        if not isinstance(change, KeepFile | MakeDirectory | RemoveDirectory)
    ]
    for folder in STACK_FILES:
        if any(path.is_relative_to(root / folder) for path in written):
            found |= {one.name for one in folders.readers.get(folder, ())}
            found |= set(folders.milvus) if folder == MILVUS else set()
    mounted = {
        file.path: one.name
        for one in project.milvus
        for file in one.configuration.files.values()
        if file.path is not None
    }
    found |= {name for path, name in mounted.items() if path in written}
    return frozenset(found)


def _edits(state: State | None) -> Mapping[str, list[str]]:
    """What is put into each service of the compose files, in words."""
    found: dict[str, list[str]] = {}
    for file in state.files if state else ():
        for one in file.edits:
            if one.route[:1] == ("services",):
                found.setdefault(one.route[1], []).append(repr((one.kind, one.route, one.new)))
    return {name: sorted(texts) for name, texts in found.items()}

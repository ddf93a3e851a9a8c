"""Of which services something is written, so that they have to be restarted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from compose_tls.layout import MILVUS, STACK_FILES, neighbours_directory
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.plan.stack_folders import Folders
from compose_tls.project.model import Project
from compose_tls.shell import joined
from compose_tls.state.recorded import State
from compose_tls.vocabulary import TlsWarning


def touched_services(planned: ServicePlan, project: Project) -> frozenset[str] | None:
    """The servers and Milvus services whose entries or files change; ``None`` where all are proxies.

    Args:
        planned: The plan.
        project: The project, without what an earlier enable put in.
    """
    if not planned.servers and not planned.others:
        return None
    found = _edited(planned, project)
    folders = Folders.of((one.identity for one in planned.identities.identities), project)
    root = project.directory / planned.state.settings.tls_dir
    written = planned.plan.written
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


def touched_beside(
    planned: ServicePlan, project: Project, sees: Iterable[tuple[str, str | Path]]
) -> tuple[str, ...]:
    """The services besides servers and Milvus whose entries change, or that see what is written.

    Args:
        planned: The plan.
        project: The project, without what an earlier enable put in.
        sees: Services, each with a directory or file of compose-tls that it mounts.
    """
    found, written = _edited(planned, project), planned.plan.written
    places = ((name, project.directory / place) for name, place in sees)
    found |= {name for name, place in places if any(path.is_relative_to(place) for path in written)}
    found |= set(_reading(planned, project))
    found.difference_update(planned.everything)
    return tuple(name for name in project.compose.services if name in found)


def redefined(planned: ServicePlan, project: Project) -> frozenset[str]:
    """The services whose entries in the compose files change, so that Compose recreates them by itself.

    Args:
        planned: The plan.
        project: The project, without what an earlier enable put in.
    """
    return frozenset(_edited(planned, project))


def _reading(planned: ServicePlan, project: Project) -> Iterator[str]:
    """The services whose own files are written: environment files, and what they mount."""
    seen, settings = project.observation, planned.state.settings
    ours = [project.directory / name for name in (settings.pki_dir, settings.tls_dir)]
    files = frozenset(planned.plan.written).difference(seen.compose_files)
    files = frozenset(path for path in files if not any(map(path.is_relative_to, ours)))
    of_all = planned.state.told if any(path.name == ".env" for path in files) else ()
    for service in project.compose.services.values():
        places = [mount.host_path for mount in service.mounts() if mount.host_path is not None]
        mounted = any(path.is_relative_to(place) for place in places for path in files)
        if mounted or service.name in of_all or files.intersection(service.env_files()):
            yield service.name


def with_readers(planned: ServicePlan, project: Project) -> ServicePlan:
    """The same plan, with the other services that mount what it renews; those by hand are named.

    Args:
        planned: The plan of a renewal.
        project: The project as it is.
    """
    settings = planned.state.settings
    tls_dirs = (settings.tls_dir, neighbours_directory(settings.tls_dir))
    beside = touched_beside(planned, project, _mounts(project, tls_dirs))
    found = touched_beside(planned, project, _mounts(project, (settings.pki_dir,)))
    names = joined([name for name in found if name not in beside])
    told = TlsWarning(
        "neighbours-not-restarted",
        f"{names}: what is mounted of {settings.pki_dir} is new, and is only read at the next start",
        hint=f"docker compose restart {names}",
    )
    warnings = (*planned.plan.warnings, *([told] if names else []))
    return replace(planned, beside=beside, plan=replace(planned.plan, warnings=warnings))


def _mounts(project: Project, directories: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Every service with what it mounts of some directories."""
    ours = [project.directory / name for name in directories]
    for service in project.compose.services.values():
        for mount in service.mounts():
            place = mount.host_path
            if place is not None and any(map(place.is_relative_to, ours)):
                yield service.name, place


def _edited(planned: ServicePlan, project: Project) -> set[str]:
    before, after = _edits(project.state), _edits(planned.state)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def _edits(state: State | None) -> Mapping[str, list[str]]:
    """What is put into each service of the compose files, in words."""
    found: dict[str, list[str]] = {}
    for file in state.files if state else ():
        for one in file.edits:
            if one.route[:1] == ("services",):
                edit = (file.path, one.kind, one.route, one.new)
                found.setdefault(one.route[1], []).append(repr(edit))
    return {name: sorted(texts) for name, texts in found.items()}

"""Services that were renamed since enable: their entries are recognized."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compose_tls.compose.compose_project import load_project
from compose_tls.config import TlsConfig
from compose_tls.errors import ServiceRenamed, settle
from compose_tls.project.model import Project
from compose_tls.project.renamed import moved_entries, orphaned, recording
from compose_tls.shell import joined
from compose_tls.vocabulary import TlsWarning


def renamed_services(project: Project, config: TlsConfig) -> Iterator[TlsWarning]:
    """What is to be said of services whose entries stand under another name now.

    The record knows them by their old name, so that nothing would take them out again.

    Args:
        project: The project, without what an earlier enable put in.
        config: The settings; with what the user accepts, the project knows them by the new name.

    Raises:
        ServiceRenamed: There is one, and the user has not accepted that.
    """
    for old, new in project.renamed.items():
        orphan = (
            f"the next step removes the container of {old}, with the data that is not in a mount"
        )
        yield TlsWarning(
            ServiceRenamed.code,
            f"service {old} is called {new} now: the new name is recorded",
            hint=orphan if old in orphaned(project) else None,
        )
    state = project.state
    if state is None:
        return
    if not moved_entries(state, project.compose.services, project.directory):
        return
    # What stands where it was put has been taken out of the project.
    seen, base = project.observation, project.directory if config.project_directory else None
    there = load_project(seen.directory, seen.compose_files, seen.content, seen.variables, base)
    command = joined(recording(replace(project, compose=there)))
    found = moved_entries(state, there.services, project.directory)
    for name, entries in found.items():
        first, now = entries[0], entries[0].service
        refusal = ServiceRenamed(
            f"service {name}, which was enabled, is called {now} now, and contains its entries:"
            f" {'; '.join(map(str, entries))}",
            hint=f"call it {name} again, or record the new name {now}: {command}",
            path=first.path,
            line=first.line,
        )
        yield settle(refusal, config.accept)

"""Services that have another name since they were enabled: their entries are not taken for others."""

from __future__ import annotations

from collections.abc import Iterator

from compose_tls.config import TlsConfig
from compose_tls.errors import ServiceRenamed, settle
from compose_tls.plan.remaining import elsewhere
from compose_tls.project.model import Project
from compose_tls.shell import joined
from compose_tls.vocabulary import TlsWarning


def renamed_services(project: Project, config: TlsConfig) -> tuple[TlsWarning, ...]:
    """What is to be said of services whose entries stand under another name now.

    The record knows them by their old name, so that nothing would take them out again.

    Args:
        project: The project, without what an earlier enable put in.
        config: The settings; they hold what the user accepts.

    Raises:
        ServiceRenamed: There is one, and the user has not accepted that.
    """
    return tuple(settle(each, config.accept) for each in _found(project))


def _found(project: Project) -> Iterator[ServiceRenamed]:
    state, services = project.state, project.compose.services
    for name in [one for one in state.services if one not in services] if state else ():
        edits = [edit for file in state.files for edit in file.edits] if state else []
        mine = [edit for edit in edits if edit.route[:2] == ("services", name)]
        entries = [
            e for edit in mine for e in elsewhere(edit, services.values(), project.directory)
        ]
        if not entries or state is None:
            continue
        first, now = entries[0], entries[0].service
        again = joined(["compose-tls", "enable", "--mode", str(state.settings.mode)])
        yield ServiceRenamed(
            f"service {name}, which was enabled, is called {now} now, and its entries stand there:"
            f" {'; '.join(map(str, entries))}",
            hint=f"call it {name} again, run compose-tls disable, call it {now}, and run {again}",
            path=first.path,
            line=first.line,
        )

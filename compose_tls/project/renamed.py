"""Services that have another name since they were enabled: they are known by the entries in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.compose.service import Service
from compose_tls.errors import ServiceRenamed
from compose_tls.project.milvus_services import undecided
from compose_tls.project.model import Project
from compose_tls.shell import joined
from compose_tls.state.changed_since import ORDERED
from compose_tls.state.recorded import EditRecord, FileRecord, State
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A place that says something about TLS.

    Attributes:
        text: What is there.
        path: Its file, relative to the project.
        line: Its line, counted from 1.
        service: The service that it is about, where that is what was asked for.
    """

    text: str
    path: str
    line: int | None
    service: str | None = None

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''} {self.text}"


def elsewhere(edit: EditRecord, services: Iterable[Service], directory: Path) -> Iterator[Entry]:
    """Where an entry of ours stands under another service than the one that it was made for.

    Args:
        edit: The entry.
        services: The services of the project.
        directory: The project directory.
    """
    others = (one for one in services if ("services", one.name) != edit.route[:2])
    for other in others:
        yield from _standing(edit, other, directory)


def _standing(edit: EditRecord, service: Service, directory: Path) -> Iterator[Entry]:
    """Where an entry of ours stands under a service, be it that for which it was made or not."""
    if edit.route[:1] != ("services",) or edit.new is None or edit.route[-1] in ORDERED:
        return
    for definition in service.definitions:
        found = definition.query(*edit.route[2:])
        places = found.items() if found and edit.kind == "added-item" else [found]
        for place in places:
            if place is not None and place.reads_as(edit.new):
                text = edit.new if isinstance(edit.new, str) else str(edit.new["target"])
                text = text if edit.kind == "added-item" else f"{edit.route[-1]}: {text}"
                path = relative(definition.file, directory)
                yield Entry(text, path, place.line, service.name)


def moved_entries(
    state: State, services: Mapping[str, Service], directory: Path
) -> dict[str, list[Entry]]:
    """The entries of each service that has none any more, where another one has them.

    Args:
        state: What is recorded.
        services: The services of the project as it is.
        directory: The project directory.
    """
    found: dict[str, list[Entry]] = {}
    edits = [edit for file in state.files for edit in file.edits]
    edited = dict.fromkeys(e.route[1] for e in edits if e.route[:1] == ("services",))
    others = [one for one in services.values() if one.name not in edited]
    for name in edited:
        mine = [edit for edit in edits if edit.route[:2] == ("services", name)]
        there = services.get(name)
        stays = there and any(any(_standing(edit, there, directory)) for edit in mine)
        moved = [entry for edit in mine for entry in elsewhere(edit, others, directory)]
        if moved and not stays:
            found[name] = moved
    return found


def renamed(state: State, services: Mapping[str, Service], directory: Path) -> dict[str, str]:
    """What recorded services are called now: as the one that has most of their entries.

    Args:
        state: What is recorded.
        services: The services of the project as it is.
        directory: The project directory.
    """
    names: dict[str, str] = {}
    for old, entries in moved_entries(state, services, directory).items():
        counted = Counter(e.service for e in entries if e.service not in names.values())
        if counted and (new := counted.most_common(1)[0][0]):
            names[old] = new
    return names


def orphaned(project: Project) -> tuple[str, ...]:
    """The old names that no service has any more: a container that has one belongs to none."""
    return tuple(old for old in project.renamed if old not in project.compose.services)


def recording(project: Project) -> tuple[str, ...]:
    """The command that records services by the names that they have now; empty where all have theirs.

    Args:
        project: The project as it is.
    """
    state = project.state
    names = renamed(state, project.compose.services, project.directory) if state else {}
    if state is None or not names:
        return ()
    command = ["compose-tls", "enable", "--mode", str(state.settings.mode)]
    if undecided(project.milvus):
        # Which of them are meant is not clear from the files.
        now = [names.get(name, name) for name in state.services]
        command += [word for name in now for word in ("--service", name)]
    return (*command, "--accept", ServiceRenamed.code)


def way_out(project: Project) -> str:
    """What to do where entries of ours stay in a project, as it is, that disable was to take out."""
    if words := recording(project):
        return f"{joined(words)}; then compose-tls disable removes them"
    return "restore what was there before, or remove it, and run compose-tls disable again"


def with_names(state: State, names: Mapping[str, str]) -> State:
    """A record in which services are called otherwise.

    Args:
        state: What is recorded.
        names: New names by old ones.
    """

    def called(services: Iterable[str]) -> tuple[str, ...]:
        return tuple(names.get(one, one) for one in services)

    def moved(edit: EditRecord) -> EditRecord:
        top, *route = edit.route
        if top != "services":
            return edit
        return edit.model_copy(update={"route": (top, *called(route[:1]), *route[1:])})

    def known(file: FileRecord) -> FileRecord:
        return file.model_copy(update={"edits": tuple(map(moved, file.edits))})

    before = (state.before or {}).items()
    return state.model_copy(
        update={
            "services": called(state.services),
            "files": tuple(map(known, state.files)),
            "identities": tuple(
                one.model_copy(update={"members": called(one.members)}) for one in state.identities
            ),
            "before": {names.get(name, name): mode for name, mode in before} or None,
        }
    )

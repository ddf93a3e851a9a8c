"""The files of services that connect to Milvus: each has a directory with its own identity only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from compose_tls import layout
from compose_tls.changes import (
    FileChange,
    IdentityPlan,
    KeepFile,
    MakeDirectory,
    Pending,
    RemoveDirectory,
    RemoveFile,
    sha256,
)
from compose_tls.compose.service import Service
from compose_tls.plan.container_user import KeyAccess, OtherServer, key_access
from compose_tls.state.recorded import State
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning

if TYPE_CHECKING:
    from compose_tls.plan.managed_files import ManagedFiles


@dataclass(frozen=True, slots=True)
class NeighbourFiles:
    """A service, and what is in its directory.

    Attributes:
        name: Its name.
        files: The names of the files.
        service: The service; ``None`` where the project has none of that name any more.
    """

    name: str
    files: tuple[str, ...]
    service: Service | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class NeighbourChanges:
    """What happens to the files of neighbours."""

    directories: tuple[FileChange, ...]
    changes: tuple[FileChange, ...]
    warnings: tuple[TlsWarning, ...]


def neighbour_changes(
    managed: ManagedFiles,
    neighbours: Sequence[NeighbourFiles],
    identities: IdentityPlan,
    users_of_images: Mapping[str, str],
) -> NeighbourChanges:
    """Plan the files of neighbours, and that what an earlier enable left of others goes.

    Args:
        managed: Plans files of compose-tls.
        neighbours: The services, and what each gets to see.
        identities: Where each certificate comes from.
        users_of_images: The users that images name, by service, where an engine told.

    Raises:
        ValueInTheWay: A file of someone else has the name of one of ours.
    """
    changes: list[FileChange] = []
    warnings: list[TlsWarning] = []
    directories: list[FileChange] = []
    if neighbours:
        places = [managed.neighbours, *(managed.neighbours / one.name for one in neighbours)]
        directories = [MakeDirectory(place, layout.PUBLIC_DIRECTORY) for place in places]
        changes.append(
            managed.written(
                managed.neighbours / layout.IGNORE_FILE, layout.IGNORE_ALL, layout.PUBLIC
            )
        )
    if any(layout.CLIENT_KEY in one.files for one in neighbours):
        directories.append(
            MakeDirectory(managed.pki / layout.CLIENTS_DIRECTORY, layout.PRIVATE_DIRECTORY)
        )
    for one in neighbours:
        place = managed.neighbours / one.name
        access = _access(managed, one, place / layout.CLIENT_KEY, identities, users_of_images)
        warnings += access.warnings
        changes += (_change(managed, place / name, one, identities, access) for name in one.files)
    kept = {change.path for change in changes}
    left = list(_left_behind(managed, kept, keeps_some=bool(neighbours)))
    return NeighbourChanges(tuple(directories), (*changes, *left), tuple(warnings))


def recorded_neighbours(
    state: State, services: Mapping[str, Service]
) -> tuple[NeighbourFiles, ...]:
    """The neighbours that enable recorded."""
    return tuple(
        NeighbourFiles(one.service, one.files, services.get(one.service))
        for one in state.neighbours or ()
    )


def files_of_neighbours(
    directory: Path, tls_dir: str, neighbours: Iterable[tuple[str, tuple[str, ...]]]
) -> Iterator[Path]:
    """The files of neighbours, each named with the names of what it sees."""
    place = directory / layout.neighbours_directory(tls_dir)
    for service, names in neighbours:
        yield from (place / service / name for name in names)


def _access(
    managed: ManagedFiles,
    one: NeighbourFiles,
    key: Path,
    identities: IdentityPlan,
    users_of_images: Mapping[str, str],
) -> KeyAccess:
    """Who may read the key of a neighbour; one that is gone changes nothing."""
    if layout.CLIENT_KEY not in one.files or one.service is None:
        return KeyAccess()
    from compose_tls.stack import attu  # noqa: PLC0415 - few projects have one

    told = [variable.name for variable in one.service.environment()]
    named = attu.user_of(one.service.text("image") or "", told)
    found = key_access(
        [OtherServer(one.service)],
        managed.observation,
        managed.project.relative(key),
        kept=identities.source(layout.client_identity(one.name)) == "existing",
        users_of_images={**({one.name: named} if named else {}), **users_of_images},
    )
    problem = found.problem
    if problem is None:
        return found
    warning = TlsWarning("client-key-unreadable", problem.message, problem.path, problem.hint)
    return replace(found, warnings=(warning,))


def _change(
    managed: ManagedFiles,
    path: Path,
    one: NeighbourFiles,
    identities: IdentityPlan,
    access: KeyAccess,
) -> FileChange:
    if path.name == layout.NEIGHBOUR_ROOTS:
        return _roots(managed, path, identities)
    if path.name == layout.CA_CERTIFICATE:
        return managed.copied(path, layout.CA_CERTIFICATE, identities, KeyAccess(layout.PUBLIC))
    of_key = access if path.name == layout.CLIENT_KEY else KeyAccess(layout.PUBLIC)
    name = f"{layout.client_identity(one.name)}{path.suffix}"
    return managed.copied(path, name, identities, of_key)


def _roots(managed: ManagedFiles, path: Path, identities: IdentityPlan) -> FileChange:
    """The CA with the public ones: it stays while the CA that is in it does."""
    facts = managed.observation.files.get(path)
    ca = managed.observation.content(managed.pki / layout.CA_CERTIFICATE)
    source = identities.source(layout.CA)
    stays = source == "existing" or (
        source == "provided" and layout.CA in managed.observation.pki.provided
    )
    there = facts.content if facts else None
    if stays and len(identities.trusted) == 1 and there and ca and there.endswith(ca):
        return KeepFile(path, sha256(there))
    return managed.written(path, Pending(layout.NEIGHBOUR_ROOTS), layout.PUBLIC)


def _left_behind(
    managed: ManagedFiles, kept: set[Path], *, keeps_some: bool
) -> Iterator[FileChange]:
    """What an earlier enable put there for services that are not switched now, or elsewhere."""
    state = managed.state
    if state is None or not state.neighbours:
        return
    tls_dir = state.settings.tls_dir
    recorded = [(one.service, one.files) for one in state.neighbours]
    paths = list(files_of_neighbours(managed.directory, tls_dir, recorded))
    old = managed.directory / layout.neighbours_directory(tls_dir)
    if not keeps_some or old != managed.neighbours:
        paths.append(old / layout.IGNORE_FILE)
    for path in paths:
        if path not in kept and managed.observation.files.get(path) is not None:
            yield RemoveFile(path, managed.digest(path))
    for directory in dict.fromkeys(path.parent for path in paths):
        if not any(path.is_relative_to(directory) for path in kept):
            yield RemoveDirectory(directory)

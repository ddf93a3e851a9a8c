"""Problems of the declared settings and of keys: who can read them, and who cannot."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from compose_tls import layout
from compose_tls.changes import relative
from compose_tls.compose.compose_project import saving
from compose_tls.compose.service import Service
from compose_tls.compose.volumes import Mount
from compose_tls.config import TlsConfig
from compose_tls.observation import FileFacts, Observation
from compose_tls.plan.container_user import ContainerUser, give_command, is_given
from compose_tls.plan.stack_folders import Folders
from compose_tls.project.declared_tls import DeclaredTls
from compose_tls.project.enabled import EnabledProject
from compose_tls.project.endpoints import carrier, endpoint
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project, absence, in_the_way
from compose_tls.shell import quoted, typed
from compose_tls.stack.milvus.milvus_version import NEWEST
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning

if TYPE_CHECKING:
    from compose_tls.results import DeclaredService

_MANY: Final = 3
_USE: Final = (
    "anyone with access to that container can issue certificates or impersonate a client or another "
    "server"
)
_MODES: Final[Mapping[TlsMode, Literal[0, 1, 2]]] = {
    TlsMode.OFF: 0,
    TlsMode.ONE_WAY: 1,
    TlsMode.MUTUAL: 2,
}


@dataclass(frozen=True, slots=True)
class KeyFindings:
    """What is wrong with keys.

    Attributes:
        warnings: One for each finding, with its file and the one command that fixes it.
        usable: Whether Milvus can read its key; it does not start with one that it cannot read.
        command: The command after which it can, where it cannot.
    """

    warnings: tuple[TlsWarning, ...]
    usable: bool
    command: str | None


def declared_findings(
    project: Project, config: TlsConfig, services: Sequence[DeclaredTls], *, every: bool
) -> Iterator[DeclaredService]:
    """Each service with its mode, and in what that is not as it was recorded, or cannot work.

    Args:
        project: The project as it is.
        config: The settings; they say where the PKI directory is.
        services: What the services are told.
        every: Whether they are all that there are: else one that is gone was not asked for.
    """
    from compose_tls.results import DeclaredService  # noqa: PLC0415 - only status reports them

    lost = is_lost(project, config, services)
    recorded = project.state.services if project.state else ()
    there = {one.name for one in services}
    served = project.directory / project.state.settings.served_dir if project.state else None
    # One that has another name now shows what enable gave it.
    is_renamed = bool(set(recorded) - there)
    for one in services:
        shown = next(
            (file.path for file in one.files if file.name == layout.SERVER_CERTIFICATE), None
        )
        yield DeclaredService(
            service=one.name,
            mode=_MODES[one.mode] if one.mode is not None else None,
            place=one.place,
            certificate=project.relative(shown) if shown else None,
            by_compose_tls=lost
            or one.name in recorded
            or (is_renamed and shown is not None and shown.parent == served),
            differs=tuple(_differs(project, one)),
            uri=_uri(project, one) if one.mode and len(services) > 1 else None,
        )
    for name in recorded:
        if every and name not in there:
            gone = "enable recorded it, and the project has no such service"
            yield DeclaredService(service=name, mode=None, by_compose_tls=True, differs=(gone,))


def _uri(project: Project, one: DeclaredTls) -> str | None:
    place = carrier(one.milvus.service, project.compose.services)
    found = endpoint(place, "", one.milvus.configuration.proxy_port)
    return found.uri if found is not None else None


def is_lost(project: Project, config: TlsConfig, services: Sequence[DeclaredTls]) -> bool:
    """Whether state.json is missing although Milvus presents a certificate of compose-tls."""
    seen, pki = project.observation, project.directory / config.pki_dir
    ours = seen.pki.has_our_ca or seen.content(pki / layout.IGNORE_FILE) in {
        layout.IGNORE_ALL,
        layout.IGNORE_TAKEN,
    }
    if project.state is not None or not ours:
        return False
    issued = seen.content(pki / layout.SERVER_CERTIFICATE)
    shown = (f.path for one in services for f in one.files if f.name == layout.SERVER_CERTIFICATE)
    return issued is not None and any(
        path is not None and seen.content(path) == issued for path in shown
    )


def _differs(project: Project, one: DeclaredTls) -> Iterator[str]:
    state = project.state if project.state and one.name in project.state.services else None
    if one.mode is None:
        yield (
            "some of its settings cannot be read here: an image, a volume, a config or a missing file"
            " may have it"
        )
    elif state is not None and one.mode != state.settings.tls_mode:
        told = "tlsMode is not set" if one.value is None else f"tlsMode is {one.value}"
        place = f" in {one.place}" if one.place else ""
        yield f"{told}{place}, and enable recorded {int(state.settings.tls_mode)}"
    served = project.directory / state.settings.served_dir if state else None
    tls = Path(os.path.normpath(served)) if served else None
    for file in one.files:
        if not file.mounted:
            if one.milvus.service.text("image") is not None:
                what = "the image's own, whose key is public" if file.by_default else file.target
                yield f"{file.setting} is {what}, and no mount provides it"
        elif tls is not None and file.path != tls / file.name:
            found = project.relative(file.path) if file.path else "in a volume"
            yield f"{file.target} is {found}, and not {project.relative(tls / file.name)}"


def unseen(project: Project) -> Iterator[TlsWarning]:
    """What Compose would fetch from elsewhere, with services that TLS may cut off."""
    for one in project.compose.elsewhere:
        name = project.relative(one.file)
        text = f"{one.place} is not fetched: its services that run or use Milvus are not known"
        yield TlsWarning("not-fetched", text, name, saving(one.place), one.line)


def key_findings(config: TlsConfig, located: EnabledProject) -> KeyFindings:
    """Look at every private key of an enabled project.

    Args:
        config: The settings; they say where the keys are.
        located: The project, and the services that read the server key.
    """
    keys = _Keys(config, located)
    readers = [keys.reader(one) for one in located.milvus]
    problems = dict.fromkeys(warning for warning, _ in readers if warning)
    lost = tuple(keys.lost())
    kept = [*lost, *(warning for warning, usable in readers if warning and not usable)]
    found = (*keys.exposed(), *keys.mounted(), *problems, *lost)
    return KeyFindings(found, not kept, next((one.hint for one in kept), None))


def mounted_keys(config: TlsConfig, located: EnabledProject) -> tuple[TlsWarning, ...]:
    """The keys that containers see and should not; the arguments are those of ``key_findings``."""
    return tuple(_Keys(config, located).mounted())


@dataclass(frozen=True, slots=True)
class _Keys:
    config: TlsConfig
    located: EnabledProject

    @property
    def observation(self) -> Observation:
        return self.located.project.observation

    @property
    def pki(self) -> Path:
        return self.observation.directory / self.config.pki_dir

    @property
    def served(self) -> Path:
        return (
            self.observation.directory / self.located.state.settings.served_dir / layout.SERVER_KEY
        )

    @property
    def neighbours(self) -> Path:
        tls_dir = self.located.state.settings.tls_dir
        return self.observation.directory / layout.neighbours_directory(tls_dir)

    @property
    def of_parts(self) -> Mapping[Path, frozenset[str]]:
        """The keys that parts of the project see, and the services that are to see them."""
        folders = Folders.of(self.located.state.identities, self.located.project)
        root = self.observation.directory / self.located.state.settings.tls_dir
        return {
            root / folder / there: frozenset(one.name for one in folders.readers[folder])
            for folder, files in folders.files.items()
            for there, _ in files
            if layout.holds_key(there)
        }

    def exposed(self) -> Iterator[TlsWarning]:
        """Keys that others on this machine may read or change."""
        of_clients: list[FileFacts] = []
        of_parts = self.of_parts
        for file in self.found():
            allowed = 0o700
            if self.neighbours in file.path.parents:
                # Its container's user has it by its group where that is all that could be given.
                allowed |= 0o040
            if file.path == self.served and any(
                ContainerUser.of(one).shares(file) for one in self.located.milvus
            ):
                allowed |= 0o040
            if file.path in of_parts:
                # Some images run as a user of their own, who may share a group.
                allowed |= 0o040
            if not file.mode & 0o777 & ~allowed:
                continue
            if file.path.parent == self.pki / layout.CLIENTS_DIRECTORY:
                of_clients.append(file)
                continue
            mode = 0o640 if allowed & 0o040 and file.mode & 0o040 else 0o600
            yield self.exposure(self.name(file.path), file, mode, self.name(file.path))
        if len(of_clients) > _MANY:
            where = self.name(self.pki / layout.CLIENTS_DIRECTORY)
            what = f"{len(of_clients):,} keys in {where}"
            yield self.exposure(what, of_clients[0], 0o600, f"{quoted(where)}/*.key", shown=True)
        else:
            for file in of_clients:
                yield self.exposure(self.name(file.path), file, 0o600, self.name(file.path))

    def lost(self) -> Iterator[TlsWarning]:
        """What containers are to see and is not there; a Milvus says so of its own key."""
        from compose_tls.plan.copies import copies  # noqa: PLC0415 - nothing is recorded before enable

        directory = self.observation.directory
        every = copies(directory, self.config, self.located.state)
        for path in (one.path for one in every if one.path != self.served):
            if self.observation.files.get(path):
                continue
            hint = in_the_way(path, self.observation) or "compose-tls enable"
            yield TlsWarning(
                "certificate-unreadable", absence(path, self.observation), self.name(path), hint
            )

    def exposure(
        self, what: str, file: FileFacts, mode: int, target: str, *, shown: bool = False
    ) -> TlsWarning:
        sudo = "" if self.observation.user_id in {0, file.uid} else "sudo "
        return TlsWarning(
            code="key-exposed",
            message=f"{what}: others on this machine may read or change it (mode {file.mode:04o})",
            path=self.name(file.path),
            hint=f"{sudo}chmod {mode:o} {target if shown else typed(target)}",
        )

    def mounted(self) -> Iterator[TlsWarning]:
        """Keys that no server needs, in what a container gets to see."""
        keys = [file.path for file in self.found() if self.is_secret(file.path)]
        if stray := [path for path in keys if path.parent == self.served.parent]:
            keys = [path for path in keys if path not in stray]
            yield self.stray(stray)
        of_parts = self.of_parts
        for service in self.located.project.compose.services.values():
            mounts = service.every_mount()
            for mount in mounts:
                shown = [path for path in keys if self.shows(mount, path)]
                shown += [
                    path
                    for path, readers in of_parts.items()
                    if service.name not in readers
                    and mount.host_path is not None
                    and path.is_relative_to(mount.host_path)
                ]
                if shown:
                    yield self.exhibition(service, mount, shown)

    def stray(self, keys: list[Path]) -> TlsWarning:
        """Keys in the directory that a Milvus mounts, as the guide of Milvus leaves them there."""
        names = " and ".join(sorted(map(self.name, keys)))
        needed = ", ".join(name for name in layout.TLS_FILES if name != layout.IGNORE_FILE)
        return TlsWarning(
            code="key-mounted",
            message=f"the container of Milvus sees {names}: {_USE}",
            path=self.name(keys[0]),
            hint=f"move {names} to a directory that is not mounted; Milvus needs only {needed}",
        )

    def exhibition(self, service: Service, mount: Mount, shown: list[Path]) -> TlsWarning:
        first, others = self.name(shown[0]), len(shown) - 1
        more = f" and {others:,} more" if others else ""
        place = f"{relative(mount.file, self.observation.directory)}:{mount.line}"
        wanted = self.name(self.pki / layout.CA_CERTIFICATE)
        return TlsWarning(
            code="key-mounted",
            message=f"service {service.name} mounts {first}{more} at {mount.target}: {_USE}",
            path=relative(mount.file, self.observation.directory),
            line=mount.line,
            hint=f"mount only the files it needs, such as ./{wanted}, in {place}",
        )

    def reader(self, milvus: MilvusService) -> tuple[TlsWarning | None, bool]:
        """What keeps a service from its key, and whether it gets at it for all that is known."""
        name = self.name(self.served)
        key = self.observation.files.get(self.served)
        if key is None:
            gone = absence(self.served, self.observation)
            hint = in_the_way(self.served, self.observation) or "compose-tls enable"
            return TlsWarning("certificate-unreadable", gone, name, hint), False
        user = ContainerUser.of(milvus)
        reads = user.reads(key)
        if reads or (reads is None and is_given(key, user, self.observation)):
            return None, True
        told = milvus.service.text("user")
        if not told and milvus.version == NEWEST:
            text = f"the image of service {milvus.name} does not name its user: whether it can read"
            command = give_command(milvus, name, sudo=self.observation.user_id != 0)
            hint = f"compose-tls check shows whether it starts; if it does not: {command}"
            warning = TlsWarning(
                "container-user-unknown", f"{text} {name} is not known", name, hint
            )
            return warning, True
        who = str(told or user.uid)
        command = give_command(milvus, name, sudo=self.observation.user_id != 0)
        if reads is None:
            text = f"whether user {who} of service {milvus.name} can read {name} is not known"
            return TlsWarning("container-user-unknown", text, name, command), True
        text = f"user {who} of service {milvus.name} cannot read {name}"
        return TlsWarning("server-key-unreadable", text, name, command), False

    def found(self) -> Iterator[FileFacts]:
        """The private keys that there are."""
        further = {self.pki / name for name in layout.FURTHER_DIRECTORIES}
        places = {self.pki, *further, self.served.parent}
        places |= {path.parent for path in self.of_parts}
        for path, file in self.observation.files.items():
            ours = path.parent in places or path.parent.parent == self.neighbours
            if file is not None and path.suffix == layout.KEY and ours:
                yield file

    def is_secret(self, path: Path) -> bool:
        if self.neighbours in path.parents:
            # What one neighbour has is mounted into it.
            return False
        of_client = path.name == layout.CLIENT_KEY or path.parent.name == layout.CLIENTS_DIRECTORY
        return of_client or _is_of_ca(path)

    def shows(self, mount: Mount, key: Path) -> bool:
        """Whether a mount has a key in it; that of a client is only what its program needs."""
        if mount.host_path is None:
            return False
        if mount.host_path == key:
            return _is_of_ca(key)
        return key.is_relative_to(mount.host_path)

    def name(self, path: Path) -> str:
        return relative(path, self.observation.directory)


def _is_of_ca(key: Path) -> bool:
    return key.name in layout.CA_KEYS or layout.RETIRED_CA.fullmatch(key.name) is not None

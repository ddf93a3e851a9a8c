"""The schema of state.json, and its reading and writing.

Format 2 records the settings of the last enable, every service and every identity. Format 1, which
knew one service and one server certificate, is read as well.
"""

# Without annotations as texts: pydantic would compile each of them.

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from compose_tls import layout
from compose_tls.changes import (
    CreateFile,
    FileChange,
    IdentityPlan,
    KeepFile,
    Pending,
    relative,
    sha256,
)
from compose_tls.config import TlsConfig
from compose_tls.errors import SettingsError, StateUnreadable
from compose_tls.shell import moved_away
from compose_tls.vocabulary import Profile
from compose_tls.yamlpatch.intent import Route


class _Model(BaseModel):
    # Built on first use: a command may meet no state.json.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class SpliceRecord(_Model):
    """A splice as it was made: ``old`` at character ``start`` became ``new``.

    ``between``, where lines were only taken out, are digests of the lines around their place.
    """

    start: int
    old: str
    new: str
    between: tuple[str, str] | None = None


class EditRecord(_Model):
    """An edit by meaning, to be taken back when the file has been changed since.

    Attributes:
        kind: ``set``: the value at ``route`` was ``old``; ``added-key``: there was none, or ``old``,
            which a merge key brings in;
            ``added-item`` and ``removed-item``: an item of the list at ``route``; ``line``: the line of
            an environment file that gives the variable ``route`` its value: ``new`` and ``old`` are
            SHA-256 of it, since passwords may be there.
        new: What enable put there.
        old: What was there before.
    """

    kind: Literal["set", "added-key", "added-item", "removed-item", "line"]
    route: Route
    new: str | dict[str, str] | None = None
    old: str | None = None


class FileRecord(_Model):
    """A patched file: SHA-256 before and after, and the edits between.

    ``before`` is left out where enable made the file.
    """

    path: str
    before: str | None = None
    after: str
    splices: tuple[SpliceRecord, ...]
    edits: tuple[EditRecord, ...]


class IdentityRecord(_Model):
    """A certificate that enable put in place: who holds it, and its files.

    Attributes:
        members: The services that show it; none for a CA and for a client from outside.
        certificates: SHA-256 fingerprints by path.
        files: SHA-256 of the whole files by path, every certificate in them included; ``None`` where
            an earlier version recorded it.
    """

    name: str
    profile: Profile
    members: tuple[str, ...] = ()
    certificates: dict[str, str]
    files: dict[str, str] | None = None


class NeighbourRecord(_Model):
    """A service that enable switched to TLS, and what is in its directory."""

    service: str = Field(pattern=layout.NEIGHBOUR_NAME)
    files: tuple[str, ...]

    @field_validator("files")
    @classmethod
    def _ours(cls, files: tuple[str, ...]) -> tuple[str, ...]:
        if not set(files) <= set(layout.NEIGHBOUR_FILES):
            msg = "not a file of ours"
            raise ValueError(msg)
        return files


_OF_ONE_COMMAND = frozenset(
    {
        "accept",
        "csr",
        "env_file",
        "file",
        "password_file",
        "pki_dir",
        "profile",
        "project_directory",
        "project_name",
        "timeout",
        "token_file",
        "user",
    }
)

RECORDED: Final = tuple(name for name in TlsConfig.model_fields if name not in _OF_ONE_COMMAND)
"""The settings that are remembered from one enable to the next."""


def recorded(config: TlsConfig) -> TlsConfig:
    """The settings of a configuration that are remembered, and the defaults of the others."""
    return TlsConfig(**{name: getattr(config, name) for name in RECORDED})


class State(_Model):
    """What enable did. Paths are relative to the project where they are inside."""

    version: Literal[2] = 2
    settings: TlsConfig
    services: tuple[str, ...] = Field(min_length=1)
    files: tuple[FileRecord, ...]
    identities: tuple[IdentityRecord, ...] = ()
    # Left out where there is none.
    neighbours: tuple[NeighbourRecord, ...] | None = None
    # The mode of services that spoke TLS before.
    before: dict[str, Literal[1, 2]] | None = None

    @field_validator("settings")
    @classmethod
    def _remembered(cls, settings: TlsConfig) -> TlsConfig:
        """What enable does not record, a stranger has written: what is accepted, what is sent."""
        return TlsConfig(
            **{name: getattr(settings, name) for name in settings.model_fields_set & set(RECORDED)}
        )

    @property
    def told(self) -> tuple[str, ...]:
        """Every service that has entries or files of compose-tls; Milvus first."""
        routes = [edit.route for file in self.files for edit in file.edits]
        named = (route[1] for route in routes if route[:1] == ("services",))
        neighbours = (one.service for one in self.neighbours or ())
        return tuple(dict.fromkeys((*self.services, *neighbours, *named)))

    @property
    def showing(self) -> tuple[str, ...]:
        """The services besides Milvus that show a client certificate of their own."""
        return tuple(one.service for one in self.neighbours or () if layout.CLIENT_KEY in one.files)

    @property
    def certificates(self) -> dict[str, str]:
        """SHA-256 fingerprints by path, of every identity: what containers see, then what is kept."""
        kept = {tuple(one.certificates)[-1]: one for one in self.identities}
        served = [
            pair
            for one in reversed(self.identities)
            for pair in one.certificates.items()
            if pair[0] not in kept
        ]
        return dict(served) | {path: one.certificates[path] for path, one in kept.items()}

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of whole certificate files by path, as far as they are recorded."""
        return {path: sha for one in self.identities for path, sha in (one.files or {}).items()}

    @property
    def without_digests(self) -> Self:
        """The same as an earlier version would have recorded it."""
        identities = tuple(one.model_copy(update={"files": None}) for one in self.identities)
        return self.model_copy(update={"identities": identities})

    def render(self) -> bytes:
        """The bytes of state.json: the same state gives the same bytes."""
        left_out = {"settings": set(TlsConfig.model_fields) - set(RECORDED)}
        values = self.model_dump(mode="json", exclude_none=True, exclude=left_out)
        return json.dumps(values, indent=2).encode() + b"\n"


def read_state(content: bytes | None, path: str) -> State | None:
    """Read state.json.

    Args:
        content: Its bytes; ``None`` when there is no such file.
        path: How errors name it.

    Raises:
        StateUnreadable: It is damaged, or written by a newer compose-tls.
    """
    if content is None:
        return None
    try:
        values = json.loads(content)
        if isinstance(values, dict) and values.get("version") == 1:
            return _State1.model_validate(values).migrated()
        return State.model_validate_json(content)
    except (ValueError, RecursionError, SettingsError):
        raise StateUnreadable(
            f"{path} is damaged or was written by another version of compose-tls",
            hint=f"restore {path}, or use that version; without either, move it away; "
            "compose-tls status then shows what is there and how to record it again:"
            f" {moved_away(path)}",
            path=path,
        ) from None


_PROFILES: dict[str, Profile] = {
    layout.CA: "ca",
    layout.SERVER: "server",
    layout.CLIENT: "client",
    layout.NEXT_CA: "ca",
    layout.CLIENT_CA: "ca",
}


def file_digests(
    changes: Iterable[FileChange], contents: Mapping[str, bytes], directory: Path
) -> dict[str, str]:
    """The SHA-256 of what files will hold, by path, as far as it is known.

    Args:
        changes: What is going to happen to them.
        contents: What pending contents stand for.
        directory: The project.
    """
    found: dict[str, str] = {}
    for change in changes:
        path = relative(change.path, directory)
        match change:
            case KeepFile(before=str(digest)):
                found[path] = digest
            case CreateFile(content=bytes(content)):
                found[path] = sha256(content)
            case CreateFile(content=Pending(name=name)) if name in contents:
                found[path] = sha256(contents[name])
            case _:
                pass
    return found


def identity_records(
    identities: IdentityPlan,
    digests: Mapping[str, str],
    config: TlsConfig,
    directory: Path,
    files: Mapping[str, str] | None = None,
) -> tuple[IdentityRecord, ...]:
    """What is recorded of identities.

    Args:
        identities: The identities.
        digests: The fingerprint of each certificate, by the name of its identity.
        config: The settings; they say where the files are.
        directory: The project.
        files: The SHA-256 of whole files by path; ``None`` where they are not known.
    """
    copies = {identities.client_ca: layout.CA_CERTIFICATE, layout.SERVER: layout.SERVER_CERTIFICATE}

    def paths(name: str, members: tuple[str, ...]) -> tuple[str, ...]:
        served = [directory / config.served_dir / copies[name]] if name in copies else []
        if members and name == layout.client_identity(members[0]):
            place = directory / layout.neighbours_directory(config.tls_dir) / members[0]
            served = [place / f"{layout.CLIENT}{layout.CERTIFICATE}"]
        shown = [
            directory / config.tls_dir / folder / there
            for folder, files in folders.items()
            for there, kept in files
            if kept == f"{name}{layout.CERTIFICATE}"
        ]
        found = (*served, *shown, directory / config.pki_dir / f"{name}{layout.CERTIFICATE}")
        return tuple(relative(path, directory) for path in found)

    folders = layout.stack_folders([one.identity.name for one in identities.identities])

    return tuple(
        IdentityRecord(
            name=one.identity.name,
            profile=one.identity.profile,
            members=one.identity.members,
            certificates=dict.fromkeys(places, digests[one.identity.name]),
            files=None
            if files is None
            else {path: files[path] for path in places if path in files},
        )
        for one in identities.identities
        for places in [paths(one.identity.name, one.identity.members)]
    )


class _State1(_Model):
    """Format 1, which compose-tls 0.1 wrote."""

    version: Literal[1]
    mode: Literal[1, 2]
    services: tuple[str, ...] = Field(min_length=1)
    server_name: str
    tls_dir: str
    container_tls_dir: str
    rest_port: int | None = None
    files: tuple[FileRecord, ...]
    certificates: dict[str, str]

    def migrated(self) -> State:
        """The same in today's format: an identity for each name of a certificate file."""
        named: dict[str, dict[str, str]] = {name: {} for name in _PROFILES}
        for path, digest in self.certificates.items():
            named.setdefault(PurePosixPath(path).stem, {})[path] = digest
        settings = {"mode", "server_name", "tls_dir", "container_tls_dir", "rest_port"}
        return State(
            settings=TlsConfig(**self.model_dump(include=settings)),
            services=self.services,
            files=self.files,
            identities=tuple(
                IdentityRecord(
                    name=name,
                    profile=_PROFILES[name],
                    members=self.services if name == layout.SERVER else (),
                    certificates=found,
                )
                for name, found in named.items()
                if found and name in _PROFILES
            ),
        )

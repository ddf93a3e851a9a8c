"""The plan of ``init``: the files of a new project, before TLS is put into it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from compose_tls.changes import (
    CreateFile,
    FileChange,
    PatchFile,
    Pending,
    Plan,
    unified_diff,
)
from compose_tls.compose.definition import Reader
from compose_tls.compose.discovery import DEFAULT_FILES, ENV_FILE, OVERRIDE_FILES, name_of
from compose_tls.config import TlsConfig
from compose_tls.connection import Connection, ContainerRoute
from compose_tls.errors import (
    ConflictingSettings,
    InvalidSetting,
    ProjectExists,
    ScriptNotUnderstood,
    UnsupportedMilvus,
    ValueInTheWay,
)
from compose_tls.layout import (
    CA_CERTIFICATE,
    CLIENT_CERTIFICATE,
    CLIENT_KEY,
    IGNORE_FILE,
    PRIVATE,
    PUBLIC,
    ROOT_PASSWORD,
    STATE_FILE,
)
from compose_tls.patterns import regex
from compose_tls.stack import attu, etcd
from compose_tls.targets.new_project.embed_script import (
    DATA,
    SCRIPT,
    Run,
    compose_file_of,
    read_script,
    vendor_run,
    written_files,
)
from compose_tls.targets.new_project.milvus_lines import LINES, RECOMMENDED, MilvusLine, line_of
from compose_tls.targets.new_project.new_compose_file import (
    COMPOSE_FILE,
    AttuService,
    Flavour,
    NewStack,
    accepts_clients,
    compose_file,
    embedded_etcd,
    volume_names,
)
from compose_tls.targets.new_project.services import ATTU_PORT, EMBEDDED_ETCD_FILE
from compose_tls.values import dataclass
from compose_tls.vocabulary import GRPC_PORT, LAST_PORT, TlsWarning, number

LOOPBACK: Final = "127.0.0.1"

_VERSION: Final = regex(
    r"v?([0-9]{1,9})\.([0-9]{1,9})(\.[0-9]+(?:[-.][A-Za-z0-9_.]+(?:-[A-Za-z0-9_.]+)*)?)?"
)
_IGNORED: Final = frozenset({ENV_FILE, f"/{ENV_FILE}", f"{ENV_FILE}*", "*.env", "*"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants of a new project.

    Attributes:
        milvus: The version of Milvus; ``None`` for the one that is recommended.
        flavour: Which services it has; ``None`` for a standalone with etcd and MinIO, or for what
            standalone_embed.sh starts where that is.
        attu: Whether Attu is one of them.
        auth: Whether Milvus asks for a user and a password; ``None`` for yes, and for no change where
            a script's data are taken over.
        publish: The address of this machine on which clients reach it, and the port where it is another
            one; ``None`` for the loopback address, or for what the script says.
    """

    milvus: str | None = None
    flavour: Flavour | None = None
    attu: bool = False
    auth: bool | None = None
    publish: str | None = None


@dataclass(frozen=True, slots=True)
class NewProject:
    """The files of a new project, and what the steps after them need to know.

    Attributes:
        drafts: The files that are to be made, before TLS is put into them.
        image: The image of Milvus.
        flavour: Its flavour; ``None`` for what a script starts.
        auth: Whether root gets a password.
        volumes: The names of its volumes, without the project's.
        container: The name of the script's container.
        warnings: What there is to know.
    """

    drafts: tuple[CreateFile, ...]
    image: str
    flavour: Flavour | None
    auth: bool
    volumes: tuple[str, ...] = ()
    container: str | None = None
    warnings: tuple[TlsWarning, ...] = ()

    @property
    def contents(self) -> Mapping[Path, bytes]:
        """Those whose content is not a secret, by their paths."""
        return {d.path: d.content for d in self.drafts if isinstance(d.content, bytes)}

    def written(self, plan: Plan) -> Plan:
        """The plan that puts TLS into the drafts, as one that makes the files."""
        left = {draft.path: draft for draft in self.drafts}
        changes: list[FileChange] = []
        for change in plan.changes:
            draft = left.pop(change.path, None)
            if draft is not None and isinstance(change, PatchFile):
                changes.append(replace(draft, content=change.new))
            else:
                changes.append(change if draft is None else draft)
        return replace(plan, changes=(*left.values(), *changes))

    def diff(self, plan: Plan) -> str:
        """What is written, as a diff; secrets are left out."""
        ours = {draft.path for draft in self.drafts}
        made = "".join(
            unified_diff(plan.relative(change.path), b"", change.content)
            for change in plan.changes
            if isinstance(change, CreateFile)
            and change.path in ours
            and isinstance(change.content, bytes)
        )
        return made + plan.diff()


def plan_new_project(
    directory: Path,
    wanted: Wanted,
    config: TlsConfig,
    read: Reader,
    *,
    named: bool,
    has_data: bool,
) -> NewProject:
    """Work out the files of a new project.

    Args:
        directory: Where it is to be.
        wanted: What the user wants.
        config: The settings.
        read: Gives the bytes of a file, or ``None`` when there is none.
        named: Whether the user gives the project a name, so that it need not have that of the directory.
        has_data: Whether standalone_embed.sh has been running there.

    Raises:
        ProjectExists: There is one.
        SettingsError: What is wanted contradicts itself.
        UnsupportedMilvus: The version is not known.
        ScriptNotUnderstood: standalone_embed.sh does something else than it should.
        ValueInTheWay: Another file has the name of one of ours.
    """
    _require_none(directory, config, read)
    script = read(directory / SCRIPT)
    if script is not None:
        found = _taken_over(directory, script, wanted, read, has_data=has_data)
    else:
        found = _made(directory, wanted, config, read, named=named)
    password = directory / config.pki_dir / ROOT_PASSWORD
    if found.auth and read(password) is None:
        draft = CreateFile(password, Pending(ROOT_PASSWORD), PRIVATE)
        found = replace(found, drafts=(*found.drafts, draft))
    return found


def _require_none(directory: Path, config: TlsConfig, read: Reader) -> None:
    for name in (*DEFAULT_FILES, *OVERRIDE_FILES, f"{config.pki_dir}/{STATE_FILE}"):
        if read(directory / name) is not None:
            raise ProjectExists(
                f"there is already a project in {directory}: {name}",
                hint="compose-tls enable turns on TLS for it; compose-tls init DIR creates one elsewhere",
                path=name,
            )


def _address(publish: str) -> tuple[str, int]:
    """The address and the port of this machine on which clients reach Milvus."""
    host, _, port = publish.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    named = port.isascii() and port.isdecimal() and (bracketed or (host and ":" not in host))
    # Docker publishes on no address with a zone (RFC 4007).
    wrong = "%" in publish or (named and not 0 < (number(port) or 0) <= LAST_PORT)
    address = None
    with suppress(ValueError):
        address = ipaddress.ip_address(host.strip("[]") if named else publish)
    if wrong or address is None:
        raise InvalidSetting(
            f"--publish {publish} is not an IP address, with or without a port",
            hint=f"name one as in --publish {LOOPBACK}:{GRPC_PORT}; 0.0.0.0 is all of this machine",
        )
    return str(address), int(port) if named else GRPC_PORT


def _made(
    directory: Path, wanted: Wanted, config: TlsConfig, read: Reader, *, named: bool
) -> NewProject:
    flavour = wanted.flavour or "standalone"
    release, tag = _release(wanted.milvus)
    suffix = "-gpu" if flavour == "gpu" and not tag.endswith("-gpu") else ""
    image = f"milvusdb/milvus:{tag}{suffix}"
    address, port = _address(wanted.publish or LOOPBACK)
    if wanted.attu and port == ATTU_PORT:
        raise ConflictingSettings(
            f"--publish {wanted.publish} takes port {port}, which Attu uses",
            hint=f"choose another port, or leave --with attu out; {GRPC_PORT} is the usual one",
        )
    stack = NewStack(
        flavour=flavour,
        release=release,
        image=image,
        auth=wanted.auth is not False,
        address=address,
        port=port,
        attu=_attu(flavour, release, config) if wanted.attu else None,
        name=config.project_name or (None if named or name_of(directory.name) else "milvus"),
    )
    drafts = [CreateFile(directory / COMPOSE_FILE, compose_file(stack), PUBLIC)]
    warnings: tuple[TlsWarning, ...] = ()
    if flavour != "embedded-etcd":
        secret, warnings = _credentials(directory, read)
        drafts += secret
    elif read(directory / EMBEDDED_ETCD_FILE) is None:
        drafts.append(CreateFile(directory / EMBEDDED_ETCD_FILE, embedded_etcd(), PUBLIC))
    volumes = volume_names(flavour, release)
    return NewProject(tuple(drafts), image, flavour, stack.auth, volumes, warnings=warnings)


def _release(version: str | None) -> tuple[MilvusLine, str]:
    """The release that a version is of, and its tag."""
    if version is None:
        return RECOMMENDED, RECOMMENDED.newest
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InvalidSetting(
            f"--milvus {version} is not a version of Milvus",
            hint=f"name one as in --milvus {RECOMMENDED.newest}, or leave it out for that",
        )
    release = line_of((int(match[1]), int(match[2])))
    if release is None:
        first, last = (".".join(map(str, r.line)) for r in (LINES[0], LINES[-1]))
        raise UnsupportedMilvus(
            f"init does not know what Milvus {version} needs; it knows {first} to {last}",
            hint=f"use --milvus {last}; or write the compose file, and run compose-tls enable",
        )
    return release, f"v{version.removeprefix('v')}" if match[3] else release.newest


def _attu(flavour: Flavour, release: MilvusLine, config: TlsConfig) -> AttuService:
    connection = Connection(
        mode=config.tls_mode,
        uri=f"https://localhost:{GRPC_PORT}",
        server_name=config.server_name,
        ca_pem=_place(config.served_dir, CA_CERTIFICATE),
        client_pem=_place(config.pki_dir, CLIENT_CERTIFICATE),
        client_key=_place(config.pki_dir, CLIENT_KEY),
        rest_uri=None,
        release=release.line,
        container_route=ContainerRoute(accepts_clients(flavour), GRPC_PORT),
    )
    image = attu.image(release.line)
    told = attu.variables(connection)
    if connection.mutual and attu.user_of(image, told):
        # It cannot read the key of another user: it is switched as a neighbour, with one of its own.
        return AttuService(image, attu.address(connection), {})
    return AttuService(image, told, attu.mounts(connection))


def _place(directory: str, name: str) -> str:
    path = f"{directory}/{name}"
    return path if path.startswith(("/", "../")) else f"./{path}"


def _credentials(directory: Path, read: Reader) -> tuple[list[CreateFile], tuple[TlsWarning, ...]]:
    """``.env`` with the credentials of the object store, which git is to leave alone."""
    if read(directory / ENV_FILE) is not None:
        raise ValueInTheWay(
            f"{ENV_FILE} already exists, and init would write the credentials of the object store there",
            hint="create the project in a separate directory: compose-tls init milvus",
            path=ENV_FILE,
        )
    drafts = [CreateFile(directory / ENV_FILE, Pending(ENV_FILE), PRIVATE)]
    ignored = read(directory / IGNORE_FILE)
    if ignored is None:
        drafts.append(CreateFile(directory / IGNORE_FILE, f"{ENV_FILE}\n".encode(), PUBLIC))
    elif _IGNORED.isdisjoint(ignored.decode("utf-8", "replace").splitlines()):
        text = f"{IGNORE_FILE} does not name {ENV_FILE}, which holds the credentials of the object store"
        return drafts, (
            TlsWarning("env-not-ignored", text, IGNORE_FILE, f"echo {ENV_FILE} >> {IGNORE_FILE}"),
        )
    return drafts, ()


def _taken_over(
    directory: Path, script: bytes, wanted: Wanted, read: Reader, *, has_data: bool
) -> NewProject:
    run, warnings = _run_of(script, wanted, has_data=has_data)
    auth = wanted.auth is True
    address = _address(wanted.publish)[0] if wanted.publish else None
    content = compose_file_of(run, auth=auth, address=address)
    drafts = [CreateFile(directory / COMPOSE_FILE, content, PUBLIC)]
    drafts += _mounted(directory, run.mounted, written_files(script), read)
    if wanted.publish is None:
        warnings += tuple(_open_etcd(run))
    return NewProject(
        tuple(drafts), run.image, None, auth, container=run.container, warnings=warnings
    )


def _open_etcd(run: Run) -> Iterator[TlsWarning]:
    """That the etcd inside Milvus, which asks for no password, is published to everyone."""
    if any(port == f"{etcd.PORT}:{etcd.PORT}" for port in run.many.get("ports", ())):
        text = (
            f"port {etcd.PORT} is published, as in {SCRIPT}: anyone who reaches it can "
            "change the metadata of Milvus"
        )
        hint = f"--publish {LOOPBACK} publishes every port only on this machine"
        yield TlsWarning("etcd-published", text, SCRIPT, hint)


def _run_of(script: bytes, wanted: Wanted, *, has_data: bool) -> tuple[Run, tuple[TlsWarning, ...]]:
    """What a script starts; of one that has no ``docker run``, what the vendor's does."""
    try:
        run = read_script(script)
    except ValueError as error:
        raise _not_understood(
            str(error), "write the compose file that does the same, and run compose-tls enable"
        ) from None
    given = {
        "--milvus": run is not None and wanted.milvus is not None,
        "--flavour": wanted.flavour not in {None, "embedded-etcd"},
        "--with attu": wanted.attu,
    }
    for option, is_given in given.items():
        if is_given:
            raise ConflictingSettings(
                f"{option} and {SCRIPT}: what that script starts is kept as it is",
                hint=f"leave {option} out, or make the project elsewhere: compose-tls init DIR",
            )
    if run is not None:
        return run, ()
    if has_data and wanted.milvus is None:
        raise _not_understood(
            f"it has no docker run, so the Milvus version of {DATA} is unknown",
            "name its version: compose-tls init --milvus VERSION",
        )
    run = vendor_run(_release(wanted.milvus)[1])
    text = f"{SCRIPT} contains no docker run: that of the vendor's script is used, with {run.image}"
    hint = "name another version with --milvus"
    return run, (TlsWarning("script-assumed", text, SCRIPT, hint),)


def _not_understood(reason: str, hint: str) -> ScriptNotUnderstood:
    return ScriptNotUnderstood(f"{SCRIPT} cannot be converted: {reason}", hint=hint, path=SCRIPT)


def _mounted(
    directory: Path, names: Sequence[str], written: Mapping[str, bytes], read: Reader
) -> Iterator[CreateFile]:
    """The files that the script writes before it starts Milvus, where it has not done so yet.

    Of a file that is not there, the engine would make a directory.
    """
    for name in names:
        is_file = name in written or Path(name).suffix in {".yaml", ".yml"}
        if is_file and read(directory / name) is None:
            usual = embedded_etcd() if name == EMBEDDED_ETCD_FILE else b"# Settings\n"
            yield CreateFile(directory / name, written.get(name, usual), PUBLIC)

"""The files of our own: what enable leaves in the PKI directory and in the TLS directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from compose_tls import layout
from compose_tls.changes import (
    Content,
    CreateFile,
    FileChange,
    IdentityPlan,
    KeepFile,
    MakeDirectory,
    Pending,
    Plan,
    PlannedIdentity,
    RemoveDirectory,
    RemoveFile,
)
from compose_tls.config import TlsConfig
from compose_tls.errors import ValueInTheWay
from compose_tls.plan.container_user import KeyAccess, key_access
from compose_tls.plan.neighbour_files import NeighbourFiles, neighbour_changes
from compose_tls.plan.provided_certificates import lying_in
from compose_tls.plan.replaced_certificate import written_over
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.plan.stack_changes import StackChanges
from compose_tls.project.enabled import proxies_of
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project, state_path, taken_over
from compose_tls.shell import joined, typed
from compose_tls.state.recorded import IdentityRecord, State, file_digests, identity_records


class ManagedFiles:
    """Plans the files that only compose-tls writes; a file of someone else is never written over."""

    def __init__(self, project: Project, config: TlsConfig) -> None:
        self.project = project
        self.observation = project.observation
        self.config = config
        self.state = project.state
        self.directory = project.directory
        self.pki = self.directory / config.pki_dir
        self.root = self.directory / config.tls_dir
        self.tls = self.directory / config.served_dir
        self.neighbours = self.directory / layout.neighbours_directory(config.tls_dir)
        self.taken = taken_over(self.directory, config)

    def plan(
        self,
        milvus: Sequence[MilvusService],
        identities: IdentityPlan,
        state: State,
        patches: Iterable[FileChange] = (),
        users_of_images: Mapping[str, str] = {},
        public_roots: bytes | None = None,
        neighbours: Sequence[NeighbourFiles] = (),
    ) -> ServicePlan:
        """The whole plan: the user's files, then ours, and state.json as the last.

        Args:
            milvus: The services that read the server key.
            identities: Where each certificate comes from.
            state: What state.json is to say; fingerprints of what is issued come later.
            patches: The changes of the user's files.
            users_of_images: The users that images name, by service, where an engine told.
            public_roots: The root certificates for Milvus, where it is to trust some and has none yet.
            neighbours: The services that talk to Milvus over TLS, and what each gets to see.

        Raises:
            ValueInTheWay: A file of someone else has the name of one of ours.
            KeyWrittenOver: A key of someone else would be lost, and the user has not accepted that.
        """
        access = key_access(
            milvus,
            self.observation,
            self.project.relative(self.tls / layout.SERVER_KEY),
            kept=identities.source(layout.SERVER) == "existing"
            or self.tls / layout.SERVER_KEY in self.taken,
            users_of_images=users_of_images,
        )
        beside = neighbour_changes(self, neighbours, identities, users_of_images)
        stack = StackChanges(self, identities, users_of_images)
        changes = [
            *patches,
            *self.changes(identities, access),
            *stack.written(public_roots),
            *stack.left_behind(),
            *beside.changes,
        ]
        tls = (self.root, self.tls)
        plan = Plan(
            self.directory,
            (
                MakeDirectory(self.pki, layout.PRIVATE_DIRECTORY),
                *(MakeDirectory(path, layout.PUBLIC_DIRECTORY) for path in dict.fromkeys(tls)),
                *stack.directories(),
                *beside.directories,
                *changes,
                self.state_change(state, identities, changes),
            ),
            (
                *identities.warnings,
                *access.warnings,
                *(warning for one in stack.accesses.values() for warning in one.warnings),
                *beside.warnings,
                *written_over(self.observation, self.config, self.state, changes),
            ),
        )
        proxies = proxies_of(self.project.compose, tuple(milvus), self.config)
        names = {proxy.service for proxy in proxies}
        problems = (access.problem, *(one.problem for one in stack.accesses.values()))
        return ServicePlan(
            plan,
            proxies,
            identities,
            state,
            next(filter(None, problems), None),
            servers=stack.folders.servers,
            others=tuple(name for name in stack.folders.milvus if name not in names),
        )

    def changes(self, identities: IdentityPlan, access: KeyAccess) -> list[FileChange]:
        """Certificates and keys: those of the PKI directory, and what the container gets of them.

        Raises:
            ValueInTheWay: A file of someone else has the name of one of ours.
        """
        return [
            self.written(
                self.pki / layout.IGNORE_FILE,
                layout.IGNORE_TAKEN if self.taken else layout.IGNORE_ALL,
                layout.PUBLIC,
            ),
            *(change for one in identities.identities for change in self._files(one, identities)),
            *self._promoted(identities),
            *(change for _, name in identities.retired for change in self._retired(name)),
            *self._requests(identities),
            self.written(self.root / layout.IGNORE_FILE, layout.IGNORE_ALL, layout.PUBLIC),
            # The server reads by which CA it knows its clients.
            *(
                self.copied(self.tls / name, own, identities, KeyAccess(layout.PUBLIC))
                for name, own in (
                    (layout.CA_CERTIFICATE, f"{identities.client_ca}{layout.CERTIFICATE}"),
                    (layout.SERVER_CERTIFICATE, layout.SERVER_CERTIFICATE),
                )
            ),
            self.copied(self.tls / layout.SERVER_KEY, layout.SERVER_KEY, identities, access),
            *(
                self.copied(path, layout.CA_CERTIFICATE, identities, KeyAccess(layout.PUBLIC))
                for path in self._ca_of_others()
            ),
            *self._left_behind(),
        ]

    def state_change(
        self, state: State, identities: IdentityPlan, others: list[FileChange]
    ) -> FileChange:
        """The change of state.json, whose fingerprints wait for certificates to be issued."""
        path = state_path(self.directory, self.config)
        known = self._records(identities, file_digests(others, {}, self.directory))
        issued = any(isinstance(c, CreateFile) and isinstance(c.content, Pending) for c in others)
        if known is None or issued:
            return self.written(path, Pending(layout.STATE_FILE), layout.PRIVATE)
        new = state.model_copy(update={"identities": known})
        # A record with less content, of an earlier version, is not rewritten.
        less = new.model_copy(update={"before": None})
        known_before = (new, new.without_digests, less, less.without_digests)
        if self.state is not None and self.state in known_before:
            return KeepFile(path, self.digest(path))
        return self.written(path, new.render(), layout.PRIVATE)

    def written(
        self,
        path: Path,
        content: Content,
        mode: int,
        uid: int | None = None,
        gid: int | None = None,
        *,
        origin: str | None = None,
    ) -> FileChange:
        """A file with that content: made, replaced or kept; one of someone else's is refused.

        Args:
            path: The file.
            content: What it is to hold.
            mode: Its permission bits.
            uid: Its owner; ``None`` for the user who runs the command.
            gid: Its group.
            origin: The file of the PKI directory that it is a copy of; by default that of its name.

        Raises:
            ValueInTheWay: A file of someone else is there.
        """
        facts = self.observation.files.get(path)
        if facts is None:
            return CreateFile(path, content, mode, None, uid, gid)
        if facts.content is not None and facts.content == content:
            return KeepFile(path, facts.sha256)
        if not self._is_ours(path, origin or path.name):
            name = self.project.relative(path)
            record = self.project.relative(self.pki / layout.STATE_FILE)
            raise ValueInTheWay(
                f"{name} already exists, and no {record} lists it",
                hint=f"{self._way_to_bring()}; or move it away; or {self._way_around(path)}",
                path=name,
            )
        return CreateFile(path, content, mode, facts.sha256, uid, gid)

    def _way_around(self, path: Path) -> str:
        """What else can be done about a file that no record lists."""
        if path.parent != self.pki:
            created = "if compose-tls created it, give the --pki-dir of that time"
            return f"choose another directory with --tls-dir; or, {created}"
        if self.observation.content(self.pki / layout.IGNORE_FILE) == layout.IGNORE_ALL:
            return "remove what an earlier enable left: compose-tls disable --purge"
        return "choose another directory with --pki-dir"

    def _way_to_bring(self) -> str:
        """How certificates are taken that were made by hand, as they are."""
        places = (self.config.pki_dir, self.config.served_dir)
        found = (lying_in(place, self.observation) for place in places)
        if words := next(filter(None, found), None):
            return f"use the files there, with {joined(words)}"
        return "give it with --server-cert, --server-key and --ca-cert"

    def digest(self, path: Path) -> str | None:
        """The SHA-256 of a file that was looked at; ``None`` where there is none to tell."""
        facts = self.observation.files.get(path)
        return facts.sha256 if facts else None

    def _is_ours(self, path: Path, origin: str) -> bool:
        """Whether a file is there from an earlier enable, also after a disable."""
        if self.state is not None:
            return True
        if not self.observation.pki.has_our_ca:
            return False
        ours = (self.pki, self.pki / layout.CLIENTS_DIRECTORY)
        if self.neighbours in path.parents:
            # Next to a file of compose-tls that says so, everything is ours.
            return (
                self.observation.content(self.neighbours / layout.IGNORE_FILE) == layout.IGNORE_ALL
            )
        if path.name in layout.MADE and path.parent in {
            self.root / layout.MILVUS,
            self.root / layout.KAFKA,
        }:
            # Made from data that exists elsewhere: public roots, and nothing that would be missed.
            return True
        return path.parent in ours or self.digest(path) in self._origins(origin)

    def _origins(self, name: str) -> set[str]:
        """What the PKI directory has that may lie in the TLS directory under that name."""
        names = [name, *([layout.CLIENT_CA_CERTIFICATE] if name == layout.CA_CERTIFICATE else [])]
        return {digest for one in names if (digest := self.digest(self.pki / one))}

    def _files(self, one: PlannedIdentity, identities: IdentityPlan) -> list[FileChange]:
        """Certificate and key of an identity in the PKI directory."""
        changes: list[FileChange] = []
        for suffix, mode in ((layout.CERTIFICATE, layout.PUBLIC), (layout.KEY, layout.PRIVATE)):
            path = self.pki / f"{one.identity.name}{suffix}"
            digest = self.digest(path)
            is_ca_key = one.identity.profile == "ca" and suffix == layout.KEY
            if is_ca_key and one.source in {"existing", "provided"} and digest is None:
                # The key of a CA that the user provides stays where the user keeps it.
                continue
            grows = path.name == layout.CA_CERTIFICATE and len(identities.trusted) > 1
            if (one.source == "existing" and not grows) or self._is_copied(one):
                changes.append(KeepFile(path, digest))
            elif is_ca_key and one.source == "provided":
                if one.identity.name not in dict(identities.retired):
                    self._refuse_damaged_ca(path, one.identity.name)
                changes.append(RemoveFile(path, digest))
            else:
                changes.append(self.written(path, Pending(f"{one.identity.name}{suffix}"), mode))
        return changes

    def _promoted(self, identities: IdentityPlan) -> list[FileChange]:
        """The CA that was to take over is in its place."""
        if identities.source(layout.CA) != "promoted":
            return []
        paths = (
            self.pki / f"{layout.NEXT_CA}{suffix}" for suffix in (layout.CERTIFICATE, layout.KEY)
        )
        return [RemoveFile(path, self.digest(path)) for path in paths]

    def _retired(self, name: str) -> list[FileChange]:
        """A CA that gives way to another, under its other name."""
        certificate, key = (
            self.pki / f"{name}{layout.CERTIFICATE}",
            self.pki / f"{name}{layout.KEY}",
        )
        return [
            self.written(certificate, Pending(certificate.name), layout.PUBLIC),
            self.written(key, Pending(key.name), layout.PRIVATE),
        ]

    def _requests(self, identities: IdentityPlan) -> list[FileChange]:
        """Signing requests, and the serial number that OpenSSL counts on from."""
        changes: list[FileChange] = []
        written = {f"{order.name}.csr" for order in identities.requests}
        for name in (*layout.REQUESTS, layout.SERIAL_FILE):
            path = self.pki / name
            digest = self.digest(path)
            if name in written or (
                name == layout.SERIAL_FILE and self.config.csr and digest is None
            ):
                changes.append(self.written(path, Pending(name), layout.PUBLIC))
            elif self.config.csr and digest is not None:
                changes.append(KeepFile(path, digest))
        return changes

    def _refuse_damaged_ca(self, key: Path, ca: str) -> NoReturn:
        name = self.project.relative(key)
        given = self.config.client_ca_cert if ca == layout.CLIENT_CA else self.config.ca_cert
        raise ValueInTheWay(
            f"{name} does not belong to the certificate next to it, nor to {given}",
            hint=f"move {name} away: compose-tls does not overwrite a key that it does not know",
            path=name,
        )

    def copied(
        self, path: Path, name: str, identities: IdentityPlan, access: KeyAccess
    ) -> FileChange:
        """A file that a container sees: a copy of the one of that name in the PKI directory."""
        origin = self.digest(self.pki / name)
        facts = self.observation.files.get(path)
        brought = self.config.ca_cert and self.directory / self.config.ca_cert
        if name == layout.CLIENT_CA_CERTIFICATE and brought == path and path not in self.taken:
            self._refuse_place(path)
        if facts is not None and path in self.taken:
            return KeepFile(path, facts.sha256)
        one = identities.get(name.rpartition(".")[0])
        grows = name == layout.CA_CERTIFICATE and len(identities.trusted) > 1
        stays = one is not None and one.source == "existing" and not grows
        stays = one is not None and (stays or self._is_copied(one))
        if facts is not None and stays and access.is_of(facts) and facts.sha256 in {None, origin}:
            return KeepFile(path, facts.sha256)
        return self.written(path, Pending(name), access.mode, access.uid, access.gid, origin=name)

    def _refuse_place(self, path: Path) -> NoReturn:
        name = self.project.relative(path)
        raise ValueInTheWay(
            f"{name} is given as the server CA, and Milvus reads the client CA there",
            hint=f"move it (mv {typed(name)} server-ca.pem), and give that as --ca-cert",
            path=name,
        )

    def _ca_of_others(self) -> tuple[Path, ...]:
        """The CA in the TLS directory itself, where proxies have one below and others mount it."""
        path = self.root / layout.CA_CERTIFICATE
        mounts = (
            mount.host_path
            for service in self.project.compose.services.values()
            for mount in service.mounts()
        )
        return (path,) if self.tls != self.root and path in mounts else ()

    def _left_behind(self) -> list[FileChange]:
        """The copies in the TLS directory of an earlier enable, where that was another one."""
        old = self.directory / self.state.settings.served_dir if self.state else self.tls
        if old == self.tls:
            return []
        # What keeps the whole directory out of images and repositories stays.
        names = [
            name for name in layout.TLS_FILES if old != self.root or name != layout.IGNORE_FILE
        ]
        found = [(old / name, self._origins(name)) for name in names]
        kept = self._ca_of_others()
        ours = [at for at, those in found if at not in kept and self.digest(at) in those]
        emptied = [RemoveDirectory(old)] if old != self.root else []
        return [*(RemoveFile(path, self.digest(path)) for path in ours), *emptied]

    def _is_copied(self, one: PlannedIdentity) -> bool:
        """Whether what the user provides for an identity is in the PKI directory already."""
        return one.source == "provided" and one.identity.name in self.observation.pki.provided

    def _records(
        self, identities: IdentityPlan, files: Mapping[str, str]
    ) -> tuple[IdentityRecord, ...] | None:
        """What state.json records of the identities; ``None`` while one is still to be issued."""
        known = self.observation.pki.all_certificates
        if any(one.identity.name not in known for one in identities.identities):
            return None
        digests = {
            one.identity.name: known[one.identity.name].sha256 for one in identities.identities
        }
        return identity_records(identities, digests, self.config, self.directory, files)

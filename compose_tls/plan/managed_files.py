"""The files of our own: what enable leaves in the PKI directory and in the TLS directory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from compose_tls.changes import (
    Content,
    CreateFile,
    FileChange,
    KeepFile,
    MakeDirectory,
    Pending,
    Plan,
    RemoveDirectory,
    RemoveFile,
    relative,
)
from compose_tls.config import TlsConfig
from compose_tls.errors import ValueInTheWay
from compose_tls.layout import NEXT_CA, SERIAL_FILE
from compose_tls.observation import Observation
from compose_tls.plan.certificate_plan import CertificatePlan
from compose_tls.plan.container_user import KeyAccess, key_access
from compose_tls.plan.modes import PRIVATE, PRIVATE_DIRECTORY, PUBLIC, PUBLIC_DIRECTORY
from compose_tls.plan.ownership import Ownership
from compose_tls.project.milvus_services import MilvusService
from compose_tls.stack.milvus.settings import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.state.recorded import STATE_FILE, State
from compose_tls.vocabulary import CertificateRole

IGNORE_FILE = ".gitignore"
REQUEST_FILES = ("server.csr", "client.csr")
OWN_PKI_FILES = (
    IGNORE_FILE,
    SERIAL_FILE,
    *REQUEST_FILES,
    *(f"{name}{end}" for name in ("ca", "server", "client", NEXT_CA) for end in (".pem", ".key")),
)
OWN_TLS_FILES = (IGNORE_FILE, CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY)

_IGNORE_ALL = b"*\n"


class OwnFiles:
    """Plans the files that only compose-tls writes; one of somebody else's is never written over."""

    def __init__(self, observation: Observation, config: TlsConfig, state: State | None) -> None:
        self.observation = observation
        self.config = config
        self.state = state
        self.directory = observation.directory
        self.pki = self.directory / config.pki_dir
        self.tls = self.directory / config.tls_dir
        self.own = Ownership(observation, config, state)

    def plan(
        self,
        milvus: MilvusService,
        certificates: CertificatePlan,
        state: State,
        patches: Iterable[FileChange] = (),
    ) -> Plan:
        """The whole plan: the user's files, then ours, and state.json as the last.

        Args:
            milvus: The service that reads the server key.
            certificates: Where each certificate comes from.
            state: What state.json is to say; fingerprints of what is issued come later.
            patches: The changes of the user's files.

        Raises:
            ValueInTheWay: A file of somebody else has the name of one of ours.
        """
        access = key_access(
            milvus,
            self.observation,
            relative(self.tls / SERVER_KEY, self.directory),
            kept=certificates.sources["server"] == "kept",
        )
        changes = [*patches, *self.changes(certificates, access)]
        return Plan(
            self.directory,
            (
                MakeDirectory(self.pki, PRIVATE_DIRECTORY),
                MakeDirectory(self.tls, PUBLIC_DIRECTORY),
                *changes,
                self.state_change(state, certificates, changes),
            ),
            certificates.orders,
            (*certificates.warnings, *access.warnings),
        )

    def changes(self, certificates: CertificatePlan, access: KeyAccess) -> list[FileChange]:
        """Certificates and keys: those of the PKI directory, and what the container gets of them.

        Raises:
            ValueInTheWay: A file of somebody else has the name of one of ours.
        """
        ca, server = certificates.sources["ca"], certificates.sources["server"]
        return [
            self.own.written(self.pki / IGNORE_FILE, _IGNORE_ALL, PUBLIC),
            *self._pki_files(certificates),
            *self._next_ca(certificates),
            *self._retired(certificates.retired),
            *self._requests(certificates),
            self.own.written(self.tls / IGNORE_FILE, _IGNORE_ALL, PUBLIC),
            self._copy(CA_CERTIFICATE, ca, KeyAccess(PUBLIC)),
            self._copy(SERVER_CERTIFICATE, server, KeyAccess(PUBLIC)),
            self._copy(SERVER_KEY, server, access),
            *self._left_behind(),
        ]

    def state_change(
        self, state: State, certificates: CertificatePlan, others: list[FileChange]
    ) -> FileChange:
        """The change of state.json, whose fingerprints wait for certificates to be issued."""
        content: Content = Pending(STATE_FILE)
        known = self._fingerprints(certificates)
        issued = any(isinstance(c, CreateFile) and isinstance(c.content, Pending) for c in others)
        if known is not None and not issued:
            content = state.model_copy(update={"certificates": known}).render()
        return self.own.written(self.pki / STATE_FILE, content, PRIVATE)

    def _pki_files(self, certificates: CertificatePlan) -> list[FileChange]:
        changes: list[FileChange] = []
        for role, source in certificates.sources.items():
            for suffix, mode in ((".pem", PUBLIC), (".key", PRIVATE)):
                path = self.pki / f"{role}{suffix}"
                digest = self.own.digest(path)
                if path.name == "ca.key" and source in {"kept", "brought"} and digest is None:
                    # The key of a CA that the user brought stays where the user keeps it.
                    continue
                stays = source == "kept" or (source == "joined" and suffix == ".key")
                if stays or self._is_copied(role, source):
                    changes.append(KeepFile(path, digest))
                elif path.name == "ca.key" and source == "brought":
                    if certificates.retired is None:
                        self._refuse_damaged_ca(path)
                    changes.append(RemoveFile(path, digest))
                else:
                    changes.append(self.own.written(path, Pending(path.name), mode))
        return changes

    def _next_ca(self, certificates: CertificatePlan) -> list[FileChange]:
        """The CA that is to take over: made, kept, or in its place."""
        changes: list[FileChange] = []
        for suffix, mode in ((".pem", PUBLIC), (".key", PRIVATE)):
            path = self.pki / f"{NEXT_CA}{suffix}"
            match certificates.sources["ca"]:
                case "joined":
                    changes.append(self.own.written(path, Pending(path.name), mode))
                case "promoted":
                    changes.append(RemoveFile(path, self.own.digest(path)))
                case _:
                    if certificates.next_ca:
                        changes.append(KeepFile(path, self.own.digest(path)))
        return changes

    def _retired(self, name: str | None) -> list[FileChange]:
        """A CA that gives way to another, under its other name."""
        if name is None:
            return []
        certificate, key = self.pki / f"{name}.pem", self.pki / f"{name}.key"
        return [
            self.own.written(certificate, Pending(certificate.name), PUBLIC),
            self.own.written(key, Pending(key.name), PRIVATE),
        ]

    def _requests(self, certificates: CertificatePlan) -> list[FileChange]:
        """Signing requests, and the serial number that OpenSSL counts on from."""
        changes: list[FileChange] = []
        written = {f"{order.role}.csr" for order in certificates.requests}
        for name in (*REQUEST_FILES, SERIAL_FILE):
            path = self.pki / name
            digest = self.own.digest(path)
            if name in written or (name == SERIAL_FILE and self.config.csr and digest is None):
                changes.append(self.own.written(path, Pending(name), PUBLIC))
            elif self.config.csr and digest is not None:
                changes.append(KeepFile(path, digest))
        return changes

    def _refuse_damaged_ca(self, key: Path) -> NoReturn:
        name = relative(key, self.directory)
        raise ValueInTheWay(
            f"{name} does not belong to the certificate beside it, nor to {self.config.ca_cert}",
            hint=f"move {name} away: compose-tls does not write over a key that it does not know",
            path=name,
        )

    def _copy(self, name: str, source: str, access: KeyAccess) -> FileChange:
        """A file of the TLS directory: a copy of the one in the PKI directory."""
        path, origin = self.tls / name, self.own.digest(self.pki / name)
        facts = self.observation.files.get(path)
        role: CertificateRole = "ca" if name == CA_CERTIFICATE else "server"
        if facts is not None and (source == "kept" or self._is_copied(role, source)):
            owned = access.uid in {None, facts.uid} and access.gid in {None, facts.gid}
            if owned and facts.mode == access.mode and facts.sha256 in {None, origin}:
                return KeepFile(path, facts.sha256)
        return self.own.written(path, Pending(name), access.mode, access.uid, access.gid)

    def _left_behind(self) -> list[FileChange]:
        """The copies in the TLS directory of an earlier enable, where that was another one."""
        old = self.directory / self.state.tls_dir if self.state else self.tls
        if old == self.tls:
            return []
        found = [(old / name, self.own.digest(self.pki / name)) for name in OWN_TLS_FILES]
        ours = [path for path, digest in found if digest and self.own.digest(path) == digest]
        return [*(RemoveFile(path, self.own.digest(path)) for path in ours), RemoveDirectory(old)]

    def _is_copied(self, role: CertificateRole, source: str) -> bool:
        """Whether what the user brings for a role is in the PKI directory already."""
        return source == "brought" and role in self.observation.pki.brought

    def _fingerprints(self, certificates: CertificatePlan) -> dict[str, str] | None:
        """The fingerprints that state.json records; ``None`` while one is still to be issued."""
        places: dict[Path, CertificateRole] = {
            self.tls / SERVER_CERTIFICATE: "server",
            self.tls / CA_CERTIFICATE: "ca",
            **{self.pki / f"{role}.pem": role for role in certificates.sources},
        }
        known = self.observation.pki.certificates
        if not known.keys() >= set(places.values()):
            return None
        digests = {path: known[role].sha256 for path, role in places.items()}
        if certificates.next_ca and self.observation.pki.next_ca is not None:
            digests[self.pki / f"{NEXT_CA}.pem"] = self.observation.pki.next_ca.sha256
        return {relative(path, self.directory): digest for path, digest in digests.items()}

"""The plan of ``enable``: take out what an earlier enable put in, and put in what is wanted now.

Planning from the undone files makes a second run a no-op and a changed setting the same as a fresh
start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from compose_tls.changes import (
    Content,
    CreateFile,
    FileChange,
    KeepFile,
    MakeDirectory,
    PatchFile,
    Pending,
    Plan,
    PlanWarning,
    RemoveFile,
    relative,
    sha256,
)
from compose_tls.compose.discovery import named_files, override_file
from compose_tls.compose.project import load_project
from compose_tls.config import TlsConfig
from compose_tls.errors import ValueInTheWay
from compose_tls.facts import CertificateRole, Observation
from compose_tls.milvus.settings import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY, read
from compose_tls.plan import edits
from compose_tls.plan.certificates import CertificatePlan, plan_certificates
from compose_tls.plan.container_user import KeyAccess, key_access
from compose_tls.plan.endpoint import endpoint, found_names, proxy_port, wanted_names
from compose_tls.plan.placement import Placement, place
from compose_tls.plan.select import MilvusService, select
from compose_tls.results import Endpoint
from compose_tls.state.model import STATE_FILE, FileRecord, State, read_state
from compose_tls.state.undo import record, record_new, undo
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Intent
from compose_tls.yamlpatch.patch import create, patch

_IGNORE_ALL = b"*\n"
_PRIVATE_DIRECTORY = 0o700
_PUBLIC_DIRECTORY = 0o755
_PRIVATE = 0o600
_PUBLIC = 0o644


@dataclass(frozen=True, slots=True)
class EnablePlan:
    """A plan, and what the steps after it need to know.

    Attributes:
        service: The service that ends client TLS.
        proxy_port: The port of the proxy inside the container.
        endpoint: Where clients reach it; ``None`` when no port is published.
        certificates: Where each certificate comes from.
        state: What state.json will say; its certificates are filled in once they are issued.
    """

    plan: Plan
    service: str
    proxy_port: int
    endpoint: Endpoint | None
    certificates: CertificatePlan
    state: State


def plan_enable(observation: Observation, config: TlsConfig, now: datetime) -> EnablePlan:
    """Work out everything that ``enable`` will do.

    Args:
        observation: The project as it is.
        config: The settings.
        now: The time that certificate validity is judged by.

    Raises:
        ProjectError: The project cannot be understood, or not be edited safely.
        CertificateError: The certificates at hand cannot be used.
    """
    return _Planner(observation, config, now).plan()


class _Planner:
    def __init__(self, observation: Observation, config: TlsConfig, now: datetime) -> None:
        self.observation = observation
        self.config = config
        self.now = now
        self.directory = observation.directory
        self.pki = self.directory / config.pki_dir
        self.tls = self.directory / config.tls_dir
        self.warnings: list[PlanWarning] = []
        state_path = self.pki / STATE_FILE
        self.state = read_state(observation.content(state_path), self.relative(state_path))
        self.originals: dict[Path, bytes | None] = {}
        if self.state is not None:
            self._undo(self.state)

    def plan(self) -> EnablePlan:
        # An override file that an earlier enable made is not there in what is planned from.
        files = [path for path in self.observation.compose_files if self.read(path) is not None]
        project = load_project(self.directory, files, self.read, self.observation.variables)
        milvus = select(project, self.config.service)
        placement = place(milvus, self.config, self.directory, self.read)
        proxy = proxy_port(milvus.service, self._port_in(placement))
        work = edits.work_out(
            milvus,
            placement,
            self.config,
            self.directory,
            self.read,
            proxy,
            self._override(files),
        )
        found = found_names(milvus.service, proxy)
        certificates = plan_certificates(
            self.observation, self.config, wanted_names(self.config), found, self.now
        )
        access = key_access(milvus, self.observation, self.relative(self.tls / SERVER_KEY))
        patches, records = self._patches(work)
        state = self._new_state(milvus, records)
        changes = [
            *patches,
            *self._pki_changes(certificates),
            *self._tls_changes(certificates, access),
        ]
        changes.append(self._state_change(state, changes))
        self.warnings += [
            *milvus.warnings,
            *placement.warnings,
            *certificates.warnings,
            *access.warnings,
        ]
        plan = Plan(
            self.directory,
            (*self._directories(), *changes),
            certificates.orders,
            tuple(self.warnings),
        )
        where = endpoint(milvus.service, self.config.server_name, proxy)
        return EnablePlan(plan, milvus.name, proxy, where, certificates, state)

    def read(self, path: Path) -> bytes | None:
        """A file as it was before any earlier enable."""
        return self.originals.get(path, self.observation.content(path))

    def relative(self, path: Path) -> str:
        return relative(path, self.directory)

    def _undo(self, state: State) -> None:
        for file in state.files:
            path = self.directory / file.path
            content = self.observation.content(path)
            if content is None:
                continue
            undone = undo(content, file)
            self.originals[path] = undone.content
            for route in undone.kept:
                text = f"{file.path}: {route} was changed since, and counts as yours"
                self.warnings.append(PlanWarning("edit-kept", text))

    def _override(self, files: list[Path]) -> Path | None:
        if self.config.style != "override":
            return None
        named = named_files(self.config.file, self.observation.variables)
        return override_file(files, named, lambda path: path in files)

    def _port_in(self, placement: Placement) -> str | None:
        content = self.read(placement.file) if placement.file else None
        if placement.file is None or content is None:
            return None
        return read(parse(content, self.relative(placement.file)), ("proxy", "port"))

    def _patches(self, work: edits.Edits) -> tuple[list[FileChange], list[FileRecord]]:
        changes: list[FileChange] = []
        records: list[FileRecord] = []
        for path in dict.fromkeys((*work.by_file, *self.originals)):
            original, now = self.read(path), self.observation.content(path)
            name = self.relative(path)
            intents = work.by_file.get(path, [])
            if original is None:
                changes.append(self._own_file(path, intents, now))
                if intents:
                    records.append(record_new(name, create(intents), intents))
                continue
            if now is None:
                continue
            patched = patch(original, name, intents)
            if patched.content != original:
                records.append(record(name, original, intents, patched))
            change = PatchFile(path, now, patched.content)
            changes.append(KeepFile(path, change.before) if now == patched.content else change)
        return changes, records

    def _own_file(self, path: Path, intents: list[Intent], now: bytes | None) -> FileChange:
        """An override file of our own: made, replaced, or gone when nothing is left to say."""
        before = sha256(now) if now is not None else None
        if not intents:
            return RemoveFile(path, before) if before else KeepFile(path, None)
        content = create(intents)
        return (
            KeepFile(path, before) if content == now else CreateFile(path, content, _PUBLIC, before)
        )

    def _directories(self) -> list[FileChange]:
        return [
            MakeDirectory(self.pki, _PRIVATE_DIRECTORY),
            MakeDirectory(self.tls, _PUBLIC_DIRECTORY),
        ]

    def _pki_changes(self, certificates: CertificatePlan) -> list[FileChange]:
        changes = [self._written(self.pki / ".gitignore", _IGNORE_ALL, _PUBLIC)]
        for role, source in certificates.sources.items():
            for suffix, mode in ((".pem", _PUBLIC), (".key", _PRIVATE)):
                name = f"{role}{suffix}"
                path = self.pki / name
                if name == "ca.key" and source != "issued" and self._digest(path) is None:
                    # The key of a CA that the user brought stays where the user keeps it.
                    continue
                if source == "kept":
                    changes.append(KeepFile(path, self._digest(path)))
                    continue
                same = source == "brought" and self._digest(path) == self._brought(role, suffix)
                if same and self._digest(path) is not None:
                    changes.append(KeepFile(path, self._digest(path)))
                else:
                    changes.append(self._written(path, Pending(name), mode))
        return changes

    def _tls_changes(self, certificates: CertificatePlan, access: KeyAccess) -> list[FileChange]:
        ca, server = certificates.sources["ca"], certificates.sources["server"]
        return [
            self._written(self.tls / ".gitignore", _IGNORE_ALL, _PUBLIC),
            self._copy(CA_CERTIFICATE, ca, _PUBLIC),
            self._copy(SERVER_CERTIFICATE, server, _PUBLIC),
            self._copy(SERVER_KEY, server, access.mode, access.uid, access.gid),
        ]

    def _copy(
        self,
        name: str,
        source: str,
        mode: int,
        uid: int | None = None,
        gid: int | None = None,
    ) -> FileChange:
        """A file of the TLS directory: a copy of the one in the PKI directory."""
        path, origin = self.tls / name, self.pki / name
        facts = self.observation.files.get(path)
        kept = source == "kept" or self._is_kept_brought(name)
        if kept and facts is not None:
            owned = (uid is None or facts.uid == uid) and (gid is None or facts.gid == gid)
            same = facts.sha256 in {None, self._digest(origin)}
            if owned and same and facts.mode == mode:
                return KeepFile(path, facts.sha256)
        return self._written(path, Pending(name), mode, uid, gid)

    def _is_kept_brought(self, name: str) -> bool:
        role, _, suffix = name.partition(".")
        digest = self._digest(self.pki / name)
        return digest is not None and digest == self._brought(role, f".{suffix}")

    def _brought(self, role: CertificateRole | str, suffix: str) -> str | None:
        setting = f"{role}_{'cert' if suffix == '.pem' else 'key'}"
        path: str | None = getattr(self.config, setting)
        return self._digest(self.directory / path) if path is not None else None

    def _written(
        self,
        path: Path,
        content: Content,
        mode: int,
        uid: int | None = None,
        gid: int | None = None,
    ) -> FileChange:
        """A file of ours; one of somebody else's is never written over."""
        facts = self.observation.files.get(path)
        if facts is None:
            return CreateFile(path, content, mode, None, uid, gid)
        if facts.content is not None and facts.content == content:
            return KeepFile(path, facts.sha256)
        if self.state is None:
            raise ValueInTheWay(
                f"{self.relative(path)} is there already, and not from compose-tls",
                hint="move it away, choose other places with --pki-dir and --tls-dir, or bring it "
                "with --server-cert, --server-key and --ca-cert",
                path=self.relative(path),
            )
        return CreateFile(path, content, mode, facts.sha256, uid, gid)

    def _digest(self, path: Path) -> str | None:
        facts = self.observation.files.get(path)
        return facts.sha256 if facts else None

    def _new_state(self, milvus: MilvusService, records: list[FileRecord]) -> State:
        return State(
            mode=self.config.mode,
            services=(milvus.name,),
            server_name=self.config.server_name,
            tls_dir=self.config.tls_dir,
            container_tls_dir=self.config.container_tls_dir,
            rest_port=self.config.rest_port,
            files=tuple(records),
            certificates=dict(self.state.certificates) if self.state else {},
        )

    def _state_change(self, state: State, changes: list[FileChange]) -> FileChange:
        path = self.pki / STATE_FILE
        issued = any(isinstance(c, CreateFile) and isinstance(c.content, Pending) for c in changes)
        content: Content = Pending(STATE_FILE) if issued else state.render()
        return self._written(path, content, _PRIVATE)

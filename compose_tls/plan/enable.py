"""The plan of ``enable``: take out what an earlier enable put in, and put in what is wanted now.

Planning from the undone files makes a second run a no-op and a changed setting the same as a fresh
start.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from compose_tls.changes import (
    CreateFile,
    FileChange,
    KeepFile,
    PatchFile,
    RemoveFile,
    relative,
    sha256,
)
from compose_tls.compose.compose_project import load_project
from compose_tls.compose.discovery import named_files, override_file
from compose_tls.config import TlsConfig
from compose_tls.errors import EditRefused
from compose_tls.observation import Observation
from compose_tls.plan import edits
from compose_tls.plan.certificates import plan_certificates
from compose_tls.plan.managed_files import OwnFiles
from compose_tls.plan.modes import PUBLIC
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.enabled import state_of
from compose_tls.project.endpoints import endpoint, found_names, proxy_port, wanted_names
from compose_tls.project.milvus_services import MilvusService, select
from compose_tls.project.placement import Placement, place
from compose_tls.state.recorded import FileRecord, State
from compose_tls.state.undo import record, record_new, undo
from compose_tls.vocabulary import TlsWarning
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Intent
from compose_tls.yamlpatch.patch import create, edit


def plan_enable(observation: Observation, config: TlsConfig, now: datetime) -> ServicePlan:
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
        self.warnings: list[TlsWarning] = []
        self.state = state_of(observation, config)
        self.own = OwnFiles(observation, config, self.state)
        self.originals: dict[Path, bytes | None] = {}
        if self.state is not None:
            self._undo(self.state)

    def plan(self) -> ServicePlan:
        # An override file that an earlier enable made is not there in what is planned from.
        files = [path for path in self.observation.compose_files if self.read(path) is not None]
        project = load_project(self.directory, files, self.read, self.observation.variables)
        milvus = select(project, self.config.service)
        placement = place(milvus, self.config, self.directory, self.read)
        proxy = proxy_port(milvus, placement, self.read)
        patches, records = self._edited(milvus, placement, proxy, files)
        found = found_names(milvus.service, proxy)
        certificates = plan_certificates(
            self.observation, self.config, wanted_names(self.config), found, self.now
        )
        state = self._new_state(milvus, records)
        plan = self.own.plan(milvus, certificates, state, patches)
        self.warnings += [*milvus.warnings, *placement.warnings, *plan.warnings]
        plan = replace(plan, warnings=tuple(self.warnings))
        where = endpoint(milvus.service, self.config.server_name, proxy)
        return ServicePlan(plan, milvus.name, proxy, where, certificates, state)

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
                self.warnings.append(TlsWarning("edit-kept", text))

    def _edited(
        self, milvus: MilvusService, placement: Placement, proxy: int, files: list[Path]
    ) -> tuple[list[FileChange], list[FileRecord]]:
        """The edits in place; where those are refused and nobody asked for them, in an override."""
        named = named_files(self.config.file, self.observation.variables)

        def edited(override: Path | None) -> tuple[list[FileChange], list[FileRecord]]:
            return self._patches(
                edits.work_out(
                    milvus, placement, self.config, self.directory, self.read, proxy, override
                )
            )

        if self.config.style == "override":
            return edited(override_file(files, named, files.__contains__))
        try:
            return edited(None)
        except EditRefused as refusal:
            if self.config.style is not None or named:
                raise
            override = override_file(files, named, files.__contains__)
            found = edited(override)
            text = f"{refusal.message}; the edits are in {self.relative(override)} instead"
            self.warnings.append(TlsWarning("override-used", text))
            return found

    def _patches(self, work: edits.Edits) -> tuple[list[FileChange], list[FileRecord]]:
        changes: list[FileChange] = []
        records: list[FileRecord] = []
        for path in dict.fromkeys((*work.by_file, *self.originals)):
            original, now = self.read(path), self.observation.content(path)
            name = self.relative(path)
            intents = work.by_file.get(path, [])
            if original is None or now is None:
                changes.append(self._own_file(path, intents, now))
                if intents:
                    records.append(record_new(name, create(intents), intents))
                continue
            document = parse(original, name)
            patched = edit(document, intents)
            if patched.content != original:
                records.append(record(document, intents, patched))
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
            KeepFile(path, before) if content == now else CreateFile(path, content, PUBLIC, before)
        )

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

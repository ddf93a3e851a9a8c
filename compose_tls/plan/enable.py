"""The plan of ``enable``: remove the edits of an earlier enable, and make the new ones.

Planning from the undone files makes a second run a no-op and a changed setting the same as a fresh
start.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from compose_tls.changes import (
    CreateFile,
    FileChange,
    IdentityPlan,
    KeepFile,
    PatchFile,
    RemoveFile,
    sha256,
)
from compose_tls.compose.discovery import named_files, override_file
from compose_tls.compose.edits import as_written
from compose_tls.compose.member_edits import Edits, MemberInCompose, member_edits
from compose_tls.compose.rewriting import rewrite
from compose_tls.config import TlsConfig
from compose_tls.errors import EditRefused
from compose_tls.layout import CERTIFICATE, CLIENT, PUBLIC, client_identity
from compose_tls.plan.changed_services import touched_beside, touched_services
from compose_tls.plan.client_ca import has_server_ca_clients, no_client
from compose_tls.plan.consequences import consequences, keys_to_be_mounted, mounted_beside
from compose_tls.plan.effect import require_effect
from compose_tls.plan.further_cas import further_cas
from compose_tls.plan.given_up import given_up, names_given_up
from compose_tls.plan.health_checks import HealthEdit, add_health_edit
from compose_tls.plan.identities import is_valid, plan_identities
from compose_tls.plan.managed_files import ManagedFiles
from compose_tls.plan.neighbour_files import NeighbourFiles
from compose_tls.plan.neighbours import plan_neighbours
from compose_tls.plan.renamed_services import renamed_services
from compose_tls.plan.rest_port import require_free_rest_port
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.plan.stack_folders import Folders
from compose_tls.plan.stack_identities import with_stack
from compose_tls.plan.stack_parts import Part, Stack
from compose_tls.plan.stack_wanted import stack_of
from compose_tls.plan.tls_setup import tls_setup
from compose_tls.project.declared_tls import modes_before
from compose_tls.project.endpoints import found_names
from compose_tls.project.milvus_configuration import Placement, place
from compose_tls.project.milvus_services import MilvusService, select
from compose_tls.project.model import Project
from compose_tls.results import NeighbourResult
from compose_tls.setup import Member, TlsSetup
from compose_tls.stack.milvus.settings import put_settings, read_setting, sets
from compose_tls.state.recorded import FileRecord, NeighbourRecord, State, recorded
from compose_tls.state.undo import (
    is_of_lines,
    record,
    record_new,
    record_values,
    same_edits,
    stands,
)
from compose_tls.vocabulary import TlsMode, TlsWarning
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Intent
from compose_tls.yamlpatch.patch import create, edit

if TYPE_CHECKING:
    from compose_tls.plan.switching_neighbours import Neighbour


def plan_enable(
    project: Project,
    config: TlsConfig,
    now: datetime,
    users_of_images: Mapping[str, str] = {},
    public_roots: bytes | None = None,
) -> ServicePlan:
    """Work out everything that ``enable`` will do.

    Args:
        project: The project, without what an earlier enable put in.
        config: The settings.
        now: The time that certificate validity is judged by.
        users_of_images: The users that images name, by service, where an engine told.
        public_roots: The root certificates that Milvus trusts in addition to the CA of the object store.

    Raises:
        ProjectError: The project cannot be understood, or not be edited safely.
        CertificateError: The certificates available cannot be used.
    """
    return _Planner(project, config).plan(now, users_of_images, public_roots)


class _Planner:
    def __init__(self, project: Project, config: TlsConfig) -> None:
        self.project = project
        self.observation = project.observation
        self.config = config
        self.neighbours: tuple[Neighbour, ...] = ()
        self.warnings = [
            TlsWarning("edit-kept", f"{file}: {route} was changed since, so it is kept as yours")
            for file, route in project.kept
        ]

    def plan(
        self, now: datetime, users_of_images: Mapping[str, str], public_roots: bytes | None
    ) -> ServicePlan:
        project, config = self.project, self.config
        self.warnings += renamed_services(project, config)
        milvus = select(project.compose, project.milvus, config.service)
        stack = stack_of(project, milvus, config, self._override())
        self.warnings += given_up(project, config, milvus)
        parts = [one.milvus for one in stack.milvus if one.milvus is not None]
        placements = {
            one.name: place(one.configuration, config.config) for one in (*milvus, *parts)
        }
        proxies = ((one.service, one.configuration.proxy_port) for one in milvus)
        names = found_names(proxies, project.compose.services)
        members = tuple(one.name for one in milvus)
        brought = self.observation.pki.brought_names
        held = {
            *config.names,
            *(brought if config.server_cert is not None else filter(is_valid, names)),
        }
        neighbours = plan_neighbours(project, milvus, config, held, self._override())
        showing = [one.name for one in neighbours.switched if one.shows_certificate]
        identities = self._identities(members, names, showing, stack, now)
        setup = tls_setup(milvus, identities, config, stack)
        beside = consequences(project, milvus, config, showing)
        self.neighbours = neighbours.switched
        patches, records = self._edited(setup, milvus, placements, beside.health, stack)
        files = [
            NeighbourFiles(n.name, n.recipe.files, n.edits.service) for n in neighbours.switched
        ]
        state = State(
            settings=recorded(config),
            services=members,
            files=tuple(records),
            identities=project.state.identities if project.state else (),
            neighbours=tuple(NeighbourRecord(service=one.name, files=one.files) for one in files)
            or None,
            before=modes_before(project, config, members) or None,
        )
        planned = ManagedFiles(project, config).plan(
            milvus, identities, state, patches, users_of_images, public_roots, files
        )
        for one in milvus:
            self.warnings += [*one.warnings, *placements[one.name].warnings]
        self.warnings += [*planned.plan.warnings, *beside.warnings, *stack.warnings]
        self.warnings += neighbours.warnings
        self.warnings += mounted_beside(project, config, planned)
        self.warnings += keys_to_be_mounted(project, config, milvus, planned)
        warnings = tuple(dict.fromkeys(self.warnings))
        plan = replace(planned.plan, warnings=warnings)
        planned = self._with_earlier(planned)
        touched = touched_services(planned, project)
        clients = (*stack.clients, *(one.edits for one in neighbours.switched))
        sees = [
            (one.member.name, one.member.directory.source)
            for one in clients
            if one.member.directory
        ]
        ports = tuple((one.member.name, one.member.port) for one in stack.servers)
        return replace(
            planned,
            plan=plan,
            cut_off=neighbours.cut_off,
            neighbours=tuple(self._told(one) for one in neighbours.switched),
            touched=touched,
            beside=touched_beside(planned, project, sees),
            server_ports=ports,
        )

    def _identities(
        self,
        members: tuple[str, ...],
        names: Sequence[str],
        showing: Sequence[str],
        stack: Stack,
        now: datetime,
    ) -> IdentityPlan:
        """Where each certificate comes from; what is to be said of that is a warning."""
        project, config = self.project, self.config
        before = project.state.settings if project.state else None
        identities = plan_identities(
            self.observation,
            config,
            members,
            names,
            now,
            showing,
            settled=has_server_ca_clients(before, config),
        )
        self.warnings += names_given_up(project, config, identities)
        self.warnings += further_cas(self.observation, config, project.state)
        if config.tls_mode is TlsMode.MUTUAL and identities.get(CLIENT) is None:
            self.warnings.append(no_client(config))
        return with_stack(identities, stack.identities, self.observation, config, now)

    def _with_earlier(self, planned: ServicePlan) -> ServicePlan:
        """Servers and parts that are no longer included must be restarted as well, in the same order."""
        state = self.project.state
        before = Folders.of(state.identities, self.project) if state else Folders()
        there = self.project.compose.services
        proxies = {one.service for one in planned.proxies}
        servers = dict.fromkeys((*planned.servers, *before.servers))
        others = dict.fromkeys((*planned.others, *before.milvus))
        return replace(
            planned,
            servers=tuple(name for name in servers if name in there),
            others=tuple(name for name in others if name in there and name not in proxies),
        )

    def _told(self, one: Neighbour) -> NeighbourResult:
        place = f"{self.config.pki_dir}/{client_identity(one.name)}{CERTIFICATE}"
        shown = place if one.shows_certificate else None
        return NeighbourResult(service=one.name, how=one.client.how, certificate=shown)

    @property
    def _named(self) -> list[str]:
        """The compose files that the user names: Compose looks for no override file then."""
        return named_files(self.config.file, self.observation.variables)

    def _override_file(self) -> Path:
        """The override file that Compose loads by itself; not one that an earlier enable made.

        Raises:
            ConflictingSettings: It looks for none.
        """
        loaded = self.observation.compose_files
        files = [path for path in loaded if self.project.read(path) is not None]
        return override_file(files, self._named, files.__contains__)

    def _override(self) -> Path | None:
        """The same; ``None`` where there is to be none."""
        none = self.config.style == "in-place" or self._named
        return None if none else self._override_file()

    def _edited(
        self,
        setup: TlsSetup,
        milvus: Sequence[MilvusService],
        placements: dict[str, Placement],
        health: Sequence[HealthEdit],
        stack: Stack,
    ) -> tuple[list[FileChange], list[FileRecord]]:
        """The edits in place; where those are refused and no one asked for them, in an override."""
        told = tuple(zip(setup.members[: len(milvus)], milvus, strict=True))

        def edited(override: Path | None) -> tuple[list[FileChange], list[FileRecord]]:
            edits = Edits()
            for member, one in told:
                self._add_edits(member, one, placements[one.name], override, edits)
            for change in health:
                add_health_edit(change, override, edits)
            for neighbour in self.neighbours:
                neighbour.edits.add_to(edits, self.project, override)
            for part in stack.parts:
                self._add_part(part, placements, override, edits, {one.name for one in milvus})
            for client in stack.clients:
                client.add_to(edits, self.project, override)
            made = self._patches(edits)
            require_effect(self.project, self.config, told, made[0], override)
            return made

        if self.config.style == "override":
            return edited(self._override_file())
        try:
            return edited(None)
        except EditRefused as refusal:
            if self.config.style is not None or self._named:
                raise
            override = self._override_file()
            found = edited(override)
            text = f"{refusal.message}; the edits go to {self.project.relative(override)} instead"
            self.warnings.append(TlsWarning("override-used", text))
            return found

    def _add_part(
        self,
        part: Part,
        placements: dict[str, Placement],
        override: Path | None,
        edits: Edits,
        proxies: Collection[str],
    ) -> None:
        """Add what puts TLS into one service for others than clients."""
        files = [replace(part.member, settings=(), directory=file) for file in part.files]
        if part.milvus is not None:
            placement = placements[part.milvus.name]
            if part.milvus.name in proxies:
                # Its milvus.yaml is mounted for its clients already.
                placement = replace(placement, mounted=True)
            self._add_edits(part.member, part.milvus, placement, override, edits)
            for member in files:
                env = replace(placement, kind="env", file=None)
                self._add_edits(member, part.milvus, env, override, edits)
            return
        for member in (part.member, *files):
            in_compose = MemberInCompose(member, part.service, None, "", True, str.__eq__)
            member_edits(in_compose, self.project.compose, self.project.read, override, edits)
        for one in part.rewrites:
            rewrite(part.service, one.route, one.change, override, edits, hint=one.hint)

    def _add_edits(
        self,
        member: Member,
        milvus: MilvusService,
        placement: Placement,
        override: Path | None,
        edits: Edits,
    ) -> None:
        """Add what puts TLS into one service: mounts, variables and ports, then milvus.yaml."""
        in_compose = MemberInCompose(
            member,
            milvus.service,
            None if placement.mounted else placement.file,
            placement.target,
            placement.kind == "env",
            partial(sets, version=milvus.version),
            self.observation.given,
        )
        member_edits(in_compose, self.project.compose, self.project.read, override, edits)
        if placement.file is not None:
            self._add_file_edits(member, (placement.file, *placement.later_files), edits)
        for port in member.published:
            require_free_rest_port(self.project, milvus, port)

    def _add_file_edits(self, member: Member, files: tuple[Path, ...], edits: Edits) -> None:
        for file in files:
            document = parse(self.project.read(file) or b"", self.project.relative(file))
            # A later file wins over the complete one, but need not repeat it.
            concerned = [
                setting
                for setting in member.settings
                if file == files[0] or read_setting(document, setting.route) is not None
            ]
            if concerned:
                edits.add(file, put_settings(document, concerned))

    def _patches(self, work: Edits) -> tuple[list[FileChange], list[FileRecord]]:
        changes: list[FileChange] = []
        records: list[FileRecord] = []
        before = (
            {file.path: file for file in self.project.state.files} if self.project.state else {}
        )
        before_lines = {
            self.project.directory / file.path for file in before.values() if is_of_lines(file)
        }
        for path in dict.fromkeys((*work.by_file, *work.values, *self.project.originals)):
            original, now = self.project.read(path), self.observation.content(path)
            name = self.project.relative(path)
            old = before.get(name)
            intents = work.by_file.get(path, [])
            if old is not None:
                added = [(e.route, e.new) for e in old.edits if e.kind == "added-item" and e.new]
                intents = as_written(intents, added, self.project.compose)
            made: FileRecord | None
            if original is not None and now is not None and not intents:
                patched, made = original, None
                if path in work.values:
                    patched, made = record_values(name, original, work.values[path])
                is_env = path in work.values or (path in before_lines)
                change: FileChange = PatchFile(path, now, patched, confidential=is_env)
                if now == patched:
                    change = KeepFile(path, sha256(now))
            elif original is None or now is None:
                change = self._own_file(path, intents, now)
                made = record_new(name, create(intents), intents) if intents else None
            else:
                document = parse(original, name)
                edited = edit(document, intents)
                differs = edited.content != original
                made = record(document, intents, edited) if differs else None
                change = PatchFile(path, now, edited.content)
                if now == edited.content:
                    change = KeepFile(path, change.before)
            if now is not None and old and made and same_edits(old, made) and stands(now, old):
                # The file was edited around our entries: nothing moves.
                made, change = old, KeepFile(path, sha256(now))
            changes.append(change)
            records += [made] if made else []
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

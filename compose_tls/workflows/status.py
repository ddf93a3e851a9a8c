"""status: observe → what is declared → compare with what is recorded and deployed → result."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from compose_tls.compose.compose_project import saving
from compose_tls.config import TlsConfig
from compose_tls.layout import CA, ROOT_PASSWORD, STATE_FILE
from compose_tls.observe.client_files import with_clients
from compose_tls.observe.tls_files import with_tls_files
from compose_tls.plan.build_contexts import context_findings
from compose_tls.plan.findings import declared_findings, is_lost, key_findings, unseen
from compose_tls.plan.inventory import Inventory, inventory, shown_certificates
from compose_tls.plan.link_certificates import described, with_certificates
from compose_tls.plan.links import link_map
from compose_tls.plan.provided_certificates import lying_in
from compose_tls.plan.replaced_certificate import strangers
from compose_tls.project.declared_tls import DeclaredTls, declared_tls
from compose_tls.project.enabled import EnabledProject
from compose_tls.project.endpoints import carrier, endpoint, no_endpoint
from compose_tls.project.milvus_services import undecided
from compose_tls.project.model import Project, state_path
from compose_tls.project.renamed import recording
from compose_tls.results import DeclaredService, Endpoint, Mode, Recorded, StatusResult
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.damaged_files import DamagedFiles, damaged_files
from compose_tls.workflows.deployed_places import met_endpoint
from compose_tls.workflows.deployed_state import DeployedState
from compose_tls.workflows.interrupted import deploying
from compose_tls.workflows.next_step import own_command
from compose_tls.workflows.reachable_engine import inspect_deployed
from compose_tls.workflows.whole_hints import whole, with_whole_hints


@with_whole_hints
def status(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> StatusResult:
    """What is encrypted, with which certificate, until when, and what has changed since enable.

    What is declared, by the effective project, decides. What is recorded and, where an engine answers
    within two seconds, what is deployed is compared with that.

    Args:
        directory: The project directory.
        config: The settings; used are only locations.
        environment: Variables for interpolation by Compose; by default those of the process.

    Returns:
        A result whose ``exit_code`` is 0, 4 (a certificate is unreadable or expired, or Milvus cannot
        read its key) or 7 (TLS is off, or what is declared, recorded and deployed does not agree). Its
        ``links`` are there in any case.

    Raises:
        ProjectError: The project cannot be read.
    """
    opened = preamble.open_project(directory, config, environment)
    settings = opened.config
    preamble.reading(opened.root)
    project = with_clients(
        opened.observed(),
        settings,
    )
    # Also reports a Milvus that an earlier enable did not concern.
    named = opened.given.service
    services = declared_tls(project, named)
    project = with_tls_files(project, services)
    map_ = link_map(project)
    broken = damaged_files(project, settings)
    found = _certificates(project, settings, services, opened, broken)
    warnings = tuple(_with_broken(found, broken))
    links = map_.links
    if project.state is not None and project.state.settings.scope != "proxy":
        links = with_certificates(project, links, services, found.certificates)
    declared = tuple(declared_findings(project, settings, services, every=not named))
    deployed = inspect_deployed(opened, project, services)
    refused = [deployed.refused] if deployed.refused else []
    mode = _weakest(declared)
    address, note = _address(project, services, found, deployed) if mode else (None, None)
    result = StatusResult(
        mode=mode,
        project=str(opened.root),
        services=tuple(one.service for one in declared),
        declared=declared,
        recorded=_recorded(project),
        deployed=deployed.services,
        not_looked_at=deployed.reason,
        file_states=found.files,
        certificates=found.certificates,
        links=described(links, project, settings),
        endpoint=address,
        address_note=note,
        warnings=(
            *deploying(opened.root),
            *refused,
            *unseen(project),
            *warnings,
            *map_.warnings,
        ),
        certificates_usable=found.usable,
        loads=not refused,
    )
    # After disable: what still runs with TLS comes first.
    unlike = project.state is None and any(one.state == "stale" for one in deployed.services)
    first = whole(opened, broken.command) if broken.command else None
    following = first or (deployed.next if unlike and found.usable else None)
    following = following or _next(opened, project, result, found.mending)
    if found.usable:
        # Without its certificates it would not start.
        following = following or deployed.next
    if (
        following is not None
        and following == deployed.next
        and _waits_for_password(opened, deployed)
    ):
        following = own_command(opened, "init", "--up")
    return result.model_copy(update={"ok": result.exit_code == 0, "next": following})


def _waits_for_password(opened: preamble.Opened, deployed: DeployedState) -> bool:
    """Whether nothing runs of what ``init`` made: with Compose, root would have its default password."""
    absent = all(one.state == "absent" for one in deployed.services)
    return absent and (opened.root / opened.config.pki_dir / ROOT_PASSWORD).is_file()


def _certificates(
    project: Project,
    config: TlsConfig,
    services: Sequence[DeclaredTls],
    opened: preamble.Opened,
    broken: DamagedFiles,
) -> Inventory:
    """The certificates; also of keys, what is to be said and whether Milvus can work with them."""
    state = project.state
    if state is None:
        shown = shown_certificates(project.observation, services, opened.now)
        lost = tuple(_lost(project, config, services, opened))
        return replace(shown, warnings=(*shown.warnings, *lost))
    found = inventory(project.observation, config, state, opened.now, broken.unsound)
    readers = tuple(one.milvus for one in services if one.name in state.services)
    located = EnabledProject(project, state, readers)
    keys = key_findings(config, located)
    contexts = context_findings(project, config, state.showing)
    warnings = (*found.warnings, *keys.warnings, *contexts)
    return replace(
        found,
        warnings=warnings,
        usable=found.usable and keys.usable,
        mending=found.mending or keys.command,
    )


def _with_broken(found: Inventory, broken: DamagedFiles) -> Iterator[TlsWarning]:
    """What is to be said of certificates and of what is not whole, of each file once."""
    yield from found.warnings
    told = {one.path for one in found.warnings}
    yield from (one for one in broken.in_the_way.values() if one.path not in told)
    yield from (one for path, one in broken.unsound.items() if path not in found.lost)
    yield from broken.exposed


def _lost(
    project: Project, config: TlsConfig, services: Sequence[DeclaredTls], opened: preamble.Opened
) -> Iterator[TlsWarning]:
    if is_lost(project, config, services):
        name = project.relative(state_path(project.directory, config))
        words = ["--mode", str(max(int(one.mode or 1) for one in services))]
        pki = project.observation.pki
        if CA in pki.certificates and not pki.has_our_ca:
            # Nothing can be issued under it, and what is there goes on as it is.
            words += lying_in(config.pki_dir, project.observation)
        yield TlsWarning(
            "state-lost",
            f"{name} is missing, and the certificates are those of compose-tls",
            name,
            f"restore {STATE_FILE} from a backup; without one, "
            f"{own_command(opened, 'enable', *words)} records again what is there",
        )


def _weakest(declared: Sequence[DeclaredService]) -> Mode | None:
    modes = [one.mode for one in declared]
    if not modes or None in modes or 0 in modes:
        return None
    return 1 if 1 in modes else 2


def _recorded(project: Project) -> Recorded | None:
    state = project.state
    if state is None:
        return None
    return Recorded(
        mode=state.settings.mode, services=state.services, tls_dir=state.settings.tls_dir
    )


def _address(
    project: Project, services: Sequence[DeclaredTls], found: Inventory, deployed: DeployedState
) -> tuple[Endpoint | None, str | None]:
    """Where clients reach the first that is published, else met; and why the files do not tell it."""
    name, others = _server_name(project, services, found), project.compose.services
    ports = [(one, one.milvus.configuration.proxy_port) for one in services]
    for one, port in ports:
        if declared := endpoint(carrier(one.milvus.service, others), name, port):
            return declared, None
    for one, port in ports:
        if one.name in deployed.places:
            note = no_endpoint(one.milvus.service, others, port)
            return met_endpoint(deployed.places[one.name], name), note
    notes = (no_endpoint(one.milvus.service, others, port) for one, port in ports)
    return None, next(notes, None)


def _server_name(project: Project, services: Sequence[DeclaredTls], found: Inventory) -> str:
    """The name that was given, else one that its certificate holds."""
    if project.state is not None:
        return project.state.settings.server_name
    shown = {file.path for one in services for file in one.files}
    held = [
        name
        for one in found.certificates
        if project.directory / one.path in shown
        for name in one.dns_names
    ]
    return "localhost" if "localhost" in held or not held else held[0]


def _next(
    opened: preamble.Opened, project: Project, result: StatusResult, mended: str | None
) -> str | None:
    """The command that makes the files what they are to be; never to a weaker mode."""
    if not result.declared and project.compose.elsewhere:
        return saving(", ".join(one.place for one in project.compose.elsewhere))
    if not result.declared:
        return "name the service with --service, or the right compose file with -f"
    off, state = not result.encrypted, project.state
    usable = state is not None or result.certificates_usable
    if state is None and not off and usable:
        return None
    if not off and usable and result.in_order and not any(one.differs for one in result.declared):
        return whole(opened, mended) if mended else None
    if state is not None and not project.milvus:
        # Nothing is left that enable could put TLS into.
        return own_command(opened, "disable")
    if command := recording(project):
        return own_command(opened, *command[1:])
    recorded = [state.settings.mode] if state else []
    mode = max([1, *recorded, *(one.mode or 0 for one in result.declared)])
    named = list(opened.given.service)
    there = [one.service for one in result.declared if one.service in project.compose.services]
    known = state.services if state else ()
    if not named and (undecided(project.milvus) if not known else set(there) - set(known)):
        # enable goes on with those that it knows.
        named = there
    words = [word for name in named for word in ("--service", name)]
    if state is None:
        words += _another_target(opened, project)
    enabling = own_command(opened, "enable", "--mode", str(mode), *words)
    if state is not None and (lost := strangers(project.observation, opened.config, state)):
        # With --accept one command is enough, but the keys would be lost.
        return f"move {' and '.join(sorted(lost))} away, with the key; then: {enabling}"
    return enabling


def _another_target(opened: preamble.Opened, project: Project) -> Iterator[str]:
    """The option for another place in the container, where something else is mounted at ours."""
    from compose_tls.compose.member_edits import free_target  # noqa: PLC0415 - only before enable

    target, served = opened.config.container_tls_dir, opened.root / opened.config.served_dir
    places = (free_target(one.service, target, served) for one in project.milvus if one.proxy)
    for place in dict.fromkeys(place for place in places if place != target):
        yield from ("--container-tls-dir", place)
        return

"""The services that talk to Milvus: which of them are switched to TLS with it, and which cannot be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from compose_tls.compose.member_edits import Edits
from compose_tls.config import TlsConfig
from compose_tls.errors import ClientsCutOff, EditRefused, ProjectError, settle
from compose_tls.plan.client_ca import client_ca_source, has_server_ca_clients, issues_clients
from compose_tls.plan.clients import Client, clients, cut_off, is_let_in, passes_on, still_plain
from compose_tls.project.milvus_services import MilvusService, is_active
from compose_tls.project.model import Project
from compose_tls.results import CutOff
from compose_tls.shell import typed
from compose_tls.stack.applications import application_of
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning

if TYPE_CHECKING:
    from compose_tls.plan.switching_neighbours import Neighbour

_KEYLESS: Final = "a client certificate of its own, and no key is given of a CA that could issue it"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What is done about the services that talk to Milvus.

    Attributes:
        switched: Those that are switched.
        cut_off: Those that their owner has to configure for TLS.
        warnings: What is to be said of both.
    """

    switched: tuple[Neighbour, ...] = ()
    cut_off: tuple[CutOff, ...] = ()
    warnings: tuple[TlsWarning, ...] = ()


def plan_neighbours(
    project: Project,
    milvus: Sequence[MilvusService],
    config: TlsConfig,
    names: Collection[str],
    override: Path | None,
) -> Neighbours:
    """Decide about every service that talks to Milvus.

    Args:
        project: The project, without what an earlier enable put in.
        milvus: The services that are to speak TLS.
        config: The settings.
        names: The names that the server certificate holds for certain.
        override: The override file for services that cannot be edited in place; ``None`` where there
            is none to be.

    Raises:
        ClientsCutOff: In mode 2, one cannot present a client certificate, and that was not accepted.
    """
    if config.neighbours == "ignore":
        return Neighbours()
    every = clients(project, tuple(milvus))
    switched: list[Neighbour] = []
    left: list[Client] = []
    reasons: list[str | None] = []
    issues = config.tls_mode is TlsMode.ONE_WAY or _issues(project, config)
    for found in every.values():
        ways = [one for one in found if not is_let_in(one, config)]
        made, reason = None, None
        if ways and config.neighbours == "patch":
            try:
                from compose_tls.plan.switching_neighbours import switching  # noqa: PLC0415 - few have one

                made = _placed(switching(ways, project, config, names), project, config, override)
            except ProjectError as error:
                place = f"{error.path}: " if error.path else ""
                reason = f"{place}{error.message}: {error.hint}"
        if made is not None and made.shows_certificate and not issues:
            from compose_tls.plan.provided_certificates import with_client_ca  # noqa: PLC0415 - as above

            made = None
            reason = f"{_KEYLESS}: {with_client_ca(config, project.directory)}"
        if made is None:
            left += ways
            reasons += [reason or _lacks_name(one, config, names) for one in ways]
        else:
            switched.append(made)
    entries, warnings = cut_off(left, config, reasons)
    if config.neighbours == "patch":
        warnings = tuple(_settled(left, entries, warnings, project, config))
    return Neighbours(
        tuple(switched),
        entries,
        (*warnings, *_notes(switched, (found[0] for found in every.values()), project)),
    )


def _notes(
    switched: Sequence[Neighbour], every: Iterable[Client], project: Project
) -> Iterator[TlsWarning]:
    """What else is to be known of those that are switched, and of those that pass TLS on."""
    for one in switched:
        if one.edits.override is not None:
            yield TlsWarning(
                "override-used",
                f"{one.refusal}; the edits of service {one.name} go to "
                f"{project.relative(one.edits.override)} instead",
            )
    for one in switched:
        if one.recipe.note:
            text = f"service {one.name}: {one.recipe.note}"
            yield TlsWarning("neighbour-note", text, one.client.path)
        if not is_active(one.edits.service):
            yield TlsWarning(
                "neighbour-note",
                f"service {one.name} starts only by name or with its profile, and then reads this",
                one.client.path,
                f"if it runs already: docker compose up -d {typed(one.name)}",
            )
        changed = [change.variable for change in one.edits.addresses]
        left = still_plain(project, one.client, changed) if changed else None
        if left is not None:
            yield TlsWarning(
                "neighbour-note",
                f"service {one.name}: {left.how} in plain text, and that is not changed",
                left.path,
                "write https:// there, or remove it",
                left.line,
            )
    for client in every:
        if passes_on(client):
            yield TlsWarning(
                "neighbour-note",
                f"service {client.name} passes TLS through: {client.how}, "
                "and it forwards the bytes",
                client.path,
                "the certificate has to include the name that clients use for it: --san NAME",
                client.line,
            )


def _settled(
    left: Sequence[Client],
    entries: Sequence[CutOff],
    warnings: Sequence[TlsWarning],
    project: Project,
    config: TlsConfig,
) -> Iterator[TlsWarning]:
    """The warnings; in mode 2 those of applications that talk to Milvus for certain are a refusal.

    Not where that is its mode already and they were not switched: they cannot talk to it any more,
    whatever enable does.
    """
    state = project.state
    already = state is not None and state.settings.mode == config.mode
    switched = {one.service for one in (state.neighbours if state else None) or ()}
    lost = [
        (entry, warning)
        for one, entry, warning in zip(left, entries, warnings, strict=True)
        if _is_refused(one, config) and not (already and one.name not in switched)
    ]
    if lost:
        told = "; ".join(f"{entry.service} ({entry.how})" for entry, _ in lost)
        need = "; ".join(f"{entry.service}: {entry.needs}" for entry, _ in lost)
        settle(
            ClientsCutOff(
                f"mode 2 cuts off services that cannot present a client certificate: {told}",
                hint=f"{need}; --mode 1 asks for none",
                path=lost[0][1].path,
                line=lost[0][1].line,
            ),
            config.accept,
        )
    # What the refusal says is not said again next to it.
    refused = ClientsCutOff.code not in config.accept and {warning for _, warning in lost}
    yield from (warning for warning in warnings if not refused or warning not in refused)


def _is_refused(client: Client, config: TlsConfig) -> bool:
    application = application_of(client.image)
    proxy = application is not None and application.is_proxy
    return config.tls_mode is TlsMode.MUTUAL and client.certain and not proxy


def _placed(
    one: Neighbour | None, project: Project, config: TlsConfig, override: Path | None
) -> Neighbour | None:
    """A service whose edits can be made: in place, else in an override file.

    Raises:
        ProjectError: They can be made nowhere.
    """
    if one is None or config.style == "override":
        return one
    try:
        one.edits.require_possible(project, None)
    except EditRefused as refusal:
        if override is None:
            raise
        from compose_tls.plan.address_edits import (  # noqa: PLC0415 - as above
            add_address_edit,
            is_in_compose_file,
        )

        service, reads_env = one.edits.service, one.edits.reads_env
        for change in one.edits.addresses:
            # A value that comes from elsewhere is to be changed there, or by its owner.
            if not is_in_compose_file(change, service, project):
                add_address_edit(change, service, project, None, Edits(), reads_env=reads_env)
        one.edits.require_possible(project, override)
        place = f"{refusal.path}: " if refusal.path else ""
        edits = replace(one.edits, override=override)
        return replace(one, edits=edits, refusal=f"{place}{refusal.message}")
    return one


def _issues(project: Project, config: TlsConfig) -> bool:
    """Whether the key of the client CA is here, so that it can issue for a neighbour."""
    before = project.state.settings if project.state else None
    settled = has_server_ca_clients(before, config)
    apart = client_ca_source(project.observation.pki, config, settled=settled)
    return issues_clients(config, apart)


def _lacks_name(client: Client, config: TlsConfig, names: Collection[str]) -> str | None:
    """What keeps one in mode 1 that verifies the name by which it calls Milvus; ``None`` for nothing."""
    found, application = client.connection, application_of(client.image)
    verifies = application is None or application.takes_roots
    one_way = config.tls_mode is TlsMode.ONE_WAY
    if config.server_cert is None or not (one_way and client.certain and verifies):
        return None
    if found is None or not found.host or found.host in names:
        return None
    return (
        f"the server certificate does not include the name {found.host}: give one that does, or "
        "configure the service with a name that is in it"
    )

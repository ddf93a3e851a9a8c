"""The plan of ``renew``: new certificates instead of old ones, and nothing of the user's files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, get_args

from compose_tls.changes import CertificateOrder, CreateFile, IdentityPlan, Plan
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateExpiresSoon
from compose_tls.layout import (
    CA,
    CA_CERTIFICATE,
    CA_NAME,
    CERTIFICATE,
    CLIENT,
    CLIENT_CA,
    NEXT_CA,
    SERVER,
    SERVER_CERTIFICATE,
    SERVER_KEY,
    STACK,
    client_identity,
)
from compose_tls.observation import CertificateFacts
from compose_tls.patterns import regex
from compose_tls.plan.ca_rollover import (
    Extent,
    client_sources,
    provided_sources,
    require_neighbours_issuer,
    sources,
)
from compose_tls.plan.ca_warnings import (
    another_next,
    client_waits,
    followers,
    left_behind,
    other_ca,
    rollover_warning,
)
from compose_tls.plan.changed_services import touched_services, with_readers
from compose_tls.plan.client_certificates import ClientCertificates
from compose_tls.plan.further_cas import further_cas
from compose_tls.plan.identities import (
    client_identities,
    identities_of,
    orders_for,
    require_names_permitted,
    server_names,
    with_sources,
)
from compose_tls.plan.lifetimes import days_of, ends, is_due
from compose_tls.plan.managed_files import ManagedFiles
from compose_tls.plan.neighbour_files import recorded_neighbours
from compose_tls.plan.provided_certificates import bring_again
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.plan.stack_identities import with_stack
from compose_tls.project.enabled import locate
from compose_tls.project.endpoints import found_names
from compose_tls.project.milvus_services import certain_services
from compose_tls.project.model import Project, is_lost
from compose_tls.project.stack_services import needed_servers
from compose_tls.setup import Identity
from compose_tls.values import dataclass
from compose_tls.vocabulary import RENEW_BEFORE, KeyType, TlsMode, TlsWarning

# What makes the common name of each CA its own: see pki/issue.py.
_OUR_CA: Final = regex(rf"\b(CN={re.escape(CA_NAME)}) [0-9a-f]{{8}}(?=,|$)")


@dataclass(frozen=True, slots=True)
class RenewPlan:
    """What is to be renewed.

    Attributes:
        planned: The plan, and what the steps after it need to know.
        config: The settings, with what the project was enabled with.
        restart: Whether Milvus has to read its files again: it does so at its start only.
        client_follows: Whether our client is to show a certificate of a CA that takes over.
    """

    planned: ServicePlan
    config: TlsConfig
    restart: bool
    client_follows: bool


def plan_renew(
    project: Project,
    config: TlsConfig,
    now: datetime,
    *,
    extent: Extent,
    within: timedelta | None,
    force: bool,
    restart: bool,
    users_of_images: Mapping[str, str],
) -> RenewPlan:
    """Work out everything that ``renew`` will do.

    Args:
        project: The project as it is.
        config: The settings; what they leave open stays as it is in the certificates.
        now: The time that validity is judged by.
        extent: What to renew.
        within: Renew server and client when they end within this time; by default, 30 days or the
            last third of a shorter life.
        force: Renew server and client certificates even if they are not due.
        restart: Whether Milvus is restarted where it has something new to read.
        users_of_images: The users that images name, by service, where an engine told.

    Raises:
        ClientsLeftBehind: A further client has no certificate of the CA that takes over.
        CertificateExpiresSoon: A certificate that was provided does, and no newer one is there.
        NotEnabled: compose-tls has not been here.
        RolloverNotStarted: CA rotation has not started.
        CertificateExpired: The CA has expired.
        CertificateUnreadable: The key of the CA is not here.
        NameInvalid: A name that the user asked for is not allowed in a certificate.
        NameNotPermitted: The CA is constrained to other names.
        ProfileViolation: The CA is to be constrained, and is not.
        ProjectError: The project cannot be read.
    """
    planner = _Planner(project, config, now, users_of_images)
    if config.server_cert is not None and extent == "end-entities":
        return planner.brought(within, force=force)
    return planner.plan(extent, within, force=force, restart=restart)


def parts(renewal: RenewPlan) -> tuple[Plan, Plan]:
    """What Milvus reads, and what clients read, each a plan of its own.

    A client must not show a certificate, or want one to be shown, of a CA that Milvus learns of only at
    its next start; so what clients read is written once Milvus is back. Where that is interrupted, the
    PKI directory still says what it said, and the same command begins again. Under a CA that replaces
    an expired one there is no client to spare.
    """
    plan = renewal.planned.plan
    if renewal.planned.identities.source(CA) == "issued":
        return plan, replace(plan, changes=())
    served = plan.directory / renewal.config.tls_dir
    first = tuple(change for change in plan.changes if change.path.is_relative_to(served))
    second = tuple(change for change in plan.changes if not change.path.is_relative_to(served))
    return replace(plan, changes=first), replace(plan, changes=second)


class _Planner:
    def __init__(
        self,
        project: Project,
        config: TlsConfig,
        now: datetime,
        users_of_images: Mapping[str, str],
    ) -> None:
        self.users_of_images = users_of_images
        self.project = project
        self.observation = project.observation
        self.pki = project.observation.pki
        self.now = now
        self.given = config
        self.located = locate(project, config)
        ca = self.pki.certificates.get(CA)
        constrained = ca is not None and bool(ca.permitted_dns)
        as_it_is = {} if "constrain" in config.model_fields_set else {"constrain": constrained}
        self.config = config.model_copy(update=as_it_is)

    def plan(
        self, extent: Extent, within: timedelta | None, *, force: bool, restart: bool
    ) -> RenewPlan:
        found = sources(
            self.observation,
            self.config,
            self.now,
            extent=extent,
            within=within,
            force=force,
            restart=restart,
            neighbours=map(client_identity, self.located.state.showing),
            state=self.located.state,
        )
        members = tuple(one.name for one in self.located.milvus)
        dns_names, ip_addresses = server_names(self.wanted(), self.found())
        if (found[CA], found[SERVER]) == ("existing", "issued") and NEXT_CA not in found:
            require_names_permitted(self.observation, self.config, dns_names)
        identities = identities_of(members, dns_names, ip_addresses)
        identities |= client_identities(self.located.state.showing)
        orders = self.orders(identities)
        server = self.pki.certificates.get(SERVER)
        if found[SERVER] == "existing" and server is not None:
            # A name that is asked for now is to be in the next one.
            identities |= identities_of(members, server.dns_names, server.ip_addresses)
        planned = with_sources(self.observation, self.config, identities, found, orders)
        ends = extent == "end-entities"
        return self.renewal(
            self.with_parts(planned, within if ends else timedelta(0), force=force and ends)
        )

    def with_parts(
        self, planned: IdentityPlan, within: timedelta | None, *, force: bool
    ) -> IdentityPlan:
        """The same, with those of the parts of the project that enable recorded."""
        recorded = [one for one in self.located.state.identities if one.name in STACK]
        known = self.pki.certificates
        identities = [
            Identity(
                one.name,
                one.profile,
                one.members,
                *(
                    (known[one.name].dns_names, known[one.name].ip_addresses)
                    if one.name in known
                    else server_names((), one.members)
                ),
            )
            for one in recorded
        ]

        def why(_: Identity, facts: CertificateFacts, ca: CertificateFacts) -> str:
            return "it is due" if force or is_due(facts, ca, self.now, within) else ""

        found = with_stack(planned, identities, self.observation, self.config, self.now, why)
        # That they are new is what was asked for.
        return replace(found, warnings=planned.warnings)

    def brought(self, within: timedelta | None, *, force: bool) -> RenewPlan:
        """Those that were provided: newer ones in their place are taken, and their end is told.

        Our client and those of neighbours are renewed, where a CA of their own issues here.

        Raises:
            CertificateExpiresSoon: It is near, and nothing newer is there.
        """
        members = tuple(one.name for one in self.located.milvus)
        identities = identities_of(members, *server_names(self.config.names, ()))
        identities |= client_identities(self.located.state.showing)
        found = provided_sources(self.observation, self.config)
        taken = all(role in self.pki.provided for role in found)
        if taken or found[SERVER] == "existing":
            for role in found:
                self.require_lasting(role, within)
        clients = client_sources(
            self.observation,
            self.config,
            self.now,
            within=within,
            force=force,
            showing=(CLIENT, *map(client_identity, self.located.state.showing)),
        )
        require_neighbours_issuer(
            clients, self.located.state.showing, self.observation, self.config
        )
        if clients.get(CLIENT_CA) == "provided":
            self.require_lasting(CLIENT_CA, within)
        orders = self.orders(identities)
        found = clients | found
        planned = with_sources(self.observation, self.config, identities, found, orders)
        renewed = self.renewal(self.with_parts(planned, within, force=False))
        # What is in the TLS directory itself is not written, and still has to be read.
        in_place = not taken and found[SERVER] == "provided"
        return replace(renewed, restart=renewed.restart or in_place)

    def require_lasting(self, role: str, within: timedelta | None) -> None:
        facts = self.pki.certificates.get(role)
        path = f"{self.config.pki_dir}/{role}{CERTIFICATE}"
        early = RENEW_BEFORE if within is None else within
        if facts is not None and facts.remaining(self.now) >= early:
            return
        command = bring_again(self.config, self.observation.directory)
        until = f"ends on {facts.not_after:%Y-%m-%d %H:%M} UTC" if facts else "is missing"
        raise CertificateExpiresSoon(
            f"{path}, which was not issued by compose-tls, {until}",
            hint=f"replace these files with newer ones at their source, then: {command}",
            path=path,
        )

    def renewal(self, planned: IdentityPlan) -> RenewPlan:
        warnings = (
            *planned.warnings,
            *further_cas(self.observation, self.config, self.project.state),
            *self.warnings(planned),
            *ends(planned, self.observation, self.config, self.now),
        )
        renewed = ManagedFiles(self.project, self.config).plan(
            self.located.milvus,
            replace(planned, warnings=warnings),
            self.located.state,
            users_of_images=self.users_of_images,
            neighbours=recorded_neighbours(
                self.located.state, self.located.project.compose.services
            ),
        )
        client = planned.get(CLIENT)
        touched = touched_services(renewed, self.project)
        needed = needed_servers(self.project.compose, certain_services(self.project.milvus))
        ports = {one.name: one.port for one in needed if one.port and one.name in renewed.servers}
        renewed = replace(renewed, touched=touched, server_ports=tuple(ports.items()))
        return RenewPlan(
            with_readers(renewed, self.project),
            self.config,
            restart=self.is_read_anew(renewed.plan) or bool(touched),
            client_follows=client is not None
            and (client.source, client.issuer) == ("issued", NEXT_CA)
            and self.config.tls_mode is TlsMode.MUTUAL,
        )

    def is_read_anew(self, plan: Plan) -> bool:
        """Whether Milvus has to be restarted: in mode 1 it does not look at the CA."""
        mutual = self.config.tls_mode is TlsMode.MUTUAL
        names = {SERVER_CERTIFICATE, SERVER_KEY, *([CA_CERTIFICATE] if mutual else [])}
        served = {plan.directory / self.config.served_dir / name for name in names}
        return any(isinstance(c, CreateFile) and c.path in served for c in plan.changes)

    def wanted(self) -> list[str]:
        """What the user asks for now, and what the certificate holds already."""
        server = self.pki.certificates.get(SERVER)
        held = [*server.dns_names, *server.ip_addresses] if server else []
        return [*self.config.names, *held]

    def found(self) -> list[str]:
        milvus = self.located.milvus
        proxies = ((one.service, one.configuration.proxy_port) for one in milvus)
        return found_names(proxies, self.located.project.compose.services)

    def orders(self, identities: dict[str, Identity]) -> dict[str, CertificateOrder]:
        """The orders for new certificates of every identity."""
        found = orders_for(identities, self.config)
        return {name: self.order(name, order) for name, order in found.items()}

    def order(self, name: str, order: CertificateOrder) -> CertificateOrder:
        """An order with subject, kind of key and lifetime as before, where nothing else is asked for."""
        facts = self.pki.certificates.get(name)
        if facts is None:
            return order
        given = self.given.model_fields_set
        kinds: tuple[KeyType, ...] = get_args(KeyType)
        same_kind = next((kind for kind in kinds if kind == facts.key_type), order.key_type)
        # One that ends with its CA was to live longer.
        above = self.pki.certificates.get(CLIENT_CA) if name != SERVER else None
        issuer = above or self.pki.certificates.get(CA)
        cut = name not in {CA, CLIENT_CA} and issuer and facts.not_after == issuer.not_after
        new_days = cut or ("ca_days" if name == CA else "days") in given
        return replace(
            order,
            subject=order.subject if "subject" in given else _OUR_CA.sub(r"\1", facts.subject),
            key_type=order.key_type if "key_type" in given else same_kind,
            days=order.days if new_days else days_of(facts),
        )

    def warnings(self, planned: IdentityPlan) -> tuple[TlsWarning, ...]:
        following, ca = self.pki.next_ca, planned.source(CA)
        mutual = self.shown
        clients = ClientCertificates.of(self.observation, self.config, self.located.state)
        if ca == "promoted" and following and mutual:
            left = clients.of_others({following.subject})
            return (left_behind(clients.place, left, self.config),) if left else ()
        if ca == "existing" and planned.get(NEXT_CA):
            need = clients.of_others({following.subject} if following and mutual else set())
            return (
                *another_next(planned, self.config, self.located.state),
                rollover_warning(self.config),
                *([followers(clients.place, need, self.config, shown=mutual)] if need else []),
                *(client_waits(planned, self.observation, self.config) if mutual else ()),
            )
        if ca == "issued":
            bundle = f"{self.config.pki_dir}/{CA_CERTIFICATE}"
            lost = is_lost(self.observation, self.config, self.located.state)
            why = "could not issue certificates any more" if lost else "had expired"
            text = f"the CA {why}: every client needs the new {bundle}"
            return (other_ca(self.config, bundle, text),)
        return ()

    @property
    def shown(self) -> bool:
        """Whether clients show certificates of the CA that the server has."""
        return self.config.tls_mode is TlsMode.MUTUAL and CLIENT_CA not in self.pki.certificates

"""The plan of ``renew``: new certificates in the place of old ones, and nothing of the user's files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, get_args

from compose_tls.changes import CertificateOrder, CreateFile, IdentityPlan, Plan
from compose_tls.config import TlsConfig
from compose_tls.layout import (
    CA,
    CA_CERTIFICATE,
    NEXT_CA,
    SERVER,
    SERVER_CERTIFICATE,
    SERVER_KEY,
)
from compose_tls.observation import CertificateFacts
from compose_tls.plan.ca_rollover import Extent, ca_of, rollover_warning, sources
from compose_tls.plan.client_certificates import ClientCertificates
from compose_tls.plan.identities import (
    CA_NAME,
    identities_of,
    orders_for,
    require_names_permitted,
    server_names,
    with_sources,
)
from compose_tls.plan.managed_files import ManagedFiles
from compose_tls.plan.model import ServicePlan
from compose_tls.project.enabled import locate
from compose_tls.project.endpoints import found_names
from compose_tls.project.model import Project
from compose_tls.vocabulary import KeyType, TlsMode, TlsWarning

# What makes the common name of each CA its own: see pki/issue.py.
_OUR_CA: Final = re.compile(rf"\b(CN={re.escape(CA_NAME)}) [0-9a-f]{{8}}(?=,|$)")

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RenewPlan:
    """What is to be renewed.

    Attributes:
        planned: The plan, and what the steps after it need to know.
        config: The settings, with what the project was enabled with.
        restart: Whether Milvus has to read its files again: it does so at its start alone.
    """

    planned: ServicePlan
    config: TlsConfig
    restart: bool


def plan_renew(
    project: Project,
    config: TlsConfig,
    now: datetime,
    *,
    extent: Extent,
    within: timedelta | None,
    force: bool,
) -> RenewPlan:
    """Work out everything that ``renew`` will do.

    Args:
        project: The project as it is.
        config: The settings; what they leave open stays as it is in the certificates.
        now: The time that validity is judged by.
        extent: What to renew.
        within: Renew server and client when they end within this time; by default, 30 days or the
            last third of a shorter life.
        force: Renew server and client in any case.

    Raises:
        NotEnabled: compose-tls has not been here.
        RolloverNotStarted: There is no new CA that could take over.
        CertificateExpired: The CA has expired.
        CertificateUnreadable: The key of the CA is not here.
        NameInvalid: A name that the user asked for cannot stand in a certificate.
        NameNotPermitted: The CA is constrained to other names.
        ProfileViolation: The CA is to be constrained, and is not.
        ProjectError: The project cannot be understood.
    """
    return _Planner(project, config, now).plan(extent, within, force=force)


def parts(renewal: RenewPlan) -> tuple[Plan, Plan]:
    """What Milvus reads, and what clients read, each a plan of its own.

    A client must not show a certificate, or want one to be shown, of a CA that Milvus learns of only at
    its next start; so what clients read is written once Milvus is back. Where that is interrupted, the
    PKI directory still says what it said, and the same command begins anew. Under a CA that replaces
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
    def __init__(self, project: Project, config: TlsConfig, now: datetime) -> None:
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

    def plan(self, extent: Extent, within: timedelta | None, *, force: bool) -> RenewPlan:
        found = sources(
            self.observation, self.config, self.now, extent=extent, within=within, force=force
        )
        members = tuple(one.name for one in self.located.milvus)
        dns_names, ip_addresses = server_names(self.wanted(), self.found())
        if (found[CA], found[SERVER]) == ("existing", "issued") and NEXT_CA not in found:
            require_names_permitted(self.observation, self.config, dns_names)
        identities = identities_of(members, dns_names, ip_addresses)
        orders = {
            name: self.order(name, order)
            for name, order in orders_for(identities, self.config).items()
        }
        server = self.pki.certificates.get(SERVER)
        if found[SERVER] == "existing" and server is not None:
            # A name that is asked for now is to be in the next one.
            identities |= identities_of(members, server.dns_names, server.ip_addresses)
        planned = with_sources(self.observation, self.config, identities, found, orders)
        renewed = ManagedFiles(self.project, self.config).plan(
            self.located.milvus,
            replace(planned, warnings=self.warnings(planned)),
            self.located.state,
        )
        return RenewPlan(renewed, self.config, restart=self.is_read_anew(renewed.plan))

    def is_read_anew(self, plan: Plan) -> bool:
        """Whether Milvus has to be restarted: in mode 1 it does not look at the CA."""
        mutual = self.config.tls_mode is TlsMode.MUTUAL
        names = {SERVER_CERTIFICATE, SERVER_KEY, *([CA_CERTIFICATE] if mutual else [])}
        served = {plan.directory / self.config.tls_dir / name for name in names}
        return any(isinstance(c, CreateFile) and c.path in served for c in plan.changes)

    def wanted(self) -> list[str]:
        """What the user asks for now, and what the certificate holds already."""
        server = self.pki.certificates.get(SERVER)
        held = [*server.dns_names, *server.ip_addresses] if server else []
        return [*self.config.names, *held]

    def found(self) -> list[str]:
        services = self.located.project.compose.services
        return [
            name
            for one in self.located.milvus
            for name in found_names(one.service, one.configuration.proxy_port, services)
        ]

    def order(self, name: str, order: CertificateOrder) -> CertificateOrder:
        """An order with subject, kind of key and lifetime as before, where nothing else is asked for."""
        facts = self.pki.certificates.get(name)
        if facts is None:
            return order
        given = self.given.model_fields_set
        kinds: tuple[KeyType, ...] = get_args(KeyType)
        same_kind = next((kind for kind in kinds if kind == facts.key_type), order.key_type)
        # One that ends with its CA was to live longer.
        cut = name != CA and facts.not_after == ca_of(self.observation, self.config).not_after
        new_days = cut or ("ca_days" if name == CA else "days") in given
        return replace(
            order,
            subject=order.subject if "subject" in given else _OUR_CA.sub(r"\1", facts.subject),
            key_type=order.key_type if "key_type" in given else same_kind,
            days=order.days if new_days else _days(facts),
        )

    def warnings(self, planned: IdentityPlan) -> tuple[TlsWarning, ...]:
        following, ca = self.pki.next_ca, planned.source(CA)
        if ca == "promoted" and following and self.config.tls_mode is TlsMode.MUTUAL:
            clients = ClientCertificates.of(self.observation, self.config)
            return tuple(clients.left_behind({following.subject}))
        if ca == "existing" and planned.get(NEXT_CA):
            return (rollover_warning(self.config),)
        if ca == "issued":
            bundle = f"{self.config.pki_dir}/{CA_CERTIFICATE}"
            text = f"the CA had expired: every client needs the new {bundle}"
            return (TlsWarning("ca-replaced", text, bundle, "give it to every client"),)
        return ()


def _days(facts: CertificateFacts) -> int:
    """The validity of a certificate in days: both of its ends belong to it."""
    return max(1, round((facts.not_after - facts.not_before + timedelta(seconds=1)) / _DAY))

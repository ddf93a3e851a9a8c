"""The plan of ``renew``: new certificates in the place of old ones, and nothing of the user's files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, get_args

from compose_tls.changes import CertificateOrder, CreateFile, Plan
from compose_tls.config import TlsConfig
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.plan.ca_rollover import Extent, ca_of, rollover_warning, sources
from compose_tls.plan.certificate_plan import CertificatePlan, Source
from compose_tls.plan.certificates import (
    CA_NAME,
    orders_for_all,
    require_names_permitted,
    server_names,
)
from compose_tls.plan.client_certificates import ClientCertificates
from compose_tls.plan.managed_files import OwnFiles
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.plan.signing_requests import requests_for
from compose_tls.project.enabled import Located, locate
from compose_tls.project.endpoints import found_names, wanted_names
from compose_tls.stack.milvus.settings import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY
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
    observation: Observation,
    config: TlsConfig,
    now: datetime,
    *,
    extent: Extent,
    within: timedelta | None,
    force: bool,
) -> RenewPlan:
    """Work out everything that ``renew`` will do.

    Args:
        observation: The project as it is.
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
    return _Planner(observation, config, now).plan(extent, within, force=force)


def parts(renewal: RenewPlan) -> tuple[Plan, Plan]:
    """What Milvus reads, and what clients read, each a plan of its own.

    A client must not show a certificate, or want one to be shown, of a CA that Milvus learns of only at
    its next start; so what clients read is written once Milvus is back. Where that is interrupted, the
    PKI directory still says what it said, and the same command begins anew. Under a CA that replaces
    an expired one there is no client to spare.
    """
    plan = renewal.planned.plan
    if renewal.planned.certificates.sources["ca"] == "issued":
        return plan, replace(plan, changes=())
    served = plan.directory / renewal.config.tls_dir
    first = tuple(change for change in plan.changes if change.path.is_relative_to(served))
    second = tuple(change for change in plan.changes if not change.path.is_relative_to(served))
    return replace(plan, changes=first), replace(plan, changes=second)


class _Planner:
    def __init__(self, observation: Observation, config: TlsConfig, now: datetime) -> None:
        self.observation = observation
        self.pki = observation.pki
        self.now = now
        self.given = config
        self.located = locate(observation, config)
        self.config = _as_enabled(config, self.located, observation)

    def plan(self, extent: Extent, within: timedelta | None, *, force: bool) -> RenewPlan:
        found = sources(
            self.observation,
            self.config,
            self.now,
            extent=extent,
            within=within,
            force=force,
        )
        dns_names, ip_addresses = server_names(self.wanted(), self.found())
        if (found["ca"], found["server"]) == ("kept", "issued"):
            require_names_permitted(self.observation, self.config, dns_names)
        orders = [
            self.order(order) for order in orders_for_all(self.config, dns_names, ip_addresses)
        ]
        server = self.pki.certificates.get("server")
        if found["server"] == "kept" and server is not None:
            # A name that is asked for now is to be in the next one.
            dns_names, ip_addresses = server.dns_names, server.ip_addresses
        certificates = CertificatePlan(
            found,
            tuple(order for order in orders if found[order.role] in {"issued", "joined"}),
            dns_names,
            ip_addresses,
            self.warnings(found["ca"]),
            next_ca=self.pki.next_ca is not None and found["ca"] != "promoted",
            requests=tuple(requests_for(self.observation, self.config, found, orders)),
        )
        planned = self.planned(certificates)
        return RenewPlan(planned, self.config, restart=self.is_read_anew(planned.plan))

    def is_read_anew(self, plan: Plan) -> bool:
        """Whether Milvus has to be restarted: in mode 1 it does not look at the CA."""
        mutual = self.config.tls_mode is TlsMode.MUTUAL
        names = {SERVER_CERTIFICATE, SERVER_KEY, *([CA_CERTIFICATE] if mutual else [])}
        served = {plan.directory / self.config.tls_dir / name for name in names}
        return any(isinstance(c, CreateFile) and c.path in served for c in plan.changes)

    def wanted(self) -> list[str]:
        """What the user asks for now, and what the certificate holds already."""
        server = self.pki.certificates.get("server")
        held = [*server.dns_names, *server.ip_addresses] if server else []
        return [*wanted_names(self.config), *held]

    def found(self) -> list[str]:
        return found_names(self.located.milvus.service, self.located.proxy_port)

    def order(self, order: CertificateOrder) -> CertificateOrder:
        """An order with subject, kind of key and lifetime as before, where nothing else is asked for."""
        facts = self.pki.certificates.get(order.role)
        if facts is None:
            return order
        given = self.given.model_fields_set
        kinds: tuple[KeyType, ...] = get_args(KeyType)
        same_kind = next((kind for kind in kinds if kind == facts.key_type), order.key_type)
        # One that ends with its CA was to live longer.
        cut = (
            order.role != "ca" and facts.not_after == ca_of(self.observation, self.config).not_after
        )
        new_days = cut or ("ca_days" if order.role == "ca" else "days") in given
        return replace(
            order,
            subject=order.subject if "subject" in given else _OUR_CA.sub(r"\1", facts.subject),
            key_type=order.key_type if "key_type" in given else same_kind,
            days=order.days if new_days else _days(facts),
        )

    def planned(self, certificates: CertificatePlan) -> ServicePlan:
        located = self.located
        own = OwnFiles(self.observation, self.config, located.state)
        plan = own.plan(located.milvus, certificates, located.state)
        return ServicePlan(
            plan,
            located.milvus.name,
            located.proxy_port,
            located.endpoint,
            certificates,
            located.state,
        )

    def warnings(self, ca: Source) -> tuple[TlsWarning, ...]:
        following = self.pki.next_ca
        if ca == "promoted" and following and self.config.tls_mode is TlsMode.MUTUAL:
            clients = ClientCertificates.of(self.observation, self.config)
            return tuple(clients.left_behind({following.subject}))
        if ca == "joined" or (ca == "kept" and self.pki.next_ca):
            return (rollover_warning(self.config),)
        if ca == "issued":
            bundle = f"{self.config.pki_dir}/ca.pem"
            text = f"the CA had expired: every client needs the new {bundle}"
            return (TlsWarning("ca-replaced", text, bundle, "give it to every client"),)
        return ()


def _as_enabled(config: TlsConfig, located: Located, observation: Observation) -> TlsConfig:
    """The settings, with what the project was enabled with."""
    state = located.state
    ca = observation.pki.certificates.get("ca")
    constrained = ca is not None and bool(ca.permitted_dns)
    return config.model_copy(
        update={
            "mode": state.mode,
            "server_name": state.server_name,
            "tls_dir": state.tls_dir,
            "container_tls_dir": state.container_tls_dir,
            "rest_port": state.rest_port,
            "constrain": config.constrain
            or ("constrain" not in config.model_fields_set and constrained),
        }
    )


def _days(facts: CertificateFacts) -> int:
    """The validity of a certificate in days: both of its ends belong to it."""
    return max(1, round((facts.not_after - facts.not_before + timedelta(seconds=1)) / _DAY))

"""Where the certificates of the parts of a project come from: kept, or issued by a CA of their own.

That CA is another one than that of the clients of Milvus: etcd accepts no certificate for Milvus, and
Milvus none of etcd. Everyone who trusts it is in the project, so it
is renewed with all that it issued, at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from compose_tls.changes import CertificateOrder, IdentityPlan, PlannedIdentity, Source
from compose_tls.config import TlsConfig
from compose_tls.layout import CERTIFICATE, STACK_CA
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.plan.identities import subject_of
from compose_tls.plan.lifetimes import RENEW_BEFORE, is_due, why_replaced
from compose_tls.setup import Identity
from compose_tls.vocabulary import TlsWarning

STACK_CA_NAME: Final = "compose-tls stack CA"


def with_stack(
    planned: IdentityPlan,
    identities: Sequence[Identity],
    observation: Observation,
    config: TlsConfig,
    now: datetime,
) -> IdentityPlan:
    """The plan for identities, and for those of the parts of the project.

    Args:
        planned: The others.
        identities: Those of the parts, their CA first.
        observation: What lies in the PKI directory.
        config: The settings.
        now: The time to judge validity by.
    """

    def why(one: Identity, facts: CertificateFacts, ca: CertificateFacts) -> str:
        names = {*one.dns_names, *one.ip_addresses} if one.profile != "client" else set[str]()
        return why_replaced(facts, ca, config, names, now)

    return _joined(planned, identities, observation, config, now, why)


def with_stack_renewed(
    planned: IdentityPlan,
    identities: Sequence[Identity],
    observation: Observation,
    config: TlsConfig,
    now: datetime,
    *,
    within: timedelta | None,
    force: bool,
) -> IdentityPlan:
    """The same for a renewal: what ends soon is issued again.

    Args:
        planned: The others.
        identities: Those of the parts, their CA first.
        observation: What lies in the PKI directory.
        config: The settings.
        now: The time to judge validity by.
        within: How early to renew.
        force: Renew in any case; their CA stays while it lasts.
    """

    def why(_: Identity, facts: CertificateFacts, ca: CertificateFacts) -> str:
        return "it is due" if force or is_due(facts, ca, now, within) else ""

    found = _joined(planned, identities, observation, config, now, why)
    # That they are new is what was asked for.
    return replace(found, warnings=planned.warnings)


def _joined(
    planned: IdentityPlan,
    identities: Sequence[Identity],
    observation: Observation,
    config: TlsConfig,
    now: datetime,
    why: Callable[[Identity, CertificateFacts, CertificateFacts], str],
) -> IdentityPlan:
    pki = observation.pki
    found, warnings = list(planned.identities), list(planned.warnings)
    ca = pki.certificates.get(STACK_CA) if STACK_CA in pki.usable else None
    if ca is not None:
        early = min(RENEW_BEFORE, (ca.not_after - ca.not_before) / 3)
        ca = None if ca.remaining(now) < early else ca
    for one in identities:
        facts = pki.certificates.get(one.name) if one.name in pki.usable else None
        source: Source = "issued"
        if one.name == STACK_CA:
            source = "existing" if ca is not None else "issued"
        elif ca is not None and facts is not None:
            reason = why(one, facts, ca)
            source = "issued" if reason else "existing"
            if reason:
                text = (
                    f"{config.pki_dir}/{one.name}{CERTIFICATE}: new certificate, because {reason}"
                )
                warnings.append(TlsWarning("certificate-reissued", text))
        order = stack_order(one, config) if source == "issued" else None
        issuer = None if one.name == STACK_CA else STACK_CA
        found.append(PlannedIdentity(one, source, order, issuer))
    return replace(planned, identities=tuple(found), warnings=tuple(warnings))


def stack_order(one: Identity, config: TlsConfig) -> CertificateOrder:
    """The order for a new certificate of an identity of the parts."""
    is_ca = one.profile == "ca"
    return CertificateOrder(
        one.profile,
        subject_of(STACK_CA_NAME if is_ca else one.name, config),
        config.key_type,
        config.ca_days if is_ca else config.days,
        one.dns_names,
        one.ip_addresses,
        identity=one.name,
    )

"""Where the certificates of the parts of a project come from: kept, or issued by a CA of their own.

That CA is another one than that of the clients of Milvus: etcd accepts no certificate for Milvus, and
Milvus none of etcd. Everyone who trusts it is in the project, so it
is renewed with all that it issued, at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

from compose_tls.changes import CertificateOrder, IdentityPlan, PlannedIdentity, Source
from compose_tls.config import TlsConfig
from compose_tls.layout import STACK_CA
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.plan.identities import subject_of
from compose_tls.plan.lifetimes import reissued, renewed_before, why_replaced
from compose_tls.setup import Identity

STACK_CA_NAME: Final = "compose-tls stack CA"


_Why: TypeAlias = Callable[[Identity, CertificateFacts, CertificateFacts], str]


def with_stack(
    planned: IdentityPlan,
    identities: Sequence[Identity],
    observation: Observation,
    config: TlsConfig,
    now: datetime,
    why: _Why | None = None,
) -> IdentityPlan:
    """The plan for identities, and for those of the parts of the project.

    Args:
        planned: The others.
        identities: Those of the parts, their CA first.
        observation: What is in the PKI directory.
        config: The settings.
        now: The time to judge validity by.
        why: Why one that there is, under its CA, is issued again; empty where it is not. By default
            where it is not as the settings want it.
    """

    def is_unlike(one: Identity, facts: CertificateFacts, ca: CertificateFacts) -> str:
        names = {*one.dns_names, *one.ip_addresses} if one.profile != "client" else set[str]()
        return why_replaced(facts, ca, config, names, now)

    why = why or is_unlike
    pki = observation.pki
    found, warnings = list(planned.identities), list(planned.warnings)
    ca = pki.certificates.get(STACK_CA) if STACK_CA in pki.usable else None
    if ca is not None and ca.remaining(now) < renewed_before(ca):
        ca = None
    for one in identities:
        facts = pki.certificates.get(one.name) if one.name in pki.usable else None
        source: Source = "issued"
        if one.name == STACK_CA:
            source = "existing" if ca is not None else "issued"
        elif ca is not None and facts is not None:
            reason = why(one, facts, ca)
            source = "issued" if reason else "existing"
            warnings += [reissued(one.name, reason, config)] if reason else []
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

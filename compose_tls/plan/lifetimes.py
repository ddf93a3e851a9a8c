"""When certificates expire, and when they are due for renewal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from compose_tls.changes import CertificateOrder, IdentityPlan
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateExpired
from compose_tls.layout import CA, CA_CERTIFICATE, CERTIFICATE, CLIENT_CA, NEXT_CA
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.vocabulary import RENEW_BEFORE, TlsWarning, has_ended

_DAY: Final = timedelta(days=1)
OTHER_CA: Final = "give compose-tls enable certificates of a CA that is valid longer"


def require_ca_valid(ca: CertificateFacts, config: TlsConfig, now: datetime) -> None:
    """Make sure that certificates can still be issued under the existing CA.

    Raises:
        CertificateExpired: They cannot.
    """
    if has_ended(ca.not_after, now):
        path = f"{config.pki_dir}/{CA_CERTIFICATE}"
        raise CertificateExpired(
            f"the CA {path} expired on {ca.not_after:%Y-%m-%d}",
            hint="run compose-tls renew --ca; clients then need the new ca.pem",
            path=path,
        )


def renewed_before(facts: CertificateFacts) -> timedelta:
    """How long before its end a certificate is renewed unasked."""
    return min(RENEW_BEFORE, (facts.not_after - facts.not_before) / 3)


def days_of(facts: CertificateFacts) -> int:
    """The validity of a certificate in days: both of its ends belong to it."""
    return max(1, round((facts.not_after - facts.not_before + timedelta(seconds=1)) / _DAY))


def is_due(
    facts: CertificateFacts,
    issuer: CertificateFacts,
    now: datetime,
    within: timedelta | None = None,
) -> bool:
    """Whether a certificate is to be renewed: it ends soon, and a new one would live longer.

    Args:
        facts: The certificate; it ends with the first of its chain.
        issuer: The CA that would issue the new one.
        now: The time to judge by.
        within: How early; by default in its last 30 days, or in the last third of a shorter life.
    """
    ends_soon = facts.remaining(now) < (renewed_before(facts) if within is None else within)
    return ends_soon and facts.not_after < issuer.not_after


def why_replaced(
    facts: CertificateFacts,
    ca: CertificateFacts | None,
    config: TlsConfig,
    names: set[str],
    now: datetime,
) -> str:
    """Why a certificate has to be replaced; empty when it has not.

    Args:
        facts: The certificate.
        ca: The CA that would issue the new one.
        config: The settings; of them, as asked for counts what is set.
        names: The names that it has to hold.
        now: The time to judge by.
    """
    missing = names - {*facts.dns_names, *facts.ip_addresses}
    if missing:
        return f"it does not include the name {', '.join(sorted(missing))}"
    if "key_type" in config.model_fields_set and facts.key_type != config.key_type:
        return f"its key is {facts.key_type}, not {config.key_type}"
    if ca is not None and is_due(facts, ca, now):
        return f"it ends on {facts.not_after:%Y-%m-%d}"
    return ""


def reissued(name: str, why: str, config: TlsConfig) -> TlsWarning:
    """That an identity gets a new certificate."""
    text = f"{config.pki_dir}/{name}{CERTIFICATE}: new certificate, because {why}"
    return TlsWarning("certificate-reissued", text)


def finishing_ca(config: TlsConfig) -> str:
    """How a CA that another one has joined is replaced."""
    bundle = f"{config.pki_dir}/{CA_CERTIFICATE}"
    return f"give {bundle} to every client, then run compose-tls renew --ca --finish"


def ends(
    planned: IdentityPlan, observation: Observation, config: TlsConfig, now: datetime
) -> Iterator[TlsWarning]:
    """That a CA ends soon, and which certificates are cut short by the end of theirs.

    Args:
        planned: Where each certificate comes from.
        observation: What is in the PKI directory; a CA ends with the first of its chain.
        config: The settings.
        now: The time to judge by.
    """
    cas = observation.pki.all_certificates
    hints = {
        CLIENT_CA: "name another CA for clients with compose-tls enable --client-ca-cert",
        CA: OTHER_CA
        if config.ca_cert is not None
        else finishing_ca(config)
        if planned.get(NEXT_CA)
        else "compose-tls renew --ca, then give its ca.pem to every client",
    }
    for name in (CA, NEXT_CA, CLIENT_CA):
        ca = cas.get(name)
        source = planned.source(name)
        stays = source == "existing" or (source == "provided" and name in observation.pki.provided)
        if ca is not None and stays and ca.remaining(now) < RENEW_BEFORE:
            path = f"{config.pki_dir}/{name}{CERTIFICATE}"
            yield TlsWarning(
                "ca-expires-soon",
                f"{path}, or a CA above it, ends on {ca.not_after:%Y-%m-%d %H:%M} UTC, and with it "
                "every certificate that it issued",
                path,
                hints.get(name, hints[CA]),
            )
    for one in planned.identities:
        promoted = one.issuer == CA and planned.source(CA) == "promoted"
        ca = cas.get(NEXT_CA if promoted else one.issuer or "")
        if one.order is None or ca is None or planned.source(one.issuer or "") == "issued":
            continue
        if timedelta(days=one.order.days - 1) > ca.remaining(now):
            hint = hints[CLIENT_CA if one.issuer == CLIENT_CA else CA]
            yield _cut_short(one.order, ca.not_after, config, hint)


def ends_of_issued(
    planned: IdentityPlan,
    not_after: Mapping[str, datetime],
    observation: Observation,
    config: TlsConfig,
    now: datetime,
) -> Iterator[TlsWarning]:
    """Which certificates are cut short by a CA that was not in the PKI directory yet.

    Args:
        planned: Where each certificate comes from.
        not_after: When each ends, or the CA that is to issue it, by its path.
        observation: What was in the PKI directory.
        config: The settings.
        now: When they are issued.
    """
    for one in planned.identities:
        if one.order is None or planned.source(one.issuer or "") != "provided":
            continue
        end = not_after.get(f"{config.pki_dir}/{one.order.name}{CERTIFICATE}")
        if end is None or one.issuer in observation.pki.all_certificates:
            continue
        if timedelta(days=one.order.days - 1) > end - now:
            yield _cut_short(one.order, end, config, OTHER_CA)


def _cut_short(order: CertificateOrder, end: datetime, config: TlsConfig, hint: str) -> TlsWarning:
    path = f"{config.pki_dir}/{order.name}{CERTIFICATE}"
    text = f"{path} ends on {end:%Y-%m-%d}, with its CA, not after {order.days} days"
    return TlsWarning("certificate-cut-short", text, path, hint)

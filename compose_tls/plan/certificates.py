"""Which certificates are kept, brought by the user, or have to be issued."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from compose_tls.changes import CertificateOrder
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateExpired, NameInvalid, ProfileViolation
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.pki.client_names import CLIENT_DOMAIN
from compose_tls.pki.constraints import require_permitted, subtrees_of
from compose_tls.pki.names import split_names
from compose_tls.plan.certificate_plan import CertificatePlan, Source
from compose_tls.plan.retirement import retired_ca, retirement_warning
from compose_tls.plan.signing_requests import requests_for
from compose_tls.vocabulary import CertificateRole, TlsWarning

# Re-issued early enough that nobody notices: in the last 30 days, or the last third of a short life.
RENEW_BEFORE = timedelta(days=30)

CA_NAME = "compose-tls CA"
_CLIENT_NAME = "client"
_CLIENT_DNS_NAME = f"client.{CLIENT_DOMAIN}"


def plan_certificates(
    observation: Observation,
    config: TlsConfig,
    wanted: Iterable[str],
    found: Iterable[str],
    now: datetime,
) -> CertificatePlan:
    """Decide for each role.

    Args:
        observation: What lies in the PKI directory.
        config: The settings.
        wanted: Names that the user asked for.
        found: Names found in the project; what cannot stand in a certificate is left out.
        now: The time to judge validity by.

    Raises:
        NameInvalid: A name that the user asked for cannot stand in a certificate.
        CertificateExpired: The CA in the PKI directory has expired.
        ProfileViolation: It is to be constrained, and is not.
        NameNotPermitted: It is constrained to other names.
    """
    dns_names, ip_addresses = server_names(wanted, found)
    sources: dict[CertificateRole, Source] = {}
    retired = retired_ca(observation, config)
    warnings = [retirement_warning(config, retired)] if retired else []
    if config.server_cert is not None:
        sources = {"ca": "brought", "server": "brought"}
        if config.client_cert is not None:
            sources["client"] = "brought"
        return CertificatePlan(
            sources, (), dns_names, ip_addresses, tuple(warnings), retired=retired
        )
    sources["ca"] = (
        "brought" if config.ca_cert is not None else _ca_source(observation, config, now)
    )
    if sources["ca"] == "kept":
        require_names_permitted(observation, config, dns_names)
    same_ca = sources["ca"] == "kept" or "ca" in observation.pki.brought
    for role in ("server", "client"):
        facts = observation.pki.certificates.get(role)
        names = {*dns_names, *ip_addresses} if role == "server" else set[str]()
        if facts is None or role not in observation.pki.usable:
            sources[role] = "issued"
            continue
        why = _why(facts, config, names, now) if same_ca else "it is from another CA"
        sources[role] = "issued" if why else "kept"
        if why:
            text = f"{config.pki_dir}/{role}.pem is issued anew: {why}"
            warnings.append(TlsWarning("certificate-reissued", text))
    orders = orders_for_all(config, dns_names, ip_addresses)
    return CertificatePlan(
        sources,
        tuple(order for order in orders if sources[order.role] == "issued"),
        dns_names,
        ip_addresses,
        tuple(warnings),
        observation.pki.next_ca is not None,
        retired,
        tuple(requests_for(observation, config, sources, orders)),
    )


def server_names(
    wanted: Iterable[str], found: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The DNS names and the IP addresses of the server.

    Args:
        wanted: Names that the user asked for.
        found: Names found in the project; what cannot stand in a certificate is left out.

    Raises:
        NameInvalid: A name that the user asked for cannot stand in a certificate.
    """
    return split_names([*wanted, *filter(_is_valid, found)])


def orders_for_all(
    config: TlsConfig, dns_names: tuple[str, ...], ip_addresses: tuple[str, ...]
) -> list[CertificateOrder]:
    """The orders for new certificates of every role, from the settings alone."""
    return [
        CertificateOrder(
            "ca",
            subject_of(CA_NAME, config),
            config.key_type,
            config.ca_days,
            permitted_dns=subtrees_of((*dns_names, CLIENT_DOMAIN)) if config.constrain else (),
        ),
        CertificateOrder(
            "server",
            subject_of(config.server_name, config),
            config.key_type,
            config.days,
            dns_names,
            ip_addresses,
        ),
        CertificateOrder(
            "client",
            subject_of(_CLIENT_NAME, config),
            config.key_type,
            config.days,
            (_CLIENT_DNS_NAME,),
        ),
    ]


def subject_of(common_name: str, config: TlsConfig) -> str:
    """A subject: RFC 4514 text lists the most specific part first, in whatever order the rest is."""
    return f"CN={common_name},{config.subject}" if config.subject else f"CN={common_name}"


def require_names_permitted(
    observation: Observation, config: TlsConfig, dns_names: Iterable[str]
) -> None:
    """Make sure that the CA at hand, or the one that takes over, is as constrained as it has to be.

    Args:
        observation: What lies in the PKI directory.
        config: The settings; a CA that is to be constrained is not quietly left as it is.
        dns_names: The names of the server.

    Raises:
        ProfileViolation: The CA is to be constrained, and is not.
        NameNotPermitted: It is constrained to other names.
    """
    ca, following = observation.pki.certificates["ca"], observation.pki.next_ca
    path = f"{config.pki_dir}/ca.pem"
    if config.constrain and not (following or ca).permitted_dns:
        raise ProfileViolation(
            f"the CA {path} was made without --constrain, and may issue for any name",
            hint="make a new CA with compose-tls renew --ca --constrain, or leave --constrain out",
            path=path,
        )
    require_permitted(dns_names, ca.permitted_dns, path, path=path)


def _ca_source(observation: Observation, config: TlsConfig, now: datetime) -> Source:
    facts = observation.pki.certificates.get("ca")
    if facts is None:
        return "issued"
    require_ca_valid(facts, config, now)
    return "kept"


def require_ca_valid(ca: CertificateFacts, config: TlsConfig, now: datetime) -> None:
    """Make sure that certificates can still be issued under the CA at hand.

    Raises:
        CertificateExpired: They cannot.
    """
    if ca.not_after <= now:
        path = f"{config.pki_dir}/ca.pem"
        raise CertificateExpired(
            f"the CA {path} expired on {ca.not_after:%Y-%m-%d}",
            hint="run compose-tls renew --ca; clients then need the new ca.pem",
            path=path,
        )


def _why(facts: CertificateFacts, config: TlsConfig, names: set[str], now: datetime) -> str:
    """Why a certificate has to be replaced; empty when it has not."""
    missing = names - {*facts.dns_names, *facts.ip_addresses}
    if missing:
        return f"it does not hold the name {', '.join(sorted(missing))}"
    if facts.key_type != config.key_type:
        return f"its key is {facts.key_type}, not {config.key_type}"
    if is_due(facts, now):
        return f"it ends on {facts.not_after:%Y-%m-%d}"
    return ""


def is_due(facts: CertificateFacts, now: datetime, within: timedelta | None = None) -> bool:
    """Whether a certificate is to be renewed.

    Args:
        facts: The certificate.
        now: The time to judge by.
        within: How early; by default in its last 30 days, or in the last third of a shorter life.
    """
    early = min(RENEW_BEFORE, (facts.not_after - facts.not_before) / 3)
    return facts.remaining(now) < (early if within is None else within)


def _is_valid(name: str) -> bool:
    try:
        split_names([name])
    except NameInvalid:
        return False
    return True

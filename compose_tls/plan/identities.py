"""Where every certificate and key of a set-up comes from: kept, provided by the user, or issued."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from compose_tls.changes import CertificateOrder, IdentityPlan, PlannedIdentity, Source
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateExpired, NameInvalid, ProfileViolation
from compose_tls.layout import (
    CA,
    CA_CERTIFICATE,
    CERTIFICATE,
    CLIENT,
    KEY,
    NEXT_CA,
    REQUEST,
    SERVER,
    retired_ca,
)
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.pki.client_names import CLIENT_DOMAIN
from compose_tls.pki.constraints import require_permitted, subtrees_of
from compose_tls.pki.names import split_names
from compose_tls.setup import Identity
from compose_tls.vocabulary import TlsWarning, has_ended

# Re-issued early enough that nobody notices: in the last 30 days, or the last third of a short life.
RENEW_BEFORE: Final = timedelta(days=30)

CA_NAME: Final = "compose-tls CA"
_CLIENT_NAME: Final = "client"
_CLIENT_DNS_NAME: Final = f"client.{CLIENT_DOMAIN}"


def plan_identities(
    observation: Observation,
    config: TlsConfig,
    members: tuple[str, ...],
    found: Iterable[str],
    now: datetime,
) -> IdentityPlan:
    """Decide for the CA, the server and the client.

    Args:
        observation: What lies in the PKI directory.
        config: The settings; they hold the names that the user asks for.
        members: The services that show the server certificate.
        found: Names found in the project; what cannot stand in a certificate is left out.
        now: The time to judge validity by.

    Raises:
        NameInvalid: A name that the user asked for cannot stand in a certificate.
        CertificateExpired: The CA in the PKI directory has expired.
        ProfileViolation: It is to be constrained, and is not.
        NameNotPermitted: It is constrained to other names.
    """
    identities = identities_of(members, *server_names(config.names, found))
    pki = observation.pki
    retired = _retired_ca(observation, config)
    warnings = [_retirement_warning(config, retired)] if retired else []
    if config.server_cert is not None:
        wanted = (CA, SERVER, *([CLIENT] if config.client_cert is not None else []))
        provided = (PlannedIdentity(identities[name], "provided") for name in wanted)
        return IdentityPlan(tuple(provided), retired=retired, warnings=tuple(warnings))
    orders = orders_for(identities, config)
    sources: dict[str, Source] = {
        CA: "provided" if config.ca_cert is not None else _ca_source(observation, config, now)
    }
    if sources[CA] == "existing":
        require_names_permitted(observation, config, identities[SERVER].dns_names)
    same_ca = sources[CA] == "existing" or CA in pki.provided
    for name in (SERVER, CLIENT):
        facts = pki.certificates.get(name)
        if facts is None or name not in pki.usable:
            sources[name] = "issued"
            if sources[CA] == "existing":
                text = f"{config.pki_dir}/{name}{CERTIFICATE} or its key was missing or damaged"
                warnings.append(TlsWarning("certificate-reissued", f"{text}: new certificate"))
            continue
        names = {*identities[SERVER].dns_names, *identities[SERVER].ip_addresses}
        held = names if name == SERVER else set[str]()
        ca = pki.next_ca if name == CLIENT and pki.next_ca else pki.certificates.get(CA)
        why = why_replaced(facts, ca, config, held, now) if same_ca else "it is from another CA"
        sources[name] = "issued" if why else "existing"
        if why:
            text = f"{config.pki_dir}/{name}{CERTIFICATE}: new certificate, because {why}"
            warnings.append(TlsWarning("certificate-reissued", text))
    plan = with_sources(observation, config, identities, sources, orders)
    warnings += ends(plan, observation, config, now)
    return replace(plan, retired=retired, warnings=tuple(warnings))


def identities_of(
    members: tuple[str, ...], dns_names: tuple[str, ...], ip_addresses: tuple[str, ...]
) -> dict[str, Identity]:
    """The identities of a set-up: a CA, the server that the members share, and a client."""
    return {
        CA: Identity(CA, "ca"),
        SERVER: Identity(SERVER, "server", members, dns_names, ip_addresses),
        CLIENT: Identity(CLIENT, "client", (), (_CLIENT_DNS_NAME,)),
    }


def with_sources(
    observation: Observation,
    config: TlsConfig,
    identities: dict[str, Identity],
    sources: dict[str, Source],
    orders: dict[str, CertificateOrder],
) -> IdentityPlan:
    """The plan for identities whose sources are decided.

    A certificate that clients show is issued by the CA that takes over, where there is one: it is to
    outlive the change.

    Args:
        observation: What lies in the PKI directory.
        config: The settings.
        identities: The identities, by name.
        sources: Where each of them comes from; one that is missing is none of the plan's.
        orders: What would be issued anew for each.
    """
    if observation.pki.next_ca is not None and sources[CA] != "promoted":
        sources.setdefault(NEXT_CA, "existing")
    planned: list[PlannedIdentity] = []
    for name, source in sources.items():
        order = orders[CA] if name == NEXT_CA else orders[name]
        order = replace(order, identity=name)
        issuer = None
        if order.role != "ca":
            issuer = NEXT_CA if name == CLIENT and NEXT_CA in sources else CA
        planned.append(
            PlannedIdentity(
                Identity(NEXT_CA, "ca") if name == NEXT_CA else identities[name],
                source,
                order if source == "issued" else None,
                issuer,
                order if _is_requested(observation, config, order, source) else None,
            )
        )
    joined = sources.get(NEXT_CA) == "issued"
    return IdentityPlan(tuple(planned), trusted=(CA, NEXT_CA) if joined else (CA,))


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


def orders_for(identities: dict[str, Identity], config: TlsConfig) -> dict[str, CertificateOrder]:
    """The orders for new certificates of every identity, from the settings alone."""
    names = identities[SERVER].dns_names
    common_names = {CA: CA_NAME, SERVER: config.server_name, CLIENT: _CLIENT_NAME}
    return {
        name: CertificateOrder(
            one.profile,
            subject_of(common_names[name], config),
            config.key_type,
            config.ca_days if one.profile == "ca" else config.days,
            one.dns_names,
            one.ip_addresses,
            subtrees_of((*names, CLIENT_DOMAIN)) if name == CA and config.constrain else (),
        )
        for name, one in identities.items()
    }


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
    ca, following = observation.pki.certificates[CA], observation.pki.next_ca
    path = f"{config.pki_dir}/{CA_CERTIFICATE}"
    if config.constrain and not (following or ca).permitted_dns:
        raise ProfileViolation(
            f"the CA {path} was made without --constrain, and may issue for any name",
            hint="make a new CA with compose-tls renew --ca --constrain, or leave --constrain out",
            path=path,
        )
    require_permitted(dns_names, ca.permitted_dns, path, path=path)


def require_ca_valid(ca: CertificateFacts, config: TlsConfig, now: datetime) -> None:
    """Make sure that certificates can still be issued under the CA at hand.

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


def is_due(
    facts: CertificateFacts,
    issuer: CertificateFacts,
    now: datetime,
    within: timedelta | None = None,
) -> bool:
    """Whether a certificate is to be renewed: it ends soon, and a new one would live longer.

    Args:
        facts: The certificate; it ends with the first of its chain.
        issuer: The CA that would issue the new one; likewise.
        now: The time to judge by.
        within: How early; by default in its last 30 days, or in the last third of a shorter life.
    """
    early = min(RENEW_BEFORE, (facts.not_after - facts.not_before) / 3)
    ends_soon = facts.remaining(now) < (early if within is None else within)
    return ends_soon and facts.not_after < issuer.not_after


def ends(
    planned: IdentityPlan, observation: Observation, config: TlsConfig, now: datetime
) -> Iterator[TlsWarning]:
    """That a CA ends soon, and which certificates are cut short by the end of theirs.

    Args:
        planned: Where each certificate comes from.
        observation: What lies in the PKI directory; a CA ends with the first of its chain.
        config: The settings.
        now: The time to judge by.
    """
    cas = observation.pki.all_certificates
    for name in (CA, NEXT_CA):
        ca = cas.get(name)
        source = planned.source(name)
        stays = source == "existing" or (source == "provided" and name in observation.pki.provided)
        if ca is not None and stays and ca.remaining(now) < RENEW_BEFORE:
            path = f"{config.pki_dir}/{name}{CERTIFICATE}"
            brought = config.ca_cert is not None or config.server_cert is not None
            yield TlsWarning(
                "ca-expires-soon",
                f"{path}, or a CA above it, ends on {ca.not_after:%Y-%m-%d %H:%M} UTC, and every "
                "certificate under it",
                path,
                "give certificates of a CA with a later end to compose-tls enable"
                if brought
                else "compose-tls renew --ca, then give its ca.pem to every client",
            )
    for one in planned.identities:
        ca = cas.get(one.issuer or "")
        if one.order is None or ca is None or planned.source(one.issuer or "") == "issued":
            continue
        if now + timedelta(days=one.order.days) > ca.not_after + timedelta(days=1):
            path = f"{config.pki_dir}/{one.identity.name}{CERTIFICATE}"
            text = f"{path} ends on {ca.not_after:%Y-%m-%d}, with its CA, not after {one.order.days} days"
            yield TlsWarning("certificate-cut-short", text, path, "compose-tls renew --ca")


def _ca_source(observation: Observation, config: TlsConfig, now: datetime) -> Source:
    facts = observation.pki.certificates.get(CA)
    if facts is None:
        return "issued"
    require_ca_valid(facts, config, now)
    return "existing"


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
        return f"it does not hold the name {', '.join(sorted(missing))}"
    if "key_type" in config.model_fields_set and facts.key_type != config.key_type:
        return f"its key is {facts.key_type}, not {config.key_type}"
    if ca is not None and is_due(facts, ca, now):
        return f"it ends on {facts.not_after:%Y-%m-%d}"
    return ""


def _is_requested(
    observation: Observation, config: TlsConfig, order: CertificateOrder, source: Source
) -> bool:
    """Whether a signing request is to be written: it was asked for, and is not there yet.

    A request whose key is made anew is made anew as well, asked for or not.
    """
    if order.role == "ca" or source == "provided":
        return False
    if source == "existing":
        names = frozenset({*order.dns_names, *order.ip_addresses})
        return config.csr and observation.pki.requests.get(order.name) != names
    place = observation.directory / config.pki_dir / f"{order.name}{REQUEST}"
    return config.csr or observation.files.get(place) is not None


def _retired_ca(observation: Observation, config: TlsConfig) -> str | None:
    """The name under which the CA at hand is kept, without suffix; ``None`` when none gives way."""
    pki = observation.pki
    ca = pki.certificates.get(CA)
    gives_way = config.ca_cert is not None and CA not in pki.provided
    return retired_ca(ca.sha256) if ca is not None and CA in pki.usable and gives_way else None


def _retirement_warning(config: TlsConfig, retired: str) -> TlsWarning:
    """That clients have to learn of the other CA."""
    bundle = f"{config.pki_dir}/{CA_CERTIFICATE}"
    return TlsWarning(
        "ca-replaced",
        f"{bundle} now holds a different CA; distribute it to every client; the key of the one before is "
        f"kept as {config.pki_dir}/{retired}{KEY}",
        bundle,
        "give it to every client",
    )


def _is_valid(name: str) -> bool:
    try:
        split_names([name])
    except NameInvalid:
        return False
    return True

"""Where every certificate and key of a set-up comes from: kept, provided by the user, or issued."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from compose_tls.changes import CertificateOrder, IdentityPlan, PlannedIdentity, Source
from compose_tls.config import TlsConfig
from compose_tls.errors import NameInvalid, ProfileViolation
from compose_tls.layout import (
    CA,
    CA_CERTIFICATE,
    CA_NAME,
    CERTIFICATE,
    CLIENT,
    CLIENT_CA,
    KEY,
    NEXT_CA,
    REQUEST,
    SERVER,
    client_identity,
    retired_ca,
)
from compose_tls.observation import Observation
from compose_tls.pki.client_names import CLIENT_DOMAIN, client_dns_name
from compose_tls.pki.constraints import require_permitted, subtrees_of
from compose_tls.pki.names import split_names
from compose_tls.pki.subject import escaped, require_without_common_name
from compose_tls.plan.client_ca import client_ca_made, client_ca_source, issues_clients
from compose_tls.plan.lifetimes import ends, reissued, require_ca_valid, why_replaced
from compose_tls.setup import Identity
from compose_tls.vocabulary import TlsWarning

_CLIENT_CA_NAME: Final = "compose-tls client CA"
_CLIENT_NAME: Final = "client"
_CLIENT_DNS_NAME: Final = f"client.{CLIENT_DOMAIN}"


def plan_identities(
    observation: Observation,
    config: TlsConfig,
    members: tuple[str, ...],
    found: Iterable[str],
    now: datetime,
    neighbours: Iterable[str] = (),
    *,
    settled: bool = False,
) -> IdentityPlan:
    """Decide for the CA, the server, the client and the neighbours that show a certificate.

    And for a client CA, where that is another one.

    Args:
        observation: What is in the PKI directory.
        config: The settings; they hold the names that the user asks for.
        members: The services that show the server certificate.
        found: Names found in the project; what is not allowed in a certificate is left out.
        now: The time to judge validity by.
        neighbours: The services of the project that show a certificate of their own.
        settled: Whether clients have certificates of the server's CA already, where that was provided.

    Raises:
        NameInvalid: A name that the user asked for is not allowed in a certificate.
        CertificateExpired: The CA in the PKI directory has expired.
        ProfileViolation: It is to be constrained, and is not.
        NameNotPermitted: It is constrained to other names.
    """
    identities = identities_of(members, *server_names(config.names, found))
    identities |= client_identities(neighbours)
    pki = observation.pki
    retired = tuple(_retired_cas(observation, config))
    warnings = [_retirement_warning(config, *one) for one in retired]
    orders = orders_for(identities, config)
    sources: dict[str, Source] = {
        CA: "provided" if config.ca_cert is not None else _ca_source(observation, config, now)
    }
    if sources[CA] == "existing":
        require_names_permitted(observation, config, identities[SERVER].dns_names)
    apart = client_ca_source(pki, config, settled=settled)
    if apart is not None:
        sources[CLIENT_CA] = apart
    if apart == "issued":
        warnings.append(client_ca_made(config))
    for name in (one for one in identities if one not in {CA, CLIENT_CA}):
        if name in {SERVER, CLIENT} and getattr(config, f"{name}_cert") is not None:
            sources[name] = "provided"
            continue
        is_shown = name != SERVER
        if is_shown and not issues_clients(config, apart):
            continue
        issuer = CLIENT_CA if is_shown and apart else CA
        facts = pki.certificates.get(name)
        if facts is None or name not in pki.usable:
            sources[name] = "issued"
            known = name in {SERVER, CLIENT} or facts is not None
            if sources[issuer] == "existing" and known:
                warnings.append(reissued(name, _why_unusable(observation, config, name), config))
            continue
        names = {*identities[SERVER].dns_names, *identities[SERVER].ip_addresses}
        held = names if name == SERVER else set[str]()
        follows = is_shown and not apart and pki.next_ca
        ca = pki.next_ca if follows else pki.certificates.get(issuer)
        same_ca = sources[issuer] == "existing" or issuer in pki.provided
        why = why_replaced(facts, ca, config, held, now) if same_ca else "it is from another CA"
        sources[name] = "issued" if why else "existing"
        warnings += [reissued(name, why, config)] if why else []
    plan = with_sources(observation, config, identities, sources, orders)
    warnings += ends(plan, observation, config, now)
    return replace(plan, retired=retired, warnings=tuple(warnings))


def identities_of(
    members: tuple[str, ...], dns_names: tuple[str, ...], ip_addresses: tuple[str, ...]
) -> dict[str, Identity]:
    """The identities of a set-up: a CA, the server that the members share, and a client.

    And the client CA, for a set-up in which that is another one.
    """
    return {
        CA: Identity(CA, "ca"),
        CLIENT_CA: Identity(CLIENT_CA, "ca"),
        SERVER: Identity(SERVER, "server", members, dns_names, ip_addresses),
        CLIENT: Identity(CLIENT, "client", (), (_CLIENT_DNS_NAME,)),
    }


def client_identities(services: Iterable[str]) -> dict[str, Identity]:
    """The identities that services of the project show to Milvus."""
    names = {client_identity(service): service for service in services}
    return {
        name: Identity(name, "client", (service,), (client_dns_name(service),))
        for name, service in names.items()
    }


def with_sources(
    observation: Observation,
    config: TlsConfig,
    identities: dict[str, Identity],
    sources: dict[str, Source],
    orders: dict[str, CertificateOrder],
) -> IdentityPlan:
    """The plan for identities whose sources are decided.

    A certificate that clients show is issued by their own CA, or by the CA that takes over, where there
    is one: it is to outlive the change.

    Args:
        observation: What is in the PKI directory.
        config: The settings.
        identities: The identities, by name.
        sources: Where each of them comes from; one that is missing is none of the plan's.
        orders: What would be issued again for each.
    """
    brought = config.server_cert is not None
    if observation.pki.next_ca is not None and sources[CA] != "promoted" and not brought:
        sources.setdefault(NEXT_CA, "existing")
    planned: list[PlannedIdentity] = []
    # The order is that of the record, which is not written again for another one.
    for name in (one for one in (*identities, NEXT_CA) if one in sources):
        source = sources[name]
        order = orders[CA] if name == NEXT_CA else orders[name]
        order = replace(order, identity=name)
        issuer = None
        if order.profile != "ca":
            above = [one for one in (CLIENT_CA, NEXT_CA) if name != SERVER and one in sources]
            issuer = above[0] if above else CA
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
        found: Names found in the project; what is not allowed in a certificate is left out.

    Raises:
        NameInvalid: A name that the user asked for is not allowed in a certificate.
    """
    return split_names([*wanted, *filter(is_valid, found)])


def orders_for(identities: dict[str, Identity], config: TlsConfig) -> dict[str, CertificateOrder]:
    """The orders for new certificates of every identity, from the settings only."""
    names = identities[SERVER].dns_names
    common_names = {
        CA: CA_NAME,
        CLIENT_CA: _CLIENT_CA_NAME,
        SERVER: config.server_name,
        CLIENT: _CLIENT_NAME,
    }
    return {
        name: CertificateOrder(
            one.profile,
            subject_of(common_names.get(name) or escaped(one.members[0]), config),
            config.key_type,
            config.ca_days if one.profile == "ca" else config.days,
            one.dns_names,
            one.ip_addresses,
            subtrees_of((*names, CLIENT_DOMAIN)) if name == CA and config.constrain else (),
        )
        for name, one in identities.items()
    }


def subject_of(common_name: str, config: TlsConfig) -> str:
    """A subject: RFC 4514 text lists the most specific part first, in whatever order the rest is.

    Raises:
        NameInvalid: The rest cannot be read, or has a common name.
    """
    if not config.subject:
        return f"CN={common_name}"
    require_without_common_name(config.subject)
    return f"CN={common_name},{config.subject}"


def require_names_permitted(
    observation: Observation, config: TlsConfig, dns_names: Iterable[str]
) -> None:
    """Make sure that the existing CA, or the one that takes over, is as constrained as it has to be.

    Args:
        observation: What is in the PKI directory.
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


def _ca_source(observation: Observation, config: TlsConfig, now: datetime) -> Source:
    facts = observation.pki.certificates.get(CA)
    if facts is None:
        return "issued"
    require_ca_valid(facts, config, now)
    return "existing"


def _why_unusable(observation: Observation, config: TlsConfig, name: str) -> str:
    """What is wrong with a certificate that cannot be kept."""
    place = observation.directory / config.pki_dir
    missing = [
        what
        for what, suffix in (("it", CERTIFICATE), ("its key", KEY))
        if observation.files.get(place / f"{name}{suffix}") is None
    ]
    if missing:
        return f"{' and '.join(missing)} {'were' if len(missing) > 1 else 'was'} missing"
    if name not in observation.pki.certificates:
        return "it or its key was damaged"
    return "it did not belong to its key, or was not of this CA"


def _is_requested(
    observation: Observation, config: TlsConfig, order: CertificateOrder, source: Source
) -> bool:
    """Whether a signing request is to be written: it was asked for, and is not there yet.

    A request whose key is made again is made again as well, asked for or not.
    """
    if order.profile == "ca" or source == "provided" or order.name not in {SERVER, CLIENT}:
        return False
    if source == "existing":
        names = frozenset({*order.dns_names, *order.ip_addresses})
        return config.csr and observation.pki.requests.get(order.name) != names
    place = observation.directory / config.pki_dir / f"{order.name}{REQUEST}"
    return config.csr or observation.files.get(place) is not None


def _retired_cas(observation: Observation, config: TlsConfig) -> Iterator[tuple[str, str]]:
    """The CAs available that give way, and the names under which they are kept, without suffix."""
    pki = observation.pki
    for name, given in ((CA, config.ca_cert), (CLIENT_CA, config.client_ca_cert)):
        ca = pki.certificates.get(name)
        if ca is not None and name in pki.usable and given is not None and name not in pki.provided:
            yield name, retired_ca(name, ca.sha256)


def _retirement_warning(config: TlsConfig, name: str, retired: str) -> TlsWarning:
    """That clients have to learn of the other CA, or need certificates of it."""
    bundle = f"{config.pki_dir}/{name}{CERTIFICATE}"
    if name == CLIENT_CA:
        return TlsWarning(
            "ca-replaced",
            f"{bundle} now holds a different CA: every client needs a new certificate; the "
            "previous key is kept as"
            f" {config.pki_dir}/{retired}{KEY}",
            bundle,
            "compose-tls client NAME, or have it issued by that CA",
        )
    return TlsWarning(
        "ca-replaced",
        f"{bundle} now holds a different CA; the previous key is kept as"
        f" {config.pki_dir}/{retired}{KEY}",
        bundle,
        f"give {bundle} to every client",
    )


def is_valid(name: str) -> bool:
    """Whether a name can be in a certificate."""
    try:
        split_names([name])
    except NameInvalid:
        return False
    return True

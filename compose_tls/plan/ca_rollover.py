"""Which certificates ``renew`` replaces, and which stay."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias

from compose_tls.changes import Source
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateUnreadable, RolloverNotStarted
from compose_tls.layout import (
    CA,
    CERTIFICATE,
    CLIENT,
    CLIENT_CA,
    CLIENT_CA_KEY,
    NEXT_CA,
    SERVER,
    client_identity,
)
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.plan.client_ca import client_ca_source, issues_clients
from compose_tls.plan.lifetimes import is_due, require_ca_valid
from compose_tls.plan.provided_certificates import with_client_ca
from compose_tls.project.model import is_lost
from compose_tls.state.recorded import State
from compose_tls.vocabulary import TlsMode, has_ended

_BROUGHT: Final = tuple(
    f"{role}_{what}" for role in (CA, SERVER, CLIENT) for what in ("cert", "key", "passphrase_file")
)

Extent: TypeAlias = Literal["end-entities", "ca", "finish"]
"""What is renewed: server and client; the CA, with the old one next to it; or the old one goes."""

REPLACED: Final[Mapping[Extent, tuple[str, ...]]] = {
    "end-entities": (),
    "ca": (CA, NEXT_CA),
    "finish": (CA,),
}
"""The CAs that another one replaces then, where they cannot issue any more."""


def sources(
    observation: Observation,
    config: TlsConfig,
    now: datetime,
    *,
    extent: Extent,
    within: timedelta | None,
    force: bool,
    restart: bool = True,
    neighbours: Iterable[str] = (),
    state: State | None = None,
) -> dict[str, Source]:
    """Where each certificate comes from.

    The server keeps its certificate while a new CA joins: its clients know no other CA yet. So does our
    client, until Milvus knows of the new CA, for which it has to be restarted; and so do the services
    of the project that show one.

    Args:
        observation: The project as it is.
        config: The settings.
        now: The time that validity is judged by.
        extent: What to renew.
        within: Renew server and client when they end within this time; see ``is_due``.
        force: Renew server and client certificates even if they are not due.
        restart: Whether Milvus reads what is new before our client shows it.
        neighbours: The identities of services of the project that show a certificate.
        state: What is recorded.

    Raises:
        RolloverNotStarted: CA rotation has not started.
        CertificateExpired: The CA has expired.
        CertificateUnreadable: The CA or its key is not here.
    """
    showing = (CLIENT, *neighbours)
    if extent == "ca" and is_lost(observation, config, state):
        found = _anew(showing)
    else:
        whole = observation.pki.usable >= {SERVER, *showing}
        if extent != "ca" or whole or config.ca_cert is not None:
            # Its key may be elsewhere, where nothing lacks it.
            require_issuer(observation, config, extent)
        found = _sources(
            observation,
            config,
            now,
            ca_of(observation, config),
            extent=extent,
            within=within,
            force=force,
            restart=restart,
            showing=showing,
        )
    if CLIENT_CA not in observation.pki.certificates:
        return found
    # No change of the server's CA is a change for clients that have one of their own.
    kept = {name: source for name, source in found.items() if name not in showing}
    return kept | client_sources(
        observation, config, now, within=within, force=force, showing=showing
    )


def client_sources(
    observation: Observation,
    config: TlsConfig,
    now: datetime,
    *,
    within: timedelta | None,
    force: bool,
    showing: Iterable[str],
) -> dict[str, Source]:
    """Where the clients' own CA and our clients come from, where clients have one; otherwise nothing.

    Args:
        observation: The project as it is.
        config: The settings.
        now: The time that validity is judged by.
        within: How early to renew; see ``is_due``.
        force: Renew the clients in any case.
        showing: The identities of our clients.

    Raises:
        CertificateUnreadable: The CA that is given is not that of the project's clients.
    """
    pki = observation.pki
    apart, ca = client_ca_source(pki, config), pki.certificates.get(CLIENT_CA)
    if apart is None or ca is None:
        return {}
    same = apart == "existing" or CLIENT_CA in pki.provided
    _require_same_client_ca(observation, config)
    if config.client_cert is not None:
        return {CLIENT_CA: apart, CLIENT: "provided"}
    if not issues_clients(config, apart):
        return {CLIENT_CA: apart}
    found: dict[str, Source] = {CLIENT_CA: apart}
    for name in showing:
        facts = pki.certificates.get(name)
        good = facts is not None and name in pki.usable and not is_due(facts, ca, now, within)
        found[name] = "existing" if good and same and not force else "issued"
    return found


def _sources(
    observation: Observation,
    config: TlsConfig,
    now: datetime,
    ca: CertificateFacts,
    *,
    extent: Extent,
    within: timedelta | None,
    force: bool,
    restart: bool,
    showing: Sequence[str],
) -> dict[str, Source]:
    following = observation.pki.next_ca

    def due(role: str) -> bool:
        facts = observation.pki.certificates.get(role)
        usable = role in observation.pki.usable
        issuer = following if role != SERVER and following else ca
        return force or facts is None or not usable or is_due(facts, issuer, now, within)

    def is_ready(role: str) -> bool:
        facts = observation.pki.certificates.get(role)
        return facts is not None and following is not None and facts.issuer == following.subject

    if extent == "end-entities":
        require_ca_valid(ca, config, now)
        return {
            CA: "existing" if config.ca_cert is None else "provided",
            **{one: "issued" if due(one) else "existing" for one in (SERVER, *showing)},
        }
    if extent == "finish":
        if following is None:
            raise RolloverNotStarted(
                "CA rotation has not started: there is no new CA",
                hint="run compose-tls renew --ca first, and give its ca.pem to every client",
            )
        stays = {one: is_ready(one) and not due(one) for one in showing}
        kept: dict[str, Source] = {o: "existing" if s else "issued" for o, s in stays.items()}
        return {CA: "promoted", SERVER: "issued", **kept}
    if has_ended(ca.not_after, now):
        # No client accepts it any more, so the old CA is not kept.
        return _anew(showing)
    usable = observation.pki.usable
    waits = config.tls_mode is TlsMode.MUTUAL and not restart
    shown: dict[str, Source] = {
        one: "existing" if is_ready(one) or (waits and one in usable) else "issued"
        for one in showing
    }
    if following is not None:
        return {CA: "existing", SERVER: "existing", **shown}
    server: Source = "existing" if SERVER in usable else "issued"
    return {CA: "existing", SERVER: server, **shown, NEXT_CA: "issued"}


def _anew(showing: Sequence[str]) -> dict[str, Source]:
    return {CA: "issued", SERVER: "issued", **dict.fromkeys(showing, "issued")}


def provided_sources(observation: Observation, config: TlsConfig) -> dict[str, Source]:
    """Where provided certificates come from: what lies where they came from counts, if all of it does.

    A recorded path that leads out of the project is not followed: the author of the project may have
    written it. It is where the user names it for this command.

    Args:
        observation: The project as it is.
        config: The settings; they name the files that were provided.
    """
    roles = [CA, SERVER, *([CLIENT] if config.client_cert else [])]
    names = [getattr(config, name) for name in _BROUGHT if getattr(config, name)]
    paths = [Path(os.path.normpath(observation.directory / name)) for name in names]
    own = "server_cert" in config.model_fields_set
    followed = own or all(path.is_relative_to(observation.directory) for path in paths)
    there = all(observation.files.get(observation.directory / name) for name in names)
    source: Source = "provided" if followed and there else "existing"
    return dict.fromkeys(roles, source)


def ca_of(observation: Observation, config: TlsConfig) -> CertificateFacts:
    """The CA of a project.

    Raises:
        CertificateUnreadable: It is not here.
    """
    facts = observation.pki.certificates.get(CA)
    if facts is None:
        raise CertificateUnreadable(
            f"{config.pki_dir}/ca.pem is missing or damaged",
            hint=f"restore it, or move {config.pki_dir} away and enable again",
            path=f"{config.pki_dir}/ca.pem",
        )
    return facts


def client_issuer(observation: Observation, config: TlsConfig) -> CertificateFacts:
    """The CA to issue under what clients show for long: theirs, or that which takes over, if any.

    Raises:
        CertificateUnreadable: It is not here.
    """
    pki = observation.pki
    return pki.certificates.get(CLIENT_CA) or pki.next_ca or ca_of(observation, config)


def require_client_issuer(observation: Observation, config: TlsConfig) -> None:
    """Make sure that certificates for clients can be issued.

    Raises:
        CertificateUnreadable: The key of their CA is not here, or another CA is given.
    """
    if CLIENT_CA not in observation.pki.certificates:
        require_issuer(observation, config, "end-entities")
        return
    name = f"{config.pki_dir}/{CLIENT_CA_KEY}"
    _require_same_client_ca(observation, config)
    if config.client_ca_key is None and not observation.files.get(observation.directory / name):
        raise CertificateUnreadable(
            f"{name} is missing, so no client certificate can be issued",
            hint="name their CA with --client-ca-cert and --client-ca-key, or have certificates issued"
            " by it",
            path=name,
        )


def require_neighbours_issuer(
    found: Mapping[str, Source], names: Iterable[str], observation: Observation, config: TlsConfig
) -> None:
    """Make sure that what services of the project show stays, or can be issued.

    Args:
        found: Where what clients show comes from.
        names: The services that show a certificate.
        observation: The project as it is.
        config: The settings; they name what was provided.

    Raises:
        CertificateUnreadable: The client CA, or the name of its key, is not here.
    """
    lacking = [name for name in names if client_identity(name) not in found]
    if lacking:
        path = f"{config.pki_dir}/{CLIENT_CA}{CERTIFICATE}"
        gone = CLIENT_CA not in found
        what = f"{path} is missing or damaged" if gone else "the key of the client CA is missing"
        raise CertificateUnreadable(
            f"{what}, and nothing can be issued for {', '.join(lacking)}",
            hint=f"restore it, or give it again: {with_client_ca(config, observation.directory)}",
            path=path,
        )


def require_issuer(observation: Observation, config: TlsConfig, extent: Extent) -> None:
    """Make sure that the CA can issue: only with its key, and only a CA of our own can be followed.

    Raises:
        CertificateUnreadable: The key is not here, or the CA that is given is not that of the project.
    """
    name = f"{config.pki_dir}/ca.key"
    at_hand = observation.files.get(observation.directory / name) is not None
    # It is the new one that issues from then on.
    follows = extent == "finish" and observation.pki.next_ca is not None
    own = "ca_key" in config.model_fields_set and config.ca_key is not None
    again = f"compose-tls disable --purge && compose-tls enable --mode {config.mode}"
    hint = "name the CA with --ca-cert and --ca-key, or " + (
        f"start with a new one, which every client needs: {again}"
        if config.ca_cert is None
        else "give new certificates to compose-tls enable --server-cert"
    )
    if extent != "end-entities" and not (at_hand or follows or own):
        raise CertificateUnreadable(
            f"{name} is missing: it was moved away, or the CA was not created by compose-tls",
            hint=hint,
            path=name,
        )
    if extent == "end-entities" and not at_hand and config.ca_key is None:
        text = f"{name} is missing, so nothing can be issued"
        raise CertificateUnreadable(text, hint=hint, path=name)
    if config.ca_cert is not None and CA not in observation.pki.provided:
        raise CertificateUnreadable(
            f"{config.ca_cert} is not the CA of this project, {config.pki_dir}/ca.pem",
            hint="change the CA with compose-tls enable --ca-cert and --ca-key",
            path=config.ca_cert,
        )


def _require_same_client_ca(observation: Observation, config: TlsConfig) -> None:
    given = "client_ca_cert" in config.model_fields_set
    if given and CLIENT_CA not in observation.pki.provided:
        raise CertificateUnreadable(
            f"{config.client_ca_cert} is not the client CA, {config.pki_dir}/{CLIENT_CA}.pem",
            hint="change it with compose-tls enable --client-ca-cert",
            path=config.client_ca_cert,
        )

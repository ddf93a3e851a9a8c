"""What ``renew`` issues anew, and what stays."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias

from compose_tls.changes import Source
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateUnreadable, RolloverNotStarted
from compose_tls.layout import CA, CLIENT, NEXT_CA, SERVER
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.plan.identities import is_due, require_ca_valid
from compose_tls.vocabulary import TlsMode, TlsWarning, has_ended

_BROUGHT: Final = tuple(
    f"{role}_{what}" for role in (CA, SERVER, CLIENT) for what in ("cert", "key", "passphrase_file")
)

Extent: TypeAlias = Literal["end-entities", "ca", "finish"]
"""What is renewed: server and client; the CA, with the old one beside it; or the old one goes."""


def sources(
    observation: Observation,
    config: TlsConfig,
    now: datetime,
    *,
    extent: Extent,
    within: timedelta | None,
    force: bool,
    restart: bool = True,
) -> dict[str, Source]:
    """Where each certificate comes from.

    The server keeps its certificate while a new CA joins: its clients know no other CA yet. So does our
    client, until Milvus knows of the new CA, for which it has to be started anew.

    Args:
        observation: The project as it is.
        config: The settings.
        now: The time that validity is judged by.
        extent: What to renew.
        within: Renew server and client when they end within this time; see ``is_due``.
        force: Renew server and client in any case.
        restart: Whether Milvus reads what is new before our client shows it.

    Raises:
        RolloverNotStarted: There is no new CA that could take over.
        CertificateExpired: The CA has expired.
        CertificateUnreadable: The CA or its key is not here.
    """
    ca = ca_of(observation, config)
    require_issuer(observation, config, extent)
    following = observation.pki.next_ca

    def due(role: str) -> bool:
        facts = observation.pki.certificates.get(role)
        usable = role in observation.pki.usable
        issuer = following if role == CLIENT and following else ca
        return force or facts is None or not usable or is_due(facts, issuer, now, within)

    client = observation.pki.certificates.get(CLIENT)
    ready = client is not None and following is not None and client.issuer == following.subject

    if extent == "end-entities":
        require_ca_valid(ca, config, now)
        return {
            CA: "existing" if config.ca_cert is None else "provided",
            SERVER: "issued" if due(SERVER) else "existing",
            CLIENT: "issued" if due(CLIENT) else "existing",
        }
    if extent == "finish":
        if following is None:
            raise RolloverNotStarted(
                "there is no new CA that could take over",
                hint="run compose-tls renew --ca first, and give its ca.pem to every client",
            )
        stays = ready and not due(CLIENT)
        return {CA: "promoted", SERVER: "issued", CLIENT: "existing" if stays else "issued"}
    if has_ended(ca.not_after, now):
        # Nobody accepts it any more, so there is nobody to take along.
        return {CA: "issued", SERVER: "issued", CLIENT: "issued"}
    usable = observation.pki.usable
    waits = CLIENT in usable and config.tls_mode is TlsMode.MUTUAL and not restart
    shown: Source = "existing" if ready or waits else "issued"
    if following is not None:
        return {CA: "existing", SERVER: "existing", CLIENT: shown}
    server: Source = "existing" if SERVER in usable else "issued"
    return {CA: "existing", SERVER: server, CLIENT: shown, NEXT_CA: "issued"}


def provided_sources(observation: Observation, config: TlsConfig) -> dict[str, Source]:
    """Where brought certificates come from: what lies where they came from counts, if all of it does.

    A recorded path that leads out of the project is not followed: whoever made the project may have
    written it. It is where the user names it for this command.

    Args:
        observation: The project as it is.
        config: The settings; they name the files that were brought.
    """
    roles = [CA, SERVER, *([CLIENT] if config.client_cert else [])]
    names = [getattr(config, name) for name in _BROUGHT if getattr(config, name)]
    paths = [Path(os.path.normpath(observation.directory / name)) for name in names]
    own = "server_cert" in config.model_fields_set
    followed = own or all(path.is_relative_to(observation.directory) for path in paths)
    there = all(observation.files.get(observation.directory / name) for name in names)
    source: Source = "provided" if followed and there else "existing"
    return dict.fromkeys(roles, source)


def rollover_warning(config: TlsConfig) -> TlsWarning:
    """That two CAs are trusted, and how that ends."""
    bundle = f"{config.pki_dir}/ca.pem"
    return TlsWarning(
        "ca-rollover",
        f"two CAs are trusted until every client has {bundle}",
        bundle,
        "give it to every client, then run compose-tls renew --ca --finish",
    )


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
    if extent != "end-entities" and not (at_hand or follows or own):
        raise CertificateUnreadable(
            f"{name} is not here: it was moved away, or the CA was not made by compose-tls",
            hint="name it with --ca-cert and --ca-key; or give certificates of another CA to "
            "compose-tls enable",
            path=name,
        )
    if extent == "end-entities" and not at_hand and config.ca_key is None:
        raise CertificateUnreadable(
            f"{name} is not here, so nothing can be issued",
            hint="name the CA with --ca-cert and --ca-key, or give new certificates to "
            "compose-tls enable --server-cert",
            path=name,
        )
    if config.ca_cert is not None and CA not in observation.pki.provided:
        raise CertificateUnreadable(
            f"{config.ca_cert} is not the CA of this project, {config.pki_dir}/ca.pem",
            hint="change the CA with compose-tls enable --ca-cert and --ca-key",
            path=config.ca_cert,
        )

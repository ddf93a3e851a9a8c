"""Warnings during CA rotation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compose_tls.changes import IdentityPlan
from compose_tls.config import TlsConfig
from compose_tls.errors import ClientsLeftBehind, settle
from compose_tls.layout import (
    CA,
    CA_CERTIFICATE,
    CLIENT,
    CLIENT_CERTIFICATE,
    NEXT_CA,
    NEXT_CA_CERTIFICATE,
)
from compose_tls.observation import Observation
from compose_tls.shell import joined
from compose_tls.state.recorded import State
from compose_tls.vocabulary import TlsWarning


def rollover_warning(config: TlsConfig) -> TlsWarning:
    """The warning that two CAs are trusted, and how to finish."""
    bundle = f"{config.pki_dir}/ca.pem"
    return TlsWarning(
        "ca-rollover",
        f"two CAs are trusted until every client has {bundle}",
        bundle,
        f"give {bundle} to every client, then run compose-tls renew --ca --finish",
    )


def other_ca(config: TlsConfig, path: str, text: str) -> TlsWarning:
    """The warning that clients need another CA certificate."""
    hint = f"give {config.pki_dir}/{CA_CERTIFICATE} to every client"
    return TlsWarning("ca-replaced", text, path, hint)


def another_next(planned: IdentityPlan, config: TlsConfig, state: State) -> Iterator[TlsWarning]:
    """The warning that a damaged new CA is replaced by another one."""
    path = f"{config.pki_dir}/{NEXT_CA_CERTIFICATE}"
    if planned.source(NEXT_CA) == "issued" and path in state.certificates:
        text = f"{path} is a different CA now: certificates from the previous CA are refused"
        yield other_ca(config, path, text)


def left_behind(place: str, left: Sequence[str], config: TlsConfig) -> TlsWarning:
    """The warning, if accepted, that clients are cut off when the old CA is removed.

    Raises:
        ClientsLeftBehind: The user does not.
    """
    return settle(
        ClientsLeftBehind(
            f"{place}: certificates from the previous CA: {', '.join(left)}",
            hint=f"{joined(['compose-tls', 'client', *left])}, and give each its new files",
            path=place,
        ),
        config.accept,
    )


def followers(place: str, names: Sequence[str], config: TlsConfig, *, shown: bool) -> TlsWarning:
    """The warning which further clients need new files before the old CA is removed.

    Args:
        place: Where their certificates are.
        names: They.
        config: The settings.
        shown: Whether they show certificates of that CA.
    """
    bundle = f"{config.pki_dir}/{CA_CERTIFICATE}"
    listed, verb = ", ".join(names), "needs" if len(names) == 1 else "need"
    if shown:
        text = (
            f"{place}: {listed} {verb} {bundle} and a new certificate before the old CA is removed"
        )
        return TlsWarning("clients-follow", text, place, joined(["compose-tls", "client", *names]))
    text = f"{place}: {listed} {verb} {bundle} before the old CA is removed"
    return TlsWarning("clients-follow", text, place, f"give {bundle} to {listed}")


def client_waits(
    planned: IdentityPlan, observation: Observation, config: TlsConfig
) -> Iterator[TlsWarning]:
    """The warning that cert/client.pem keeps a certificate of the old CA for now."""
    certificates = observation.pki.certificates
    client, ca = certificates.get(CLIENT), certificates[CA]
    if planned.source(CLIENT) == "existing" and client and client.issuer == ca.subject:
        path = f"{config.pki_dir}/{CLIENT_CERTIFICATE}"
        text = f"{path} stays as it is until Milvus has restarted and trusts the new CA"
        yield TlsWarning(
            "client-waits", text, path, "restart Milvus, then run compose-tls renew --ca again"
        )

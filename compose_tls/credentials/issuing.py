"""Certificates for a plan: kept, brought or issued; rehearsed; and turned into file contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import KeyStore
from compose_tls.credentials.sources import Pairs, Sources
from compose_tls.layout import NEXT_CA, SERIAL_FILE
from compose_tls.observation import Observation
from compose_tls.pki.load import certificate_facts
from compose_tls.pki.signing_request import signing_request
from compose_tls.plan.certificate_plan import CertificatePlan
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.results import CertificateResult
from compose_tls.state.recorded import STATE_FILE
from compose_tls.vocabulary import CertificateRole

_ROLES: tuple[CertificateRole, ...] = ("ca", "server", "client")


@dataclass(frozen=True, slots=True)
class Issued:
    """What a plan's pending contents stand for, and what was issued or kept, as results."""

    contents: Mapping[str, bytes] = field(repr=False)
    certificates: tuple[CertificateResult, ...]


def require_sound(observation: Observation, config: TlsConfig) -> None:
    """Make sure that what lies in the PKI directory is whole.

    A damaged CA or key is never quietly replaced: clients trust it.

    Raises:
        CertificateError: What is wrong with which file.
    """
    if config.server_cert is not None or config.ca_cert is not None:
        return
    for role in (*_ROLES, NEXT_CA):
        certificate = observation.directory / config.pki_dir / f"{role}.pem"
        key = certificate.with_suffix(".key")
        has_certificate, has_key = (observation.files.get(path) for path in (certificate, key))
        if role == "ca" and has_certificate and not has_key:
            # The key of a CA that the user brought stays where the user keeps it.
            continue
        sound = observation.pki.next_ca if role == NEXT_CA else role in observation.pki.usable
        if (has_certificate or has_key) and not sound:
            KeyStore(observation.directory, config).kept(role)


def issue(
    planned: ServicePlan, observation: Observation, config: TlsConfig, now: datetime
) -> Issued:
    """Fill the orders of a plan, and rehearse what comes out before anything is written.

    Args:
        planned: The plan.
        observation: What it was made from.
        config: The settings.
        now: The time that validity starts from and is judged by.

    Raises:
        CertificateError: A certificate or key cannot be used, or does not pass the rehearsal.
    """
    sources = Sources(planned.certificates, observation.directory, config, now)
    pairs = sources.pairs()
    if planned.plan.changed:
        _rehearse(planned, pairs, config, now)
        if planned.certificates.sources["ca"] == "joined" and "client" in observation.pki.usable:
            # Who has a certificate of the CA that goes is still to be let in.
            outgoing = {**pairs.by_role, "client": sources.store.kept("client")}
            _rehearse(planned, replace(pairs, by_role=outgoing), config, now)
    contents = _contents(pairs) | _beside(planned.certificates, pairs, sources)
    results = _results(planned, observation.directory, config, contents, now)
    fingerprints = {result.path: result.sha256 for result in results}
    state = planned.state.model_copy(update={"certificates": fingerprints})
    contents[STATE_FILE] = state.render()
    return Issued(contents, results)


def _rehearse(planned: ServicePlan, pairs: Pairs, config: TlsConfig, now: datetime) -> None:
    from compose_tls.pki.rehearse import rehearse  # noqa: PLC0415 - pulls ssl in

    rehearse(
        pairs.by_role["server"],
        pairs.ca_pem,
        pairs.by_role.get("client"),
        server_names=_verified_names(planned, config),
        mode=config.tls_mode,
        now=now,
    )


def _contents(pairs: Pairs) -> dict[str, bytes]:
    """What the files of the PKI directory, and their copies, hold."""
    contents = {"ca.pem": pairs.ca_pem}
    for role, held in pairs.by_role.items():
        if role != "ca":
            contents[f"{role}.pem"] = held.full_chain_pem
        contents[f"{role}.key"] = held.private_key_pem
    if pairs.next_ca is not None:
        contents[f"{NEXT_CA}.pem"] = pairs.next_ca.certificate_pem
        contents[f"{NEXT_CA}.key"] = pairs.next_ca.private_key_pem
    return contents


def _beside(certificates: CertificatePlan, pairs: Pairs, sources: Sources) -> dict[str, bytes]:
    """What lies beside the pairs: signing requests, a serial number, and a CA that gave way."""
    contents = {
        f"{order.role}.csr": signing_request(order, pairs.by_role[order.role].private_key_pem)
        for order in certificates.requests
    }
    if sources.config.csr:
        latest = certificate_facts(pairs.by_role["client"].certificate_pem, path="client.pem")
        contents[SERIAL_FILE] = f"{latest.serial.upper()}\n".encode()
    if certificates.retired is not None:
        old = sources.store.kept("ca")
        contents[f"{certificates.retired}.pem"] = old.full_chain_pem
        contents[f"{certificates.retired}.key"] = old.private_key_pem
    return contents


def _verified_names(planned: ServicePlan, config: TlsConfig) -> list[str]:
    """The names that clients are going to verify: all, or those asked for of a brought certificate."""
    if planned.certificates.sources["server"] == "brought":
        return [config.server_name, *config.san]
    return [*planned.certificates.dns_names, *planned.certificates.ip_addresses]


def _results(
    planned: ServicePlan,
    directory: Path,
    config: TlsConfig,
    contents: Mapping[str, bytes],
    now: datetime,
) -> tuple[CertificateResult, ...]:
    pki, tls = directory / config.pki_dir, directory / config.tls_dir
    places = {
        tls / "server.pem": "server.pem",
        tls / "ca.pem": "ca.pem",
        **{pki / f"{role}.pem": f"{role}.pem" for role in planned.certificates.sources},
        **({pki / f"{NEXT_CA}.pem": f"{NEXT_CA}.pem"} if f"{NEXT_CA}.pem" in contents else {}),
    }
    results = []
    for path, name in places.items():
        shown = relative(path, directory)
        facts = certificate_facts(contents[name], path=shown)
        results.append(CertificateResult.of(shown, facts, now))
    return tuple(results)

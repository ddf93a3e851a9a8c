"""The certificates of an enabled project, and how long each is good for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError
from compose_tls.layout import CA, NEXT_CA
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.pki.load import certificate_facts
from compose_tls.plan.ca_rollover import rollover_warning
from compose_tls.plan.client_certificates import ClientCertificates
from compose_tls.plan.identities import RENEW_BEFORE
from compose_tls.results import CertificateResult
from compose_tls.state.recorded import State
from compose_tls.vocabulary import TlsWarning, has_ended


@dataclass(frozen=True, slots=True)
class Inventory:
    """The certificates of a project.

    Attributes:
        certificates: Each that can be read.
        warnings: For each that is missing, has expired or will within 30 days.
        usable: Whether none that Milvus or a client of ours needs is missing or has expired.
    """

    certificates: tuple[CertificateResult, ...]
    warnings: tuple[TlsWarning, ...]
    usable: bool


def inventory(
    observation: Observation, config: TlsConfig, state: State, now: datetime
) -> Inventory:
    """Read every certificate: those that enable recorded, a CA that is to take over, further clients.

    Args:
        observation: The project as it is.
        config: The settings; they say where the certificates are.
        state: What enable recorded.
        now: The time that validity is judged by.

    Returns:
        What was found; the warnings of further clients are counted together, and break nothing.
    """
    results: list[CertificateResult] = []
    problems: list[TlsWarning] = []
    usable = True
    for path in _recorded(observation, config, state):
        content = observation.content(observation.directory / path)
        if content is None:
            problems.append(_unreadable(path, f"{path} is gone"))
            usable = False
            continue
        try:
            facts = certificate_facts(content, path=path)
        except CertificateError as error:
            problems.append(_unreadable(path, error.message))
            usable = False
            continue
        usable = usable and not has_ended(facts.not_after, now)
        results.append(CertificateResult.of(path, facts, now))
        problems += _age(path, facts, now)
    if observation.content(observation.directory / f"{config.pki_dir}/{NEXT_CA}.pem"):
        problems.append(rollover_warning(config))
    clients = ClientCertificates.of(observation, config)
    for file, facts in clients.by_path.items():
        name = relative(file, observation.directory)
        results.append(CertificateResult.of(name, facts, now, client=file.stem))
    pki = observation.pki
    trusted = {ca.subject for ca in (pki.certificates.get(CA), pki.next_ca) if ca}
    warnings = (*clients.aged(now), *clients.left_behind(trusted))
    return Inventory(tuple(results), (*problems, *warnings), usable)


def _recorded(observation: Observation, config: TlsConfig, state: State) -> Iterable[str]:
    yield from state.certificates
    following = f"{config.pki_dir}/{NEXT_CA}.pem"
    if following not in state.certificates and observation.content(
        observation.directory / following
    ):
        yield following


def _age(path: str, facts: CertificateFacts, now: datetime) -> Iterator[TlsWarning]:
    left = facts.remaining(now)
    hint = "compose-tls renew --ca" if facts.is_ca else "compose-tls renew"
    if has_ended(facts.not_after, now):
        text = f"{path} expired on {facts.not_after:%Y-%m-%d}"
        yield TlsWarning(code="certificate-expired", message=text, path=path, hint=hint)
    elif left < RENEW_BEFORE:
        text = f"{path} expires in {_days(left.days)}, on {facts.not_after:%Y-%m-%d}"
        yield TlsWarning(code="certificate-expires-soon", message=text, path=path, hint=hint)


def _unreadable(path: str, message: str) -> TlsWarning:
    return TlsWarning(
        code="certificate-unreadable", message=message, path=path, hint="compose-tls enable"
    )


def _days(days: int) -> str:
    return "less than a day" if days < 1 else "1 day" if days == 1 else f"{days} days"

"""The certificates of an enabled project, and how long each is good for."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError
from compose_tls.facts import CLIENTS_DIRECTORY, NEXT_CA, CertificateFacts, Observation
from compose_tls.pki.load import certificate_facts
from compose_tls.plan.certificates import RENEW_BEFORE
from compose_tls.plan.client_certificates import client_certificates, listed
from compose_tls.plan.renewal import rollover_warning
from compose_tls.results import CertificateResult, WarningResult
from compose_tls.state.model import State
from compose_tls.workflows import steps


def inventory(
    observation: Observation, config: TlsConfig, state: State, now: datetime
) -> tuple[list[CertificateResult], list[WarningResult]]:
    """Read every certificate: those that enable recorded, a CA that is to take over, further clients.

    Args:
        observation: The project as it is.
        config: The settings; they say where the certificates are.
        state: What enable recorded.
        now: The time that validity is judged by.

    Returns:
        The certificates, and a warning for each that is missing, has expired or will within 30 days;
        those of further clients are counted together.
    """
    results: list[CertificateResult] = []
    problems: list[WarningResult] = []
    for path in _recorded(observation, config, state):
        content = observation.content(observation.directory / path)
        if content is None:
            problems.append(_unreadable(path, f"{path} is gone"))
            continue
        try:
            facts = certificate_facts(content, path=path)
        except CertificateError as error:
            problems.append(_unreadable(path, error.message))
            continue
        results.append(CertificateResult.of(path, facts, now))
        problems += _age(path, facts, now)
    if observation.content(observation.directory / f"{config.pki_dir}/{NEXT_CA}.pem"):
        problems.append(steps.warning_result(rollover_warning(config)))
    of_clients, theirs = _further(observation, config, now)
    return [*results, *of_clients], [*problems, *theirs]


def _recorded(observation: Observation, config: TlsConfig, state: State) -> Iterable[str]:
    yield from state.certificates
    following = f"{config.pki_dir}/{NEXT_CA}.pem"
    if following not in state.certificates and observation.content(
        observation.directory / following
    ):
        yield following


def _age(path: str, facts: CertificateFacts, now: datetime) -> Iterator[WarningResult]:
    left = facts.remaining(now)
    hint = "compose-tls renew --ca" if facts.is_ca else "compose-tls renew"
    if left.total_seconds() < 0:
        text = f"{path} expired on {facts.not_after:%Y-%m-%d}"
        yield WarningResult(code="certificate-expired", message=text, path=path, hint=hint)
    elif left < RENEW_BEFORE:
        text = f"{path} expires in {_days(left.days)}, on {facts.not_after:%Y-%m-%d}"
        yield WarningResult(code="certificate-expires-soon", message=text, path=path, hint=hint)


def _unreadable(path: str, message: str) -> WarningResult:
    return WarningResult(
        code="certificate-unreadable", message=message, path=path, hint="compose-tls enable"
    )


def _further(
    observation: Observation, config: TlsConfig, now: datetime
) -> tuple[list[CertificateResult], list[WarningResult]]:
    """The certificates of further clients. One of them that has ended breaks nothing but itself."""
    where = f"{config.pki_dir}/{CLIENTS_DIRECTORY}"
    found = client_certificates(observation, config)
    results: list[CertificateResult] = []
    pki = observation.pki
    trusted = {ca.subject for ca in (pki.certificates.get("ca"), pki.next_ca) if ca}
    ended: list[str] = []
    soon: list[str] = []
    strangers: list[str] = []
    for path, facts in found.by_path.items():
        results.append(CertificateResult.of(relative(path, observation.directory), facts, now))
        left = facts.remaining(now)
        if left < RENEW_BEFORE:
            (ended if left.total_seconds() < 0 else soon).append(path.stem)
        elif facts.issuer not in trusted:
            strangers.append(path.stem)
    warnings: list[WarningResult] = []
    if ended:
        text = f"{where}: expired for {listed(ended)}"
        hint = f"{_issue(ended)}, or remove the files of clients that are gone"
        warnings.append(
            WarningResult(code="client-certificate-expired", message=text, path=where, hint=hint)
        )
    if soon:
        text = f"{where}: expires within {RENEW_BEFORE.days} days for {listed(soon)}"
        hint = _issue(soon)
        warnings.append(
            WarningResult(
                code="client-certificate-expires-soon", message=text, path=where, hint=hint
            )
        )
    if strangers:
        text = f"{where}: {listed(strangers)} have certificates of a CA that is trusted no more"
        hint = _issue(strangers)
        warnings.append(
            WarningResult(code="clients-left-behind", message=text, path=where, hint=hint)
        )
    if found.damaged:
        text = f"{where}: damaged for {listed(found.damaged)}"
        hint = f"move its files away, then {_issue(found.damaged)}"
        warnings.append(
            WarningResult(code="client-certificate-unreadable", message=text, path=where, hint=hint)
        )
    return results, warnings


def _issue(names: Sequence[str]) -> str:
    return f"compose-tls client {shlex.quote(names[0])}"


def _days(days: int) -> str:
    return "less than a day" if days < 1 else "1 day" if days == 1 else f"{days} days"

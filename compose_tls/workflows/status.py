"""status: observe → compare → result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from compose_tls.changes import sha256
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError, ComposeTlsError
from compose_tls.facts import Observation
from compose_tls.observe import observe
from compose_tls.pki.load import certificate_facts
from compose_tls.plan.locate import locate, state_of
from compose_tls.results import CertificateResult, FileState, Result, WarningResult
from compose_tls.state.model import State
from compose_tls.workflows import steps

_CERTIFICATES_WRONG = 4
_OFF_OR_DRIFTED = 7
_WARN_DAYS = 30


def status(
    directory: str | os.PathLike[str] = ".",
    config: TlsConfig | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Result:
    """What is encrypted, with which certificate, until when; and what drifted since ``enable``.

    Args:
        directory: The project directory.
        config: The settings; only where things are matters.
        environment: Variables that Compose interpolates with; those of the process by default.

    Returns:
        A result whose ``exit_code`` is 0, 4 (a certificate is unreadable or expired) or 7 (TLS is
        off, or files are not as enable left them).

    Raises:
        ProjectError: The project cannot be read.
    """
    config = config or TlsConfig()
    variables = steps.environment_of(environment)
    path = steps.project_directory(directory, config, variables)
    steps.reading(path)
    observation = observe(path, config, variables)
    state = state_of(observation, config)
    if state is None:
        return Result(command="status", ok=False, project=str(path), exit_code=_OFF_OR_DRIFTED)
    located = locate(observation, config)
    certificates, problems = _certificates(observation, state)
    files = (*_files(observation, state), *_certificate_files(certificates, state))
    drifted = any(file.state != "as-written" for file in files)
    broken = any(warning.code in _BROKEN for warning in problems)
    exit_code = _CERTIFICATES_WRONG if broken else _OFF_OR_DRIFTED if drifted else 0
    return Result(
        command="status",
        ok=exit_code == 0,
        mode=state.mode,
        project=str(path),
        services=state.services,
        file_states=files,
        certificates=tuple(certificates),
        endpoint=located.endpoint,
        warnings=tuple(problems),
        exit_code=exit_code,
    )


_BROKEN = frozenset({"certificate-expired", "certificate-unreadable"})


def _files(observation: Observation, state: State) -> Iterable[FileState]:
    for file in state.files:
        content = observation.content(observation.directory / file.path)
        if content is None:
            yield FileState(path=file.path, state="missing")
        elif sha256(content) == file.after:
            yield FileState(path=file.path, state="as-written")
        else:
            yield FileState(path=file.path, state="drifted")


def _certificate_files(
    certificates: Iterable[CertificateResult], state: State
) -> Iterable[FileState]:
    found = {certificate.path: certificate.sha256 for certificate in certificates}
    for path, fingerprint in state.certificates.items():
        if path not in found:
            yield FileState(path=path, state="missing")
        elif found[path] == fingerprint:
            yield FileState(path=path, state="as-written")
        else:
            yield FileState(path=path, state="drifted")


def _certificates(
    observation: Observation, state: State
) -> tuple[list[CertificateResult], list[WarningResult]]:
    now = steps.now()
    results: list[CertificateResult] = []
    problems: list[WarningResult] = []
    for path in state.certificates:
        content = observation.content(observation.directory / path)
        if content is None:
            problems.append(WarningResult(code="certificate-unreadable", message=f"{path} is gone"))
            continue
        try:
            facts = certificate_facts(content, path=path)
        except CertificateError as error:
            problems.append(_problem(error))
            continue
        results.append(CertificateResult.of(path, facts, now))
        left = facts.remaining(now)
        if left.total_seconds() < 0:
            text = (
                f"{path} expired on {facts.not_after:%Y-%m-%d}; compose-tls enable issues a new one"
            )
            problems.append(WarningResult(code="certificate-expired", message=text))
        elif left.days < _WARN_DAYS:
            text = f"{path} expires in {left.days} days; compose-tls enable issues a new one"
            problems.append(WarningResult(code="certificate-expires-soon", message=text))
    return results, problems


def _problem(error: ComposeTlsError) -> WarningResult:
    return WarningResult(code="certificate-unreadable", message=error.message)

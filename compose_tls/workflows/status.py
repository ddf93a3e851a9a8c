"""status: observe → compare → result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from compose_tls.changes import relative, sha256
from compose_tls.compose.compose_project import ComposeProject
from compose_tls.config import TlsConfig
from compose_tls.observation import Observation
from compose_tls.observe import observe
from compose_tls.observe.client_files import with_clients
from compose_tls.plan.findings import key_findings
from compose_tls.plan.links import LinkMap, link_map
from compose_tls.project.enabled import locate, project_of, state_of
from compose_tls.project.inventory import inventory
from compose_tls.results import CertificateResult, FileState, StatusResult
from compose_tls.stack.milvus.settings import SERVER_KEY
from compose_tls.state.recorded import State
from compose_tls.workflows import preamble


def status(
    directory: str | os.PathLike[str] = ".",
    config: TlsConfig | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> StatusResult:
    """What is encrypted, with which certificate, until when; and what drifted since ``enable``.

    Args:
        directory: The project directory.
        config: The settings; only where things are matters.
        environment: Variables that Compose interpolates with; those of the process by default.

    Returns:
        A result whose ``exit_code`` is 0, 4 (a certificate is unreadable or expired, or Milvus cannot
        read its key) or 7 (TLS is off, or files are not as enable left them). Its ``links`` are there
        in any case.

    Raises:
        ProjectError: The project cannot be read.
    """
    config = config or TlsConfig()
    variables = preamble.environment_of(environment)
    path = preamble.project_directory(directory, config, variables)
    preamble.reading(path)
    observation = with_clients(observe(path, config, variables), config)
    state = state_of(observation, config)
    if state is None:
        links = _links(project_of(observation), observation, config, state).links
        return _judged(StatusResult(project=str(path), links=links))
    located = locate(observation, config)
    certificates, problems = inventory(observation, config, state, preamble.now())
    map_ = _links(located.milvus.project, observation, config, state)
    files = (
        *_files(observation, state),
        *_certificate_files(certificates, state),
        *_server_key(observation, config, state),
    )
    warnings = (*problems, *key_findings(observation, config, located), *map_.warnings)
    return _judged(
        StatusResult(
            mode=state.mode,
            project=str(path),
            services=state.services,
            file_states=files,
            certificates=tuple(certificates),
            links=map_.links,
            endpoint=located.endpoint,
            warnings=warnings,
            certificates_usable=not any(warning.code in _BROKEN for warning in warnings),
        )
    )


def _judged(found: StatusResult) -> StatusResult:
    return found.model_copy(update={"ok": found.exit_code == 0})


# Milvus does not start with a key that it cannot read, so that counts as a certificate that is not
# there; that others can read it does not keep anything from working.
_BROKEN = frozenset({"certificate-expired", "certificate-unreadable", "server-key-unreadable"})


def _links(
    project: ComposeProject, observation: Observation, config: TlsConfig, state: State | None
) -> LinkMap:
    named = {*config.service, *(state.services if state else ())}
    return link_map(project, observation.content, named)


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


def _server_key(observation: Observation, config: TlsConfig, state: State) -> Iterable[FileState]:
    """Whether the key that Milvus reads is that of the PKI directory, as far as it may be read."""
    directory = observation.directory
    served = directory / state.tls_dir / SERVER_KEY
    copy, origin = (
        observation.files.get(path) for path in (served, directory / config.pki_dir / SERVER_KEY)
    )
    if copy and origin and copy.sha256 and origin.sha256 and copy.sha256 != origin.sha256:
        yield FileState(path=relative(served, directory), state="drifted")

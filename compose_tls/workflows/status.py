"""status: observe → compare → result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from compose_tls.changes import sha256
from compose_tls.config import TlsConfig
from compose_tls.layout import SERVER_KEY
from compose_tls.observation import Observation
from compose_tls.observe import observe
from compose_tls.observe.client_files import with_clients
from compose_tls.plan.build_contexts import context_findings
from compose_tls.plan.findings import key_findings
from compose_tls.plan.inventory import inventory
from compose_tls.plan.links import link_map
from compose_tls.project.enabled import locate
from compose_tls.project.model import Project
from compose_tls.results import CertificateResult, FileState, StatusResult
from compose_tls.state.recorded import State
from compose_tls.workflows import preamble


def status(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
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
    opened = preamble.open_project(directory, config, environment)
    settings = opened.config
    preamble.reading(opened.root)
    project = with_clients(observe(opened.root, settings, opened.variables), settings)
    map_, state = link_map(project), project.state
    if state is None:
        return _judged(StatusResult(project=str(opened.root), links=map_.links))
    located = locate(project, settings)
    found = inventory(project.observation, settings, state, opened.now)
    keys = key_findings(settings, located)
    files = (
        *_files(project.observation, state),
        *_certificate_files(found.certificates, state),
        *_server_key(project, settings, state),
    )
    return _judged(
        StatusResult(
            mode=state.settings.mode,
            project=str(opened.root),
            services=state.services,
            file_states=files,
            certificates=found.certificates,
            links=map_.links,
            endpoint=located.endpoint,
            warnings=(
                *found.warnings,
                *keys.warnings,
                *context_findings(project, settings),
                *map_.warnings,
            ),
            certificates_usable=found.usable and keys.usable,
        )
    )


def _judged(found: StatusResult) -> StatusResult:
    return found.model_copy(update={"ok": found.exit_code == 0})


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


def _server_key(project: Project, config: TlsConfig, state: State) -> Iterable[FileState]:
    """Whether the key that Milvus reads is that of the PKI directory, as far as it may be read."""
    served = project.directory / state.settings.tls_dir / SERVER_KEY
    pki = project.directory / config.pki_dir
    copy, origin = (project.observation.files.get(path) for path in (served, pki / SERVER_KEY))
    if copy and origin and copy.sha256 and origin.sha256 and copy.sha256 != origin.sha256:
        yield FileState(path=project.relative(served), state="drifted")

"""The plan of ``disable``: exactly what enable put in goes out again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from compose_tls.changes import (
    FileChange,
    KeepFile,
    PatchFile,
    Plan,
    RemoveDirectory,
    RemoveFile,
    sha256,
)
from compose_tls.config import TlsConfig
from compose_tls.layout import CLIENT_FILES, CLIENTS_DIRECTORY, PKI_FILES, RETIRED_CA, TLS_FILES
from compose_tls.observation import Observation
from compose_tls.project.enabled import not_enabled
from compose_tls.project.model import Project, state_path
from compose_tls.state.recorded import State
from compose_tls.state.undo import undo
from compose_tls.vocabulary import TlsWarning


@dataclass(frozen=True, slots=True)
class DisablePlan:
    """A plan, and the state that it ends."""

    plan: Plan
    state: State


def plan_disable(project: Project, config: TlsConfig, *, purge: bool) -> DisablePlan:
    """Work out everything that ``disable`` will do.

    Args:
        project: The project as it is.
        config: The settings.
        purge: Whether the certificates and keys go as well.

    Raises:
        NotEnabled: There is no state.json, so nothing is known to take back.
        ProjectError: A file was changed since so that our entries cannot be taken out safely.
    """
    observation, directory, state = project.observation, project.directory, project.state
    if state is None:
        raise not_enabled(project, config)
    changes: list[FileChange] = []
    warnings: list[TlsWarning] = []
    for file in state.files:
        path = directory / file.path
        content = observation.content(path)
        if content is None:
            warnings.append(TlsWarning("file-missing", f"{file.path} is gone: nothing to take out"))
            continue
        undone = undo(content, file)
        if undone.content is None:
            changes.append(RemoveFile(path, sha256(content)))
        elif undone.content == content:
            changes.append(KeepFile(path, sha256(content)))
        else:
            changes.append(PatchFile(path, content, undone.content))
        if not undone.exact:
            text = f"{file.path} was changed since enable: only its own entries are taken out"
            warnings.append(TlsWarning("file-changed-since", text))
        warnings += [
            TlsWarning("edit-kept", f"{file.path}: {route} was changed since, and stays")
            for route in undone.kept
        ]
    changes.append(_removed(observation, state_path(directory, config)))
    if purge:
        paths = [directory / config.pki_dir / name for name in PKI_FILES]
        paths += [directory / state.settings.tls_dir / name for name in TLS_FILES]
        paths += _further(observation, directory / config.pki_dir)
        changes += [_removed(observation, p) for p in paths if observation.files.get(p) is not None]
        pki = directory / config.pki_dir
        places = (pki / CLIENTS_DIRECTORY, pki, directory / state.settings.tls_dir)
        changes += [RemoveDirectory(place) for place in places]
    return DisablePlan(Plan(directory, tuple(changes), warnings=tuple(warnings)), state)


def _further(observation: Observation, pki: Path) -> Iterator[Path]:
    """What other commands left in the PKI directory: further clients, and CAs that gave way."""
    for path in observation.files:
        of_client = path.parent == pki / CLIENTS_DIRECTORY and path.name.endswith(CLIENT_FILES)
        if of_client or (path.parent == pki and RETIRED_CA.fullmatch(path.name)):
            yield path


def _removed(observation: Observation, path: Path) -> RemoveFile:
    facts = observation.files[path]
    return RemoveFile(path, facts.sha256 if facts else None)

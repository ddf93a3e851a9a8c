"""Damaged files of compose-tls, as status reports them, with the command that repairs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateUnreadable
from compose_tls.layout import CLIENT, IGNORE_ALL, IGNORE_FILE, NEXT_CA, NEXT_CA_CERTIFICATE
from compose_tls.project.model import (
    Project,
    absence,
    in_the_way,
    not_usable,
    restoring_ca,
    taken_over,
)
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning

_CODE: Final = CertificateUnreadable.code


@dataclass(frozen=True, slots=True)
class DamagedFiles:
    """What of a project is not whole.

    Attributes:
        in_the_way: What is not a file where one of ours has to be.
        unsound: What does not belong together, or is missing, each with what mends it.
        exposed: What git would take.
        command: The command that comes before any other; ``None`` where none does.
    """

    in_the_way: Mapping[Path, TlsWarning]
    unsound: Mapping[Path, TlsWarning]
    exposed: tuple[TlsWarning, ...]
    command: str | None


def damaged_files(project: Project, config: TlsConfig) -> DamagedFiles:
    """What of a project is not whole, and what mends it.

    Args:
        project: The project as it is.
        config: The settings; they say where certificates and keys are.
    """
    seen, state, directory = project.observation, project.state, project.directory
    room = _in_the_way(project, config)
    told = {
        path: TlsWarning(_CODE, absence(path, seen), project.relative(path), command)
        for path, command in room.items()
    }
    commands = [" && ".join(room.values())]
    if state is None:
        return DamagedFiles(told, {}, (), commands[0] or None)
    # What is not shown, and what was put there by hand.
    keyless = set() if config.tls_mode is TlsMode.MUTUAL else {CLIENT}
    recorded = f"{config.pki_dir}/{NEXT_CA_CERTIFICATE}" in state.certificates
    left = set() if recorded else {NEXT_CA}
    commands.append(restoring_ca(seen, config, state) or "")
    found: dict[Path, TlsWarning] = {}
    if any(name not in left for name in not_usable(seen, config, state)):
        from compose_tls.credentials.soundness import unsound  # noqa: PLC0415 - all is well but here

        for one in unsound(seen, config, state):
            if one.name in left or (one.name in keyless and one.is_key):
                continue
            error = one.error
            path = directory / (error.path or "")
            message = error.message if path.is_file() else absence(path, seen)
            found[path] = TlsWarning(_CODE, message, error.path, error.hint)
            commands.append(one.command)
    exposed = tuple(_shown_to_git(project, config))
    return DamagedFiles(told, found, exposed, next(filter(None, commands), None))


def _in_the_way(project: Project, config: TlsConfig) -> dict[Path, str]:
    """What is no file where one of ours has to be, and how it is moved away."""
    names = (config.pki_dir, config.tls_dir, config.served_dir)
    places = {project.directory / name for name in names}
    absent = (path for path, facts in project.observation.files.items() if facts is None)
    ours = sorted(path for path in absent if path.parent in places)
    return {path: command for path in ours if (command := in_the_way(path, project.observation))}


def _shown_to_git(project: Project, config: TlsConfig) -> Iterator[TlsWarning]:
    """The directories of ours whose keys git would take."""
    # Certificates that the user put into the TLS directory may exist without it.
    brought = taken_over(project.directory, config)
    for place in (config.pki_dir, *([] if brought else [config.tls_dir])):
        path = project.directory / place / IGNORE_FILE
        rules = project.observation.content(path) or b""
        free = path not in project.observation.obstacles
        if IGNORE_ALL.strip() not in rules.splitlines() and free:
            name = project.relative(path)
            text = f"{name} does not make git ignore the keys next to it"
            yield TlsWarning("key-exposed", text, name, "compose-tls enable")

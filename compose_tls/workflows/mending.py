"""Damaged files of compose-tls, as status reports them, with the command that repairs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateUnreadable
from compose_tls.files import absence, in_the_way
from compose_tls.layout import CLIENT, IGNORE_ALL, IGNORE_FILE, NEXT_CA, NEXT_CA_CERTIFICATE
from compose_tls.project.model import Project, not_usable, restoring_ca, taken_over
from compose_tls.vocabulary import TlsMode, TlsWarning

if TYPE_CHECKING:
    from compose_tls.credentials.soundness import Unsound

_CODE: Final = CertificateUnreadable.code


def mending(
    project: Project, config: TlsConfig, warnings: Iterable[TlsWarning]
) -> tuple[tuple[TlsWarning, ...], str | None]:
    """The warnings of a project with what is not whole, each with what mends it; and what comes first.

    Args:
        project: The project as it is.
        config: The settings; they say where certificates and keys are.
        warnings: What was found so far.
    """
    room = _in_the_way(project, config)
    told = [*warnings]
    for path, command in room.items():
        name = project.relative(path)
        if name not in {each.path for each in warnings}:
            told.append(TlsWarning(_CODE, absence(path, project.directory), name, command))
    if project.state is None:
        return tuple(told), " && ".join(room.values()) or None
    # What is not shown, and what was put there by hand.
    keyless = set() if config.tls_mode is TlsMode.MUTUAL else {CLIENT}
    recorded = f"{config.pki_dir}/{NEXT_CA_CERTIFICATE}" in project.state.certificates
    left = set() if recorded else {NEXT_CA}
    seen, state = project.observation, project.state
    found: list[Unsound] = []
    if any(name not in left for name in not_usable(seen, config, state)):
        from compose_tls.credentials.soundness import unsound  # noqa: PLC0415 - all is well but here

        found = [
            one
            for one in unsound(seen, config, state)
            if one.name not in left and not (one.name in keyless and one.is_key)
        ]
    errors = {one.error.path: one.error for one in found}
    told = [
        replace(each, hint=errors.pop(each.path).hint)
        if each.path in errors and each.code == _CODE
        else each
        for each in told
    ]
    for place, error in errors.items():
        path = project.directory / (place or "")
        message = error.message if path.is_file() else absence(path, project.directory)
        told.append(TlsWarning(_CODE, message, place, error.hint))
    back = restoring_ca(seen, config, state)
    commands = [" && ".join(room.values()), back, *(one.command for one in found)]
    return (*told, *_shown_to_git(project, config)), next(filter(None, commands), None)


def _in_the_way(project: Project, config: TlsConfig) -> dict[Path, str]:
    """What is no file where one of ours has to be, and how it is moved away."""
    names = (config.pki_dir, config.tls_dir, config.served_dir)
    places = {project.directory / name for name in names}
    absent = (path for path, facts in project.observation.files.items() if facts is None)
    ours = sorted(path for path in absent if path.parent in places)
    return {path: command for path in ours if (command := in_the_way(path, project.directory))}


def _shown_to_git(project: Project, config: TlsConfig) -> Iterator[TlsWarning]:
    """The directories of ours whose keys git would take."""
    # Certificates that the user put into the TLS directory may exist without it.
    brought = taken_over(project.directory, config)
    for place in (config.pki_dir, *([] if brought else [config.tls_dir])):
        path = project.directory / place / IGNORE_FILE
        rules = project.observation.content(path) or b""
        if IGNORE_ALL.strip() not in rules.splitlines() and not in_the_way(path, project.directory):
            name = project.relative(path)
            text = f"{name} does not make git ignore the keys next to it"
            yield TlsWarning("key-exposed", text, name, "compose-tls enable")

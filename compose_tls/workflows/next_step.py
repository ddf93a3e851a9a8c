"""The printed next step: the whole command for the current directory."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from compose_tls.changes import Plan
from compose_tls.compose.discovery import ENV_FILE, OVERRIDE_FILES, named_files, project_root
from compose_tls.config import ENVIRONMENT_PREFIX
from compose_tls.errors import OutsideProject
from compose_tls.files import is_file, real_path
from compose_tls.layout import CA, CLIENT_CA
from compose_tls.project.endpoints import sharing
from compose_tls.project.milvus_services import is_active
from compose_tls.project.model import Project
from compose_tls.project.renamed import orphaned
from compose_tls.shell import behind, joined, quoted
from compose_tls.workflows.preamble import Opened

_SPELLED: Final = {
    "file": "-f",
    "project_name": "-p",
    "project_directory": "--project-directory",
    "env_file": "--env-file",
    "profile": "--profile",
}
OF_THE_PLACE: Final = frozenset(_SPELLED)
"""The settings that name the project."""


def start_command(
    opened: Opened,
    project: Project,
    plan: Plan,
    services: Sequence[str],
    neighbours: Sequence[str],
    redefined: Collection[str] | None = None,
) -> tuple[str, ...]:
    """What makes services run with the files of a plan.

    Compose recreates a service whose definition has changed. Where only a mounted file has, it does so
    only when told: https://docs.docker.com/reference/cli/docker/compose/up/

    Args:
        opened: The project.
        project: What it was before.
        plan: What is written.
        services: Those that have to read it.
        neighbours: Those that do where they run by themselves: a job of a profile is not to run for it.
        redefined: Those that Compose recreates by itself; by default all, where a file of it changes.

    Returns:
        The command; nothing where they have nothing new to read.
    """
    written = {*plan.written}
    compose = {
        definition.file
        for one in project.compose.services.values()
        for definition in one.definitions
    } | set(project.observation.compose_files)
    made = {
        file.parent / name
        for file in project.observation.compose_files[:1]
        for name in OVERRIDE_FILES
    }
    defined = written & (compose | made)
    pki = opened.root / opened.config.pki_dir
    orphans = orphaned(project)
    if not orphans and all(path.is_relative_to(pki) for path in written):
        return ()
    gone = tuple(_without_orphan(opened, name) for name in orphans)
    known = project.compose.services
    there = [name for name in services if name in known]
    also = (*neighbours, *sharing(known, there))
    there += [n for n in also if n in known and n not in there and is_active(known[n])]
    if there and (not defined or not set(there) <= set(there if redefined is None else redefined)):
        return (*gone, compose_command(opened, "up", "-d", "--force-recreate", services=there))
    active = all(is_active(known[name]) for name in there)
    return (*gone, compose_command(opened, "up", "-d", services=[] if active else there))


def _without_orphan(opened: Opened, service: str) -> str:
    """What removes the containers of a service that the files do not define any more.

    Until then they have the port, and perhaps the name, of the one that takes their place: with
    ``--remove-orphans`` Compose makes that first, and fails where the name is taken.
    """
    label = "label=com.docker.compose"
    filters = (f"{label}.project.working_dir={opened.root}", f"{label}.service={service}")
    words = [word for one in filters for word in ("--filter", one)]
    return f"{joined(['docker', 'ps', '-aq', *words])} | xargs -r docker rm -f"


def compose_command(opened: Opened, *words: str, services: Iterable[str] = ()) -> str:
    """A command of Docker Compose for the project, with the options that name it."""
    return joined(["docker", "compose", *compose_options(opened), *words, *behind(services)])


def own_command(opened: Opened, *words: str, tls_dir: str = "") -> str:
    """A command of compose-tls for the project.

    Args:
        opened: The project.
        words: The command and its arguments.
        tls_dir: The TLS directory, where no record tells of it by then; one outside the project is
            named in any case, since no record of a project counts there.
    """
    own = opened.config.tls_dir
    if Path(os.path.normpath(opened.root / own)) in opened.named_places:
        tls_dir = own
    before = f"{ENVIRONMENT_PREFIX}TLS_DIR={quoted(tls_dir)} " if tls_dir else ""
    return before + joined(["compose-tls", *words, *own_options(opened), *accepting(opened)])


def issuing_options(opened: Opened) -> list[str]:
    """The options without which no certificate of a client is issued: its CA is outside the project.

    There it is read only where the command names it.
    """
    config = opened.config
    role = CLIENT_CA if config.client_ca_cert else CA
    given = {f"--{role}-{end}": f"{role}_{end}" for end in ("cert", "key", "passphrase-file")}
    names = {option: getattr(config, name.replace("-", "_")) for option, name in given.items()}
    files = [(option, opened.root / name) for option, name in names.items() if name]
    inside = all(real_path(file).is_relative_to(opened.root) for _, file in files)
    if inside or not names[f"--{role}-key"]:
        return []
    return [w for option, file in files for w in (option, os.path.relpath(file, opened.start))]


def accepting(opened: Opened) -> Iterator[str]:
    """The options without which no command reads a project that leads outside, once that is accepted.

    It is not recorded: who writes into a project could accept for its user.
    """
    if OutsideProject.code in opened.config.accept:
        yield from ("--accept", OutsideProject.code)


def own_options(opened: Opened) -> list[str]:
    """The options of compose-tls that name the project where the user stands."""
    here, typed = Path.cwd(), opened.typed
    place = [] if opened.start == here else ["-C", os.path.relpath(opened.reached, here)]
    given = {name: value for name, value in dict(opened.config).items() if name in typed}
    pki = ["--pki-dir", given["pki_dir"]] if "pki_dir" in given else []
    return [*place, *_spelled(given), *pki]


def compose_options(opened: Opened) -> list[str]:
    """Compose's own options, their paths seen from where the user stands."""
    here = Path.cwd()
    given = dict(opened.config)
    if opened.start == here:
        return list(_spelled(given))

    def seen(name: str) -> str:
        return os.path.relpath(opened.reached / name, here)

    files, env_files = named_files(opened.config.file, opened.variables), opened.config.env_file
    if not files and (files := named_files((), opened.completed)):
        # Elsewhere, Compose does not find the .env that names them.
        env_files = env_files or (ENV_FILE,)
    base = opened.config.project_directory
    if not base and not files:
        base = str(project_root(opened.reached, (), {}, is_file))
    moved = {
        "file": tuple(map(seen, files)),
        "env_file": tuple(map(seen, env_files)),
        "project_directory": seen(base) if base else None,
    }
    return list(_spelled(given | moved))


def _spelled(given: Mapping[str, Any]) -> Iterator[str]:
    for name, option in _SPELLED.items():
        value = given.get(name) or ()
        for one in (value,) if isinstance(value, str) else value:
            yield from (option, one)

"""A Compose project as it is given to the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from compose_tls.values import dataclass

# What a user's environment may set and what would change the output that is read here:
# https://docs.docker.com/compose/how-tos/environment-variables/envvars/
_READABLE = {
    "COMPOSE_ANSI": "never",
    "COMPOSE_MENU": "false",
    "COMPOSE_PROGRESS": "plain",
    "COMPOSE_STATUS_STDOUT": "false",
}

# Compose takes it from .env as well, unless the environment has it. With a stranger's .env that also
# names another project, `up SERVICE` would remove all containers of that project (seen with 5.6.1).
_HARMLESS = {"COMPOSE_REMOVE_ORPHANS": "false"}

# Compose fetches what a file includes, even for `config`, and a stranger's file can have it send
# variables of this environment along in the address. So it does only if the user's environment says so.
_UNFETCHED = {
    "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false",
    "COMPOSE_EXPERIMENTAL_OCI_REMOTE": "false",
}


@dataclass(frozen=True, slots=True)
class ComposeInvocation:
    """A Compose project as it is given to the command line.

    Attributes:
        directory: Where Compose runs, and where it looks for its files.
        files: What the user gave with ``-f``; empty leaves it to ``COMPOSE_FILE`` and Compose's search.
        environment: The process environment that Compose gets.
        project_name: What the user gave with ``-p``.
        project_directory: What the user gave with ``--project-directory``.
        env_files: What the user gave with ``--env-file``.
        profiles: What the user gave with ``--profile``; empty leaves it to ``COMPOSE_PROFILES``.
        inherited: Descriptors that Compose gets: the lock of the project, which lasts as long as it.
    """

    directory: Path
    files: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    project_name: str | None = None
    project_directory: Path | None = None
    env_files: tuple[Path, ...] = ()
    profiles: tuple[str, ...] = ()
    inherited: tuple[int, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """The global options of ``docker compose`` that name this project.

        Source: https://docs.docker.com/reference/cli/docker/compose/
        """
        given = (
            *(("--file", str(file)) for file in self.files),
            *(("--project-name", name) for name in [self.project_name] if name),
            *(("--project-directory", str(path)) for path in [self.project_directory] if path),
            *(("--env-file", str(file)) for file in self.env_files),
            *(("--profile", profile) for profile in self.profiles),
        )
        return tuple(word for option in given for word in option)

    def readable(self) -> dict[str, str]:
        """The environment for Compose: readable output, no other container goes, nothing is fetched."""
        # Compose fills ${PWD} in from the environment; there it has to be where Compose runs.
        own = {**_READABLE, **_HARMLESS, "PWD": str(self.directory)}
        return {**_UNFETCHED, **self.environment, **own}

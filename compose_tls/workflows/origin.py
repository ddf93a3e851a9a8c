"""Compares a deployed container with the current files and their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from compose_tls.changes import relative
from compose_tls.compose.definition import PlaceInFile
from compose_tls.config import TlsConfig
from compose_tls.deploy.declared import Declared
from compose_tls.deploy.deployed import Deployed, paths_of
from compose_tls.deploy.differences import Difference, differences
from compose_tls.errors import ComposeFailed, DeployedDifferently, ImageMoved, Refusal
from compose_tls.layout import SYSTEM_BUNDLE
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.shell import joined, quoted, typed
from compose_tls.stack import etcd, object_store
from compose_tls.stack.milvus.internal import internal_settings
from compose_tls.stack.milvus.settings import sets, stack_directory, tls_settings
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning
from compose_tls.workflows.engine_project import EngineProject

_MANY: Final = 6

# What is compared with the container itself, and what is not part of one.
_LOOKED_AT: Final = frozenset(
    {
        *(
            "configs",
            "environment",
            "image",
            "network_mode",
            "networks",
            "ports",
            "scale",
            "secrets",
        ),
        *("tmpfs", "user", "volumes", "volumes_from"),
        *("build", "depends_on", "develop", "profiles", "pull_policy"),
    }
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Compares containers with the files.

    Attributes:
        project: The project without what an earlier enable put in.
        config: The settings.
        seen: The project as engine and Compose have it.
    """

    project: Project
    config: TlsConfig
    seen: EngineProject

    def in_another_project(
        self, service: str, wanted: Declared, found: Deployed
    ) -> DeployedDifferently | TlsWarning:
        """These files are deployed under another name, by mistake or on purpose."""
        definition = self.seen.complete(service)["services"][service]
        places = {port.rpartition(":")[0] for port in wanted.ports & found.ports}
        # Where the engine picks the port, each gets one of its own.
        shared = {f"port {place}" for place in places if place[-1:].isdigit() and "-" not in place}
        if definition.get("container_name") == found.container.name:
            shared.add(f"container name {found.container.name}")
        if found.container.running:
            ours = self.project.directory / self.config.tls_dir
            shared |= {
                f"data directory {mount.source}"
                for mount in set(wanted.mounts) & set(found.mounts)
                if mount.source
                and not mount.read_only
                and not Path(mount.source).is_file()
                # Any number of containers read the certificates.
                and not Path(mount.source).is_relative_to(ours)
            }
        name = quoted(found.project)
        hint = f"name it: {self._command('-p', found.project)}, or COMPOSE_PROJECT_NAME={name}"
        if shared:
            refusal = DeployedDifferently(
                f"this project runs as {found.project}: {service} of {wanted.project} would need the"
                f" same {listed(sorted(shared))}",
                hint=hint,
                **place_of(self.project, service),
            )
            refusal.runs_as = found.project
            return refusal
        return TlsWarning(
            "another-project",
            f"project {found.project} also uses these files; it is not changed now, and gets TLS"
            " when it is recreated",
            hint=f"if that is the one you mean, {hint}",
        )

    def unlike(
        self,
        service: str,
        wanted: Declared,
        found: Deployed,
        one: MilvusService | None = None,
        *,
        ours: Callable[[Difference], bool] | None = None,
    ) -> Iterator[Refusal]:
        """What the container of a service has that the files do not declare, and the other way round.

        Args:
            service: The service.
            wanted: As it is declared.
            found: Its container.
            one: What is known of it where it runs Milvus: there our own entries are not a difference.
            ours: Which differences are those of our own entries in another server.
        """
        unlike = [
            each
            for each in differences(found, wanted)
            if not (ours(each) if ours else one is not None and self._is_ours(one, each))
        ]
        real = [str(each) for each in unlike if not (each.of_origin or each.of_moved_tag)]
        if found.project == wanted.project and any(each.of_origin for each in unlike):
            real += self._said_by_more(service, wanted, found)
        if real:
            yield DeployedDifferently(
                f"container {found.container.name} of service {service} is not what these files"
                f" declare, and recreating it would change more than TLS: {listed(real)}",
                hint=self._how_it_was_made(service, found, [e for e in unlike if e.of_origin]),
                **place_of(self.project, service),
            )
        for each in unlike:
            if each.of_moved_tag:
                yield ImageMoved(
                    f"{each.name} is another image now ({each.declared}) than container"
                    f" {found.container.name} runs ({each.deployed}): recreating it is an upgrade",
                    hint=f"upgrade first (docker compose up -d {typed(service)}), or keep the image:"
                    f" docker tag {each.deployed} {each.name}",
                    **place_of(self.project, service, "image"),
                )

    def _said_by_more(self, service: str, wanted: Declared, found: Deployed) -> Iterator[str]:
        """What only files that are not named now say of a service, and no container tells."""
        files = [Path(file) for file in paths_of(found.files, found.directory)]
        env_files = [Path(file) for file in paths_of(found.env_files, found.directory)]
        known = {
            os.path.realpath(file)
            for file in (*wanted.files, *(wanted.directory / file for file in wanted.env_files))
        }
        more = [file for file in (*files, *env_files) if str(file) not in known]
        if (
            not more
            or not found.directory
            or not all(file.is_file() for file in (*files, *env_files))
        ):
            return
        then = replace(
            self.seen.invocation,
            files=tuple(files),
            env_files=tuple(env_files) or self.seen.invocation.env_files,
            project_directory=Path(found.directory),
            profiles=("*",),
        )
        try:
            services = self.seen.compose.config(then).get("services") or {}
        except ComposeFailed:
            return
        before, after = (
            services.get(service) or {},
            self.seen.complete(service)["services"][service],
        )
        names = sorted(
            name
            for name in before.keys() | after.keys()
            if name not in _LOOKED_AT and before.get(name) != after.get(name)
        )
        if names:
            said = ", ".join(relative(file, self.project.directory) for file in more)
            yield f"{', '.join(names)}: as {said} sets it in the container, but not in the files"

    def _how_it_was_made(self, service: str, found: Deployed, origin: Sequence[Difference]) -> str:
        """What to type so that the files of then are the files of now."""
        if not origin:
            return (
                f"deploy what the files say first (docker compose up -d {typed(service)}), or put into"
                " them what the container has"
            )
        start = self.seen.invocation.directory
        subjects = {each.subject for each in origin}
        words: list[str] = []
        if subjects & {"project directory", "compose files"}:
            for file in paths_of(found.files, found.directory):
                words += ["-f", relative(Path(file), start)]
        if "env files" in subjects:
            for file in paths_of(found.env_files, found.directory):
                words += ["--env-file", relative(Path(file), start)]
        names = ":".join(words[place + 1] for place, word in enumerate(words) if word == "-f")
        also = f" (or COMPOSE_FILE={quoted(names)})" if names else ""
        return (
            f"it was created with more options: {self._command(*words)}{also}"
            if words
            else (f"run this where it was created, in {found.directory}")
        )

    def _command(self, *words: str) -> str:
        """This command with other options that name the project, as it is typed where the user stands."""
        given, here = self.seen.invocation, Path.cwd()
        place = [] if given.directory == here else ["-C", os.path.relpath(given.directory, here)]
        kept: dict[str, Iterable[str | Path]] = {
            "-f": given.files,
            "-p": filter(None, [given.project_name]),
            "--project-directory": filter(None, [given.project_directory]),
            "--env-file": given.env_files,
            "--profile": given.profiles,
        }
        options = [
            text
            for option, values in kept.items()
            if option not in words
            for value in values
            for text in (
                option,
                relative(value, given.directory) if isinstance(value, Path) else value,
            )
        ]
        return f"{joined(['compose-tls', *place, *words, *options])} enable …"

    @property
    def _recorded(self) -> TlsConfig:
        return self.project.state.settings if self.project.state else self.config

    def _is_tls(self, one: MilvusService, each: Difference) -> bool:
        """Whether a difference is in what enable puts in."""
        if each.subject == "environment":
            settings = (
                *tls_settings(TlsMode.ONE_WAY, "/", rest_port=1),
                *etcd.milvus_settings("/", (), None),
                *object_store.milvus_settings("/", names_ca=True),
                *internal_settings("/"),
            )
            return any(sets(each.name, setting.name, one.version) for setting in settings)
        if each.subject == "mount":
            places = {self.config.container_tls_dir, self._recorded.container_tls_dir}
            places |= {stack_directory(place) for place in places}
            return each.name in {*places, one.configuration.target, SYSTEM_BUNDLE}
        rest = {str(port) for port in (self.config.rest_port, self._recorded.rest_port) if port}
        text = each.deployed or each.declared or ""
        return each.subject == "port" and text.rpartition(":")[2].partition("/")[0] in rest

    def _is_ours(self, one: MilvusService, each: Difference) -> bool:
        """Whether a difference is an entry of ours that is to be deployed, or was taken out."""
        if not self._is_tls(one, each):
            return False
        if each.subject != "mount":
            return True
        if each.deployed is None:
            return each.name != one.configuration.target or not one.configuration.files
        made = {
            self.project.directory / name for name in (self.config.tls_dir, self._recorded.tls_dir)
        }
        made.add(one.configuration.beside[0])
        return any(each.deployed.startswith(f"bind {path}") for path in made)


def listed(texts: Iterable[str]) -> str:
    """Some texts as one, the first few of many."""
    found = list(texts)
    more = len(found) - _MANY
    return "; ".join(found[:_MANY]) + (f"; and {more} more" if more > 0 else "")


def place_of(project: Project, service: str, *route: str) -> PlaceInFile:
    """Where a service, or a part of it, stands."""
    return project.compose.services[service].main.place(*route)

"""Which service is meant, and what it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from compose_tls.changes import relative
from compose_tls.compose.compose_project import ComposeProject
from compose_tls.compose.service import Service
from compose_tls.errors import ServiceAmbiguous, ServiceNotFound, UnsupportedMilvus
from compose_tls.stack.milvus.release import FIRST_WITH_TLS, NEWEST, MilvusVersion
from compose_tls.stack.milvus.role import ends_client_tls, runs_milvus, says_so, version
from compose_tls.vocabulary import TlsWarning


@dataclass(frozen=True, slots=True)
class MilvusService:
    """The service that ends client TLS."""

    project: ComposeProject = field(repr=False)
    service: Service = field(repr=False)
    version: MilvusVersion
    warnings: tuple[TlsWarning, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the project."""
        return self.service.name


def select(project: ComposeProject, wanted: str | None) -> MilvusService:
    """The Milvus service of a project.

    Args:
        project: The project.
        wanted: The service that the user named, if any.

    Raises:
        ServiceNotFound: No service runs Milvus, or the named one does not exist.
        ServiceAmbiguous: Several services accept Milvus clients.
        UnsupportedMilvus: This Milvus cannot speak TLS.
    """
    service = _named(project, wanted) if wanted else _only_candidate(project)
    image = service.text("image")
    known = version(image)
    warnings: tuple[TlsWarning, ...] = ()
    if known is None:
        shown = image or "an image of your own"
        text = f"{shown} does not tell the Milvus version; the rules of the newest one are used"
        warnings = (TlsWarning("milvus-version-unknown", text),)
    elif known < FIRST_WITH_TLS:
        raise UnsupportedMilvus(
            f"service {service.name} runs Milvus {known}, which cannot speak TLS",
            hint=f"use Milvus {FIRST_WITH_TLS} or newer",
            path=service.main.document.name,
            line=service.main.line("image"),
        )
    return MilvusService(project, service, known or NEWEST, warnings)


def _named(project: ComposeProject, wanted: str) -> Service:
    if wanted in project.services:
        return project.services[wanted]
    names = ", ".join(project.services)
    raise ServiceNotFound(
        f"there is no service {wanted} in the project",
        hint=f"name one of: {names}",
        path=_path(project),
    )


def _only_candidate(project: ComposeProject) -> Service:
    milvus = [
        (service, command)
        for service in project.services.values()
        if runs_milvus(service.text("image"), command := service.command_line())
    ]
    able = [(service, command) for service, command in milvus if ends_client_tls(command)]
    active = [(service, command) for service, command in able if _is_active(service)] or able
    sure = [service for service, command in active if says_so(command)]
    candidates = sure or [service for service, _ in active]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        names = [service.name for service in candidates]
        raise ServiceAmbiguous(
            f"several services run Milvus: {', '.join(names)}",
            hint=f"choose one, for example --service {names[0]}",
            path=candidates[1].main.document.name,
            line=candidates[1].main.line(),
        )
    if milvus:
        raise ServiceNotFound(
            "no service of this Milvus cluster accepts clients: there is no proxy",
            hint="name the service that clients connect to with --service",
            path=_path(project),
        )
    raise ServiceNotFound(
        "no service of this project runs Milvus",
        hint="name the service with --service, or the right compose file with -f",
        path=_path(project),
    )


def _is_active(service: Service) -> bool:
    """Whether its profiles, if it has any, are switched on.

    Source: https://docs.docker.com/compose/how-tos/profiles/
    """
    chosen = service.variables.get("COMPOSE_PROFILES", "").split(",")
    profiles = service.profiles()
    return not profiles or "*" in chosen or any(profile in chosen for profile in profiles)


def _path(project: ComposeProject) -> str:
    first = next(iter(project.services.values())).definitions[0].file
    return relative(first, project.directory)

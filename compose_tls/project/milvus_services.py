"""Which services of a project run Milvus, what each of them is, and which of them clients connect to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import field
from typing import Final

from compose_tls.changes import relative
from compose_tls.compose.compose_project import ComposeProject, saving
from compose_tls.compose.definition import Reader
from compose_tls.compose.service import Service
from compose_tls.errors import ServiceAmbiguous, ServiceNotFound, UnsupportedMilvus
from compose_tls.project.milvus_configuration import MilvusConfiguration
from compose_tls.shell import typed
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_TLS, NEWEST, MilvusVersion
from compose_tls.stack.milvus.role import (
    certainly_runs_milvus,
    ends_client_tls,
    is_component,
    runs_milvus,
    version,
)
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning

NAME_IT: Final = "name the service with --service, or the right compose file with -f"
"""What to do where no service runs Milvus."""


@dataclass(frozen=True, slots=True)
class MilvusService:
    """A service that runs Milvus.

    Attributes:
        service: The service.
        version: Of Milvus; the newest where the image does not tell.
        configuration: What this Milvus is told, and where.
        proxy: Whether it accepts clients.
        component: Whether it is a part of a cluster, not a whole server.
        certain: Whether it is plain that it runs Milvus: an image of Milvus may run someone's script.
        warnings: What is to be said of it.
    """

    service: Service = field(repr=False)
    version: MilvusVersion
    configuration: MilvusConfiguration = field(repr=False)
    proxy: bool
    component: bool
    certain: bool
    warnings: tuple[TlsWarning, ...]

    @property
    def name(self) -> str:
        """Its name in the project."""
        return self.service.name


def milvus_services(
    project: ComposeProject, read: Reader, named: Collection[str]
) -> tuple[MilvusService, ...]:
    """The services of a project that run Milvus, or may.

    Args:
        project: The project.
        read: Gives the bytes of a file, or ``None`` when there is none.
        named: Services that run Milvus although nothing about them says so.
    """
    return tuple(
        _milvus(service, project, read, named=service.name in named)
        for service in project.services.values()
        if service.name in named or runs_milvus(service.text("image"), service.command_line())
    )


def certain_services(found: Sequence[MilvusService]) -> tuple[MilvusService, ...]:
    """Those that certainly run Milvus; where none does, all that may."""
    return tuple(one for one in found if one.certain) or tuple(found)


def select(
    project: ComposeProject, found: Sequence[MilvusService], wanted: Sequence[str]
) -> tuple[MilvusService, ...]:
    """The Milvus services that end client TLS.

    Those that the user names; otherwise the standalone server, or every proxy of the cluster.

    Args:
        project: The project.
        found: The services of it that run Milvus, or may; those that are wanted included.
        wanted: The services that the user named.

    Raises:
        ServiceNotFound: No service runs Milvus, or a named one does not exist.
        ServiceAmbiguous: Several servers accept Milvus clients.
        UnsupportedMilvus: This Milvus cannot speak TLS.
    """
    by_name = {one.name: one for one in found}
    for name in wanted:
        other = _other_server(by_name[name].service) if name in by_name else None
        if name not in by_name or other:
            sure = (one for one in certain_services(found) if one.name not in wanted)
            runs = [f"--service {one.name} runs Milvus" for one in sure][:1]
            raise ServiceNotFound(
                f"service {name} runs {other}, not Milvus"
                if other
                else f"there is no service {name} in the project",
                hint="; ".join([*runs, f"the services are {', '.join(project.services)}"]),
                path=_path(project),
            )
    chosen = tuple(by_name[name] for name in dict.fromkeys(wanted)) or _candidates(project, found)
    for milvus in chosen:
        _require_tls(milvus)
    return chosen


def _other_server(service: Service) -> str | None:
    """What a service runs by its image, if that is known and is not Milvus."""
    image = service.text("image")
    if image is None or runs_milvus(image, ()):
        return None
    from compose_tls.stack import etcd, object_store  # noqa: PLC0415 - only for --service

    return "etcd" if etcd.runs_etcd(image, ()) else object_store.kind(image, ())


def _milvus(
    service: Service, project: ComposeProject, read: Reader, *, named: bool
) -> MilvusService:
    image, command = service.text("image"), service.command_line()
    known = version(image)
    warnings: tuple[TlsWarning, ...] = ()
    if known is None:
        shown = image or "an image of your own"
        text = f"{shown} does not name the Milvus version; the rules of the newest one are used"
        warnings = (TlsWarning("milvus-version-unknown", text),)
    return MilvusService(
        service,
        known or NEWEST,
        MilvusConfiguration.of(service, known or NEWEST, project.directory, read),
        proxy=named or ends_client_tls(command),
        component=is_component(command),
        certain=named or certainly_runs_milvus(command),
        warnings=warnings,
    )


def undecided(found: Sequence[MilvusService]) -> tuple[MilvusService, ...]:
    """The servers among which ``select`` cannot choose; none where it can."""
    servers = _servers(found)
    clear = len(servers) == 1 or all(one.component for one in servers)
    return () if clear else servers


def _servers(found: Sequence[MilvusService]) -> tuple[MilvusService, ...]:
    """The services that end the TLS of clients: where there are any, those started and surely Milvus."""
    able = [one for one in found if one.proxy]
    active = [one for one in able if is_active(one.service)] or able
    return certain_services(active)


def _candidates(
    project: ComposeProject, found: Sequence[MilvusService]
) -> tuple[MilvusService, ...]:
    candidates = _servers(found)
    if ambiguous := undecided(found):
        names = [one.name for one in ambiguous]
        published = [o.name for o in ambiguous if o.service.published(o.configuration.proxy_port)]
        second = ambiguous[1].service.main
        raise ServiceAmbiguous(
            f"several services run Milvus: {', '.join(names)}",
            hint="choose one or more, for example: compose-tls enable … --service "
            + typed(next(iter(published), names[0])),
            **second.place(),
        )
    if candidates:
        return candidates
    if found:
        raise ServiceNotFound(
            "no service of this Milvus cluster accepts clients: there is no proxy",
            hint="name the service that clients connect to with --service",
            path=_path(project),
        )
    if project.elsewhere:
        places = ", ".join(one.place for one in project.elsewhere)
        raise ServiceNotFound(
            f"no service that was read runs Milvus: {places} is not fetched",
            hint=saving(places),
            path=_path(project),
            line=project.elsewhere[0].line,
        )
    raise ServiceNotFound(
        "no service of this project runs Milvus",
        hint=NAME_IT,
        path=_path(project),
    )


def _require_tls(milvus: MilvusService) -> None:
    if milvus.version < FIRST_WITH_TLS:
        main = milvus.service.main
        raise UnsupportedMilvus(
            f"service {milvus.name} runs Milvus {milvus.version}, which cannot speak TLS",
            hint=f"use Milvus {FIRST_WITH_TLS} or newer",
            **main.place("image"),
        )


def is_active(service: Service) -> bool:
    """Whether its profiles, if it has any, are switched on, and it is to have a container at all.

    Source: https://docs.docker.com/compose/how-tos/profiles/
    """
    if (service.text("deploy", "replicas") or service.text("scale")) == "0":
        return False
    chosen = service.variables.get("COMPOSE_PROFILES", "").split(",")
    profiles = service.profiles()
    return not profiles or "*" in chosen or any(profile in chosen for profile in profiles)


def _path(project: ComposeProject) -> str:
    first = next(iter(project.services.values())).definitions[0].file
    return relative(first, project.directory)

"""Side effects of TLS, reported before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Final

from compose_tls.changes import CreateFile, KeepFile
from compose_tls.config import TlsConfig
from compose_tls.errors import DirectoryShared, settle
from compose_tls.layout import KEY, NEIGHBOUR_FILES, STACK_FILES, is_known, neighbours_directory
from compose_tls.observation import FileFacts
from compose_tls.plan.build_contexts import context_findings
from compose_tls.plan.findings import mounted_keys, unseen
from compose_tls.plan.health_checks import HealthEdit, health_edits, waiting
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.enabled import EnabledProject
from compose_tls.project.endpoints import rest_port
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_REST_PORT
from compose_tls.state.recorded import IdentityRecord
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning

_SHARED: Final = "gRPC and REST"
_SHOWN: Final = 3
_PLACES: Final = {
    folder: frozenset(there.partition("/")[0] for there, _ in files)
    for folder, files in STACK_FILES.items()
}


@dataclass(frozen=True, slots=True)
class Consequences:
    """The side effects of TLS for some services.

    Attributes:
        warnings: What is to be said.
        health: The health checks that have to ask for something else.
    """

    warnings: tuple[TlsWarning, ...]
    health: tuple[HealthEdit, ...]


def consequences(
    project: Project,
    milvus: Sequence[MilvusService],
    config: TlsConfig,
    showing: Sequence[str],
) -> Consequences:
    """Find the side effects.

    Args:
        project: The project, without what an earlier enable put in.
        milvus: The services that are to speak TLS.
        config: The settings.
        showing: The services that get a client certificate and key of their own.

    Raises:
        HealthCheckBreaks: A health check has no equal over TLS.
    """
    health, of_health = health_edits(project, milvus, config)
    warnings = (
        *waiting(project, milvus, config),
        *_rest(project, milvus, config),
        *of_health,
        *context_findings(project, config, showing),
        *_for_swarm(milvus),
        *_without_containers(milvus),
        *unseen(project),
    )
    return Consequences(warnings, health)


def _rest(
    project: Project, milvus: Sequence[MilvusService], config: TlsConfig
) -> Iterator[TlsWarning]:
    """That REST goes where it was on."""
    state = project.state
    gone = state.services if state is not None and state.settings.rest_port is None else ()
    way = ": compose-tls enable …" if project.drafted is None else ", later: compose-tls enable"
    for one in () if project.drafted == "unused" else milvus:
        on = one.name not in gone and any(
            listener.purpose == _SHARED for listener in one.configuration.listeners
        )
        if not on or rest_port(one, config) is not None:
            continue
        able = one.version >= FIRST_WITH_REST_PORT
        yield TlsWarning(
            "rest-switched-off",
            f"service {one.name}: REST is switched off, since it cannot share port "
            f"{one.configuration.proxy_port} with gRPC under TLS",
            one.service.main.document.name,
            f"keep it on a port of its own{way} --rest-port 8080"
            if able
            else f"Milvus {FIRST_WITH_REST_PORT} and newer can keep it on a port of its own",
            one.service.main.line(),
        )


def _for_swarm(milvus: Sequence[MilvusService]) -> Iterator[TlsWarning]:
    """That Compose does not start a service, which the next step would be."""
    for one in milvus:
        if names := one.service.externals():
            yield TlsWarning(
                "swarm-only",
                f"service {one.name} uses {', '.join(names)}, which is external: docker stack deploy "
                "supports that, docker compose does not",
                one.service.main.document.name,
                "once TLS is on in the files: compose-tls export swarm",
                one.service.main.line(),
            )


def _without_containers(milvus: Sequence[MilvusService]) -> Iterator[TlsWarning]:
    """That the next step would start nothing."""
    for one in milvus:
        told = one.service.text("deploy", "replicas") or one.service.text("scale")
        if told == "0":
            yield TlsWarning(
                "no-replicas",
                f"service {one.name}: the files ask for 0 containers of it, so docker compose up "
                "starts none",
                one.service.main.document.name,
                f"set replicas of {one.name} to 1 (deploy.replicas, or scale)",
                one.service.main.line(),
            )


def mounted_beside(
    project: Project, config: TlsConfig, planned: ServicePlan
) -> Iterator[TlsWarning]:
    """What containers are to see from now on, that has nothing to do with TLS.

    Args:
        project: The project, without what an earlier enable put in.
        config: The settings.
        planned: What is going to be written.

    Raises:
        DirectoryShared: There is something, and the user has not accepted that.
    """
    directory = project.observation.directory
    given = (config.server_cert, config.server_key, config.ca_cert, config.client_ca_cert)
    known = {path.name for path in (directory / one for one in given if one)}
    files = (one for one in planned.plan.changes if isinstance(one, CreateFile | KeepFile))
    written = {file.path.parent for file in files} - _mounted_before(project)
    for place, names in project.observation.mounted.items():
        served = place == directory / config.served_dir
        others = {*NEIGHBOUR_FILES, *_PLACES.get(place.name, ())}
        found = [
            name
            for name in (names if place in written else ())
            if name not in known and not is_known(name) and (served or name not in others)
        ]
        if found:
            name = project.relative(place)
            more = f" and {len(found) - _SHOWN} more" * (len(found) > _SHOWN)
            whose = "the container of Milvus" if served else "a container"
            refusal = DirectoryShared(
                f"{name} is mounted into {whose}, which would see {', '.join(found[:_SHOWN])}{more}",
                hint="choose a directory that is empty or does not exist with --tls-dir",
                path=name,
            )
            yield settle(refusal, config.accept)


def _mounted_before(project: Project) -> set[Path]:
    """The directories that containers see already."""
    state = project.state
    if state is None:
        return set()
    own = neighbours_directory(state.settings.tls_dir)
    names = (
        state.settings.served_dir,
        *(str(PurePath(path).parent) for path in state.digests),
        *(f"{own}/{one.service}" for one in state.neighbours or ()),
    )
    return {project.directory / name for name in names}


def keys_to_be_mounted(
    project: Project, config: TlsConfig, milvus: Sequence[MilvusService], planned: ServicePlan
) -> tuple[TlsWarning, ...]:
    """The keys that containers would get to see and should not, with those that are still to be made.

    Args:
        project: The project, without what an earlier enable put in.
        config: The settings.
        milvus: The services that are to speak TLS.
        planned: What is going to be written.
    """
    observation = project.observation
    user, group = observation.user_id, min(observation.group_ids, default=0)
    made = {
        change.path: FileFacts(change.path, None, None, change.mode, user, group)
        for change in planned.plan.changes
        if isinstance(change, CreateFile) and change.path.suffix == KEY
    }
    after = replace(observation, files={**observation.files, **made})
    held = [one.identity for one in planned.identities.identities]
    records = tuple(
        IdentityRecord(name=one.name, profile=one.profile, members=one.members, certificates={})
        for one in held
    )
    state = planned.state.model_copy(update={"identities": records})
    located = EnabledProject(replace(project, observation=after), state, tuple(milvus))
    return mounted_keys(config, located)

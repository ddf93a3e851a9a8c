"""Projects as values: observations made from texts, and what an enable would make of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from compose_tls.changes import (
    CertificateOrder,
    CreateFile,
    FileChange,
    IdentityPlan,
    PatchFile,
    Pending,
    RemoveFile,
)
from compose_tls.compose.compose_project import ComposeProject, load_project
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.layout import STATE_FILE
from compose_tls.observation import CertificateFacts, FileFacts, Observation, PkiFacts
from compose_tls.plan.disable import DisablePlan, plan_disable
from compose_tls.plan.enable import plan_enable
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.milvus_services import MilvusService, milvus_services, select
from compose_tls.project.model import Project, named_services, state_path
from compose_tls.state.recorded import identity_records, read_state
from compose_tls.state.undo import undo
from compose_tls.vocabulary import TlsMode

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DIRECTORY = Path("/project")
COMPOSE_FILE = "docker-compose.yml"
USER_ID = 1000
NO_PKI = PkiFacts({}, frozenset())

STANDALONE = """\
services:
  milvus:
    image: milvusdb/milvus:v2.5.5
"""

ROLES = ("proxy", "rootCoord", "queryCoord", "queryNode", "dataCoord", "dataNode")


def milvus_yaml(head: str = "", port: int = 19530) -> str:
    """A milvus.yaml with all that Milvus needs to start, and something before that."""
    ports = "".join(f"{role}:\n  port: {port + i}\n" for i, role in enumerate(ROLES))
    later = f"streamingNode:\n  port: {port + len(ROLES)}\n"
    return f"{dedent(head)}{ports}{later}rocksmq:\n  path: /var/lib/milvus/rdb_data\n"


def facts(path: Path, content: bytes | None, mode: int = 0o644, uid: int = USER_ID) -> FileFacts:
    """A file; without content, one that may not be read."""
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    return FileFacts(path, content, digest, mode, uid, USER_ID)


def observation(
    files: str | Mapping[str, str | bytes],
    *,
    compose_files: tuple[str, ...] = (COMPOSE_FILE,),
    variables: Mapping[str, str] | None = None,
    pki: PkiFacts = NO_PKI,
    user_id: int = USER_ID,
    group_ids: frozenset[int] = frozenset({USER_ID}),
) -> Observation:
    """What a project of these files looks like; a single text is docker-compose.yml."""
    texts = {COMPOSE_FILE: files} if isinstance(files, str) else files
    contents = {
        DIRECTORY / name: dedent(text).encode() if isinstance(text, str) else text
        for name, text in texts.items()
    }
    return Observation(
        directory=DIRECTORY,
        compose_files=tuple(DIRECTORY / name for name in compose_files),
        files={path: facts(path, content) for path, content in contents.items()},
        variables=variables or {},
        pki=pki,
        user_id=user_id,
        group_ids=group_ids,
        given=frozenset(),
        obstacles=frozenset(),
        mounted={},
    )


def project(
    files: str | Mapping[str, str | bytes],
    *,
    compose_files: tuple[str, ...] = (COMPOSE_FILE,),
    variables: Mapping[str, str] | None = None,
) -> ComposeProject:
    """The Compose project in these files."""
    seen = observation(files, compose_files=compose_files, variables=variables)
    return load_project(DIRECTORY, seen.compose_files, seen.content, seen.variables)


def service(files: str | Mapping[str, str | bytes], name: str = "milvus", **more: Any) -> Service:
    """One service of the project in these files."""
    return project(files, **more).services[name]


def opened(seen: Observation, *, without_ours: bool = False, **settings: Any) -> Project:
    """What a command knows of a project."""
    config = TlsConfig(**settings)
    path = state_path(seen.directory, config)
    state = read_state(seen.content(path), "state.json")
    originals: dict[Path, bytes | None] = {}
    kept: list[tuple[str, str]] = []
    for record in state.files if state and without_ours else ():
        content = seen.content(seen.directory / record.path)
        if content is not None:
            undone = undo(content, record)
            originals[seen.directory / record.path] = undone.content
            kept += [(record.path, route) for route in undone.kept]

    def read(path: Path) -> bytes | None:
        return originals[path] if path in originals else seen.content(path)

    present = [path for path in seen.compose_files if read(path) is not None]
    compose = ComposeProject(seen.directory, {}, ())
    if present:
        compose = load_project(seen.directory, present, read, seen.variables)
    found = milvus_services(compose, read, named_services(config, state))
    return Project(seen, compose, state, originals, tuple(kept), found, TlsMode.OFF, {})


def chosen(
    files: str | Mapping[str, str | bytes], *wanted: str, **more: Any
) -> tuple[MilvusService, ...]:
    """The Milvus services that a command is about."""
    seen = opened(observation(files, **more), service=wanted)
    return select(seen.compose, seen.milvus, wanted)


def milvus(files: str | Mapping[str, str | bytes], wanted: str | None = None) -> MilvusService:
    """The Milvus service of the project in these files."""
    (found,) = chosen(files, wanted) if wanted else chosen(files)
    return found


def enable(seen: Observation, **settings: Any) -> ServicePlan:
    """The plan of enable with these settings."""
    project = opened(seen, without_ours=True, **settings)
    return plan_enable(project, TlsConfig(**settings), NOW)


def disable(seen: Observation, *, purge: bool = False, **settings: Any) -> DisablePlan:
    """The plan of disable with these settings."""
    return plan_disable(opened(seen, **settings), TlsConfig(**settings), purge=purge)


def enabled(seen: Observation, **settings: Any) -> Observation:
    """The project after an enable, its certificates issued."""
    planned = enable(seen, **settings)
    certificates = {order.name: certificate(order) for order in orders(planned.identities)}
    after = replace(
        seen,
        pki=PkiFacts(
            {**seen.pki.certificates, **certificates},
            seen.pki.usable | frozenset(planned.identities.sources),
        ),
    )
    digests = {name: one.sha256 for name, one in after.pki.certificates.items()}
    records = identity_records(planned.identities, digests, TlsConfig(**settings), DIRECTORY)
    state = planned.state.model_copy(update={"identities": records})
    return applied(after, planned.plan.changes, {STATE_FILE: state.render()})


def applied(
    seen: Observation,
    changes: tuple[FileChange, ...],
    contents: Mapping[str, bytes] | None = None,
) -> Observation:
    """What a project looks like once changes are made."""
    files = dict(seen.files)
    for change in changes:
        match change:
            case CreateFile(path=path, content=content):
                if isinstance(content, Pending):
                    issued = f"the issued {content.name}".encode()
                    content = (contents or {}).get(content.name, issued)
                made = facts(path, content, change.mode)
                uid = made.uid if change.uid is None else change.uid
                gid = made.gid if change.gid is None else change.gid
                secret = path.suffix == ".key"
                files[path] = replace(
                    made, uid=uid, gid=gid, content=None if secret else made.content
                )
            case PatchFile(path=path, new=new):
                files[path] = facts(path, new)
            case RemoveFile(path=path):
                files[path] = None
            case _:
                pass
    return replace(seen, files=files)


def edited(seen: Observation, name: str, old: str, new: str) -> Observation:
    """The project after somebody replaced the only occurrence of a text in a file."""
    path = DIRECTORY / name
    content = text_of(seen, name)
    assert content.count(old) == 1, content
    return replace(
        seen, files={**seen.files, path: facts(path, content.replace(old, new).encode())}
    )


def text_of(seen: Observation, name: str = COMPOSE_FILE) -> str:
    """A file of a project."""
    content = seen.content(DIRECTORY / name)
    assert content is not None, name
    return content.decode()


def certificate(order: CertificateOrder) -> CertificateFacts:
    """What the certificate of an order would say."""
    return CertificateFacts(
        subject=order.subject,
        issuer="CN=compose-tls CA",
        serial="01",
        not_before=NOW,
        not_after=NOW + timedelta(days=order.days),
        key_type=order.key_type,
        sha256=hashlib.sha256(repr(order).encode()).hexdigest(),
        dns_names=order.dns_names,
        ip_addresses=order.ip_addresses,
        is_ca=order.profile == "ca",
        permitted_dns=(),
    )


def orders(identities: IdentityPlan) -> tuple[CertificateOrder, ...]:
    """What is to be issued."""
    return tuple(one.order for one in identities.identities if one.order is not None)


def added(planned: ServicePlan, name: str = COMPOSE_FILE) -> list[str]:
    """The lines that a plan adds to a file."""
    return _lines(planned, name, "+")


def removed(planned: ServicePlan, name: str = COMPOSE_FILE) -> list[str]:
    """The lines that a plan takes out of a file."""
    return _lines(planned, name, "-")


def _lines(planned: ServicePlan, name: str, sign: str) -> list[str]:
    path = DIRECTORY / name
    one = [c for c in planned.plan.changes if isinstance(c, PatchFile) and c.path == path]
    diff = replace(planned.plan, changes=tuple(one)).diff().splitlines()
    return [line[1:].strip() for line in diff if line[:1] == sign and line[:3] != sign * 3]


def sources(planned: ServicePlan) -> dict[str, str]:
    """Where each certificate comes from."""
    return dict(planned.identities.sources)

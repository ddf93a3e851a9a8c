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
    PatchFile,
    Pending,
    RemoveFile,
)
from compose_tls.compose.compose_project import ComposeProject, load_project
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.observation import CertificateFacts, FileFacts, Observation, PkiFacts
from compose_tls.plan.disable import DisablePlan, plan_disable
from compose_tls.plan.enable import plan_enable
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.milvus_services import MilvusService, select
from compose_tls.state.recorded import STATE_FILE
from compose_tls.vocabulary import CertificateRole

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
    """A milvus.yaml with every port that Milvus needs, and something before them."""
    ports = "".join(f"{role}:\n  port: {port + i}\n" for i, role in enumerate(ROLES))
    return dedent(head) + ports


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


def milvus(files: str | Mapping[str, str | bytes], wanted: str | None = None) -> MilvusService:
    """The Milvus service of the project in these files."""
    return select(project(files), wanted)


def enable(seen: Observation, **settings: Any) -> ServicePlan:
    """The plan of enable with these settings."""
    return plan_enable(seen, TlsConfig(**settings), NOW)


def disable(seen: Observation, *, purge: bool = False, **settings: Any) -> DisablePlan:
    """The plan of disable with these settings."""
    return plan_disable(seen, TlsConfig(**settings), purge=purge)


def enabled(seen: Observation, **settings: Any) -> Observation:
    """The project after an enable, its certificates issued."""
    planned = enable(seen, **settings)
    certificates = {order.role: certificate(order) for order in planned.plan.orders}
    after = replace(
        seen,
        pki=PkiFacts(
            {**seen.pki.certificates, **certificates},
            seen.pki.usable | frozenset(planned.certificates.sources),
        ),
    )
    places = {f"cert/{role}.pem": one.sha256 for role, one in after.pki.certificates.items()}
    places |= {
        f"{planned.state.tls_dir}/{role}.pem": after.pki.certificates[role].sha256
        for role in ("server", "ca")
    }
    names = [f"{planned.state.tls_dir}/server.pem", f"{planned.state.tls_dir}/ca.pem"]
    names += [f"cert/{role}.pem" for role in planned.certificates.sources]
    state = planned.state.model_copy(update={"certificates": {n: places[n] for n in names}})
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
        is_ca=order.role == "ca",
    )


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


def roles(planned: ServicePlan) -> dict[CertificateRole, str]:
    """Where each certificate comes from."""
    return dict(planned.certificates.sources)

"""Every command that writes, as the plan that it makes for a project."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compose_tls import TlsConfig, client, disable, enable, export, init, renew
from compose_tls.apply import transaction
from compose_tls.apply.staging import Steps
from compose_tls.changes import Plan
from tests.unit.apply.trees import Entry, tree
from tests.unit.builders import milvus_yaml

COMPOSE = """\
services:
  standalone:
    image: milvusdb/milvus:v2.5.5
    command: ["milvus", "run", "standalone"]
    ports: ["19530:19530", "9091:9091"]
    volumes: ["./milvus.yaml:/milvus/configs/milvus.yaml"]
"""
QUIET: dict[str, Any] = {"environment": {"PATH": "/usr/bin:/bin"}}


@dataclass(frozen=True)
class Command:
    """What a command does to a project, from its plan on.

    Attributes:
        plan: The plan.
        contents: What it is applied with.
        old: The project before.
        new: The project after.
    """

    plan: Plan
    contents: Mapping[str, bytes]
    old: dict[str, Entry]
    new: dict[str, Entry]


def mutual(**values: Any) -> TlsConfig:
    """Settings of mode 2; ``rest_port`` keeps REST, so that more is patched."""
    return TlsConfig(mode=2, **values)


def begin(project: Path) -> None:
    """A project with TLS and two further clients."""
    enable(project, mutual(), **QUIET)
    client(project, ["alice", "bob"], p12=True, **QUIET)


def brought(project: Path) -> None:
    """The same, under a CA that takes the place of the first: that one is kept."""
    begin(project)
    other = project.parent / "other"
    lay_out(other)
    enable(other, mutual(), **QUIET)
    enable(project, bring(project), **QUIET)


# Further clients of the CA that goes are left behind here.
FOLLOW = ("clients-left-behind",)


def joined(project: Path) -> None:
    """A project whose next CA is there already."""
    begin(project)
    renew(project, mutual(), ca=True, restart=False, **QUIET)


def bring(project: Path) -> TlsConfig:
    """Settings with the CA of another project."""
    other = project.parent / "other" / "cert"
    return mutual(ca_cert=str(other / "ca.pem"), ca_key=str(other / "ca.key"))


def empty(project: Path) -> None:
    """A directory without a project."""
    for path in project.iterdir():
        path.unlink()


WHOLE = """\
services:
  etcd:
    image: quay.io/coreos/etcd:v3.5.5
    command: etcd -advertise-client-urls=http://etcd:2379 -listen-client-urls http://0.0.0.0:2379
    volumes: ["./volumes/etcd:/etcd"]
  minio:
    image: minio/minio:RELEASE.2023-03-20T20-16-18Z
    command: minio server /minio_data
    volumes: ["./volumes/minio:/minio_data"]
  standalone:
    image: milvusdb/milvus:v2.5.5
    command: ["milvus", "run", "standalone"]
    environment: {ETCD_ENDPOINTS: "etcd:2379", MINIO_ADDRESS: "minio:9000"}
    ports: ["19530:19530"]
    volumes: ["./volumes/milvus:/var/lib/milvus"]
  attu:
    image: zilliz/attu:v2.5.5
    environment: {MILVUS_URL: "standalone:19530"}
"""


def whole(project: Path) -> None:
    """A project with etcd, an object store and an application."""
    (project / "milvus.yaml").unlink()
    (project / "docker-compose.yml").write_text(WHOLE)


def apart(project: Path) -> None:
    """Beside the project, a server certificate of somebody else."""
    other = project.parent / "other"
    lay_out(other)
    enable(other, mutual(san=("attu", "standalone", "milvus")), **QUIET)


def public(project: Path) -> TlsConfig:
    """Settings with that certificate, so that the clients get a CA of their own."""
    other = project.parent / "other" / "cert"
    return mutual(
        ca_cert=str(other / "ca.pem"),
        server_cert=str(other / "server.pem"),
        server_key=str(other / "server.key"),
    )


def nothing(_: Path) -> None:
    """A project as it was found."""


COMMANDS: dict[str, tuple[Callable[[Path], None], Callable[[Path], object]]] = {
    "enable": (nothing, lambda p: enable(p, mutual(), **QUIET)),
    "enable --style override": (nothing, lambda p: enable(p, mutual(style="override"), **QUIET)),
    "enable --scope all, an application with it": (
        whole,
        lambda p: enable(p, mutual(scope="all"), **QUIET),
    ),
    "enable, clients of a CA of their own": (apart, lambda p: enable(p, public(p), **QUIET)),
    "enable again": (
        begin,
        lambda p: enable(p, mutual(server_name="db.test", tls_dir="t"), **QUIET),
    ),
    "disable": (begin, lambda p: disable(p, **QUIET)),
    "disable --purge": (brought, lambda p: disable(p, bring(p), purge=True, **QUIET)),
    "renew": (begin, lambda p: renew(p, mutual(), force=True, restart=False, **QUIET)),
    "renew --ca": (begin, lambda p: renew(p, mutual(), ca=True, restart=False, **QUIET)),
    "renew --ca --finish": (
        joined,
        lambda p: renew(p, mutual(accept=FOLLOW), finish=True, restart=False, **QUIET),
    ),
    "export operator": (begin, lambda p: export(p, "operator", output="all.yaml", **QUIET)),
    "init": (empty, lambda p: init(p, mutual(), **QUIET)),
    "client --p12": (begin, lambda p: client(p, ["alice", "eve"], p12=True, force=True, **QUIET)),
}


def lay_out(project: Path) -> None:
    """A project without TLS."""
    project.mkdir(parents=True)
    (project / "docker-compose.yml").write_text(COMPOSE)
    (project / "milvus.yaml").write_text(milvus_yaml())


def planned(name: str, project: Path) -> Command:
    """Run a command once, and remember what it did."""
    prepare, run = COMMANDS[name]
    lay_out(project)
    prepare(project)
    old = tree(project)
    made: list[tuple[Plan, Mapping[str, bytes]]] = []

    class Remembering(Steps):
        def __init__(self, plan: Plan, contents: Mapping[str, bytes], files: Any) -> None:
            made.append((plan, contents))
            super().__init__(plan, contents, files)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(transaction, "Steps", Remembering)
        run(project)
    [(plan, contents)] = made
    return Command(plan, contents, old, tree(project))


def restore(project: Path, entries: Mapping[str, Entry]) -> None:
    """Make a project what it was."""
    shutil.rmtree(project)
    project.mkdir()
    for name, (kind, mode, content) in entries.items():
        path = project / name
        if kind == "directory":
            path.mkdir()
        else:
            path.write_bytes(content)
        path.chmod(mode)

"""The plan for etcd, the object store and brokers, and for Milvus as their client."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from compose_tls.config import TlsConfig
from compose_tls.errors import UnsupportedMilvus
from compose_tls.layout import (
    CA_BUNDLE,
    INTERNAL,
    MILVUS,
    STACK_CA,
    SYSTEM_BUNDLE,
    stack_files,
)
from compose_tls.plan.identities import server_names
from compose_tls.plan.stack_brokers import plan_brokers
from compose_tls.plan.stack_clients import store_clients
from compose_tls.plan.stack_cut_off import others_cut_off
from compose_tls.plan.stack_etcd import plan_etcd
from compose_tls.plan.stack_parts import Part, Stack
from compose_tls.plan.stack_store import plan_object_store
from compose_tls.plan.stack_work import StackWork
from compose_tls.project.endpoints import carrier, found_names
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.project.stack_services import Needed, needed_servers
from compose_tls.setup import Directory, Identity, Member
from compose_tls.stack import etcd, object_store
from compose_tls.stack.milvus import internal
from compose_tls.stack.milvus.milvus_version import (
    FIRST_WITH_INTERNAL_TLS,
    FIRST_WITH_OBJECT_STORE_CA,
)


def plan_stack(
    project: Project,
    proxies: Sequence[MilvusService],
    config: TlsConfig,
    override: Path | None,
) -> Stack:
    """Work out what else has to change, by ``--scope``.

    Args:
        project: The project, without what an earlier enable put in.
        proxies: The services that end client TLS.
        config: The settings.
        override: The override file for services that cannot be edited in place; ``None`` for none.

    Raises:
        UnsupportedMilvus: A Milvus cannot encrypt what its parts say to each other.
        EditRefused: A server is told by a file, or by a variable, what would have to change.
        HealthCheckBreaks: A health check would fail, and the user has not accepted that.
    """
    work = StackWork(project, proxies, config)
    needed = needed_servers(work.project.compose, work.milvus)
    if work.config.scope == "all":
        plan_etcd(work, [one for one in needed if one.purpose == "metadata"])
        plan_object_store(work, [one for one in needed if one.purpose == "object store"])
        plan_brokers(work, [one for one in needed if one.purpose == "messages"])
        _used_by_nobody(work, needed)
    _internal(work)
    stores = [part for part in work.servers if part.member.kind == "object-store"]
    clients = store_clients(work, stores, override)
    work.warnings += others_cut_off(work, {one.service.name for one in clients})
    if not work.identities:
        return Stack(warnings=tuple(work.warnings))
    stack = Stack((), (Identity(STACK_CA, "ca"), *work.identities), tuple(work.warnings))
    servers = tuple(work.servers)
    parts = tuple(_milvus_part(work, one, stack) for one in work.milvus if work.settings[one.name])
    return Stack((*servers, *parts), stack.identities, stack.warnings, clients)


def _used_by_nobody(work: StackWork, needed: Sequence[Needed]) -> None:
    """Servers of the project that no Milvus is known to use, so that nobody switches them."""
    known = {one.purpose for one in needed}
    others = {*(part.service.name for part in work.servers), *(one.name for one in work.milvus)}
    services = work.project.compose.services
    for service in services.values():
        image, command = service.text("image"), service.command_line()
        kind = object_store.kind(image, command)
        if etcd.runs_etcd(image, command):
            purpose, key = "metadata", "ETCD_ENDPOINTS"
        elif kind is not None and object_store.serves(image, command):
            purpose, key = "object store", "MINIO_ADDRESS"
        else:
            continue
        if purpose not in known and service.name not in others:
            why = "no Milvus here is configured to use it"
            hint = f"if one uses it, name it in {key} of the environment of Milvus"
            beside = {carrier(one.service, services).name for one in work.milvus}
            if carrier(service, services).name in beside:
                why = "it shares the network of Milvus, where services cannot be told apart"
                hint = f"remove its network_mode, and name it in {key} of Milvus"
            work.stays_plain(f"service {service.name} is not changed: {why}", service, hint)


def _internal(work: StackWork) -> None:
    """What the parts of Milvus say to each other."""
    old = [one for one in work.milvus if one.version < FIRST_WITH_INTERNAL_TLS]
    if old and work.config.scope == "internal":
        raise UnsupportedMilvus(
            f"service {old[0].name} runs Milvus {old[0].version}, whose parts speak plain text "
            "to each other",
            hint=f"use Milvus {FIRST_WITH_INTERNAL_TLS} or newer, or another --scope",
            **old[0].service.main.place("image"),
        )
    if old:
        if any(one.component for one in old):
            text = f"the parts of Milvus {old[0].version} speak plain text to each other"
            hint = f"Milvus {FIRST_WITH_INTERNAL_TLS} and newer can encrypt it"
            work.stays_plain(text, old[0].service, hint)
        return
    found = found_names(((one.service, 0) for one in work.milvus), work.project.compose.services)
    dns_names, ip_addresses = server_names((internal.NAME,), found)
    members = tuple(one.name for one in work.milvus)
    work.identities.append(Identity(INTERNAL, "server", members, dns_names, ip_addresses))
    for one in work.milvus:
        work.settings[one.name] += internal.internal_settings(work.target)


def _milvus_part(work: StackWork, one: MilvusService, stack: Stack) -> Part:
    source = f"{work.config.tls_dir}/{MILVUS}"
    files = stack_files(MILVUS, [one.name for one in stack.identities])
    directory = Directory(source, work.target, files)
    old = one.version < FIRST_WITH_OBJECT_STORE_CA
    uses_store = any(setting.route[:1] == ("minio",) for setting in work.settings[one.name])
    bundle = Directory(f"{source}/{CA_BUNDLE}", SYSTEM_BUNDLE, ())
    member = Member(
        one.name,
        "milvus",
        tuple(work.settings[one.name]),
        directory,
        one.configuration.proxy_port,
    )
    return Part(member, one.service, one, files=(bundle,) if old and uses_store else ())

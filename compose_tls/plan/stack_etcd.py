"""The plan for TLS of etcd, one or several, and of Milvus as its client."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from compose_tls.compose.rewriting import expander, written
from compose_tls.compose.service import Service
from compose_tls.errors import EditRefused
from compose_tls.layout import CA_CERTIFICATE, ETCD, ETCD_CLIENT, SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.pki.client_names import CLIENT_DOMAIN
from compose_tls.plan.application_edits import Rewrite
from compose_tls.plan.stack_parts import Part
from compose_tls.plan.stack_work import StackWork
from compose_tls.project.reachability import names
from compose_tls.project.stack_services import Needed
from compose_tls.setup import Identity
from compose_tls.stack import etcd
from compose_tls.stack.images import is_bitnami
from compose_tls.stack.tool_tls import ToolTls
from compose_tls.vocabulary import Encryption

_DIRECTORY: Final = "/tls"
"""Where etcd sees its files: its image has nothing there."""


def plan_etcd(work: StackWork, needed: Sequence[Needed]) -> None:
    """Every etcd of the project, and Milvus with it.

    Args:
        work: Gets what changes.
        needed: The etcd that Milvus uses.

    Raises:
        EditRefused: A variable says what would have to change.
        HealthCheckBreaks: A health check would fail, and the user has not accepted that.
    """
    able = work.inside(needed, _stays)
    if not able:
        return
    services = list({one.name: one.service for one in able if one.service}.values())
    services += _further_members(work, services)
    port = next((one.port for one in able if one.port), etcd.PORT)
    hosts = {name for service in services for name in names(service)}
    for service in services:
        work.servers.append(_part(work, service, port, hosts))
    members = [one for one in services if _among_members(work, one) == "plain"]
    if members:
        work.stays_plain(
            f"the members of etcd ({', '.join(one.name for one in members)}) continue to use plain text "
            "among each other: members that already run cannot reach others over TLS",
            members[0],
            "do not publish their ports 2380; the steps by hand: etcdctl member update ID --peer-urls="
            "https://… for each, then https in their peer URLs, with ETCD_PEER_CERT_FILE: see the guide",
        )
    images = [service.text("image") for service in services]
    work.identities.append(work.shown(ETCD, "peer", services, port))
    users = work.users_of(able)
    for one in users:
        endpoints = one.configuration.get(("etcd", "endpoints"))
        work.settings[one.name] += etcd.milvus_settings(work.target, images, endpoints)
    holders = tuple(one.name for one in users)
    domain = f"{ETCD_CLIENT}.{CLIENT_DOMAIN}"
    work.identities.append(Identity(ETCD_CLIENT, "client", holders, (domain,)))


def _further_members(work: StackWork, services: Sequence[Service]) -> Iterator[Service]:
    """The other members of their clusters, which Milvus does not name."""
    named = {
        host
        for service in services
        for host in etcd.members(service.command_line(), work.variables(service))
    }
    for service in work.project.compose.services.values():
        is_one = service not in services and not named.isdisjoint(names(service))
        if is_one and _stays(service, work.variables(service)) is None:
            yield service


def _among_members(work: StackWork, service: Service) -> Encryption | None:
    return etcd.among_members(service.command_line(), work.variables(service))


def _stays(service: Service, variables: Mapping[str, str | None]) -> str | None:
    return etcd.stays(service.text("image"), service.command_line(), variables)


def _part(work: StackWork, service: Service, port: int, hosts: Collection[str]) -> Part:
    variables = work.variables(service)
    command = service.command_line()
    hint = "write https:// there, and run this again"
    rewrites: list[Rewrite] = []
    meant: list[str] = []
    for name in ("entrypoint", "command"):
        old, expand = written(service, (name,)), expander(service, name)
        change = partial(etcd.https_urls, expand=expand)
        meant += map(expand, change(old))
        if change(old) != old:
            rewrites.append(Rewrite((name,), change, hint))
    if etcd.names_plain_urls(meant):
        raise EditRefused(
            f"flags of service {service.name} that name URLs for clients come from a variable",
            hint="write them out there as they are, with http://, and run this again",
            **service.main.place("command"),
        )
    certificate, key, ca = (
        posixpath.join(_DIRECTORY, name)
        for name in (SERVER_CERTIFICATE, SERVER_KEY, CA_CERTIFICATE)
    )
    image = service.text("image")
    tool = ToolTls(ca, certificate, key, etcd.asks_health(image), by_flags=is_bitnami(image))
    rewrites += work.health(service, (port,), tool, hosts)
    settings = etcd.server_settings(_DIRECTORY, service.name, command, variables, image)
    return Part(
        work.member(service, "etcd", ETCD, _DIRECTORY, settings, port),
        service,
        rewrites=tuple(rewrites),
    )

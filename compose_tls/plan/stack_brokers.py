"""Message brokers: Kafka, where its image and its listeners are known, and Milvus with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial

from compose_tls.compose.service import HEALTH_TEST, Service
from compose_tls.layout import KAFKA, KAFKA_CLIENT
from compose_tls.pki.client_names import CLIENT_DOMAIN
from compose_tls.plan.application_edits import Rewrite
from compose_tls.plan.identities import is_valid, server_names
from compose_tls.plan.stack_parts import Part
from compose_tls.plan.stack_work import StackWork
from compose_tls.project.endpoints import found_names
from compose_tls.project.stack_services import Needed
from compose_tls.setup import Identity
from compose_tls.stack import kafka
from compose_tls.stack.images import repository_and_tag
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_KAFKA_TLS
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class _Broker:
    """A broker that can be switched."""

    service: Service = field(repr=False)
    kind: kafka.Kind
    listener: kafka.BrokerListener
    variables: Mapping[str, str | None] = field(repr=False)


def plan_brokers(work: StackWork, needed: Sequence[Needed]) -> None:
    """Every Kafka of the project whose image is known, and Milvus with it; others are named.

    Args:
        work: Gets what changes.
        needed: The brokers that Milvus uses.
    """
    plain = {one.name: one for one in needed if one.encryption == "plain"}
    looked = {name: _looked(work, one) for name, one in plain.items()}
    brokers = [one for one in looked.values() if isinstance(one, _Broker)]
    # A Milvus speaks to all of them alike: one that stays as it is keeps the others so.
    first = next((one for one in looked.values() if isinstance(one, str)), None)
    why = first or _left_out(work, brokers)
    if why is not None:
        for name, one in plain.items():
            own = looked[name]
            work.stays_plain(
                f"messages go to {name} in plain text: {own if isinstance(own, str) else why}",
                one.service or one.milvus.service,
                _hint(one),
            )
        return
    if not brokers:
        return
    for broker in brokers:
        work.servers.append(_part(work, broker))
    servers = ((one.service, one.listener.port) for one in brokers)
    found = found_names(servers, work.project.compose.services)
    names = filter(is_valid, (*found, *(one.listener.host for one in brokers)))
    members = tuple(one.service.name for one in brokers)
    work.identities.append(Identity(KAFKA, "peer", members, *server_names((), names)))
    users = work.users_of(plain.values())
    for milvus in users:
        protocol = brokers[0].listener.protocol
        work.settings[milvus.name] += kafka.milvus_settings(work.target, protocol)
    domain = f"{KAFKA_CLIENT}.{CLIENT_DOMAIN}"
    holders = tuple(one.name for one in users)
    work.identities.append(Identity(KAFKA_CLIENT, "client", holders, (domain,)))


def _hint(one: Needed) -> str:
    """What to write by hand for a broker that stays as it is."""
    if one.service is not None and _is_pulsar(one.service):
        return "keep its ports inside the project; Milvus supports TLS to Kafka"
    if one.milvus.version < FIRST_WITH_KAFKA_TLS:
        return f"use Milvus {FIRST_WITH_KAFKA_TLS} or newer"
    lines = kafka.by_hand("/DIRECTORY")
    return f"set up TLS where that server is configured, and configure Milvus: {lines}"


def _is_pulsar(service: Service) -> bool:
    return repository_and_tag(service.text("image") or "")[0].startswith("pulsar")


def _looked(work: StackWork, one: Needed) -> _Broker | str:
    """A broker that can be switched, or why one cannot be."""
    service = one.service
    if service is None:
        return "it is not a service of this project"
    image = service.text("image")
    if _is_pulsar(service):
        return "Milvus has no setting for TLS to Pulsar"
    kind = kafka.kind(image)
    if kind is None:
        return "compose-tls does not know the TLS settings of this broker"
    if one.milvus.version < FIRST_WITH_KAFKA_TLS:
        return f"Milvus {one.milvus.version} has no setting for it, {FIRST_WITH_KAFKA_TLS} has"
    if service.command_line():
        return "it is started by a command of its own"
    variables = work.variables(service)
    found = kafka.listener(kind, variables, one.port)
    if found is None:
        return f"its variables do not name the listener at port {one.port}"
    if why := kafka.stays(kind, image, variables, found):
        return why
    test = service.healthcheck_test()
    asks = test is not None and kafka.asks_by_tool(test.words, found.port)
    if test and asks and (found.has_users or "--command-config" in " ".join(test.words)):
        return "its health check logs in, with settings that are not known"
    return _Broker(service, kind, found, variables)


def _left_out(work: StackWork, brokers: Sequence[_Broker]) -> str | None:
    """Why all of them stay as they are: brokers that Milvus does not name, or that are not alike."""
    if len({(one.kind, one.listener.protocol) for one in brokers}) > 1:
        return "the brokers do not have the same settings"
    known = {one.service.name for one in brokers}
    among = any(
        kafka.speaks_among_brokers(one.kind, one.variables, one.listener) for one in brokers
    )
    for service in work.project.compose.services.values():
        is_broker = kafka.kind(service.text("image")) is not None
        if brokers and among and is_broker and service.name not in known:
            return f"broker {service.name} talks to it, and kafka.brokerList does not name that one"
    return None


def _part(work: StackWork, one: _Broker) -> Part:
    place = kafka.directory(one.kind)
    settings = kafka.server_settings(one.kind, one.variables, one.listener)
    test = one.service.healthcheck_test()
    rewrites: tuple[Rewrite, ...] = ()
    if test and kafka.asks_by_tool(test.words, one.listener.port):
        change = partial(kafka.with_client_settings, place=place)
        rewrites = (Rewrite(HEALTH_TEST, change, "configure its tool for TLS by hand"),)
    member = work.member(one.service, "broker", KAFKA, place, settings, one.listener.port)
    return Part(member, one.service, rewrites=rewrites)

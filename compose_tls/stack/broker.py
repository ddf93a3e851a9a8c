"""The message broker, Pulsar or Kafka, through which the components of a cluster pass their changes.

Source: configs/milvus.yaml of the releases for the keys and their defaults.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from compose_tls.stack.dependency import Dependency, Settings, addresses, is_true, port_of
from compose_tls.vocabulary import Encryption

# librdkafka, security.protocol: https://docs.confluent.io/platform/current/clients/librdkafka
_KAFKA_PROTOCOLS: Final[dict[str, Encryption]] = {
    "plaintext": "plain",
    "sasl_plaintext": "plain",
    "ssl": "encrypted",
    "sasl_ssl": "encrypted",
}


def messages(settings: Settings, *, cluster: bool) -> Iterator[Dependency]:
    """The broker of a Milvus with these settings, and how Milvus talks to it.

    Args:
        settings: The settings as Milvus sees them.
        cluster: Whether its components run apart: then messages need a server of their own.
    """
    kind = (settings(("mq", "type")) or "default").lower()
    pulsar, kafka = settings(("pulsar", "address")), settings(("kafka", "brokerList"))
    if kind == "default" and cluster:
        kind = "pulsar" if pulsar else "kafka"
    if kind == "pulsar" and pulsar:
        found = addresses(pulsar, port_of(settings(("pulsar", "port")), 6650))
        secure = any(address.scheme in {"pulsar+ssl", "https"} for address in found)
        yield Dependency("messages", found, "encrypted" if secure else "plain")
    if kind == "kafka" and kafka:
        protocol = (settings(("kafka", "securityProtocol")) or "").lower()
        keys = is_true(settings(("kafka", "ssl", "enabled")))
        unsaid: Encryption = "unknown" if keys else "plain"
        yield Dependency("messages", addresses(kafka, 9092), _KAFKA_PROTOCOLS.get(protocol, unsaid))

"""Kafka as a service of Compose: how its images are configured for TLS on a listener that exists.

A listener keeps its name, its port and its addresses; it is mapped to another protocol. So the start
scripts of the images, which want key stores with passphrases where a listener is called ``SSL``, do not
meddle, and every other listener stays as it is.

Sources: https://kafka.apache.org/documentation/#brokerconfigs for listeners, and KIP-651 for PEM (Kafka
2.7); the README of bitnami/kafka; docs.confluent.io and the README of apache/kafka for the variables;
https://milvus.io/docs/connect_kafka_ssl.md and pkg/mq/msgstream/mqwrapper/kafka of Milvus for its side.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from compose_tls.layout import (
    CA_CERTIFICATE,
    CERTIFICATE,
    KAFKA_CA,
    KAFKA_CERTIFICATE,
    KAFKA_CLIENT,
    KAFKA_CLIENT_SETTINGS,
    KAFKA_KEYSTORE,
    KEY,
)
from compose_tls.patterns import regex
from compose_tls.setup import Setting, VariableSetting, as_variables
from compose_tls.stack.images import is_bitnami, repository_and_tag
from compose_tls.values import dataclass
from compose_tls.vocabulary import number

Kind: TypeAlias = Literal["bitnami", "apache", "confluent"]
Variables: TypeAlias = Mapping[str, str | None]

_DIRECTORY: Final = "/tls"
_BITNAMI_DIRECTORY: Final = "/opt/bitnami/kafka/config/certs"
# The user that the images of Apache and of Confluent run as.
IMAGE_USER: Final = "1000"
_ENCRYPTED: Final = {"PLAINTEXT": "SSL", "SASL_PLAINTEXT": "SASL_SSL"}
_OF_CLIENT: Final = ("tlsCert", "tlsKey")
_STANDARD: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
# The first releases with PEM: Kafka 2.7, which Confluent calls 6.1.
_FIRST_WITH_PEM: Final[Mapping[Kind, tuple[int, int]]] = {
    "bitnami": (2, 7),
    "apache": (2, 7),
    "confluent": (6, 1),
}
_LISTENER: Final = regex(r"\s*(?P<name>[\w-]+)://(?P<host>[^:,\s]*):(?P<port>\d+)\s*")
_RELEASE: Final = regex(r"v?(\d+)\.(\d+)")
_TOOL: Final = regex(
    r"(?<![\w./-])(?:[\w./-]*/)?kafka-(?:topics|broker-api-versions|cluster|metadata-quorum|configs"
    r"|consumer-groups)(?:\.sh)?(?=\s|$)"
)


@dataclass(frozen=True, slots=True)
class BrokerListener:
    """A listener of a broker.

    Attributes:
        name: Its name.
        host: Where clients are told to connect.
        port: Where it listens.
        protocol: What it speaks.
    """

    name: str
    host: str
    port: int
    protocol: str

    @property
    def has_users(self) -> bool:
        """Whether clients log in."""
        return self.protocol.startswith("SASL")


def kind(image: str | None) -> Kind | None:
    """Which of the images whose variables are known a broker runs; ``None`` for another one."""
    name = (image or "").partition("@")[0]
    repository = repository_and_tag(image or "")[0]
    if repository == "kafka" and is_bitnami(image):
        return "bitnami"
    if re.search(r"(?:^|/)apache/kafka(?::|$)", name):
        return "apache"
    return "confluent" if repository in {"cp-kafka", "cp-server"} else None


def listener(broker: Kind, variables: Variables, port: int | None) -> BrokerListener | None:
    """The listener at a port, by the environment of a broker; ``None`` where that does not tell.

    Args:
        broker: Which image it runs.
        variables: Its environment.
        port: The port.
    """
    advertised = _listeners(_value(broker, variables, "ADVERTISED_LISTENERS"))
    listening = _listeners(_value(broker, variables, "LISTENERS")) or advertised
    name = next((name for name, (_, own) in listening.items() if own == port), None)
    if name is None or name not in advertised:
        return None
    protocols = _map(_value(broker, variables, "LISTENER_SECURITY_PROTOCOL_MAP"))
    protocol = protocols.get(name, name if name in _STANDARD else None) if protocols else name
    if protocol not in _STANDARD:
        return None
    return BrokerListener(name, advertised[name][0], listening[name][1], protocol)


def stays(
    broker: Kind, image: str | None, variables: Variables, found: BrokerListener
) -> str | None:
    """Why a broker stays as it is; ``None`` where its listener can be switched.

    Args:
        broker: Which image it runs.
        image: Its image.
        variables: Its environment.
        found: Where Milvus connects to.
    """
    release = _RELEASE.match(repository_and_tag(image or "")[1])
    if release and (number(release[1]) or 0, number(release[2]) or 0) < _FIRST_WITH_PEM[broker]:
        return "it cannot read certificates as PEM"
    if found.protocol not in _ENCRYPTED:
        return f"listener {found.name} speaks {found.protocol} already"
    if _value(broker, variables, "SECURITY_INTER_BROKER_PROTOCOL"):
        return "it has the setting security.inter.broker.protocol, which does not name a listener"
    if any("_SSL_" in name or name.startswith("KAFKA_TLS_") for name in variables):
        return "it already has TLS settings"
    return None


def speaks_among_brokers(broker: Kind, variables: Variables, found: BrokerListener) -> bool:
    """Whether the brokers talk to each other through a listener as well."""
    named = _value(broker, variables, "INTER_BROKER_LISTENER_NAME")
    return found.name == (named or "PLAINTEXT")


def directory(broker: Kind) -> str:
    """Where its files are in its container."""
    return _BITNAMI_DIRECTORY if broker == "bitnami" else _DIRECTORY


def server_settings(
    broker: Kind, variables: Variables, found: BrokerListener
) -> tuple[VariableSetting, ...]:
    """The variables with which a listener demands TLS and a client certificate.

    Args:
        broker: Which image it runs.
        variables: Its environment.
        found: The listener.
    """
    prefix = _prefix(broker)
    protocols = _map(_value(broker, variables, "LISTENER_SECURITY_PROTOCOL_MAP"))
    if not protocols:
        # As Kafka has it where nothing is said: a name is a protocol, and controllers speak plain text.
        advertised = _listeners(_value(broker, variables, "ADVERTISED_LISTENERS"))
        controllers = (_value(broker, variables, "CONTROLLER_LISTENER_NAMES") or "").split(",")
        protocols = {name: name for name in advertised}
        protocols |= {name.strip(): "PLAINTEXT" for name in controllers if name.strip()}
    protocols[found.name] = _ENCRYPTED[found.protocol]
    said = {
        f"{prefix}LISTENER_SECURITY_PROTOCOL_MAP": ",".join(
            f"{name}:{protocol}" for name, protocol in protocols.items()
        )
    }
    if speaks_among_brokers(broker, variables, found):
        said[f"{prefix}INTER_BROKER_LISTENER_NAME"] = found.name
    if broker == "bitnami":
        said |= {"KAFKA_TLS_TYPE": "PEM", "KAFKA_TLS_CLIENT_AUTH": "required"}
    else:
        place = directory(broker)
        said |= {
            "KAFKA_SSL_KEYSTORE_TYPE": "PEM",
            "KAFKA_SSL_KEYSTORE_LOCATION": posixpath.join(place, KAFKA_KEYSTORE),
            "KAFKA_SSL_TRUSTSTORE_TYPE": "PEM",
            "KAFKA_SSL_TRUSTSTORE_LOCATION": posixpath.join(place, KAFKA_CA),
            "KAFKA_SSL_CLIENT_AUTH": "required",
        }
    return as_variables(said)


def client_settings(place: str) -> bytes:
    """A file of settings for the tools of Kafka, in the container of a broker.

    Args:
        place: Where its files are there.
    """
    return (
        "security.protocol=SSL\n"
        "ssl.keystore.type=PEM\n"
        f"ssl.keystore.location={posixpath.join(place, KAFKA_KEYSTORE)}\n"
        "ssl.truststore.type=PEM\n"
        f"ssl.truststore.location={posixpath.join(place, KAFKA_CA)}\n"
    ).encode()


def asks_by_tool(words: Sequence[str], port: int) -> bool:
    """Whether a health check asks a listener with a tool of Kafka."""
    text = " ".join(words)
    return _TOOL.search(text) is not None and re.search(rf":{port}(?!\d)", text) is not None


def with_client_settings(texts: Sequence[str], *, place: str) -> list[str]:
    """A health check, as its file writes it, whose tools of Kafka speak TLS.

    Args:
        texts: The items of the test, or its one text.
        place: Where the files of the broker are in its container.
    """
    option = f"--command-config {posixpath.join(place, KAFKA_CLIENT_SETTINGS)}"
    found: list[str] = []
    for text in texts:
        if _TOOL.fullmatch(text):
            found += [text, *option.split()]
        else:
            found.append(
                _TOOL.sub(lambda match: f"{match[0]} {option}", text) if " " in text else text
            )
    return found


def certificate(broker: Kind) -> str:
    """The certificate that it is configured to present, in its container."""
    return posixpath.join(directory(broker), KAFKA_CERTIFICATE)


def milvus_settings(place: str, protocol: str) -> tuple[Setting, ...]:
    """The settings of Milvus for a broker that demands TLS and a client certificate.

    Args:
        place: Where the CA, Milvus' certificate and its key are in the container.
        protocol: What the listener spoke so far.
    """
    return (
        Setting(("kafka", "securityProtocol"), _ENCRYPTED[protocol]),
        Setting(("kafka", "ssl", "enabled"), "true"),
        Setting(("kafka", "ssl", "tlsCert"), posixpath.join(place, f"{KAFKA_CLIENT}{CERTIFICATE}")),
        Setting(("kafka", "ssl", "tlsKey"), posixpath.join(place, f"{KAFKA_CLIENT}{KEY}")),
        # Spelled so, other than that of etcd: configs/milvus.yaml of Milvus.
        Setting(("kafka", "ssl", "tlsCaCert"), posixpath.join(place, CA_CERTIFICATE)),
    )


def by_hand(place: str) -> str:
    """The lines of Milvus' environment for a broker whose listener with TLS is set up elsewhere.

    Args:
        place: Where Milvus is to see the CA of that broker, in its container.
    """
    told = milvus_settings(place, "PLAINTEXT")
    lines = [f"{one.variable}={one.value}" for one in told if one.route[-1] not in _OF_CLIENT]
    return f"{', '.join(lines)} (and {', '.join(_OF_CLIENT)} if it requires a client certificate)"


def _prefix(broker: Kind) -> str:
    return "KAFKA_CFG_" if broker == "bitnami" else "KAFKA_"


def _value(broker: Kind, variables: Variables, name: str) -> str | None:
    return variables.get(f"{_prefix(broker)}{name}")


def _listeners(text: str | None) -> dict[str, tuple[str, int]]:
    found = [_LISTENER.fullmatch(part) for part in (text or "").split(",")]
    return {one["name"]: (one["host"], number(one["port"]) or 0) for one in found if one}


def _map(text: str | None) -> dict[str, str]:
    pairs = (part.strip().partition(":") for part in (text or "").split(",") if part.strip())
    return {name: protocol for name, _, protocol in pairs}

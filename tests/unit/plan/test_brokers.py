"""Kafka and Milvus with it: switched where image and listeners are known, named as plain where not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from compose_tls.changes import CreateFile, PatchFile
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.stack import kafka
from tests.unit.builders import COMPOSE_FILE, DIRECTORY, enable, milvus_yaml, observation
from tests.unit.plan.test_scope import STANDALONE, services, told

LISTENERS = {
    "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093,OUTSIDE://:9094",
    "ADVERTISED_LISTENERS": "PLAINTEXT://broker.internal:9092,OUTSIDE://localhost:9094",
    "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT",
}


def project(
    image: str = "apache/kafka:3.8.0",
    prefix: str = "KAFKA_",
    version: str = "v2.5.5",
    brokers: str = "kafka:9092",
    more: str = "",
    **variables: str,
) -> str:
    lines = "".join(
        f"      {prefix}{name}: {value}\n" for name, value in {**LISTENERS, **variables}.items()
    )
    broker = f"  kafka:\n    image: {image}\n{more}    environment:\n{lines}"
    address = "MINIO_ADDRESS: minio:9000"
    said = f"{address}\n      MQ_TYPE: kafka\n      KAFKA_BROKERLIST: {brokers}"
    return STANDALONE.replace("v2.5.5", version).replace(address, said) + broker


def plain(planned: ServicePlan) -> list[str]:
    found = [one.message for one in planned.plan.warnings if one.code == "stays-plain"]
    return [text for text in found if "messages go to" in text]


def test_a_listener_keeps_its_name_and_speaks_tls_and_no_other_does() -> None:
    planned = enable(observation(project()), scope="all")
    broker = services(planned)["kafka"]

    assert not plain(planned)
    said = told(broker)
    assert said["KAFKA_LISTENERS"] == LISTENERS["LISTENERS"]
    assert said["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"] == (
        "CONTROLLER:PLAINTEXT,PLAINTEXT:SSL,OUTSIDE:PLAINTEXT"
    )
    assert said["KAFKA_INTER_BROKER_LISTENER_NAME"] == "PLAINTEXT"
    assert said["KAFKA_SSL_KEYSTORE_LOCATION"] == "/tls/keystore.pem"
    assert said["KAFKA_SSL_CLIENT_AUTH"] == "required"
    assert broker["volumes"] == ["./tls/kafka:/tls"]


def test_milvus_shows_a_certificate_to_the_broker_and_verifies_it() -> None:
    standalone = services(enable(observation(project()), scope="all"))["standalone"]

    said = told(standalone)
    assert {name: value for name, value in said.items() if name.startswith("KAFKA_S")} == {
        "KAFKA_SECURITYPROTOCOL": "SSL",
        "KAFKA_SSL_ENABLED": "true",
        "KAFKA_SSL_TLSCERT": "/milvus/tls-stack/kafka-client.pem",
        "KAFKA_SSL_TLSKEY": "/milvus/tls-stack/kafka-client.key",
        "KAFKA_SSL_TLSCACERT": "/milvus/tls-stack/ca.pem",
    }


def test_the_certificate_holds_the_name_that_the_broker_tells_its_clients() -> None:
    planned = enable(observation(project()), scope="all")

    (one,) = (one for one in planned.identities.identities if one.identity.name == "kafka")
    assert {"kafka", "broker.internal"} <= set(one.identity.dns_names)


def test_bitnami_has_variables_and_a_directory_of_its_own() -> None:
    planned = enable(observation(project("bitnami/kafka:3.6", "KAFKA_CFG_")), scope="all")
    broker = services(planned)["kafka"]

    assert not plain(planned)
    said = told(broker)
    assert said["KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")[1] == "PLAINTEXT:SSL"
    assert said["KAFKA_TLS_TYPE"] == "PEM"
    assert said["KAFKA_TLS_CLIENT_AUTH"] == "required"
    assert broker["volumes"] == ["./tls/kafka:/opt/bitnami/kafka/config/certs"]


def test_users_of_the_broker_go_on_logging_in() -> None:
    text = project(
        LISTENERS="SASL_PLAINTEXT://:9092",
        ADVERTISED_LISTENERS="SASL_PLAINTEXT://kafka:9092",
        LISTENER_SECURITY_PROTOCOL_MAP="SASL_PLAINTEXT:SASL_PLAINTEXT",
        INTER_BROKER_LISTENER_NAME="SASL_PLAINTEXT",
    )
    found = services(enable(observation(text), scope="all"))

    assert told(found["kafka"])["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"] == "SASL_PLAINTEXT:SASL_SSL"
    assert told(found["standalone"])["KAFKA_SECURITYPROTOCOL"] == "SASL_SSL"


def test_its_own_tool_asks_over_tls_in_its_health_check() -> None:
    test = '    healthcheck:\n      test: ["CMD", "kafka-topics", "--bootstrap-server", "kafka:9092"]\n'
    planned = enable(observation(project(more=test)), scope="all")

    assert services(planned)["kafka"]["healthcheck"]["test"] == [
        "CMD",
        "kafka-topics",
        "--command-config",
        "/tls/client.properties",
        "--bootstrap-server",
        "kafka:9092",
    ]
    path = DIRECTORY / "tls/kafka/client.properties"
    (made,) = (one for one in planned.plan.changes if one.path == path)
    assert isinstance(made, CreateFile)
    assert made.content == kafka.client_settings("/tls")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (
            {"image": "wurstmeister/kafka"},
            "compose-tls does not know the TLS settings of this broker",
        ),
        ({"version": "v2.3.5"}, "Milvus 2.3.5 has no setting for it, 2.3.11 has"),
        ({"image": "apache/kafka:2.6.0"}, "it cannot read certificates as PEM"),
        ({"brokers": "kafka:9099"}, "its variables do not name the listener at port 9099"),
        ({"brokers": "kafka.example.com:9092"}, "it is not a service of this project"),
        ({"SSL_KEYSTORE_TYPE": "JKS"}, "it already has TLS settings"),
        ({"SECURITY_INTER_BROKER_PROTOCOL": "PLAINTEXT"}, "security.inter.broker.protocol"),
        ({"more": "    command: start-it\n"}, "it is started by a command of its own"),
    ],
)
def test_what_is_not_known_stays_plain_on_both_sides(settings: Any, why: str) -> None:
    planned = enable(observation(project(**settings)), scope="all")

    (text,) = plain(planned)
    assert why in text
    assert "KAFKA_SSL_ENABLED" not in told(services(planned)["standalone"])
    assert "volumes" not in services(planned)["kafka"]


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        (
            {"image": "redpandadata/redpanda"},
            "KAFKA_SECURITYPROTOCOL=SSL, KAFKA_SSL_ENABLED=true, KAFKA_SSL_TLSCACERT=/DIRECTORY/ca.pem",
        ),
        ({"version": "v2.3.5"}, "use Milvus 2.3.11 or newer"),
        ({"image": "apachepulsar/pulsar:2.8.2"}, "keep its ports inside the project"),
    ],
)
def test_what_to_write_for_a_broker_that_stays_as_it_is_is_told(settings: Any, hint: str) -> None:
    planned = enable(observation(project(**settings)), scope="all")
    hints = [one.hint or "" for one in planned.plan.warnings if "messages go to" in one.message]

    assert [hint in told_ for told_ in hints] == [True]


def test_a_milvus_yaml_gets_the_key_as_its_reference_spells_it() -> None:
    files = {
        COMPOSE_FILE: project(more="").replace(
            '      - "19530:19530"\n',
            '      - "19530:19530"\n    volumes: ["./m.yaml:/milvus/configs/milvus.yaml"]\n',
        ),
        "m.yaml": milvus_yaml(
            "kafka:\n  brokerList: kafka:9092\n  ssl:\n    tlsCaCert: /old.pem\n"
        ),
    }
    planned = enable(observation(files), scope="all")
    changes = [one for one in planned.plan.changes if isinstance(one, PatchFile)]
    (new,) = (one.new for one in changes if one.path.name == "m.yaml")

    said = yaml.safe_load(new)["kafka"]["ssl"]
    assert said["tlsCaCert"] == "/milvus/tls-stack/ca.pem"
    assert "tlsCACert" not in said


def test_brokers_that_milvus_does_not_name_keep_all_of_them_plain() -> None:
    text = project() + "  other:\n    image: apache/kafka:3.8.0\n"
    (why,) = plain(enable(observation(text), scope="all"))

    assert "broker other talks to it" in why

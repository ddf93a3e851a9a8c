"""What Milvus connects to and listens on, by its settings."""

import pytest

from compose_tls.stack.dependency import Address, Dependency, Settings, addresses
from compose_tls.stack.milvus.connections import (
    ListeningPort,
    client_tls,
    dependencies,
    internal_tls,
    listeners,
    open_metrics_interface,
)
from compose_tls.stack.milvus.milvus_version import NEWEST, MilvusVersion

ETCD = Dependency("metadata", (Address("etcd", 2379),), "plain")


def told(**values: str) -> Settings:
    """Settings by their names, with ``__`` for the dots."""
    return lambda route: values.get("__".join(route))


def found(settings: Settings, purpose: str, *, cluster: bool = False) -> list[Dependency]:
    return [one for one in dependencies(settings, cluster=cluster) if one.purpose == purpose]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("etcd:2379", [Address("etcd", 2379)]),
        ("etcd", [Address("etcd", 7)]),
        ("a:1, b:2,", [Address("a", 1), Address("b", 2)]),
        ("https://s3.example.com/", [Address("s3.example.com", 7, "https")]),
        ("http://user:secret@milvus:19530/db", [Address("milvus", 19530, "http")]),
        ("[::1]:2379", [Address("::1", 2379)]),
        ("a path/with blanks", []),
        ("", []),
    ],
)
def test_addresses_are_read_without_credentials(text: str, expected: list[Address]) -> None:
    assert list(addresses(text, 7)) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (told(etcd__endpoints="etcd:2379"), [ETCD]),
        (
            told(etcd__endpoints="etcd:2379", etcd__ssl__enabled="True"),
            [Dependency("metadata", ETCD.addresses, "encrypted")],
        ),
        (
            told(etcd__endpoints="https://etcd:2379"),
            [Dependency("metadata", (Address("etcd", 2379, "https"),), "unknown")],
        ),
        (told(etcd__use__embed="true"), []),
        (
            told(etcd__endpoints="etcd", metastore__type="tikv", tikv__ssl__enabled="1"),
            [ETCD, Dependency("metadata", (Address("127.0.0.1", 2389),), "encrypted")],
        ),
    ],
)
def test_where_metadata_goes(settings: Settings, expected: list[Dependency]) -> None:
    assert found(settings, "metadata") == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (told(minio__address="minio:9000"), [(Address("minio", 9000), "plain")]),
        (
            told(minio__address="s3", minio__port="443", minio__useSSL="true"),
            [(Address("s3", 443), "encrypted")],
        ),
        (told(common__storageType="local"), []),
        (told(), [(Address("localhost", 9000), "plain")]),
    ],
)
def test_where_data_goes(settings: Settings, expected: list[object]) -> None:
    stores = found(settings, "object store")
    assert [(one.addresses[0], one.encryption) for one in stores] == expected


@pytest.mark.parametrize(
    ("settings", "cluster", "expected"),
    [
        (told(pulsar__address="pulsar://pulsar:6650"), True, ["plain"]),
        (told(pulsar__address="pulsar+ssl://pulsar:6651"), True, ["encrypted"]),
        (told(pulsar__address="pulsar"), False, []),
        (told(pulsar__address="pulsar", mq__type="pulsar"), False, ["plain"]),
        (told(pulsar__address="pulsar", mq__type="woodpecker"), True, []),
        (told(kafka__brokerList="a:1,b:1"), True, ["plain"]),
        (told(kafka__brokerList="a:1", kafka__securityProtocol="SASL_SSL"), True, ["encrypted"]),
        (told(kafka__brokerList="a:1", kafka__securityProtocol="PLAINTEXT"), True, ["plain"]),
        (told(kafka__brokerList="a:1", kafka__ssl__enabled="true"), True, ["unknown"]),
        (told(), True, []),
    ],
)
def test_where_messages_go(settings: Settings, cluster: bool, expected: list[str]) -> None:
    assert [one.encryption for one in found(settings, "messages", cluster=cluster)] == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("0", "plain"),
        ("1", "encrypted"),
        ("2", "encrypted"),
        (" 2 ", "encrypted"),
        ("3", "plain"),
        ("two", "plain"),
        ("true", "plain"),
        ("", "plain"),
    ],
)
def test_a_mode_that_milvus_does_not_know_fails_open(mode: str, expected: str) -> None:
    assert client_tls(told(common__security__tlsMode=mode)) == expected
    assert client_tls(told()) == "plain"


METRICS = ListeningPort("metrics and health", 9091, "plain", for_clients=False)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (told(), [ListeningPort("gRPC and REST", 19530, "plain"), METRICS]),
        (told(proxy__http__enabled="false"), [ListeningPort("gRPC", 19530, "plain"), METRICS]),
        (
            told(proxy__port="1953", proxy__http__port="8080"),
            [ListeningPort("gRPC", 1953, "plain"), ListeningPort("REST", 8080, "plain"), METRICS],
        ),
        (
            told(common__security__tlsMode="1", proxy__http__port="8080"),
            [
                ListeningPort("gRPC", 19530, "encrypted"),
                ListeningPort("REST", 8080, "encrypted"),
                METRICS,
            ],
        ),
        # REST on the port of gRPC does not get through TLS.
        (told(common__security__tlsMode="2"), [ListeningPort("gRPC", 19530, "encrypted"), METRICS]),
    ],
)
def test_what_milvus_listens_on(settings: Settings, expected: list[ListeningPort]) -> None:
    assert list(listeners(settings, None)) == expected


def test_the_metrics_port_is_plain_in_every_mode_wherever_it_is() -> None:
    for mode in ("0", "1", "2"):
        *_, metrics = listeners(told(common__security__tlsMode=mode), "9999")
        assert (metrics.port, metrics.encryption) == (9999, "plain")


@pytest.mark.parametrize(
    ("version", "is_open"),
    [
        ((2, 3, 5), True),
        ((2, 5, 26), True),
        ((2, 5, 27), False),
        ((2, 6, 0), True),
        ((2, 6, 9), True),
        ((2, 6, 10), False),
        ((3, 0, 0), False),
    ],
)
def test_the_metrics_port_asks_for_credentials_since_two_releases(
    version: tuple[int, int, int], is_open: bool
) -> None:
    assert open_metrics_interface(told(), MilvusVersion(*version)) == is_open
    assert not open_metrics_interface(told(proxy__http__enabled="false"), MilvusVersion(*version))


@pytest.mark.parametrize(
    ("value", "version", "expected"),
    [
        ("true", NEWEST, "encrypted"),
        ("true", MilvusVersion(2, 4), "plain"),
        ("false", NEWEST, "plain"),
    ],
)
def test_components_encrypt_since_2_5(value: str, version: MilvusVersion, expected: str) -> None:
    settings = told(common__security__internaltlsEnabled=value)
    assert internal_tls(settings, version) == expected

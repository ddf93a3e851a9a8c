"""The map of a project: who connects to whom, encrypted or not, and who else gets there."""

from collections.abc import Mapping
from typing import Any

import pytest

from compose_tls.plan.links import LinkMap, link_map
from compose_tls.results import Link
from tests.unit.builders import COMPOSE_FILE, DIRECTORY, enabled, milvus_yaml, observation, opened

OFFICIAL = """\
services:
  etcd: {image: 'quay.io/coreos/etcd:v3.5.5', container_name: milvus-etcd}
  minio: {image: minio/minio, ports: ['9001:9001', '127.0.0.1:9000:9000']}
  milvus:
    image: milvusdb/milvus:v2.5.5
    environment: {ETCD_ENDPOINTS: 'milvus-etcd:2379', MINIO_ADDRESS: 'minio:9000'}
    ports: ['19530:19530', '9091:9091']
"""


def mapped(files: str | Mapping[str, str | bytes], *named: str, **more: Any) -> LinkMap:
    return link_map(opened(observation(files, **more), service=named))


def standalone(lines: str = "", others: str = "", image: str = "milvusdb/milvus:v2.6.18") -> str:
    """A Milvus that needs nobody, and other services."""
    return (
        f"services:\n  milvus:\n    image: {image}\n{lines}"
        "    environment: {ETCD_USE_EMBED: 'true', COMMON_STORAGETYPE: local}\n"
        f"{others}"
    )


def between(found: LinkMap, source: str, target: str) -> Link:
    [link] = [one for one in found.links if source in one.sources and target in one.targets]
    return link


def test_the_official_project_is_plain_and_each_port_says_who_reaches_it() -> None:
    found = [
        (one.sources, one.targets, one.purpose, one.port, one.encryption, one.published)
        for one in mapped(OFFICIAL).links
    ]
    milvus = ("milvus",)
    assert found == [
        (("clients",), milvus, "gRPC and REST", 19530, "plain", "everyone"),
        (("monitoring",), milvus, "metrics and health", 9091, "plain", "everyone"),
        (milvus, ("etcd",), "metadata", 2379, "plain", "nobody"),
        (milvus, ("minio",), "object store", 9000, "plain", "loopback"),
    ]


@pytest.mark.parametrize("config", ["file", "env"])
@pytest.mark.parametrize("mode", [1, 2])
def test_after_enable_clients_are_encrypted_and_the_rest_is_as_before(
    config: str, mode: int
) -> None:
    files = {COMPOSE_FILE: OFFICIAL, "milvus.yaml": milvus_yaml()}
    before = mapped(files)
    seen = enabled(observation(files), mode=mode, config=config)
    texts = {
        path.relative_to(DIRECTORY).as_posix(): facts.content
        for path, facts in seen.files.items()
        if facts and facts.content is not None
    }
    after = mapped({name: content for name, content in texts.items() if content})

    clients = after.links[0]
    assert (clients.purpose, clients.encryption) == ("gRPC", "encrypted")
    assert after.links[2:] == before.links[2:]
    assert before.warnings
    assert not after.warnings


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ("[]", "nobody"),
        ("['19530']", "everyone"),
        ("['1:19530']", "everyone"),
        ("['0.0.0.0:1:19530']", "everyone"),
        ("['[::]:1:19530']", "everyone"),
        ("['127.0.0.1:1:19530']", "loopback"),
        ("['127.1.2.3:1:19530']", "loopback"),
        ("['[::1]:1:19530']", "loopback"),
        ("['192.0.2.1:1:19530']", "address"),
        ("[{target: 19530, published: 1, host_ip: a-name}]", "address"),
        ("['127.0.0.1:1:19530', '192.0.2.1:1:19530']", "address"),
        ("['127.0.0.1:1:19530', '2:19530']", "everyone"),
        ("['19530:1']", "nobody"),
    ],
)
def test_who_reaches_a_port(ports: str, expected: str) -> None:
    found = mapped(standalone(f"    ports: {ports}\n"))
    assert between(found, "clients", "milvus").published == expected


def test_the_hosts_network_is_everybodys() -> None:
    found = mapped(standalone("    network_mode: host\n", image="milvusdb/milvus:v2.6.1"))
    assert {link.published for link in found.links} == {"everyone"}
    assert "firewall" in (between(found, "monitoring", "milvus").note or "")


def test_the_network_of_another_service_is_published_there() -> None:
    text = standalone("    network_mode: service:front\n", "  front: {ports: ['19530:19530']}\n")
    assert between(mapped(text), "clients", "milvus").published == "everyone"
    alone = standalone("    network_mode: service:milvus\n")
    assert between(mapped(alone), "clients", "milvus").published == "nobody"


@pytest.mark.parametrize(
    ("version", "warned"), [("v2.5.26", True), ("v2.5.27", False), ("v2.6.18", False)]
)
def test_a_metrics_port_without_credentials_is_warned_of_with_the_line_and_the_binding(
    version: str, warned: bool
) -> None:
    found = mapped(standalone("    ports: ['9092:9091']\n", image=f"milvusdb/milvus:{version}"))
    note = between(found, "monitoring", "milvus").note or ""
    assert '"127.0.0.1:9092:9091"' in note
    assert ("without credentials" in note) == warned
    assert [w.code for w in found.warnings] == (["metrics-port-open"] if warned else [])
    for warning in found.warnings:
        assert (warning.path, warning.line) == (COMPOSE_FILE, 4)
        assert '"127.0.0.1:9092:9091"' in (warning.hint or "")


@pytest.mark.parametrize(
    ("ports", "environment", "warned"),
    [
        ("['19529:19529']", "", "19529"),
        ("['19500:19500']", "PROXY_INTERNALPORT: '19500'", "19500"),
        ("['127.0.0.1:19529:19529']", "", None),
        ("['19530:19530']", "", None),
    ],
)
def test_internal_ports_that_are_published_are_named(
    ports: str, environment: str, warned: str | None
) -> None:
    variables = f"ETCD_USE_EMBED: 'true', COMMON_STORAGETYPE: local, {environment}"
    text = (
        "services:\n  milvus:\n    image: milvusdb/milvus:v2.6.18\n"
        f"    ports: {ports}\n    environment: {{{variables}}}\n"
    )
    found = [one for one in mapped(text).warnings if one.code == "internal-port-open"]
    assert len(found) == bool(warned)
    for warning in found:
        assert f"port {warned} of milvus" in warning.message
        assert warning.line == 4
        assert f"127.0.0.1:{warned}:{warned}" in (warning.hint or "")


def test_a_metrics_port_that_nobody_reaches_needs_no_advice() -> None:
    found = mapped(
        standalone("    ports: ['127.0.0.1:9091:9091']\n", image="milvusdb/milvus:v2.3.5")
    )
    assert between(found, "monitoring", "milvus").note is None
    assert not found.warnings


class TestOtherServices:
    def link(self, environment: str, *, tls: bool, image: str = "app") -> Link:
        text = (
            "services:\n  milvus:\n    image: milvusdb/milvus:v2.6.18\n    ports: ['1953:19530']\n"
            f"    environment: {{COMMON_SECURITY_TLSMODE: {1 if tls else 0}}}\n"
            f"  app: {{image: {image}, environment: {{{environment}}}}}\n"
        )
        return between(mapped(text), "app", "milvus")

    @pytest.mark.parametrize(
        ("environment", "expected", "note"),
        [
            ("U: 'https://milvus:19530'", "encrypted", None),
            ("U: 'http://milvus:19530'", "plain", "switch app to TLS (it reads U)"),
            ("MILVUS_HOST: milvus", "unknown", "MILVUS_HOST does not say"),
            ("U: 'https://host.docker.internal:1953'", "encrypted", None),
        ],
    )
    def test_of_a_milvus_with_tls(self, environment: str, expected: str, note: str | None) -> None:
        link = self.link(environment, tls=True)
        assert (link.encryption, link.port) == (expected, 19530)
        assert (note in (link.note or "")) if note else (link.note is None)

    @pytest.mark.parametrize(
        ("environment", "note"),
        [
            ("U: 'https://milvus:19530'", "app uses TLS"),
            ("U: 'http://milvus:19530'", None),
            ("MILVUS_HOST: milvus", None),
        ],
    )
    def test_of_a_milvus_in_plain_text(self, environment: str, note: str | None) -> None:
        link = self.link(environment, tls=False)
        assert link.encryption == "plain"
        assert (note in (link.note or "")) if note else (link.note is None)

    def test_attu_says_nothing_and_speaks_plain_text(self) -> None:
        link = self.link("MILVUS_URL: 'milvus:19530'", tls=True, image="zilliz/attu:v2.4")
        assert link.encryption == "plain"

    def test_who_names_no_milvus_is_not_on_the_map(self) -> None:
        others = "  app: {image: app, environment: {H: 'host.docker.internal:1'}}\n"
        assert not [one for one in mapped(standalone("", others)).links if "app" in one.sources]


CLUSTER = """\
x-milvus: &milvus
  image: milvusdb/milvus:v2.5.5
  environment: &environment {ETCD_ENDPOINTS: 'etcd:2379,etcd2:2379', PULSAR_ADDRESS: 'pulsar://pulsar:6650',
    MINIO_ADDRESS: s3.example.com, MINIO_PORT: 443, MINIO_USE_SSL: 'true'}
services:
  etcd: {image: etcd}
  pulsar: {image: pulsar, ports: ['6650:6650']}
  proxy: {<<: *milvus, command: milvus run proxy}
  datanode: {<<: *milvus, command: [milvus, run, datanode]%s}
"""


class TestCluster:
    def test_components_are_one_party_and_their_own_link(self) -> None:
        found = mapped(CLUSTER % "")
        both = ("proxy", "datanode")
        assert [
            (one.sources, one.targets, one.encryption, one.published) for one in found.links
        ] == [
            (("clients",), ("proxy",), "plain", "nobody"),
            (("monitoring",), ("proxy",), "plain", "nobody"),
            (both, ("etcd",), "plain", "nobody"),
            (both, ("etcd2",), "plain", None),
            (both, ("s3.example.com",), "encrypted", None),
            (both, ("pulsar",), "plain", "everyone"),
            (both, both, "plain", None),
        ]

    def test_components_that_differ_are_not_known(self) -> None:
        more = ", environment: {COMMON_SECURITY_INTERNALTLSENABLED: 'true'}"
        assert mapped(CLUSTER % more).links[-1].encryption == "unknown"

    def test_internal_tls_is_seen(self) -> None:
        text = (CLUSTER % "").replace(
            "MINIO_PORT: 443", "MINIO_PORT: 443, COMMON_SECURITY_INTERNALTLSENABLED: 'true'"
        )
        assert mapped(text).links[-1].encryption == "encrypted"


class TestWhatIsNotKnown:
    @pytest.mark.parametrize(
        "mount",
        [
            "config:/milvus/configs",
            "config:/milvus/configs/milvus.yaml",
            "./gone.yaml:/milvus/configs/milvus.yaml",
        ],
    )
    def test_a_configuration_that_cannot_be_read_leaves_it_open(self, mount: str) -> None:
        found = mapped(standalone(f"    volumes: ['{mount}']\n"))
        assert between(found, "clients", "milvus").encryption == "unknown"
        assert between(found, "monitoring", "milvus").encryption == "plain"

    def test_a_broken_configuration_does_so_too(self) -> None:
        files: dict[str, str | bytes] = {
            COMPOSE_FILE: standalone("    volumes: ['./m.yaml:/milvus/configs/milvus.yaml']\n"),
            "m.yaml": "a: [",
        }
        assert between(mapped(files), "clients", "milvus").encryption == "unknown"

    def test_an_image_of_ones_own_does_so_too(self) -> None:
        text = "services: {milvus: {build: ., command: milvus run standalone}}"
        assert between(mapped(text), "clients", "milvus").encryption == "unknown"

    def test_what_a_variable_says_is_known_all_the_same(self) -> None:
        text = (
            "services: {milvus: {build: ., command: milvus run standalone,"
            " environment: {COMMON_SECURITY_TLSMODE: 2}}}"
        )
        assert between(mapped(text), "clients", "milvus").encryption == "encrypted"

    def test_a_named_service_is_milvus_whatever_it_looks_like(self) -> None:
        text = "services: {db: {image: my/db}}"
        assert not mapped(text).links
        assert between(mapped(text, "db"), "clients", "db").encryption == "plain"


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"milvus.yaml": "1"}, "encrypted"),
        ({"milvus.yaml": "1", "user.yaml": "0"}, "plain"),
        ({"milvus.yaml": "0", "default.yaml": "1"}, "encrypted"),
        ({"default.yaml": "1", "user.yaml": "0"}, "plain"),
    ],
)
def test_the_file_that_milvus_reads_last_wins(order: dict[str, str], expected: str) -> None:
    files: dict[str, str | bytes] = {
        f"conf/{name}": f"common: {{security: {{tlsMode: {mode}}}}}" for name, mode in order.items()
    }
    files[COMPOSE_FILE] = standalone("    volumes: ['./conf:/milvus/configs']\n")
    assert between(mapped(files), "clients", "milvus").encryption == expected


def test_on_the_hosts_network_localhost_is_whoever_publishes_there() -> None:
    text = (
        "services:\n  etcd: {ports: ['127.0.0.1:2379:2379']}\n  milvus:\n"
        "    image: milvusdb/milvus:v2.6.18\n    network_mode: host\n"
        "    environment: {ETCD_ENDPOINTS: 'localhost:2379', MINIO_ADDRESS: 'localhost:9000'}\n"
    )
    found = mapped(text)
    assert between(found, "milvus", "etcd").published == "loopback"
    assert between(found, "milvus", "localhost").published is None


@pytest.mark.parametrize("host", ["milvus", "localhost", "127.0.0.1"])
def test_what_stays_in_the_container_is_no_link(host: str) -> None:
    text = (
        "services:\n  milvus:\n    image: milvusdb/milvus:v2.6.18\n"
        f"    environment: {{ETCD_ENDPOINTS: '{host}:2379', COMMON_STORAGETYPE: local}}\n"
    )
    assert {link.sources for link in mapped(text).links} == {("clients",), ("monitoring",)}


@pytest.mark.parametrize("mode", [0, 1])
def test_what_hands_on_the_bytes_is_as_encrypted_as_milvus_is(mode: int) -> None:
    gate = "  gate: {image: nginx, volumes: ['./nginx.conf:/etc/nginx/nginx.conf:ro']}\n"
    stream = "stream { server { listen 443; proxy_pass milvus:19530; } }\n"
    text = standalone(others=gate).replace("{ETCD", f"{{COMMON_SECURITY_TLSMODE: '{mode}', ETCD")
    link = between(mapped({COMPOSE_FILE: text, "nginx.conf": stream}), "gate", "milvus")

    assert link.encryption == ("encrypted" if mode else "plain")
    note = "passes the TLS of its clients through: the certificate has to include the name of gate"
    assert link.note == (note if mode else None)


@pytest.mark.parametrize(("scheme", "how"), [("http", "plain"), ("https", "encrypted")])
def test_the_members_of_an_etcd_cluster_are_a_link_of_their_own(scheme: str, how: str) -> None:
    cluster = f"etcd1={scheme}://etcd1:2380,etcd2={scheme}://etcd2:2380"
    others = (
        "  etcd1: {image: 'quay.io/coreos/etcd:v3.5.18', environment: {ETCD_INITIAL_CLUSTER: '%s'}}\n"
        "  etcd2: {image: 'quay.io/coreos/etcd:v3.5.18', command: 'etcd --initial-cluster %s'}\n"
        "  lonely: {image: 'quay.io/coreos/etcd:v3.5.18', command: 'etcd --initial-cluster x=http://x'}\n"
    )
    link = between(mapped(standalone(others=others % (cluster, cluster))), "etcd1", "etcd2")
    assert (link.targets, link.encryption) == (("etcd1", "etcd2"), how)
    assert link.purpose == "members of etcd among each other"

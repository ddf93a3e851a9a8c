import pytest

from compose_tls.config import TlsConfig
from compose_tls.project.endpoints import endpoint, found_names
from compose_tls.results import Endpoint
from tests.unit.builders import enable, milvus, milvus_yaml, observation, orders, project, service


def fields(text: str) -> str:
    return f"services: {{milvus: {{image: 'milvusdb/milvus:v2.6.9', {text}}}}}"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("ports: ['19530:19530']", "https://localhost:19530"),
        ("ports: ['9091:9091', '19540:19530']", "https://localhost:19540"),
        ("ports: ['127.0.0.1:19530:19530']", "https://localhost:19530"),
        ("ports: ['0.0.0.0:19530:19530']", "https://localhost:19530"),
        ("ports: ['[::]:19530:19530']", "https://localhost:19530"),
        ("ports: ['192.0.2.1:19530:19530']", "https://192.0.2.1:19530"),
        ("ports: ['[2001:db8::1]:19530:19530']", "https://[2001:db8::1]:19530"),
        ("ports: [{target: 19530, published: 1}]", "https://localhost:1"),
        ("network_mode: host", "https://localhost:19530"),
        ("ports: ['19530']", None),
        ("ports: ['9091:9091']", None),
        ("user: root", None),
    ],
)
def test_the_endpoint_is_where_the_port_is_published(text: str, uri: str | None) -> None:
    found = endpoint(service(fields(text)), "db.example", 19530)

    assert (found and found.uri) == uri
    assert found is None or found.server_name == "db.example"


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("user: root", 19530),
        ("environment: {PROXY_PORT: 1}", 1),
        ("environment: ['proxy.port=2', 'X=3']", 2),
        ("environment: {PROXY_PORT: 1, MILVUS_CONF_PROXY_PORT: 4}", 4),
        ("environment: {PROXY_PORT: ''}", 19530),
        ("environment: {PROXY_PORT: none}", 19530),
        ("env_file: p.env", 5),
        ("env_file: p.env, environment: {PROXY_PORT: 1}", 1),
        ("volumes: ['./m.yaml:/milvus/configs/milvus.yaml']", 6),
        (
            "volumes: ['./m.yaml:/milvus/configs/milvus.yaml', './u.yaml:/milvus/configs/user.yaml']",
            7,
        ),
        ("volumes: ['./u.yaml:/milvus/configs/user.yaml']", 7),
        (
            "volumes: ['./m.yaml:/milvus/configs/milvus.yaml', './e.yaml:/milvus/configs/user.yaml']",
            6,
        ),
        ("volumes: ['./m.yaml:/milvus/configs/milvus.yaml'], environment: {PROXY_PORT: 1}", 1),
    ],
)
def test_the_port_of_the_proxy_is_found_where_milvus_finds_it(text: str, port: int) -> None:
    files = {
        "docker-compose.yml": fields(text),
        "p.env": "PROXY_PORT=5\n",
        "m.yaml": milvus_yaml(port=6),
        "u.yaml": "proxy: {port: 7}\n",
        "e.yaml": "proxy: {http: {}}\n",
    }
    assert milvus(files).configuration.proxy_port == port


def test_every_name_that_leads_to_the_service_is_found() -> None:
    text = fields(
        "container_name: '${P:-x}-milvus', hostname: host, ports: ['192.0.2.1:19530:19530'],"
        " networks: {default: {aliases: [one, two]}}"
    )

    assert found_names([(service(text), 19530)], {}) == [
        "localhost",
        "127.0.0.1",
        "::1",
        "host.docker.internal",
        "milvus",
        "x-milvus",
        "host",
        "one",
        "two",
        "192.0.2.1",
    ]


PROJECT = """\
services:
  vpn:
    image: vpn
    ports: ['19530:19530']
    networks: {back: {ipv4_address: 10.5.0.7, ipv6_address: 'fd00::7', aliases: [inside]}}
    hostname: box
    domainname: example.test
  milvus: {image: 'milvusdb/milvus:v2.5.5', network_mode: 'service:vpn'}
  app:
    image: app
    links: ['vpn:store', 'other:no']
    extra_hosts: ['vectors.test:10.5.0.7', 'gate.test=host-gateway', 'else.test:10.5.0.8']
"""


def test_names_that_other_services_have_for_it_are_found() -> None:
    services = project(PROJECT).services
    names = found_names([(services["milvus"], 19530)], services)

    assert names[4:] == [
        "milvus",
        "vpn",
        "box",
        "box.example.test",
        "inside",
        "10.5.0.7",
        "fd00::7",
        "store",
        "vectors.test",
        "gate.test",
    ]


def test_the_port_is_that_of_the_service_whose_network_it_shares() -> None:
    planned = enable(observation(PROJECT))

    assert planned.endpoint == Endpoint(uri="https://localhost:19530", server_name="localhost")
    [server] = [order for order in orders(planned.identities) if order.name == "server"]
    assert {"store", "vectors.test", "box.example.test"} <= set(server.dns_names)
    assert {"10.5.0.7", "fd00::7"} <= set(server.ip_addresses)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_an_address_that_is_everywhere_the_same_is_no_name(address: str) -> None:
    names = found_names([(service(fields(f"ports: ['{address}:19530:19530']")), 19530)], {})

    assert names[-1] == "milvus"


def test_names_that_the_user_wants_come_from_the_settings() -> None:
    assert TlsConfig(server_name="a", san=("b", "10.0.0.1")).names == ("a", "b", "10.0.0.1")

import pytest

from compose_tls.compose.ports import PublishedPort, parse_short, widest_addresses
from tests.unit.builders import service


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("19530", [(19530, None, None)]),
        ("19530:19530", [(19530, 19530, None)]),
        ("19531:19530", [(19530, 19531, None)]),
        ("127.0.0.1:19530:19530", [(19530, 19530, "127.0.0.1")]),
        ("127.0.0.1::19530", [(19530, None, "127.0.0.1")]),
        ("[::1]:19530:19530", [(19530, 19530, "::1")]),
        ("19530:19530/tcp", [(19530, 19530, None)]),
        ("19530:19530/TCP", [(19530, 19530, None)]),
        ("8000-8001:9000-9001", [(9000, 8000, None), (9001, 8001, None)]),
        ("3000-3001", [(3000, None, None), (3001, None, None)]),
        ("8000-8005:80", [(80, None, None)]),
        (" 80:80 ", [(80, 80, None)]),
        (":80", [(80, None, None)]),
    ],
)
def test_short_entries_are_read(
    entry: str, expected: list[tuple[int, int | None, str | None]]
) -> None:
    assert parse_short(entry) == [PublishedPort(*one) for one in expected]


@pytest.mark.parametrize(
    "entry", ["", "80:80/udp", "http", "a:80", "80:", "99999", "1-999999999", "9-5", "-1:80"]
)
def test_what_is_no_tcp_port_is_left_out(entry: str) -> None:
    assert parse_short(entry) == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{target: 80}", PublishedPort(80, None, None)),
        ("{target: 80, published: 8080}", PublishedPort(80, 8080, None)),
        ('{target: "80", published: "8080"}', PublishedPort(80, 8080, None)),
        ("{target: 80, published: 8080-8090}", PublishedPort(80, None, None)),
        ("{target: 80, published: $P, host_ip: 10.0.0.1}", PublishedPort(80, 81, "10.0.0.1")),
        ("{target: 80, protocol: udp}", None),
        ("{published: 80}", None),
        ("{target: web}", None),
        ("{target: 80-web}", None),
        (f"{{target: 8{'0' * 5000}}}", None),
        ("[80]", None),
    ],
)
def test_long_entries_are_read(entry: str, expected: PublishedPort | None) -> None:
    text = f"services: {{milvus: {{image: x, ports: [{entry}]}}}}"

    assert service(text, variables={"P": "81"}).ports() == ([expected] if expected else [])


def test_ports_of_all_files_are_published_and_variables_are_filled_in() -> None:
    files = {
        "a.yml": "services: {milvus: {ports: ['${PORT:-19530}:19530']}}",
        "b.yml": "services: {milvus: {ports: ['9091:9091']}}",
    }
    found = service(files, compose_files=("a.yml", "b.yml")).ports()

    assert [(port.target, port.published) for port in found] == [(19530, 19530), (9091, 9091)]


@pytest.mark.parametrize(
    ("addresses", "left"),
    [
        ([None, "127.0.0.1", "::1"], [None]),
        (["127.0.0.1", "0.0.0.0", "10.0.0.1"], ["0.0.0.0"]),
        (["127.0.0.1", "::", "::1"], ["127.0.0.1", "::"]),
        (["127.0.0.1", "::1", "127.0.0.1"], ["127.0.0.1", "::1"]),
        ([], []),
    ],
)
def test_an_address_that_another_one_includes_is_not_published_again(
    addresses: list[str | None], left: list[str | None]
) -> None:
    assert widest_addresses(addresses) == left

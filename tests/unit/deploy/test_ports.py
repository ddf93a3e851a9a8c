from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from compose_tls.deploy.port_check import require_free
from compose_tls.errors import PortTaken


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def nobody(port: int) -> str | None:
    return None


def service(port: int | str, **more: str) -> dict[str, object]:
    return {"ports": [{"target": 19530, "published": str(port), "protocol": "tcp", **more}]}


@pytest.mark.parametrize("address", [{}, {"host_ip": "127.0.0.1"}])
def test_a_taken_port_is_refused_before_anything_happens(
    taken: int, address: dict[str, str]
) -> None:
    with pytest.raises(PortTaken) as caught:
        require_free({"standalone": service(taken, **address)}, frozenset(), nobody)

    assert caught.value.message == (
        f"port {taken}, which service standalone is to publish, is taken by another program"
    )
    assert f"sport = :{taken}" in caught.value.hint


def test_the_container_that_has_it_is_named(taken: int) -> None:
    with pytest.raises(PortTaken, match="is taken by container old") as caught:
        require_free({"standalone": service(taken)}, frozenset(), lambda _: "container old")

    assert caught.value.hint.startswith("stop container old")


def test_a_service_that_runs_may_have_its_port(taken: int) -> None:
    require_free({"standalone": service(taken)}, frozenset({"standalone"}), nobody)


def test_a_port_on_ipv6_is_asked_there(taken: int) -> None:
    require_free({"standalone": service(taken, host_ip="::1")}, frozenset(), nobody)


@pytest.mark.parametrize(
    "declared",
    [{}, {"ports": None}, service(""), service("19530-19540"), service("0", protocol="udp")],
)
def test_what_publishes_no_certain_tcp_port_is_free(declared: dict[str, object]) -> None:
    require_free({"standalone": declared}, frozenset(), nobody)


def test_a_port_that_was_closed_lately_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            served, _ = listener.accept()
            served.close()
            client.recv(1)

    require_free({"standalone": service(port)}, frozenset(), nobody)


def test_another_project_that_has_it_may_be_the_one_that_is_meant(taken: int) -> None:
    owner = "container old of project rag"

    def hint(own: str) -> str:
        with pytest.raises(PortTaken) as caught:
            require_free({"standalone": service(taken)}, frozenset(), lambda _: owner, own)
        return caught.value.hint

    assert "where rag is the project that you mean, name it: compose-tls -p rag …" in hint("milvus")
    assert "-p" not in hint("rag")

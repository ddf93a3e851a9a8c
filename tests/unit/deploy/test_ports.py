from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from compose_tls.deploy.port_check import require_free, require_reachable
from compose_tls.errors import NotReachable, PortTaken


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
        f"port {taken}, which service standalone is to publish, is in use by another program"
    )
    assert f"sport = :{taken}" in caught.value.hint


def test_the_container_that_has_it_is_named(taken: int) -> None:
    with pytest.raises(PortTaken, match="is in use by container old") as caught:
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

    assert hint("milvus").endswith(
        "if rag is the project that you mean, name it: compose-tls -p rag enable …"
    )
    assert "-p" not in hint("rag")


def test_an_address_that_this_machine_does_not_have_is_refused_before_anything_happens() -> None:
    # TEST-NET-1 (RFC 5737) is nobody's.
    with pytest.raises(NotReachable, match=r"at 192\.0\.2\.7, an address that this machine"):
        require_free({"standalone": service(19530, host_ip="192.0.2.7")}, frozenset(), nobody)
    for address in ("0.0.0.0", "::", "127.0.0.2"):
        require_free({"standalone": service(0, host_ip=address)}, frozenset(), nobody)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        ({"network_mode": "none"}, "its network_mode is none"),
        ({"network_mode": "service:alone"}, "its network_mode is none"),
        ({"networks": {"lan": None}}, "does not reach its own containers"),
    ],
)
def test_what_cannot_be_reached_is_refused_before_anything_happens(
    one: dict[str, object], reason: str
) -> None:
    project = {
        "services": {"standalone": one, "alone": {"network_mode": "none"}},
        "networks": {"lan": {"driver": "macvlan"}},
    }
    with pytest.raises(NotReachable, match=reason) as caught:
        require_reachable(project, "standalone", 19530)
    assert "leave out --up" in caught.value.hint


@pytest.mark.parametrize("one", [{"scale": 0}, {"deploy": {"replicas": 0}, "scale": 2}])
def test_what_starts_no_container_is_refused_before_it_is_waited_for(
    one: dict[str, object],
) -> None:
    project = {"services": {"standalone": {**service(19530), **one}}}
    with pytest.raises(NotReachable, match="0 containers of service standalone") as caught:
        require_reachable(project, "standalone", 19530)
    assert "deploy.replicas" in caught.value.hint


@pytest.mark.parametrize(
    "one",
    [
        {"network_mode": "host"},
        {"network_mode": "container:vpn"},
        {"network_mode": "service:vpn"},
        {"networks": {"lan": None, "default": None}},
        service(19530),
    ],
)
def test_what_may_be_reached_is_left_to_the_proof(one: dict[str, object]) -> None:
    project = {
        "services": {"standalone": one, "vpn": service(19530)},
        "networks": {"lan": {"driver": "macvlan"}},
    }
    require_reachable(project, "standalone", 19530)


def test_without_a_published_port_only_linux_reaches_a_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project: dict[str, object] = {"services": {"standalone": {}}}
    require_reachable(project, "standalone", 19530)
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(NotReachable, match="publishes no port 19530"):
        require_reachable(project, "standalone", 19530)

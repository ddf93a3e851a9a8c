from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from compose_tls.deploy.container import container_facts, engine_time


def inspected(**network: Any) -> dict[str, Any]:
    """What `docker inspect` shows of a running container, as far as it is read."""
    return {
        "Id": "98ade9e8e93d",
        "Name": "/milvus-standalone",
        "RestartCount": 2,
        "State": {
            "Status": "running",
            "Running": True,
            "OOMKilled": False,
            "ExitCode": 0,
            "Error": "",
            "StartedAt": "2026-11-23T23:36:03.436522901Z",
            "Health": {"Status": "starting", "FailingStreak": 0, "Log": []},
        },
        "Config": {"User": "999:999", "Image": "milvusdb/milvus:v2.3.5"},
        "HostConfig": {"NetworkMode": "milvus", **network.get("host", {})},
        "NetworkSettings": {"Ports": network.get("ports", {})},
    }


def test_a_running_container_is_read() -> None:
    facts = container_facts(inspected())

    assert facts.id == "98ade9e8e93d"
    assert facts.name == "milvus-standalone"
    assert facts.image == "milvusdb/milvus:v2.3.5"
    assert facts.running
    assert facts.restart_count == 2
    assert facts.health == "starting"
    assert facts.user == "999:999"
    assert facts.started_at == datetime(2026, 11, 23, 23, 36, 3, 436522, tzinfo=UTC)


def test_a_container_that_never_ran_has_its_error_and_no_start() -> None:
    attributes = inspected()
    attributes["State"] = {
        "Status": "created",
        "ExitCode": 127,
        "Error": "error mounting",
        "StartedAt": "0001-01-01T00:00:00Z",
    }

    facts = container_facts(attributes)

    assert not facts.running
    assert facts.error == "error mounting"
    assert facts.exit_code == 127
    assert facts.health is None
    assert facts.started_at is None


def test_a_time_that_the_engine_leaves_empty_is_none() -> None:
    assert engine_time("") is None


ALL_IPV4 = "0.0.0.0"


@pytest.mark.parametrize(
    ("bindings", "place"),
    [
        ([(ALL_IPV4, "19530")], ("127.0.0.1", 19530)),
        ([("", "19530")], ("127.0.0.1", 19530)),
        ([("::", "29530")], ("::1", 29530)),
        ([("::", "19530"), (ALL_IPV4, "19530")], ("127.0.0.1", 19530)),
        ([("127.0.0.1", "19531")], ("127.0.0.1", 19531)),
        ([("192.0.2.7", "19530")], ("192.0.2.7", 19530)),
        ([("2001:db8::7", "19530")], ("2001:db8::7", 19530)),
        ([("192.0.2.7", "1"), ("::1", "2")], ("::1", 2)),
        ([], None),
    ],
)
def test_a_published_port_is_given_as_it_is_reached_from_here(
    bindings: list[tuple[str, str]], place: tuple[str, int] | None
) -> None:
    ports = {"19530/tcp": [{"HostIp": ip, "HostPort": port} for ip, port in bindings]}

    assert container_facts(inspected(ports=ports)).published_port(19530) == place


def test_other_ports_and_protocols_do_not_count() -> None:
    ports = {
        "9091/tcp": [{"HostIp": ALL_IPV4, "HostPort": "9091"}],
        "19530/udp": [{"HostIp": ALL_IPV4, "HostPort": "19530"}],
        "19529/tcp": None,
    }

    facts = container_facts(inspected(ports=ports))

    assert facts.published_port(19530) is None
    assert facts.published_port(9091) == ("127.0.0.1", 9091)


def test_a_stopped_container_is_reached_where_it_was_asked_to_be() -> None:
    asked = {
        "PortBindings": {
            "19530/tcp": [{"HostIp": "", "HostPort": "19540"}],
            "9091/tcp": [{"HostIp": "", "HostPort": ""}],
        }
    }

    facts = container_facts(inspected(host=asked))

    assert facts.published_port(19530) == ("127.0.0.1", 19540)
    assert facts.published_port(9091) is None


def test_on_the_hosts_network_a_port_is_the_hosts() -> None:
    facts = container_facts(inspected(host={"NetworkMode": "host"}))

    assert facts.published_port(19530) == ("127.0.0.1", 19530)

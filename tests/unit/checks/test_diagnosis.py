"""What goes wrong between clients and servers, made to happen for real, and what a check says of it.

Each error is met twice: by Python's TLS, which most probes use, and by gRPC, whose own words reach
whoever connects with pymilvus.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import grpc
import pytest

from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import explain
from compose_tls.checks.run import run
from compose_tls.checks.tls_client import grpc_channel
from compose_tls.results import Probe
from tests.moment import NOW
from tests.patience import SOON
from tests.unit.checks.conftest import Issue, Pki
from tests.unit.checks.servers import (
    ANSWERS,
    MILVUS,
    SETTINGS,
    closed_port,
    grpc_server,
    listening,
    over_tls,
    says,
)

pytestmark = pytest.mark.usefixtures("without_pymilvus")


# Certificates begin five minutes early, for clocks that differ a little, and their last second counts.
BACKDATED = timedelta(minutes=5)
LIFE = timedelta(days=30) - timedelta(seconds=1)


def checked(target: Target, now: datetime = NOW) -> dict[str, Probe]:
    return {check.name: check for check in run(target, now=now, timeout=SOON)}


def words_of_grpc(target: Target) -> str:
    """What gRPC says where a call cannot be made."""
    with grpc_channel(target) as channel:
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary(f"{MILVUS}GetVersion")(b"", SOON)
        return str(raised.value.details())


def require(found: Probe, observed: list[str], hint: list[str]) -> None:
    assert not found.ok
    assert all(text in found.observed for text in observed), found.observed
    assert all(text in str(found.hint) for text in hint), found.hint


def test_a_server_in_plain_text(pki: Pki) -> None:
    with grpc_server(None, 0) as server:
        target = pki.target(server.port)
        said, found = words_of_grpc(target), checked(target)
    assert "WRONG_VERSION_NUMBER" in said
    require(found["tls-handshake"], ["answers in plain text"], ["status", "--force-recreate"])
    assert explain(said).meaning == found["tls-handshake"].observed


def test_a_server_of_another_ca(pki: Pki, another_pki: Pki) -> None:
    with grpc_server(another_pki.server, 1) as server:
        target = pki.target(server.port)
        said, found = words_of_grpc(target), checked(target)
    assert "CERTIFICATE_VERIFY_FAILED" in said
    begins = NOW - BACKDATED
    dates = [f"from {begins:%Y-%m-%d %H:%M} UTC", f"{begins + LIFE:%Y-%m-%d %H:%M}"]
    require(
        found["tls-handshake"],
        ["another CA", "for localhost, 127.0.0.1", "issued by CN=test CA", *dates],
        ["--force-recreate"],
    )
    require(found["server-certificate"], ["than the one on disk", "by CN=test CA"], ["at start"])
    assert explain(said).meaning in found["tls-handshake"].observed


def test_a_server_of_another_name(pki: Pki) -> None:
    with grpc_server(pki.server, 1) as server:
        target = pki.target(server.port, server_name="milvus.example")
        said, found = words_of_grpc(target), checked(target)
    require(
        found["tls-handshake"],
        ["another name", "for localhost, 127.0.0.1"],
        ["compose-tls enable --san milvus.example"],
    )
    assert explain(said).meaning in found["tls-handshake"].observed
    assert found["server-certificate"].ok


def test_a_client_that_is_refused_after_the_handshake_of_tls_1_3(
    pki: Pki, another_pki: Pki
) -> None:
    with listening(over_tls(pki.server.context(2), says(SETTINGS))) as port:
        target = pki.target(
            port,
            2,
            client_certificate_path=another_pki.path("client.pem"),
            client_key_path=another_pki.path("client.key"),
        )
        said, found = words_of_grpc(target), checked(target)
    assert "TSI_DATA_CORRUPTED" in said
    refused = "the server refused the client certificate, or requires one"
    require(found["tls-handshake"], [refused], ["client certificate of this project"])
    assert explain(said).meaning == refused
    # As where the files say mode 1, and what runs was started in mode 2.
    assert "compose-tls status whether the container runs these files" in explain(said).next_step


def test_an_expired_certificate(expired_pki: Pki) -> None:
    ended = NOW - timedelta(days=60) - BACKDATED + LIFE
    with grpc_server(expired_pki.server, 1) as server:
        target = expired_pki.target(server.port)
        said, found = words_of_grpc(target), checked(target)
    for name in ("tls-handshake", "server-certificate"):
        require(found[name], ["has expired", f"{ended:%Y-%m-%d %H:%M} UTC"], ["renew"])
    assert explain(said).meaning in found["tls-handshake"].observed


def test_clocks_that_differ(issue: Issue) -> None:
    start = NOW + timedelta(hours=3)
    early = issue(start=start + BACKDATED)
    with grpc_server(early.server, 1) as server:
        target = early.target(server.port)
        said, found = words_of_grpc(target), checked(target)
    for name in ("tls-handshake", "server-certificate"):
        require(found[name], ["not valid yet", f"{start:%Y-%m-%d %H:%M} UTC"], ["clocks"])
    assert explain(said).meaning in found["tls-handshake"].observed


def test_a_certificate_that_was_replaced_on_disk_and_not_in_the_server(
    pki: Pki, another_pki: Pki
) -> None:
    with grpc_server(pki.server, 1) as server:
        target = pki.target(server.port, expected_sha256=another_pki.fingerprint)
        found = checked(target)
    require(
        found["server-certificate"],
        ["the server presents a different certificate than the one on disk", "by CN=test CA"],
        ["reads its certificate only at start", "docker compose up -d --force-recreate"],
    )
    assert [name for name, check in found.items() if not check.ok] == ["server-certificate"]


# The answers of Milvus 2.3.5: of its proxy, and of the interceptor before it.
NOT_READY = "service unavailable: internal: Milvus Proxy is not ready yet. please wait"


@pytest.mark.parametrize(
    "answer",
    [
        (grpc.StatusCode.UNAVAILABLE, NOT_READY),
        b"\n"
        + bytes((len(NOT_READY) + 4,))
        + b"\x08\x01\x12"
        + bytes((len(NOT_READY),))
        + NOT_READY.encode(),
    ],
    ids=["status of gRPC", "status of Milvus"],
)
def test_a_proxy_that_waits_for_an_old_session(pki: Pki, answer: object) -> None:
    with grpc_server(pki.server, 1, {**ANSWERS, "ShowCollections": answer}) as server:
        found = checked(pki.target(server.port))
    require(found["grpc-ready"], ["Milvus is starting"], ["session has to expire in etcd"])
    assert found["tls-handshake"].ok


@pytest.mark.parametrize(
    ("token", "ok", "observed"),
    [
        (None, True, "Milvus asks for credentials, over TLS"),
        ("root:wrong", False, "Milvus does not accept the given credentials, over TLS"),
    ],
)
def test_credentials_that_are_missing_prove_tls_and_wrong_ones_fail(
    pki: Pki, token: str | None, ok: bool, observed: str
) -> None:
    refused = (grpc.StatusCode.UNAUTHENTICATED, "auth check failure")
    with grpc_server(pki.server, 1, {**ANSWERS, "ShowCollections": refused}) as server:
        found = checked(pki.target(server.port, token=token))["grpc-ready"]
    assert (found.ok, found.observed) == (ok, observed)
    assert ok or "--password-file" in str(found.hint)


def test_a_server_that_is_down(pki: Pki) -> None:
    target = pki.target(closed_port())
    said, found = words_of_grpc(target), checked(target)
    require(found["tls-handshake"], ["nothing listens there"], ["docker compose up -d"])
    assert explain(said).meaning == found["tls-handshake"].observed

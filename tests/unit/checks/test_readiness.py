from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

import grpc
import pytest

from compose_tls.checks.explain import SILENT
from compose_tls.checks.readiness import Readiness, readiness
from tests.patience import SOON
from tests.unit.checks.conftest import Pki
from tests.unit.checks.servers import (
    ANSWERS,
    OK_STATUS,
    SETTINGS,
    Script,
    closed_port,
    grpc_server,
    hangs_up,
    listening,
    over_tls,
    resets,
    says,
    until_gone,
)

NOT_READY = "service unavailable: internal: Milvus Proxy is not ready yet. please wait"


def ask(
    pki: Pki, answers: Mapping[str, Any], *, mode: int = 1, timeout: float = SOON, **changes: Any
) -> Readiness:
    with grpc_server(pki.server, mode, answers) as server:
        return readiness(pki.target(server.port, mode, **changes), timeout)


def test_a_header_without_end_is_given_up(pki: Pki) -> None:
    # RFC 9113 section 6.10: HEADERS without END_HEADERS, and CONTINUATION for ever.
    field = b"\x40\x01a\x01b" * 819
    following = len(field).to_bytes(3) + b"\x09\0\0\0\0\x01" + field
    ended = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(SETTINGS + b"\0\0\x01\x01\0\0\0\0\x01\x88")
        while not ended.is_set():
            connection.sendall(following)

    with listening(over_tls(pki.server.context(1), script)) as port:
        try:
            found = readiness(pki.target(port), 1)
        finally:
            ended.set()
    assert found.state == "not-ready"
    # Where 16 MiB get through in time, the limit of gRPC comes first.
    assert found.detail == SILENT.meaning or "exceeds hard limit" in found.detail


@pytest.mark.parametrize("mode", [1, 2])
def test_milvus_is_ready_when_it_lists_its_collections(pki: Pki, mode: int) -> None:
    found = ask(pki, ANSWERS, mode=mode)
    assert found == Readiness("ready", "Milvus v9.9.9 answers over TLS", "v9.9.9")
    assert found.ready


@pytest.mark.parametrize(
    "version", [(grpc.StatusCode.PERMISSION_DENIED, "no"), b"\x0b", OK_STATUS, b"\x10\x05"]
)
def test_milvus_is_ready_also_when_it_keeps_its_version_to_itself(pki: Pki, version: Any) -> None:
    found = ask(pki, {**ANSWERS, "GetVersion": version})
    assert (found.state, found.version) == ("ready", None)


@pytest.mark.parametrize(
    "answer",
    [
        # As Milvus 2.3.5 says it, and as a status in the answer, with a code old or new.
        (grpc.StatusCode.UNKNOWN, NOT_READY),
        b"\n"
        + bytes((4 + len(NOT_READY),))
        + b"\x08\x01\x12"
        + bytes((len(NOT_READY),))
        + NOT_READY.encode(),
        b"\n\x02\x18\x01",
    ],
)
def test_milvus_that_answers_but_does_not_work_yet_is_not_ready(pki: Pki, answer: Any) -> None:
    found = ask(pki, {**ANSWERS, "ShowCollections": answer})
    assert found.state == "not-ready"
    assert not found.ready
    assert found.next_step


@pytest.mark.parametrize(
    ("filling", "state"),
    [(OK_STATUS + bytes(5 << 20), "ready"), (OK_STATUS + bytes(65 << 20), "not-milvus")],
    ids=["many collections", "without end"],
)
def test_an_answer_may_be_as_large_as_one_of_milvus(pki: Pki, filling: bytes, state: str) -> None:
    found = ask(pki, {**ANSWERS, "ShowCollections": filling}, timeout=SOON)
    assert found.state == state
    assert state == "ready" or found.detail == "the answer is larger than any that Milvus sends"


def test_a_version_is_as_long_as_versions_are(pki: Pki) -> None:
    name = b"v" * 100_000
    version = OK_STATUS + b"\x12" + bytes((0x80 | 0x20, 0x80 | 0x0D, 6)) + name
    found = ask(pki, {**ANSWERS, "GetVersion": version})
    assert found.version == "v" * 64


def test_milvus_that_is_busy_starting_is_left_when_the_time_is_up(pki: Pki) -> None:
    began = time.monotonic()
    waiting = {**ANSWERS, "ShowCollections": threading.Event()}
    # On a busy machine the handshake takes the whole of a short time.
    asked = (ask(pki, waiting, timeout=seconds) for seconds in (0.4, 4.0, SOON / 3))
    found = next(one for one in asked if one.state != "unreachable")
    assert (found.state, found.detail) == ("not-ready", "the server did not answer in time")
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize(
    ("changes", "detail", "next_step"),
    [
        ({}, "Milvus asks for credentials", "give --user"),
        ({"user": "root", "password": "x"}, "does not accept the given", "correct --user"),
    ],
)
def test_a_question_for_credentials_proves_tls_and_a_working_proxy(
    pki: Pki, changes: dict[str, Any], detail: str, next_step: str
) -> None:
    refused = (grpc.StatusCode.UNAUTHENTICATED, "missing authorization in header")
    found = ask(pki, {**ANSWERS, "ShowCollections": refused}, **changes)
    assert found.state == "credentials"
    assert found.ready
    assert detail in found.detail
    assert next_step in str(found.next_step)


def test_a_user_who_may_not_list_collections_proves_a_working_proxy(pki: Pki) -> None:
    denied = (grpc.StatusCode.PERMISSION_DENIED, "permission deny to bob")
    assert ask(pki, {**ANSWERS, "ShowCollections": denied}, token="t").state == "ready"


def test_credentials_travel_as_milvus_wants_them(pki: Pki) -> None:
    with grpc_server(pki.server, 1) as server:
        readiness(pki.target(server.port, user="root", password="Milvus"), SOON)
        readiness(pki.target(server.port), SOON)
    sent = [metadata.get("authorization") for _, metadata in server.seen]
    half = len(sent) // 2
    assert sent == [base64.b64encode(b"root:Milvus").decode()] * half + [None] * half
    assert half > 1


@pytest.mark.parametrize("answers", [{}, {"ShowCollections": b""}, {"ShowCollections": b"\x0b"}])
def test_another_grpc_service_is_not_milvus(pki: Pki, answers: dict[str, bytes]) -> None:
    assert ask(pki, answers).state == "not-milvus"


def test_a_tls_server_that_does_not_speak_grpc_is_not_milvus(pki: Pki) -> None:
    script = over_tls(pki.server.context(1), says(b"HTTP/1.1 200 OK\r\n\r\n"))
    with listening(script) as port:
        assert readiness(pki.target(port), SOON).state == "not-milvus"


def test_a_port_without_a_server_is_unreachable_at_once(pki: Pki) -> None:
    began = time.monotonic()
    found = readiness(pki.target(closed_port()), 60)
    assert (found.state, found.detail) == ("unreachable", "nothing listens there")
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("script", [hangs_up, resets])
def test_a_port_forwarder_without_a_server_behind_it_is_unreachable(
    pki: Pki, script: Script
) -> None:
    with listening(script) as port:
        found = readiness(pki.target(port), SOON)
    assert found.state == "unreachable"
    assert "closed without an answer" in found.detail


def test_a_server_that_hangs_up_after_the_handshake_is_unreachable(pki: Pki) -> None:
    with listening(over_tls(pki.server.context(1), hangs_up)) as port:
        assert readiness(pki.target(port), SOON).state == "unreachable"


def test_a_server_that_hangs_is_left_when_the_time_is_up(pki: Pki) -> None:
    with listening(until_gone) as port:
        began = time.monotonic()
        found = readiness(pki.target(port), 0.2)
    assert (found.state, found.detail) == ("unreachable", "the server did not answer in time")
    assert time.monotonic() - began < SOON


def test_a_server_in_plain_text_is_told_apart(pki: Pki) -> None:
    with grpc_server(None, 0) as server:
        found = readiness(pki.target(server.port), SOON)
    assert (found.state, found.detail) == ("plain-text", "the server answers in plain text")


def test_a_certificate_of_another_ca_is_refused(pki: Pki, another_pki: Pki) -> None:
    with grpc_server(another_pki.server, 1) as server:
        found = readiness(pki.target(server.port), SOON)
    assert found.state == "tls-refused"
    assert "another CA" in found.detail


def test_a_server_that_refuses_the_client_says_so_only_after_the_handshake(
    pki: Pki, another_pki: Pki
) -> None:
    with listening(over_tls(pki.server.context(2), says(SETTINGS))) as port:
        target = pki.target(
            port,
            2,
            client_certificate_path=another_pki.path("client.pem"),
            client_key_path=another_pki.path("client.key"),
        )
        found = readiness(target, SOON)
    assert found.state == "tls-refused"
    assert "client certificate" in found.detail


def test_a_refusal_writes_nothing_anywhere(
    pki: Pki, another_pki: Pki, capfd: pytest.CaptureFixture[str]
) -> None:
    # gRPC's core would write of it to standard error.
    with listening(over_tls(another_pki.server.context(1), until_gone)) as port:
        assert not readiness(pki.target(port), SOON).ready
    assert capfd.readouterr() == ("", "")

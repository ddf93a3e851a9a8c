"""REST on a port of its own: servers that do as Milvus' does, and servers that do not."""

from __future__ import annotations

import importlib.util
from contextlib import ExitStack

import pytest

from compose_tls.checks import negative_probes, probes
from compose_tls.checks.check_target import Target
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.run import run
from tests.moment import NOW
from tests.patience import SOON
from tests.unit.checks.conftest import Pki
from tests.unit.checks.servers import (
    HOST,
    SETTINGS,
    Script,
    closed_port,
    grpc_server,
    hangs_up,
    listening,
    over_tls,
    over_tls_alone,
    says,
    says_and_hangs_up,
)

ANSWER = b"HTTP/1.0 200 OK\r\n\r\n{}"
LOGIN = b"HTTP/1.1 401 Unauthorized\r\n\r\n"


def rest(pki: Pki, port: int, mode: int = 1, **changes: object) -> Target:
    found = pki.target(1, mode, rest_address=(HOST, port), **changes).rest
    assert found is not None
    return found


def answers(pki: Pki, script: Script) -> Outcome:
    with listening(script) as port:
        return probes.rest(rest(pki, port), 2)


def test_a_target_without_a_rest_address_has_no_rest(pki: Pki) -> None:
    assert pki.target(1).rest is None


def test_rest_has_the_files_of_grpc_at_its_own_address(pki: Pki) -> None:
    found = pki.target(1, 2, rest_address=("::1", 8080)).rest
    assert found is not None
    assert (found.authority, found.rest) == ("[::1]:8080", None)
    assert found.client_key_path == pki.path("client.key")


@pytest.mark.parametrize(("answer", "status"), [(ANSWER, 200), (LOGIN, 401)])
def test_any_answer_over_tls_proves_it_also_that_credentials_are_missing(
    pki: Pki, answer: bytes, status: int
) -> None:
    found = answers(pki, over_tls(pki.server.context(1), says_and_hangs_up(answer)))
    assert found.ok
    assert found.observed == f"TLSv1.3, HTTP status {status}"


@pytest.mark.parametrize(
    ("script", "observed"),
    [
        (says_and_hangs_up(b"HTTP/1.1 503 Unavailable\r\n\r\n"), "REST answers over TLS with HTTP"),
        (says(SETTINGS + bytes(9)), "does not speak HTTP"),
        (hangs_up, "closed without an answer"),
    ],
)
def test_what_is_no_answer_of_rest_is_none(pki: Pki, script: Script, observed: str) -> None:
    found = answers(pki, over_tls(pki.server.context(1), script))
    assert not found.ok
    assert observed in found.observed
    assert found.hint


def test_plain_text_and_silence_are_told_apart(pki: Pki) -> None:
    plain = answers(pki, says_and_hangs_up(ANSWER))
    assert (plain.ok, plain.observed) == (False, "the server answers in plain text")
    nothing = probes.rest(rest(pki, closed_port()), 2)
    assert (nothing.ok, nothing.observed) == (False, "nothing listens there")


def test_a_certificate_that_is_not_accepted_is_described(pki: Pki, another_pki: Pki) -> None:
    served = over_tls(another_pki.server.context(1), says_and_hangs_up(ANSWER))
    found = answers(pki, served)
    assert not found.ok
    assert "another CA: it is for localhost, 127.0.0.1, issued by CN=test CA" in found.observed


@pytest.mark.parametrize("server", [over_tls, over_tls_alone])
def test_a_server_that_hangs_up_on_plain_http_or_says_400_refuses_it(
    pki: Pki, server: object
) -> None:
    assert callable(server)
    script = server(pki.server.context(1), says_and_hangs_up(ANSWER))
    with listening(script) as port:
        found = negative_probes.plain_text(rest(pki, port), 2)
    assert (found.ok, found.observed) == (True, "refused")


def test_a_server_that_answers_plain_http_does_not_refuse_it(pki: Pki) -> None:
    with listening(says_and_hangs_up(LOGIN)) as port:
        found = negative_probes.plain_text(rest(pki, port), 2)
    assert (found.ok, found.observed) == (False, "the server answers in plain text")


@pytest.mark.parametrize(("asks", "ok"), [(2, True), (1, False)])
def test_mode_2_has_to_ask_the_clients_of_rest_too(pki: Pki, asks: int, ok: bool) -> None:
    with listening(over_tls(pki.server.context(asks), says_and_hangs_up(ANSWER))) as port:
        found = negative_probes.no_certificate(rest(pki, port, 2), 2)
    assert found.ok is ok
    assert ok or found.observed == "the server accepted it"


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (1, ["rest-answers", "rest-refuses-plain-text"]),
        (2, ["rest-answers", "rest-refuses-plain-text", "rest-refuses-anonymous-client"]),
    ],
)
def test_a_run_checks_rest_where_it_is_on(
    pki: Pki, mode: int, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    script = over_tls_alone(pki.server.context(mode), says_and_hangs_up(ANSWER))
    with ExitStack() as stack:
        server = stack.enter_context(grpc_server(pki.server, mode))
        port = stack.enter_context(listening(script))
        checks = run(
            pki.target(server.port, mode, rest_address=(HOST, port)), now=NOW, timeout=SOON
        )
    assert all(check.ok for check in checks), checks
    assert [check.name for check in checks if check.name.startswith("rest")] == names


def test_where_rest_is_down_its_refusals_are_not_waited_for_long(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    waits: list[float] = []

    def plain_text(_: Target, timeout: float) -> Outcome:
        waits.append(timeout)
        return Outcome(True, "", "")

    monkeypatch.setattr(negative_probes, "plain_text", plain_text)
    with grpc_server(pki.server, 1) as server:
        checks = run(
            pki.target(server.port, rest_address=(HOST, closed_port())), now=NOW, timeout=120
        )
    assert waits == [10]
    assert [check.name for check in checks if not check.ok] == ["rest-answers"]
    with grpc_server(pki.server, 1) as server, listening(hangs_up) as port:
        run(pki.target(server.port, rest_address=(HOST, port)), now=NOW, timeout=120)
    assert waits == [10, 10, 1]

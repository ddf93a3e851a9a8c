"""What refuses counts, what accepts does not, and what cannot be tried does not either."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest

from compose_tls.checks import negative_probes
from compose_tls.checks.check_target import Target
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.tls_client import ATTEMPTS
from compose_tls.pki.handshake import Foreigner, foreigner
from tests.moment import NOW
from tests.patience import SOON
from tests.unit.checks.conftest import Pki
from tests.unit.checks.servers import (
    SETTINGS,
    Script,
    closed_port,
    grpc_server,
    hangs_up,
    in_turn,
    listening,
    over_tls,
    resets,
    says,
    says_and_hangs_up,
    until_gone,
    waits_for_its_client,
)

ClientProbe = Callable[[Target, Foreigner], Outcome]

ALERT = b"\x15\x03\x01\x00\x02\x02\x46"
HTTP_400 = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.fixture(scope="module")
def foreign() -> Foreigner:
    return foreigner(NOW)


def anonymous(target: Target, _: Foreigner) -> Outcome:
    return negative_probes.no_certificate(target, 2)


def foreign_client(target: Target, foreign: Foreigner) -> Outcome:
    return negative_probes.foreign_certificate(target, foreign, 2)


CLIENTS = pytest.mark.parametrize("probe", [anonymous, foreign_client])


@pytest.mark.parametrize("mode", [1, 2])
def test_a_tls_server_refuses_plain_text(pki: Pki, mode: int) -> None:
    with grpc_server(pki.server, mode) as server:
        found = negative_probes.plain_text(pki.target(server.port, mode), SOON)
    assert found == Outcome(True, "plain text is refused", "refused")


@pytest.mark.parametrize(
    "refusal", [hangs_up, resets, says_and_hangs_up(ALERT), says_and_hangs_up(HTTP_400)]
)
def test_every_way_of_refusing_plain_text_counts_where_tls_is_served(
    pki: Pki, refusal: Script
) -> None:
    served = over_tls(pki.server.context(1), says(SETTINGS))
    with listening(in_turn(refusal, served)) as port:
        assert negative_probes.plain_text(pki.target(port), SOON).ok


@pytest.mark.parametrize("refusal", [hangs_up, resets, says_and_hangs_up(ALERT)])
def test_a_refusal_of_plain_text_proves_nothing_where_tls_is_not_served_either(
    pki: Pki, refusal: Script
) -> None:
    # A port forwarder whose container does not listen behaves just so.
    with listening(refusal) as port:
        found = negative_probes.plain_text(pki.target(port), SOON)
    assert not found.ok
    assert found.observed.startswith("could not be tried: ")


def test_a_server_in_plain_text_is_found_out(pki: Pki) -> None:
    with grpc_server(None, 0) as server:
        found = negative_probes.plain_text(pki.target(server.port), SOON)
    assert not found.ok
    assert found.observed == "the server answers in plain text"
    assert "TLS settings did not reach the server" in str(found.hint)


@pytest.mark.parametrize("answer", [SETTINGS, b"HTTP/1.1 200 OK\r\n\r\n", b"hello, who is there?"])
def test_a_server_that_speaks_both_is_found_out(pki: Pki, answer: bytes) -> None:
    served = over_tls(pki.server.context(1), says(SETTINGS))
    with listening(in_turn(says(answer), served)) as port:
        found = negative_probes.plain_text(pki.target(port), SOON)
    assert (found.ok, found.observed) == (False, "the server answers in plain text")


@pytest.mark.parametrize("probe", [anonymous, foreign_client])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_mode_2_server_refuses_with_an_alert_in_either_version(
    pki: Pki, foreign: Foreigner, probe: ClientProbe, version: ssl.TLSVersion
) -> None:
    context = pki.server.context(2)
    context.minimum_version = context.maximum_version = version
    with listening(over_tls(context, says(SETTINGS))) as port:
        found = probe(pki.target(port, 2), foreign)
    assert found.ok
    assert found.observed.removeprefix("refused: ") in {
        "certificate required",
        "handshake failure",
        "unknown ca",
    }


@CLIENTS
def test_grpc_servers_in_mode_2_refuse(pki: Pki, foreign: Foreigner, probe: ClientProbe) -> None:
    with grpc_server(pki.server, 2) as server:
        found = probe(pki.target(server.port, 2), foreign)
    assert found.ok
    assert found.observed.startswith("refused: ")


@CLIENTS
@pytest.mark.parametrize("script", [says(SETTINGS), waits_for_its_client])
def test_a_mode_1_server_is_found_out_whether_it_speaks_first_or_waits(
    pki: Pki, foreign: Foreigner, probe: ClientProbe, script: Script
) -> None:
    with listening(over_tls(pki.server.context(1), script)) as port:
        found = probe(pki.target(port, 2), foreign)
    assert not found.ok
    assert found.observed == "the server accepted it"
    assert "does not run in mode 2" in str(found.hint)


def test_a_server_that_trusts_foreign_clients_is_found_out(pki: Pki, foreign: Foreigner) -> None:
    context = pki.server.context(2, foreign.ca_pem)
    with listening(over_tls(context, says(SETTINGS))) as port:
        target = pki.target(port, 2)
        assert anonymous(target, foreign).ok
        assert foreign_client(target, foreign).observed == "the server accepted it"


@CLIENTS
def test_hanging_up_on_a_client_counts_where_a_good_client_is_served(
    pki: Pki, foreign: Foreigner, probe: ClientProbe
) -> None:
    context = pki.server.context(1)
    hanging_up, serving = over_tls(context, hangs_up), over_tls(context, says(SETTINGS))
    # The forged clients come after the good one.
    with listening(in_turn(*[hanging_up] * ATTEMPTS, serving, hanging_up)) as port:
        found = probe(pki.target(port, 2), foreign)
    assert found == Outcome(True, found.expected, "refused: the connection was closed")


CANNOT_BE_TRIED = {
    "plain text": (says(SETTINGS), "plain text"),
    "hangs up": (hangs_up, "without an answer"),
    "reset": (resets, "without an answer"),
}


@CLIENTS
@pytest.mark.parametrize(("script", "why"), CANNOT_BE_TRIED.values(), ids=CANNOT_BE_TRIED)
def test_a_client_that_is_not_served_for_other_reasons_was_not_refused(
    pki: Pki, foreign: Foreigner, probe: ClientProbe, script: Script, why: str
) -> None:
    with listening(script) as port:
        found = probe(pki.target(port, 2), foreign)
    assert not found.ok
    assert found.observed.startswith("could not be tried: ")
    assert why in found.observed


@CLIENTS
def test_an_alert_that_is_not_about_certificates_is_no_refusal(
    pki: Pki, foreign: Foreigner, probe: ClientProbe
) -> None:
    served = over_tls(pki.server.context(2), says(SETTINGS))
    with listening(in_turn(says_and_hangs_up(ALERT), served)) as port:
        found = probe(pki.target(port, 2), foreign)
    assert not found.ok
    assert found.observed.startswith("could not be tried: ")
    assert "protocol version" in found.observed


@CLIENTS
@pytest.mark.parametrize("at_once", [True, False])
def test_a_refusal_by_a_server_that_serves_nobody_proves_nothing(
    pki: Pki, foreign: Foreigner, probe: ClientProbe, at_once: bool
) -> None:
    refuses = over_tls(pki.server.context(2), until_gone)
    serves_nobody: Script = hangs_up if at_once else over_tls(pki.server.context(1), hangs_up)
    with listening(in_turn(refuses, serves_nobody)) as port:
        found = probe(pki.target(port, 2), foreign)
    assert not found.ok
    assert "closed without an answer" in found.observed


@CLIENTS
def test_a_server_that_answers_in_another_protocol_was_not_tried(
    pki: Pki, foreign: Foreigner, probe: ClientProbe
) -> None:
    script = over_tls(pki.server.context(1), says(b"HTTP/1.1 200 OK\r\n\r\n"))
    with listening(script) as port:
        found = probe(pki.target(port, 2), foreign)
    assert not found.ok
    assert "does not speak gRPC" in found.observed


@CLIENTS
def test_a_server_whose_own_certificate_is_refused_was_not_tried(
    pki: Pki, another_pki: Pki, foreign: Foreigner, probe: ClientProbe
) -> None:
    with listening(over_tls(another_pki.server.context(2), says(SETTINGS))) as port:
        found = probe(pki.target(port, 2), foreign)
    assert not found.ok
    assert "could not be tried: the server presents a certificate from another CA" in found.observed


@pytest.mark.parametrize("mode", [1, 2])
def test_a_client_of_another_ca_refuses_the_server(pki: Pki, foreign: Foreigner, mode: int) -> None:
    with grpc_server(pki.server, mode) as server:
        found = negative_probes.another_ca(pki.target(server.port, mode), foreign, SOON)
    assert found.ok
    assert found.observed == "refused: unable to get local issuer certificate"


def test_a_client_that_refuses_for_the_name_has_not_refused_the_ca(
    pki: Pki, foreign: Foreigner
) -> None:
    trusting = Foreigner(pki.path("ca.pem").read_bytes(), foreign.client)
    with listening(over_tls(pki.server.context(1), says(SETTINGS))) as port:
        found = negative_probes.another_ca(
            pki.target(port, server_name="other.test"), trusting, SOON
        )
    assert not found.ok
    assert "could not be tried: the server's certificate is for another name" in found.observed


def test_a_client_that_accepts_what_it_must_refuse_is_found_out(
    pki: Pki, foreign: Foreigner
) -> None:
    trusting = Foreigner(pki.path("ca.pem").read_bytes(), foreign.client)
    with listening(over_tls(pki.server.context(1), says(SETTINGS))) as port:
        found = negative_probes.another_ca(pki.target(port), trusting, SOON)
    assert not found.ok
    assert "was accepted" in found.observed


def test_no_refusal_is_proved_where_nothing_listens(pki: Pki, foreign: Foreigner) -> None:
    target = pki.target(closed_port(), 2)
    found = [
        negative_probes.plain_text(target, 1),
        negative_probes.another_ca(target, foreign, 1),
        anonymous(target, foreign),
        foreign_client(target, foreign),
    ]
    assert {(outcome.ok, outcome.observed) for outcome in found} == {
        (False, "could not be tried: nothing listens there")
    }


def test_no_refusal_is_proved_where_nobody_answers(pki: Pki, foreign: Foreigner) -> None:
    with listening(until_gone) as port:
        target = pki.target(port, 2)
        found = [
            negative_probes.plain_text(target, 0.1),
            negative_probes.another_ca(target, foreign, 0.1),
            negative_probes.no_certificate(target, 0.1),
            negative_probes.foreign_certificate(target, foreign, 0.1),
        ]
    assert {(outcome.ok, outcome.observed) for outcome in found} == {
        (False, "could not be tried: the server did not answer in time")
    }


def test_the_foreign_key_does_not_show_when_printed(foreign: Foreigner) -> None:
    secret = foreign.client.private_key_pem.decode().splitlines()[1]
    assert secret not in repr(foreign)

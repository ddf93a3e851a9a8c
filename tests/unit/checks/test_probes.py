from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from compose_tls.checks import probes
from compose_tls.checks.outcome import Outcome
from tests.judges.brought import ACCEPTED, REFUSED, Brought
from tests.moment import NOW
from tests.patience import SOON
from tests.unit.checks.conftest import Issue, Pki
from tests.unit.checks.servers import (
    SETTINGS,
    Script,
    closed_port,
    grpc_server,
    hangs_up,
    in_turn,
    listening,
    over_tls,
    says,
)
from tests.unit.pki.minting import DAY, mint


def look(pki: Pki, probe: Any, script: Script | None = None, **changes: Any) -> Outcome:
    """What a probe finds at a mode 1 server with these certificates."""
    served = over_tls(pki.server.context(1), script or says(SETTINGS))
    with listening(served) as port:
        found: Outcome = probe(pki.target(port, **changes))
        return found


def handshake(target: Any) -> Outcome:
    return probes.handshake(target, SOON)


def certificate(target: Any) -> Outcome:
    return probes.certificate(target, SOON, NOW, by_sdks=False)


def by_sdks(target: Any) -> Outcome:
    return probes.certificate(target, SOON, datetime.now(UTC))


@pytest.mark.parametrize("mode", [1, 2])
def test_a_good_handshake_tells_version_and_cipher(pki: Pki, mode: int) -> None:
    with grpc_server(pki.server, mode) as server:
        found = handshake(pki.target(server.port, mode))
    assert found.ok
    assert found.observed.startswith("TLSv1.3, TLS_")
    assert found.expected == "a verified TLS handshake as localhost"


@pytest.mark.parametrize(
    ("name", "ok"), [("localhost", True), ("127.0.0.1", True), ("other.test", False)]
)
def test_the_handshake_verifies_the_name(pki: Pki, name: str, ok: bool) -> None:
    found = look(pki, handshake, server_name=name)
    assert found.ok is ok
    told = "the server's certificate is for another name: it is for localhost, 127.0.0.1, issued by"
    assert ok or found.observed.startswith(told)


def test_the_handshake_refuses_an_expired_certificate(expired_pki: Pki) -> None:
    found = look(expired_pki, handshake)
    assert not found.ok
    assert found.observed.startswith("the server's certificate has expired: it is for localhost")
    assert "compose-tls renew" in str(found.hint)


def test_the_handshake_refuses_another_ca(pki: Pki, another_pki: Pki) -> None:
    found = look(pki, handshake, ca_path=another_pki.path("ca.pem"))
    assert not found.ok
    assert "another CA" in found.observed


@pytest.mark.parametrize(
    ("script", "observed"),
    [
        (hangs_up, "closed without an answer"),
        (says(b"HTTP/1.1 200 OK\r\n\r\n"), "does not speak gRPC"),
    ],
)
def test_a_handshake_without_an_answer_is_no_proof(pki: Pki, script: Script, observed: str) -> None:
    found = look(pki, handshake, script)
    assert not found.ok
    assert observed in found.observed


def test_a_mode_2_server_that_refuses_the_client_fails_the_handshake(pki: Pki) -> None:
    with listening(over_tls(pki.server.context(2), says(SETTINGS))) as port:
        found = handshake(pki.target(port, 1))
    assert not found.ok
    assert found.observed == "the server refused the client certificate, or requires one"


def test_the_served_certificate_is_compared_with_the_one_on_disk(pki: Pki) -> None:
    found = look(pki, certificate)
    assert found.ok
    content = pki.path("server.pem").read_bytes()
    until = x509.load_pem_x509_certificate(content).not_valid_after_utc
    assert found.observed == f"for localhost, 127.0.0.1; until {until:%Y-%m-%d}"


def test_an_older_certificate_than_the_one_on_disk_is_found_out(pki: Pki, another_pki: Pki) -> None:
    # Also where the new one is of another CA, so that no handshake succeeds any more.
    found = look(
        pki,
        certificate,
        expected_sha256=another_pki.fingerprint,
        ca_path=another_pki.path("ca.pem"),
    )
    assert not found.ok
    assert (
        "the server presents a different certificate than the one on disk: CN=server"
        in found.observed
    )
    assert "reads its certificate only at start" in str(found.hint)


def test_any_certificate_will_do_where_none_is_on_disk(pki: Pki) -> None:
    assert look(pki, certificate, expected_sha256=None).ok


def test_an_expired_certificate_tells_since_when(expired_pki: Pki) -> None:
    found = look(expired_pki, certificate)
    since = NOW - timedelta(days=30)
    assert not found.ok
    assert f"has expired on {since:%Y-%m-%d}" in found.observed


def test_a_certificate_of_the_future_tells_from_when(issue: Issue) -> None:
    found = look(issue(start=NOW + timedelta(days=5)), certificate)
    assert not found.ok
    assert "not valid yet: not before" in found.observed


def test_a_certificate_is_not_to_be_seen_where_nothing_listens(pki: Pki) -> None:
    found = certificate(pki.target(closed_port()))
    assert (found.ok, found.observed) == (False, "nothing listens there")


def served(brought: Brought, directory: Path) -> Pki:
    """The files of a server that shows what is brought."""
    pki = Pki(directory)
    pki.path("server.pem").write_bytes(brought.server.full_chain_pem)
    pki.path("server.key").write_bytes(brought.server.private_key_pem)
    pki.path("ca.pem").write_bytes(brought.ca_pem)
    return pki


IN_THE_CA_FILE = [one for one in REFUSED if one.startswith("in the CA file")]


@pytest.mark.parametrize("name", IN_THE_CA_FILE)
def test_a_ca_that_hurts_clients_and_leads_elsewhere_is_told(name: str, tmp_path: Path) -> None:
    make, _, reason = REFUSED[name]
    found = look(served(make(), tmp_path), by_sdks)
    assert reason.replace("ca.pem", "the CA file") in found.observed
    assert found.ok


@pytest.mark.parametrize("name", [one for one in REFUSED if one not in IN_THE_CA_FILE])
def test_what_an_sdk_refuses_is_not_green(name: str, tmp_path: Path) -> None:
    make, _, reason = REFUSED[name]
    pki = served(make(), tmp_path)
    shakes = look(pki, handshake)
    found = look(pki, by_sdks)
    # Whose issuer or names Python's ssl does not take either, the handshake tells.
    assert not (shakes.ok and found.ok)
    if shakes.ok:
        assert reason.replace("s.pem", "the served chain") in found.observed
        assert found.hint


@pytest.mark.parametrize(("start", "end"), [(NOW - 9 * DAY, NOW - DAY), (NOW + DAY, NOW + 9 * DAY)])
def test_an_intermediate_that_is_not_valid_is_told_apart_from_its_server(
    tmp_path: Path, start: datetime, end: datetime
) -> None:
    root = mint("root", ca=True)
    lower = mint("lower", ca=True, issuer=root, start=start, end=end)
    server = replace(mint(issuer=lower), chain_pem=lower.certificate_pem)
    found = look(served(Brought(server, root.certificate_pem), tmp_path), handshake)
    assert not found.ok
    told = f"its intermediate CN=lower is valid from {start:%Y-%m-%d %H:%M} UTC to {end:%Y-%m-%d}"
    assert told in found.observed


def test_an_sdk_that_refuses_what_the_others_take_is_told(tmp_path: Path) -> None:
    pki = served(ACCEPTED["seven intermediates"][0](), tmp_path)
    found = look(pki, by_sdks)
    assert found.ok
    assert "but rustls (the SDK for Rust) does not: 7 intermediates lead" in found.observed


def test_what_only_milvus_connects_to_is_not_judged_by_the_sdks(tmp_path: Path) -> None:
    pki = served(REFUSED["more certificates than Java reads"][0](), tmp_path)
    assert (look(pki, certificate).ok, look(pki, by_sdks).ok) == (True, False)


def test_grpc_is_ready_as_readiness_finds_it(pki: Pki) -> None:
    with grpc_server(pki.server, 1) as server:
        found = probes.grpc_ready(pki.target(server.port), SOON)
    assert found.ok
    assert found.observed == "Milvus v9.9.9 answers over TLS"
    lost = probes.grpc_ready(pki.target(closed_port()), SOON)
    assert (lost.ok, lost.observed, lost.hint) == (
        False,
        "nothing listens there",
        "start the server: docker compose up -d",
    )


def test_a_certificate_that_is_not_shown_a_second_time_is_not_described(
    pki: Pki, another_pki: Pki
) -> None:
    once = over_tls(another_pki.server.context(1), says(SETTINGS))
    with listening(in_turn(once, hangs_up)) as port:
        found = handshake(pki.target(port))
    assert (found.ok, found.observed) == (
        False,
        "the server presents a certificate from another CA",
    )

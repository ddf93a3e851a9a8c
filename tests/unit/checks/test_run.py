from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compose_tls.checks import negative_probes, probes
from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import OLD_TLS, NextStep
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.run import run
from compose_tls.errors import CertificateUnreadable
from tests.moment import NOW
from tests.patience import SOON
from tests.unit.checks.conftest import Pki
from tests.unit.checks.servers import (
    SETTINGS,
    closed_port,
    grpc_server,
    listening,
    over_tls,
    says,
)

pytestmark = pytest.mark.usefixtures("without_pymilvus")


MODE_1 = [
    "tls-handshake",
    "server-certificate",
    "grpc-ready",
    "refuses-plain-text",
    "tls-versions",
    "client-refuses-foreign-ca",
    "pymilvus",
]
MODE_2 = [
    *MODE_1[:-1],
    "refuses-anonymous-client",
    "refuses-foreign-client",
    "refuses-expired-client",
    "names-client-cas",
    "pymilvus",
]


@pytest.mark.parametrize(("mode", "names"), [(1, MODE_1), (2, MODE_2)])
def test_a_good_server_passes_every_check_of_its_mode(
    pki: Pki, mode: int, names: list[str]
) -> None:
    events: list[str] = []
    with grpc_server(pki.server, mode) as server:
        checks = run(pki.target(server.port, mode), now=NOW, timeout=SOON, on_event=events.append)
    assert [check.name for check in checks] == names
    assert all(check.ok and check.hint is None for check in checks), checks
    assert {check.name for check in checks if check.skipped} <= {"pymilvus", "names-client-cas"}
    assert checks[-1].skipped
    assert events == [f"checking 127.0.0.1:{server.port}"]
    assert all(0 <= check.seconds < 5 for check in checks)
    assert all(check.seconds == round(check.seconds, 3) for check in checks)


def test_clients_of_another_ca_than_the_server_s_fail_nothing_where_that_is_not_known(
    pki: Pki, another_pki: Pki
) -> None:
    """A server elsewhere, whose clients have a CA of their own: only that of the server is given."""
    shown = {
        "client_certificate_path": another_pki.path("client.pem"),
        "client_key_path": another_pki.path("client.key"),
        "expired_client": None,
        "expected_sha256": None,
    }
    server_files = replace(pki.server, ca=another_pki.path("ca.pem"))
    with grpc_server(server_files, 2) as server:
        checks = run(pki.target(server.port, 2, **shown), now=NOW, timeout=5)
    assert all(check.ok for check in checks), checks
    (found,) = [check for check in checks if check.name == "names-client-cas"]
    assert (found.skipped, "was not given" in found.observed) == (True, True)


def test_one_failure_stops_none_of_the_others(pki: Pki) -> None:
    with grpc_server(pki.server, 1) as server:
        checks = run(pki.target(server.port, 2), now=NOW, timeout=SOON)
    failed = {check.name: check for check in checks if not check.ok}
    assert set(failed) == {
        *("refuses-anonymous-client", "refuses-foreign-client", "refuses-expired-client"),
    }
    assert all(check.hint and check.observed != check.expected for check in failed.values())


def test_nothing_is_proved_where_nothing_listens(pki: Pki) -> None:
    began = time.monotonic()
    checks = run(pki.target(closed_port(), 2), now=NOW, timeout=120)
    assert [check.name for check in checks] == ["tls-handshake", "pymilvus"]
    assert [check.name for check in checks if check.ok] == ["pymilvus"]
    assert checks[-1].skipped
    assert all("nothing listens there" in check.observed for check in checks[:-1])
    assert time.monotonic() - began < SOON


def test_a_server_in_plain_text_passes_nothing(pki: Pki) -> None:
    with grpc_server(None, 0) as server:
        checks = run(pki.target(server.port, 2), now=NOW, timeout=SOON)
    assert not any(check.ok for check in checks[:-1])
    assert {"the server answers in plain text"} == {
        check.observed.removeprefix("could not be tried: ") for check in checks[:-1]
    }


def test_after_a_failed_handshake_the_others_wait_for_a_second_at_most(
    pki: Pki, another_pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def plain_text(_: Target, timeout: float) -> Outcome:
        waits.append(timeout)
        return Outcome(True, "", "")

    monkeypatch.setattr(negative_probes, "plain_text", plain_text)
    with grpc_server(pki.server, 1) as server:
        run(pki.target(server.port), now=NOW, timeout=120)
        misled = pki.target(server.port, ca_path=another_pki.path("ca.pem"))
        run(misled, now=NOW, timeout=120)
        run(misled, now=NOW, timeout=0.5)
    assert waits == [10, 1, 0.5]


def test_a_server_that_stalls_costs_its_time_once(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    waits: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def stalls(*_: Any, timeout: float, **__: Any) -> Outcome:
        waits.append(timeout)
        now[0] += waits[-1]
        return Outcome(ok=len(waits) == 1, expected="", observed="no answer")

    for module, name in (
        *(
            (probes, name)
            for name in ("handshake", "certificate", "grpc_ready", "client_authorities")
        ),
        *(
            (negative_probes, name)
            for name in (
                "plain_text",
                "old_tls",
                "another_ca",
                "no_certificate",
                "foreign_certificate",
                "expired_certificate",
            )
        ),
    ):
        monkeypatch.setattr(module, name, stalls)

    checks = run(pki.target(1, 2), now=NOW, timeout=35)

    assert waits == [10, 10, 10, 10, 10, 10, 1, 1, 1, 1]
    assert [check.ok for check in checks[:-1]] == [True, *[False] * 9]


def test_a_stale_certificate_fails_one_check_alone(pki: Pki, another_pki: Pki) -> None:
    with grpc_server(pki.server, 1) as server:
        target = pki.target(server.port, expected_sha256=another_pki.fingerprint)
        checks = run(target, now=NOW, timeout=SOON)
    assert [check.name for check in checks if not check.ok] == ["server-certificate"]


def test_a_missing_client_certificate_is_an_error_and_no_failed_check(
    pki: Pki, tmp_path: Path
) -> None:
    with listening(over_tls(pki.server.context(1), says(SETTINGS))) as port:
        target = pki.target(port, 2, client_certificate_path=tmp_path / "client.pem")
        with pytest.raises(CertificateUnreadable, match="client certificate"):
            run(target, now=NOW, timeout=SOON)


def test_a_server_in_the_other_mode_has_one_cause(pki: Pki) -> None:
    """It takes expired clients as it takes all: nothing in front of it has to check dates (T7)."""
    with grpc_server(pki.server, 1) as server:
        checks = run(pki.target(server.port, 2), now=NOW, timeout=SOON, on_event=lambda _: None)

    hints = {check.name: check.hint for check in checks if not check.ok}
    assert "does not run in mode 2" in (hints["refuses-anonymous-client"] or "")
    assert len(set(hints.values())) == 1


def test_old_versions_are_explained_by_the_mode() -> None:
    assert "see in compose-tls status whether it runs in mode 2" in OLD_TLS.next_step
    assert isinstance(OLD_TLS.next_step, NextStep)
    assert "compose-tls" not in OLD_TLS.next_step.elsewhere

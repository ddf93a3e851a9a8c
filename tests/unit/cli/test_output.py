"""What people read follows from typed fields: never from a code, a file's name or a command's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from compose_tls.cli.output.rendering import check_lines, warning_lines
from compose_tls.cli.output.show import Output, show
from compose_tls.results import (
    CertificateResult,
    ClientResult,
    FileResult,
    Probe,
    RenewResult,
    Result,
    Rollover,
    StatusResult,
)
from compose_tls.vocabulary import TlsWarning

PROJECT: dict[str, Any] = {"project": "/p", "services": ("standalone",), "mode": 2}


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """What a result prints on standard output."""

    def print_result(result: Result, *, verbose: bool = False) -> str:
        show(result, Output(json=False, quiet=False, verbose=verbose))
        return capsys.readouterr().out

    return print_result


def certificate(path: str, *, client: str | None = None) -> CertificateResult:
    return CertificateResult(
        path=path,
        subject=f"CN={path}",
        issuer="CN=ca",
        serial="01",
        not_before=datetime(2026, 1, 1, tzinfo=UTC),
        not_after=datetime(2028, 1, 1, tzinfo=UTC),
        key_type="ecdsa-p256",
        sha256=path,
        days_left=90,
        client=client,
    )


@pytest.mark.parametrize("warnings", [(), (TlsWarning("ca-rollover", "two CAs"),)])
@pytest.mark.parametrize(
    ("rollover", "text"),
    [
        ("none", "nothing to do: all certificates are valid for 90 days; --force renews\n"),
        ("pending", "nothing to do: the new CA already exists\n"),
    ],
)
def test_renew_with_nothing_to_do_says_why(
    said: Any, rollover: Rollover, text: str, warnings: tuple[TlsWarning, ...]
) -> None:
    result = RenewResult(
        **PROJECT,
        changed=False,
        certificates=(certificate("tls/server.pem"),),
        rollover=rollover,
        warnings=warnings,
    )
    assert said(result) == text


@pytest.mark.parametrize(
    ("issued", "kept", "changed", "first"),
    [
        (("a",), ("b", "c"), True, "/keys: 1 certificate issued"),
        (("a", "b"), (), True, "/keys: 2 certificates issued"),
        ((), ("a", "b"), True, "/keys: 0 certificates issued"),
        (
            (),
            ("a",),
            False,
            "nothing to do: 1 client in /keys, not yet due for renewal; --force issues new ones",
        ),
    ],
)
def test_client_counts_clients_and_not_files(
    said: Any, issued: tuple[str, ...], kept: tuple[str, ...], first: str, *, changed: bool
) -> None:
    result = ClientResult(
        **PROJECT,
        changed=changed,
        files=(FileResult(path="/keys/team.pem.old", action="created"),),
        directory="/keys",
        issued=issued,
        kept=kept,
    )
    assert said(result).splitlines()[0] == first


def test_status_sums_up_the_certificates_of_further_clients_wherever_they_lie(said: Any) -> None:
    result = StatusResult(
        **PROJECT,
        certificates=(
            certificate("cert/clients/server.pem"),
            certificate("elsewhere/1.pem", client="alice"),
        ),
    )
    text = said(result)
    own = "until 2028-01-01 (90 days), the first to expire: cert/clients/server.pem"
    assert f"  certificates  {own}\n" in text
    further = "1 certificate in elsewhere, the first to expire: alice, until 2028-01-01 (90 days)"
    assert f"  clients       {further}\n" in text
    detail = said(result, verbose=True)
    assert "subject CN=cert/clients/server.pem" in detail
    assert "subject CN=elsewhere/1.pem" in detail


def test_a_next_step_of_several_warnings_is_told_once() -> None:
    gone = [TlsWarning("file-missing", f"{name} is gone", None, "do this") for name in "ab"]
    other = TlsWarning("other", "c", None, "do that")

    assert [one.plain for one in warning_lines([*gone, other])] == [
        *(
            "warning[file-missing]: a is gone",
            "warning[file-missing]: b is gone",
            "  next: do this",
        ),
        *("warning[other]: c", "  next: do that"),
    ]


def test_what_several_probes_saw_is_told_once() -> None:
    plain: dict[str, Any] = {
        "ok": False,
        "observed": "the server answers in plain text",
        "seconds": 0.0,
    }
    probes = [Probe(name=name, expected=f"{name} is right", **plain) for name in ("one", "two")]

    assert [one.plain for one in check_lines(probes)][
        -1
    ] == "  FAILED two: failed for the same reason"
    assert "expected: two is right" in [
        one.plain.strip() for one in check_lines(probes, verbose=True)
    ]

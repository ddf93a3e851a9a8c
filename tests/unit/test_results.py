from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_origin

import jsonschema
import pytest
from pydantic import ValidationError

from compose_tls import results
from compose_tls.observation import CertificateFacts
from compose_tls.results import (
    CertificateResult,
    CheckResult,
    ClientResult,
    ConnectResult,
    CutOff,
    DeclaredService,
    DeployedService,
    DisableResult,
    EnableResult,
    Endpoint,
    ErrorDetail,
    Failure,
    FileResult,
    FileState,
    GivenFiles,
    Link,
    NeighbourResult,
    Probe,
    Recorded,
    RenewResult,
    Result,
    Snippet,
    StatusResult,
    to_json,
    to_json_line,
)
from compose_tls.vocabulary import TlsWarning
from tests.schema import check_document

FACTS = CertificateFacts(
    subject="CN=localhost",
    issuer="CN=ca",
    serial="01",
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    not_after=datetime(2026, 2, 1, 12, tzinfo=UTC),
    key_type="ecdsa-p256",
    sha256="ab",
    dns_names=("localhost",),
    ip_addresses=("127.0.0.1", "::1"),
    is_ca=False,
    permitted_dns=(),
)

CHECK = Probe(name="tls", ok=False, expected="TLS", observed="none", seconds=0.5, hint="up")
PASSED = Probe(name="tls", ok=True, expected="TLS", observed="TLS", seconds=0.5, skipped=True)
FILE = FileResult(path="docker-compose.yml", action="patched")
CERTIFICATE = CertificateResult.of("tls/server.pem", FACTS, FACTS.not_before)
ENDPOINT = Endpoint(uri="https://localhost:19530", server_name="localhost")
CONNECT = {"uri": "https://localhost:19530", "token": None, "secure": True}
WARNINGS = (
    TlsWarning(code="edit-kept", message="kept"),
    TlsWarning(code="key-mounted", message="m", path="a.yml", line=3, hint="h"),
)
LINK = Link(
    sources=("clients",),
    targets=("standalone",),
    purpose="gRPC",
    port=19530,
    encryption="encrypted",
    published="everyone",
    note="n",
)

EVERYTHING: dict[str, Any] = {
    "next": ("docker compose up -d",),
    "changed": True,
    "dry_run": True,
    "mode": 2,
    "project": "/project",
    "services": ("standalone",),
    "files": (FILE,),
    "certificates": (CERTIFICATE,),
    "endpoint": ENDPOINT,
    "connect": CONNECT,
    "checks": (CHECK, PASSED),
    "diff": "--- a\n",
    "deployed": True,
    "warnings": WARNINGS,
}
CUT_OFF = CutOff(service="attu", how="its MILVUS_URL names Milvus", encryption="plain", needs="TLS")
TOLD = NeighbourResult(service="ui", how="its MILVUS_URL names Milvus", certificate="c.pem")
WHOLE = EnableResult(**EVERYTHING, cut_off=(CUT_OFF,), neighbours=(TOLD,))
OFF = StatusResult(ok=False, project="/project")

# Each command, with nothing and with everything that applies.
RESULTS: dict[str, tuple[Result, Result]] = {
    "enable": (EnableResult(project="/project", mode=1, changed=False), WHOLE),
    "renew": (
        RenewResult(project="/project", mode=1, changed=False),
        RenewResult(**EVERYTHING),
    ),
    "disable": (
        DisableResult(project="/project", changed=False),
        DisableResult(
            project="/project",
            services=("standalone",),
            changed=True,
            dry_run=True,
            files=(FILE,),
            diff="--- a\n",
            mode=1,
            key_directories=("cert", "tls"),
            purge="compose-tls disable --purge",
            in_use=True,
            next=("docker compose up -d",),
            warnings=WARNINGS,
        ),
    ),
    "client": (
        ClientResult(project="/project", mode=1, changed=False),
        ClientResult(
            project="/project",
            mode=2,
            services=("standalone",),
            changed=True,
            dry_run=True,
            files=(FILE,),
            certificates=(CERTIFICATE,),
            endpoint=ENDPOINT,
            connect=CONNECT,
            give=(GivenFiles(client="alice", files=("cert/clients/alice.pem", "cert/ca.pem")),),
            next=("docker compose up -d",),
            warnings=WARNINGS,
        ),
    ),
    "status": (
        OFF,
        StatusResult(
            mode=2,
            project="/project",
            services=("standalone",),
            declared=(
                DeclaredService(
                    service="standalone",
                    mode=2,
                    place="docker-compose.yml:12",
                    certificate="tls/server.pem",
                    by_compose_tls=True,
                    differs=("tls.serverKeyPath is /a, and no mount provides it",),
                ),
            ),
            recorded=Recorded(mode=2, services=("standalone",), tls_dir="tls"),
            deployed=(
                DeployedService(
                    service="standalone",
                    state="current",
                    reasons=("unhealthy: no",),
                    container="milvus",
                    health="unhealthy",
                    started_at=FACTS.not_before,
                ),
            ),
            not_looked_at="no engine",
            next="compose-tls enable --mode 2",
            file_states=(FileState(path="milvus.yaml", state="drifted"),),
            certificates=(CERTIFICATE,),
            links=(LINK,),
            endpoint=ENDPOINT,
            address_note="n",
            warnings=WARNINGS,
        ),
    ),
    "check": (
        CheckResult(project="/project", mode=1, endpoint=ENDPOINT, connect={}, checks=()),
        CheckResult(
            project="/project",
            mode=2,
            services=("standalone",),
            endpoint=ENDPOINT,
            connect=CONNECT,
            checks=(CHECK, PASSED),
            time=FACTS.not_before,
            warnings=WARNINGS,
        ),
    ),
    "connect": (
        ConnectResult(
            project="/project",
            mode=1,
            endpoint=ENDPOINT,
            connect={},
            snippet=Snippet(lang="python", text="x\n"),
        ),
        ConnectResult(
            project="/project",
            mode=2,
            services=("standalone",),
            endpoint=ENDPOINT,
            connect=CONNECT,
            snippet=Snippet(lang="python", text="x\n"),
            warnings=WARNINGS,
        ),
    ),
}

ERROR = ErrorDetail(code="yaml-syntax", message="m", hint="h", path="a.yml", line=3)


def printed(model: Result | Failure) -> Any:
    document = json.loads(to_json(model))
    check_document(document)
    return document


@pytest.mark.parametrize(
    "model",
    [
        *(result for pair in RESULTS.values() for result in pair),
        Failure(command="enable", error=ERROR),
        Failure(command="check", error=ERROR, checks=(CHECK,), warnings=WARNINGS),
    ],
    ids=lambda model: model.command,
)
def test_what_is_printed_keeps_to_the_schema_and_reads_back_the_same(
    model: Result | Failure,
) -> None:
    assert type(model).model_validate_json(to_json(model)) == model
    assert printed(model)["schema"] == 1


@pytest.mark.parametrize("command", RESULTS)
def test_each_command_has_a_result_of_its_own(command: str) -> None:
    for result in RESULTS[command]:
        assert (result.command, printed(result)["command"]) == (command, command)
        others = {type(one) for pair in RESULTS.values() for one in pair} - {type(result)}
        for other in others:
            with pytest.raises(ValidationError):
                other.model_validate_json(to_json(result))


@pytest.mark.parametrize("command", RESULTS)
def test_a_list_is_never_none(command: str) -> None:
    least = RESULTS[command][0]
    lists = [
        name
        for name, field in type(least).model_fields.items()
        if get_origin(field.annotation) is tuple
    ]
    assert lists
    assert all(getattr(least, name) == () for name in lists)


def test_every_name_of_the_results_is_where_it_is_looked_for() -> None:
    for name in results.__all__:
        assert getattr(results, name) is not None
    with pytest.raises(AttributeError, match="EnabelResult"):
        results.EnabelResult  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


def test_on_one_line_it_is_the_same_document() -> None:
    assert json.loads(to_json_line(WHOLE)) == printed(WHOLE)
    assert "\n" not in to_json_line(WHOLE)


def test_keys_that_do_not_apply_are_left_out() -> None:
    assert printed(OFF) == {
        "schema": 1,
        "command": "status",
        "ok": False,
        "project": "/project",
        "links": [],
        "warnings": [],
    }
    assert printed(RESULTS["enable"][0]) == {
        "schema": 1,
        "command": "enable",
        "ok": True,
        "project": "/project",
        "mode": 1,
        "changed": False,
        "files": [],
        "warnings": [],
    }
    assert printed(
        Failure(command="status", error=ErrorDetail(code="c", message="m", hint="h"))
    ) == {
        "schema": 1,
        "command": "status",
        "ok": False,
        "error": {"code": "c", "message": "m", "hint": "h"},
        "warnings": [],
    }


INNER = {
    "as_before",
    "brought",
    "ca",
    "ca_key",
    "certificates_usable",
    "directory",
    "exact",
    "issue_with",
    "issued",
    "kept",
    "loads",
    "not_empty",
    "pki_dir",
    "rollover",
    "then",
    "tls_dir",
}
"""What is for the command line and callers in Python."""


@pytest.mark.parametrize("command", RESULTS)
def test_everything_that_applies_is_there(command: str) -> None:
    whole = RESULTS[command][1]
    document = printed(whole)
    assert (
        set(document)
        == {"schema" if name == "schema_version" else name for name in type(whole).model_fields}
        - INNER
    )


def test_values_are_printed_as_they_are() -> None:
    document = printed(WHOLE)
    assert document["connect"] == WHOLE.connect
    assert [check.get("skipped") for check in document["checks"]] == [None, True]


def test_the_exit_code_is_not_part_of_the_document() -> None:
    assert "exit_code" not in printed(WHOLE)


DRIFTED = FileState(path="milvus.yaml", state="drifted")
WRITTEN = FileState(path="milvus.yaml", state="as-written")


@pytest.mark.parametrize(
    ("found", "exit_code"),
    [
        (StatusResult(project="/p", mode=1, file_states=(WRITTEN,)), 0),
        (StatusResult(project="/p", mode=1, file_states=(WRITTEN, DRIFTED)), 7),
        (StatusResult(project="/p"), 7),
        (StatusResult(project="/p", mode=1, loads=False), 7),
        (StatusResult(project="/p", mode=1, certificates_usable=False), 4),
        (
            StatusResult(project="/p", mode=1, file_states=(DRIFTED,), certificates_usable=False),
            4,
        ),
    ],
)
def test_the_exit_code_of_status_follows_from_its_verdict(
    found: StatusResult, exit_code: int
) -> None:
    assert found.exit_code == exit_code


def test_every_other_result_means_that_all_is_well() -> None:
    for command, (least, whole) in RESULTS.items():
        if command != "status":
            assert (least.ok, least.exit_code, whole.ok, whole.exit_code) == (True, 0, True, 0)


def test_a_document_is_ascii_so_that_every_terminal_takes_it() -> None:
    text = to_json(StatusResult(project="/home/日本/caf\udce9"))
    assert text.isascii()
    assert json.loads(text)["project"] == "/home/日本/caf\udce9"


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"schema": None},
        {"command": "x"},
        {"colour": "red"},
        {"mode": None},
        {"error": {}},
        {"warnings": [{"code": "c"}]},
        {"snippet": {"lang": "python", "text": ""}},
        {"exit_code": 0},
    ],
)
def test_the_schema_refuses_what_is_never_printed(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check_document(printed(WHOLE) | change)


@pytest.mark.parametrize("key", ["schema", "command", "ok", "project", "mode", "files", "warnings"])
def test_the_schema_wants_what_is_always_printed(key: str) -> None:
    document = printed(WHOLE)
    del document[key]
    with pytest.raises(jsonschema.ValidationError):
        check_document(document)


def test_times_are_utc() -> None:
    certificate = printed(WHOLE)["certificates"][0]
    assert certificate["not_before"] == "2026-01-01T00:00:00Z"
    assert certificate["not_after"] == "2026-02-01T12:00:00Z"


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (None, None),
        (FACTS.not_before, 31),
        (FACTS.not_after - timedelta(hours=23), 0),
        (FACTS.not_after + timedelta(seconds=1), -1),
    ],
)
def test_a_certificate_tells_the_whole_days_that_are_left(
    now: datetime | None, days: int | None
) -> None:
    result = CertificateResult.of("a.pem", FACTS, now)
    assert result.days_left == days
    assert (result.path, result.subject, result.ip_addresses) == (
        "a.pem",
        FACTS.subject,
        FACTS.ip_addresses,
    )


def test_results_are_values_and_know_their_keys() -> None:
    with pytest.raises(ValidationError):
        WHOLE.mode = 1  # type: ignore[misc] # that it is refused is what is tested
    with pytest.raises(ValidationError):
        StatusResult(project="x", colour="red")  # type: ignore[call-arg] # an unknown key is what is tested

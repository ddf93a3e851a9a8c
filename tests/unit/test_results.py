from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from compose_tls.observation import CertificateFacts
from compose_tls.results import (
    CertificateResult,
    CheckResult,
    Endpoint,
    ErrorDetail,
    Failure,
    FileResult,
    FileState,
    Link,
    Result,
    Snippet,
    to_json,
    to_json_line,
)
from compose_tls.vocabulary import TlsWarning

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "schema.json").read_text(encoding="utf-8")
)

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
)

CHECK = CheckResult(name="tls", ok=False, expected="TLS", observed="none", seconds=0.5, hint="up")

WHOLE = Result(
    command="enable",
    changed=True,
    dry_run=True,
    mode=2,
    project="/project",
    services=("standalone",),
    files=(FileResult(path="docker-compose.yml", action="patched"),),
    file_states=(FileState(path="milvus.yaml", state="drifted"),),
    certificates=(CertificateResult.of("tls/server.pem", FACTS, FACTS.not_before),),
    links=(
        Link(
            sources=("clients",),
            targets=("standalone",),
            purpose="gRPC",
            port=19530,
            encryption="encrypted",
            published="everyone",
            note="n",
        ),
    ),
    endpoint=Endpoint(uri="https://localhost:19530", server_name="localhost"),
    connect={"uri": "https://localhost:19530", "token": None, "secure": True},
    checks=(CHECK, CheckResult(**{**dict(CHECK), "ok": True, "skipped": True})),
    snippet=Snippet(lang="python", text="x\n"),
    diff="--- a\n",
    deployed=True,
    time=FACTS.not_before,
    exit_code=4,
    warnings=(
        TlsWarning(code="edit-kept", message="kept"),
        TlsWarning(code="key-mounted", message="m", path="a.yml", line=3, hint="h"),
    ),
)

ERROR = ErrorDetail(code="yaml-syntax", message="m", hint="h", path="a.yml", line=3)


def printed(model: Result | Failure) -> Any:
    document = json.loads(to_json(model))
    jsonschema.validate(document, SCHEMA, format_checker=jsonschema.FormatChecker())
    return document


@pytest.mark.parametrize(
    "model",
    [
        Result(command="disable"),
        WHOLE,
        Failure(command="enable", error=ERROR),
        Failure(command="check", error=ERROR, checks=(CHECK,), warnings=WHOLE.warnings),
    ],
)
def test_what_is_printed_keeps_to_the_schema_and_reads_back_the_same(
    model: Result | Failure,
) -> None:
    again = type(model).model_validate_json(to_json(model))
    assert again == (model.model_copy(update={"exit_code": 0}) if model is WHOLE else model)
    assert printed(model)["schema"] == 1


def test_on_one_line_it_is_the_same_document() -> None:
    assert json.loads(to_json_line(WHOLE)) == printed(WHOLE)
    assert "\n" not in to_json_line(WHOLE)


def test_keys_that_do_not_apply_are_left_out() -> None:
    assert printed(Result(command="disable")) == {
        "schema": 1,
        "command": "disable",
        "ok": True,
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


def test_everything_that_applies_is_there() -> None:
    document = printed(WHOLE)
    assert set(document) == {
        "schema" if name == "schema_version" else name for name in Result.model_fields
    } - {"exit_code"}
    assert document["connect"] == WHOLE.connect
    assert [check.get("skipped") for check in document["checks"]] == [None, True]


def test_the_exit_code_is_not_part_of_the_document() -> None:
    assert "exit_code" not in printed(WHOLE)


def test_a_document_is_ascii_so_that_every_terminal_takes_it() -> None:
    text = to_json(Result(command="status", project="/home/日本/caf\udce9"))
    assert text.isascii()
    assert json.loads(text)["project"] == "/home/日本/caf\udce9"


@pytest.mark.parametrize(
    "document",
    [
        {"schema": 2, "command": "x", "ok": True, "warnings": []},
        {"command": "x", "ok": True, "warnings": []},
        {"schema": 1, "command": "x", "ok": True, "warnings": [], "colour": "red"},
        {"schema": 1, "command": "x", "ok": True, "warnings": [], "mode": None},
        {"schema": 1, "command": "x", "ok": True, "error": {}, "warnings": []},
        {"schema": 1, "command": "x", "ok": True, "warnings": [{"code": "c"}]},
    ],
)
def test_the_schema_refuses_what_is_never_printed(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


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
        WHOLE.mode = 1
    with pytest.raises(ValidationError):
        Result(command="x", colour="red")  # type: ignore[call-arg] # an unknown key is what is tested

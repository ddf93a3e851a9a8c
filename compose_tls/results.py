"""What commands return and what ``--json`` prints: one envelope, versioned by ``schema``.

The JSON schema in docs/schema.json is generated from these models.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from compose_tls.changes import Action
from compose_tls.facts import CertificateFacts

SCHEMA_VERSION: Literal[1] = 1


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileResult(_Model):
    """A file and what happened (or, in a dry run, would happen) to it."""

    path: str
    action: Action


class CertificateResult(_Model):
    """A certificate as people and monitors want it. Times are UTC."""

    path: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key_type: str
    sha256: str
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    days_left: int | None = None

    @classmethod
    def of(
        cls, path: str, facts: CertificateFacts, now: datetime | None = None
    ) -> CertificateResult:
        """The result for a certificate at ``path``; with ``now``, whole days left are filled in."""
        return cls(
            path=path,
            subject=facts.subject,
            issuer=facts.issuer,
            serial=facts.serial,
            not_before=facts.not_before,
            not_after=facts.not_after,
            key_type=facts.key_type,
            sha256=facts.sha256,
            dns_names=facts.dns_names,
            ip_addresses=facts.ip_addresses,
            days_left=facts.remaining(now).days if now else None,
        )


class Endpoint(_Model):
    """Where a client connects, and the name it must verify."""

    uri: str
    server_name: str


class CheckResult(_Model):
    """One live probe: what should be seen, what was seen, and how long it took in seconds."""

    name: str
    ok: bool
    expected: str
    observed: str
    seconds: float
    skipped: Literal[True] | None = None
    hint: str | None = None


class WarningResult(_Model):
    """Something to know although the command went on."""

    code: str
    message: str


class FileState(_Model):
    """A file as ``status`` finds it: as enable wrote it, drifted, or missing."""

    path: str
    state: Literal["as-written", "drifted", "missing"]


class Snippet(_Model):
    """Paste-ready client code or settings."""

    lang: str
    text: str


class Result(_Model):
    """What a command did. Keys that do not apply are left out of the JSON."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    command: str
    ok: bool = True
    changed: bool | None = None
    dry_run: bool | None = None
    mode: int | None = None
    project: str | None = None
    services: tuple[str, ...] | None = None
    files: tuple[FileResult, ...] | None = None
    file_states: tuple[FileState, ...] | None = None
    certificates: tuple[CertificateResult, ...] | None = None
    endpoint: Endpoint | None = None
    connect: dict[str, Any] | None = None
    checks: tuple[CheckResult, ...] | None = None
    snippet: Snippet | None = None
    diff: str | None = None
    deployed: bool | None = None
    exit_code: int = Field(default=0, exclude=True)
    warnings: tuple[WarningResult, ...] = ()


class ErrorDetail(_Model):
    """An error as programs read it."""

    code: str
    message: str
    hint: str
    path: str | None = None
    line: int | None = None


class Failure(_Model):
    """A command that failed."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    command: str
    ok: Literal[False] = False
    error: ErrorDetail
    checks: tuple[CheckResult, ...] | None = None
    warnings: tuple[WarningResult, ...] = ()


def to_json(model: Result | Failure) -> str:
    """One JSON document, keys that do not apply left out."""
    values = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    # In ASCII, which every terminal takes and which can spell a path that is not valid UTF-8.
    return json.dumps(values, indent=2)

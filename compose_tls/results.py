"""What commands return and what ``--json`` prints: one envelope, versioned by ``schema``.

The JSON schema in docs/schema.json is generated from these models.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from compose_tls.observation import CertificateFacts
from compose_tls.vocabulary import Action, Encryption, Reach, TlsWarning

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


class FileState(_Model):
    """A file as ``status`` finds it: as enable wrote it, drifted, or missing."""

    path: str
    state: Literal["as-written", "drifted", "missing"]


CLIENTS = "clients"
"""The source of links that come from outside."""

MONITORING = "monitoring"
"""Likewise, for health and metrics."""


class Link(_Model):
    """One network connection between two parties.

    Attributes:
        sources: Who connects: services, or ``clients`` for whoever comes from outside.
        targets: To whom: services, or hosts outside the project.
        purpose: What for.
        port: Of the target; ``None`` where it differs or is not known.
        encryption: What the settings on disk say; they hold from the next start on.
        published: Who reaches the port: only the networks of the project (``nobody``), this machine
            (``loopback``), who reaches one ``address``, or ``everyone``; ``None`` for other hosts.
        note: What to know about it, or to do.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    purpose: str
    port: int | None = None
    encryption: Encryption
    published: Reach | None = None
    note: str | None = None


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
    links: tuple[Link, ...] | None = None
    endpoint: Endpoint | None = None
    connect: dict[str, Any] | None = None
    checks: tuple[CheckResult, ...] | None = None
    snippet: Snippet | None = None
    diff: str | None = None
    deployed: bool | None = None
    time: datetime | None = None
    exit_code: int = Field(default=0, exclude=True)
    warnings: tuple[TlsWarning, ...] = ()


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
    time: datetime | None = None
    warnings: tuple[TlsWarning, ...] = ()


def to_json(model: Result | Failure) -> str:
    """One JSON document, keys that do not apply left out."""
    values = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    # In ASCII, which every terminal takes and which can spell a path that is not valid UTF-8.
    return json.dumps(values, indent=2)


def to_json_line(model: Result | Failure) -> str:
    """The same document on one line, for streams of documents."""
    return json.dumps(model.model_dump(mode="json", by_alias=True, exclude_none=True))

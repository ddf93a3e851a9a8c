"""Results and errors as text for people, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from compose_tls.errors import ComposeTlsError

if TYPE_CHECKING:
    from compose_tls.results import CertificateResult, CheckResult, Failure, Link, Result

_REACH = {
    "nobody": "project network only",
    "loopback": "this machine only",
    "address": "one address only",
    "everyone": "published to everyone",
}

_MODES = {1: "one-way TLS (mode 1)", 2: "mutual TLS (mode 2)"}


def result_json(result: Result) -> str:
    """A result as one JSON document."""
    from compose_tls.results import to_json  # noqa: PLC0415 - pydantic costs 80 ms, not for --help

    return to_json(result)


def failure_json(
    command: str, error: ComposeTlsError, checks: Sequence[CheckResult] | None = None
) -> str:
    """An error as one JSON document."""
    from compose_tls.results import to_json  # noqa: PLC0415 - as above

    return to_json(failure(command, error, checks))


def failure(
    command: str, error: ComposeTlsError, checks: Sequence[CheckResult] | None = None
) -> Failure:
    """An error as its document."""
    from compose_tls.results import ErrorDetail, Failure  # noqa: PLC0415 - as above

    detail = ErrorDetail(
        code=error.code, message=error.message, hint=error.hint, path=error.path, line=error.line
    )
    return Failure(command=command, error=detail, checks=tuple(checks) if checks else None)


def failure_text(error: ComposeTlsError, checks: Sequence[CheckResult] | None = None) -> str:
    """An error for people: what, where, what next."""
    lines = list(check_lines(checks or ()))
    lines.append(f"error: {error.message}")
    if error.path:
        lines.append(f"  in:   {error.path}{f':{error.line}' if error.line else ''}")
    lines.append(f"  next: {error.hint}")
    return "\n".join(lines)


def file_lines(result: Result, *, verbose: bool) -> Iterable[str]:
    """Every file that changed and how; with ``verbose`` the others too."""
    files = [file for file in result.files or () if verbose or file.action != "unchanged"]
    width = max((len(file.path) for file in files), default=0)
    for file in files:
        would = "would be " if result.dry_run and file.action != "unchanged" else ""
        yield f"  {file.path:<{width}}  {would}{file.action}"


def certificate_lines(certificates: Sequence[CertificateResult]) -> Iterable[str]:
    """Certificates as people want them: names, issuer, until when, fingerprint."""
    places: dict[str, list[str]] = {}
    for certificate in certificates:
        places.setdefault(certificate.sha256, []).append(certificate.path)
    shown = {certificate.sha256: certificate for certificate in certificates}
    for certificate in shown.values():
        until = until_text(certificate)
        yield f"  {', '.join(places[certificate.sha256])}  {certificate.key_type}, {until}"
        names = [*certificate.dns_names, *certificate.ip_addresses]
        if names:
            yield f"    for {', '.join(names)}"
        yield f"    subject {certificate.subject}"
        yield f"    issuer  {certificate.issuer}"
        yield f"    sha256  {certificate.sha256}"


def until_text(certificate: CertificateResult) -> str:
    """How long a certificate is good for."""
    left = certificate.days_left
    days = "" if left is None else " (expired)" if left < 0 else f" ({left} days left)"
    return f"until {certificate.not_after:%Y-%m-%d}{days}"


def reach_text(link: Link) -> str:
    """Who reaches the port of a link, in words."""
    return _REACH[link.published] if link.published else "outside the project"


def check_lines(checks: Iterable[CheckResult]) -> Iterable[str]:
    """Probes: what was expected, what was seen."""
    for check in checks:
        mark = "-" if check.skipped else "ok" if check.ok else "FAILED"
        yield f"  {mark:<6} {check.name}: {check.observed}"
        if not check.ok:
            yield f"         expected: {check.expected}"
            if check.hint:
                yield f"         next: {check.hint}"


def warning_lines(result: Result) -> Iterable[str]:
    """Warnings, for standard error."""
    for warning in result.warnings:
        yield f"warning: {warning.message}"
        if warning.hint:
            yield f"  next: {warning.hint}"


def mode_text(mode: int | None) -> str:
    """A mode in words."""
    return _MODES.get(mode or 0, "no TLS")

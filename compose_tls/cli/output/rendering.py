"""The lines that several commands print for people: errors, warnings, files, certificates, probes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from compose_tls.errors import ComposeTlsError
from compose_tls.vocabulary import TlsWarning

if TYPE_CHECKING:
    from compose_tls.results import (
        CertificateResult,
        Endpoint,
        FileResult,
        Link,
        Mode,
        Probe,
    )

_REACH = {
    "nobody": "project network only",
    "loopback": "this machine only",
    "address": "one address only",
    "everyone": "published to everyone",
}

_MODES: Mapping[Mode, str] = {1: "one-way TLS (mode 1)", 2: "mutual TLS (mode 2)"}


def failure_text(error: ComposeTlsError, checks: Sequence[Probe] = ()) -> str:
    """An error for people: what, where, what next."""
    lines = list(check_lines(checks))
    lines.append(f"error[{error.code}]: {error.message}")
    if error.path:
        lines.append(f"  in:   {error.path}{f':{error.line}' if error.line else ''}")
    lines.append(f"  next: {error.hint}")
    return "\n".join(lines)


def file_lines(files: Sequence[FileResult], *, dry_run: bool, verbose: bool) -> Iterable[str]:
    """Every file that changed and how; with ``verbose`` the others too."""
    shown = [file for file in files if verbose or file.action != "unchanged"]
    width = max((len(file.path) for file in shown), default=0)
    for file in shown:
        would = "would be " if dry_run and file.action != "unchanged" else ""
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


def check_lines(checks: Iterable[Probe]) -> Iterable[str]:
    """Probes: what was expected, what was seen."""
    for check in checks:
        mark = "-" if check.skipped else "ok" if check.ok else "FAILED"
        service = f"{check.service} " if check.service else ""
        yield f"  {mark:<6} {service}{check.name}: {check.observed}"
        if not check.ok:
            yield f"         expected: {check.expected}"
            if check.hint:
                yield f"         next: {check.hint}"


def warning_lines(warnings: Iterable[TlsWarning]) -> Iterable[str]:
    """Warnings, for standard error."""
    for warning in warnings:
        yield f"warning: {warning.message}"
        if warning.hint:
            yield f"  next: {warning.hint}"


def mode_text(mode: Mode | None) -> str:
    """A mode in words."""
    return _MODES[mode] if mode else "no TLS"


def proof_line(endpoint: Endpoint | None, what: str = "speaks TLS") -> str:
    """What passed checks prove."""
    where = endpoint.uri if endpoint else "the server"
    return f"proved: {where} {what}, and refuses what it must refuse"

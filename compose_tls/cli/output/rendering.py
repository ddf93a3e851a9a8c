"""The lines that several commands print for people: errors, warnings, files, certificates, probes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from compose_tls.cli.line import Line, Piece, Style, line
from compose_tls.errors import CheckFailed, ComposeFileNotFound, ComposeTlsError
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

_YEAR: Final = 365.25
_MONTH: Final = _YEAR / 12
# Below that, days are told; from two years on, years.
_MANY_DAYS: Final = 100

_ACTION_WORDS: Final = {"patched": "changed"}
_ACTIONS: Final[Mapping[str, Style]] = {
    "created": "added",
    "patched": "warning",
    "removed": "removed",
}


def failure_lines(
    error: ComposeTlsError, checks: Sequence[Probe], *, verbose: bool
) -> Iterator[Line]:
    """An error for people: what, where, what next."""
    message = error.message
    if sum(not check.skipped for check in checks) > 1:
        yield from check_lines(checks, verbose=verbose)
        if isinstance(error, CheckFailed):
            message = error.summary
    yield line(Piece(f"error[{error.code}]: ", "bad"), message)
    named = {word.rstrip(",:;") for word in message.split()}
    if error.path and (error.line or error.path not in named):
        where = f"{error.path}{f':{error.line}' if error.line else ''}"
        yield line(where, head=(Piece("  in:   ", "faint"),), whole=True)
    hint, *text = error.hint.split("\n") if isinstance(error, ComposeFileNotFound) else [error.hint]
    yield line(hint, head=(Piece("  next: ", "strong"),))
    for one in text:
        yield line(one, whole=True)


def file_lines(files: Sequence[FileResult], *, dry_run: bool, verbose: bool) -> Iterator[Line]:
    """Every file that changed and how; with ``verbose`` the others too."""
    shown = [file for file in files if verbose or file.action != "unchanged"]
    width = max((len(file.path) for file in shown), default=0)
    for file in shown:
        would = "would be " if dry_run and file.action != "unchanged" else ""
        style = _ACTIONS.get(file.action, "faint")
        done = _ACTION_WORDS.get(file.action, file.action)
        yield line("  ", f"{file.path:<{width}}", "  ", Piece(f"{would}{done}", style))


def certificate_lines(certificates: Sequence[CertificateResult]) -> Iterator[Line]:
    """Certificates as people want them: names, issuer, until when, fingerprint."""
    places: dict[str, list[str]] = {}
    for certificate in certificates:
        places.setdefault(certificate.sha256, []).append(certificate.path)
    shown = {certificate.sha256: certificate for certificate in certificates}
    for certificate in shown.values():
        paths = ", ".join(places[certificate.sha256])
        until = until_piece(certificate)
        yield line(Piece(paths, "strong"), f"  {certificate.key_type}, ", until, head=("  ",))
        names = [*certificate.dns_names, *certificate.ip_addresses]
        if names:
            yield line(", ".join(names), head=("    for ",))
        yield line(certificate.subject, head=("    subject ",))
        yield line(certificate.issuer, head=("    issuer  ",))
        yield line(certificate.sha256, head=("    sha256  ",))


def until_piece(certificate: CertificateResult) -> Piece:
    """How long a certificate is valid for."""
    left = certificate.days_left
    over = left is not None and left < 0
    told = "" if left is None else " (expired)" if over else f" ({span_text(left)})"
    return Piece(f"until {certificate.not_after:%Y-%m-%d}{told}", "bad" if over else "")


def span_text(days: int) -> str:
    """A number of days, as people say it: a certificate for 825 days is valid for 2 years."""
    if days < _MANY_DAYS:
        return f"{days} {'day' if days == 1 else 'days'}"
    if days < 2 * _YEAR:
        return f"{days / _MONTH:.0f} months"
    return f"{days / _YEAR:.0f} years"


def reach_text(link: Link) -> str:
    """Who reaches the port of a link, in words."""
    return _REACH[link.published] if link.published else "outside the project"


def check_lines(
    checks: Iterable[Probe], *, verbose: bool = False, told: set[str] | None = None
) -> Iterator[Line]:
    """Probes: what was proved, and of what was not, what was expected and what was seen.

    Args:
        checks: The probes.
        verbose: Whether what was seen, and in how many seconds, is printed for all.
        told: The reasons and next steps that were told already, each of which is told once.
    """
    told = set() if told is None else told
    for check in checks:
        service = f"{check.service} " if check.service else ""
        if not verbose and (check.untried in told or (not check.ok and check.observed in told)):
            what = "could not be tried" if check.untried else "failed"
            known = f"{service}{check.name}: {what} for the same reason"
            yield line(known, head=("  ", _mark(check), " "))
            continue
        if check.skipped or verbose or not check.ok:
            text = f"{service}{check.name}: {check.observed}"
        else:
            text = f"{service}{check.expected}"
        took = (Piece(f" ({check.seconds:.2f} s)", "faint"),) if verbose else ()
        yield line(text, *took, head=("  ", _mark(check), " "))
        if not check.ok:
            told.add(check.untried or check.observed)
            below = Piece(" " * 9, "indent")
            yield line(check.expected, head=(below, "expected: "))
            if check.hint and check.hint not in told:
                told.add(check.hint)
                yield line(check.hint, head=(below, "next: "))


def _mark(check: Probe) -> Piece:
    style: Style = "skip" if check.skipped else "pass" if check.ok else "fail"
    return Piece(f"{'-' if check.skipped else 'ok' if check.ok else 'FAILED':<6}", style)


def warning_lines(warnings: Iterable[TlsWarning]) -> Iterator[Line]:
    """Warnings, for standard error; those with the same next step stand above it."""
    for hint, group in groupby(warnings, key=lambda warning: warning.hint):
        for warning in group:
            yield line(Piece(f"warning[{warning.code}]: ", "warning"), warning.message)
        if hint:
            yield line(hint, head=(Piece("  next: ", "strong"),))


def mode_text(mode: Mode | None) -> str:
    """A mode in words."""
    return _MODES[mode] if mode else "no TLS"


def proof_line(endpoint: Endpoint | None, what: str = "speaks TLS") -> Line:
    """What passed checks prove."""
    where = endpoint.uri if endpoint else "the server"
    return line(
        f"{where} {what}, and refuses what it must refuse", head=(Piece("proved: ", "good"),)
    )

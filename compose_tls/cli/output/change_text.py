"""What enable, disable and renew print for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from compose_tls.cli.output import rendering

if TYPE_CHECKING:
    from compose_tls.results import (
        ChangeResult,
        DisableResult,
        EnableResult,
        InitResult,
        RenewResult,
    )


def enable_lines(result: EnableResult, *, verbose: bool) -> Iterator[str]:
    """The result of enable."""
    yield from _diff(result, verbose=verbose)
    yield _change(result, rendering.mode_text(result.mode))
    for one in result.neighbours if result.changed or verbose else ():
        with_what = f", with the client certificate {one.certificate}" if one.certificate else ""
        would = "would be switched" if result.dry_run else "switched"
        yield f"{one.service}: {would} to TLS{with_what} ({one.how})"
    yield from _files(result, verbose=verbose)
    if verbose:
        yield from rendering.certificate_lines(result.certificates)
    yield from rendering.check_lines(result.checks)
    if result.checks:
        yield rendering.proof_line(result.endpoint)
    yield from _next(result)


def init_lines(result: InitResult, *, verbose: bool) -> Iterator[str]:
    """The result of init."""
    yield from _diff(result, verbose=verbose)
    mode = rendering.mode_text(result.mode)
    if not result.changed:
        yield f"the project is there already: {', '.join(result.services)} has {mode}"
    else:
        would = "would be made; nothing was written" if result.dry_run else "made"
        yield f"a project with {result.image}, {mode}: {would}"
    yield from _files(result, verbose=verbose)
    if verbose:
        yield from rendering.certificate_lines(result.certificates)
    yield from rendering.check_lines(result.checks)
    if result.checks:
        yield rendering.proof_line(result.endpoint)
    if result.root_password_file and not result.dry_run:
        yield f"the password of root {_password(result)} in {result.root_password_file}"
    yield from _next(result)


def _password(result: InitResult) -> str:
    return "is" if result.checks else "will be the one"


def disable_lines(result: DisableResult, *, verbose: bool) -> Iterator[str]:
    """The result of disable."""
    yield from _diff(result, verbose=verbose)
    mode = rendering.mode_text(result.mode) if result.mode else "plain text"
    if result.services:
        yield _change(result, f"{mode}, {'as before' if result.as_before else 'which stays'}")
    else:
        yield "would be purged; nothing was written" if result.dry_run else "purged"
    yield from _files(result, verbose=verbose)
    if result.key_directories and not result.dry_run:
        places = " and ".join(f"{place}/" for place in result.key_directories)
        yield f"private keys stay in {places}: {result.purge} removes them"
    yield from _next(result)


def renew_lines(result: RenewResult, *, verbose: bool) -> Iterator[str]:
    """The result of renew."""
    services = ", ".join(result.services)
    certificates = result.certificates
    if not result.changed and result.checks:
        yield f"{services}: restarted, to read what was renewed before"
    elif not result.changed and result.rollover == "pending":
        yield "nothing to do: the new CA is there already"
    elif not result.changed:
        days = min((c.days_left for c in certificates if c.days_left is not None), default=0)
        force = "" if result.brought else "; --force renews"
        yield f"nothing to do: all certificates are good for {days} days{force}"
    elif result.dry_run:
        yield "would renew; nothing was written"
    else:
        yield f"{services}: renewed"
    yield from _files(result, verbose=verbose)
    new = {file.path for file in result.files if file.action != "unchanged"}
    yield from rendering.certificate_lines([c for c in certificates if verbose or c.path in new])
    yield from rendering.check_lines(result.checks)
    if result.checks:
        yield rendering.proof_line(result.endpoint, "serves it")
    yield from _next(result)


def _next(result: ChangeResult) -> Iterator[str]:
    if result.next:
        yield f"next: {', then '.join(result.next)}"


def _diff(result: EnableResult | DisableResult | InitResult, *, verbose: bool) -> Iterator[str]:
    if result.diff and (result.dry_run or verbose):
        yield result.diff.rstrip("\n")


def _change(result: ChangeResult, done: str) -> str:
    services = ", ".join(result.services)
    if not result.changed:
        return f"nothing to do: {services} has {done}"
    if result.dry_run:
        return f"would change to {done}; nothing was written"
    return f"{services}: {done}"


def _files(result: ChangeResult, *, verbose: bool) -> Iterator[str]:
    if result.changed or verbose:
        yield from rendering.file_lines(result.files, dry_run=bool(result.dry_run), verbose=verbose)

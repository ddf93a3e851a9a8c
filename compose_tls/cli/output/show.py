"""Prints a result: one document or text on standard output, warnings on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from compose_tls.cli.options import Output
from compose_tls.cli.output import rendering
from compose_tls.cli.output.status_text import status_lines

if TYPE_CHECKING:
    from compose_tls.results import Result


_FEW = 10


def show(result: Result, output: Output) -> int:
    """Print a result and give its exit code."""
    for line in rendering.warning_lines(result):
        click.echo(line, err=True)
    if output.json:
        click.echo(rendering.result_json(result))
    else:
        for line in _lines(result, verbose=output.verbose):
            click.echo(line)
    return result.exit_code


def show_drawing(result: Result, form: str) -> int:
    """Print the links of a result as a picture, mermaid or svg, and give its exit code."""
    from compose_tls.cli.output.map_mermaid import mermaid  # noqa: PLC0415 - for these two alone
    from compose_tls.cli.output.map_svg import svg  # noqa: PLC0415 - as above

    for line in rendering.warning_lines(result):
        click.echo(line, err=True)
    click.echo((svg if form == "svg" else mermaid)(result.links or ()), nl=False)
    return result.exit_code


def _lines(result: Result, *, verbose: bool) -> list[str]:
    match result.command:
        case "status":
            return list(status_lines(result, verbose=verbose))
        case "check":
            return _check(result)
        case "renew":
            return _renewed(result, verbose=verbose)
        case "client":
            return _clients(result, verbose=verbose)
        case "connect":
            return [result.snippet.text.rstrip("\n")] if result.snippet else []
        case _:
            return _changes(result, verbose=verbose)


def _changes(result: Result, *, verbose: bool) -> list[str]:
    """For enable and disable."""
    lines: list[str] = []
    if result.diff and (result.dry_run or verbose):
        lines.append(result.diff.rstrip("\n"))
    off = result.command == "disable"
    done = "plain text, as before" if off else rendering.mode_text(result.mode)
    if not result.changed:
        lines.append(f"nothing to do: {', '.join(result.services or ())} has {done}")
    elif result.dry_run:
        lines.append(f"would change to {done}; nothing was written")
    else:
        lines.append(f"{', '.join(result.services or ())}: {done}")
    if result.changed or verbose:
        lines += rendering.file_lines(result, verbose=verbose)
    if verbose:
        lines += rendering.certificate_lines(result.certificates or ())
    lines += rendering.check_lines(result.checks or ())
    if result.checks:
        where = result.endpoint.uri if result.endpoint else "the server"
        lines.append(f"proved: {where} speaks TLS, and refuses what it must refuse")
    elif result.changed and not result.dry_run:
        lines.append("next: docker compose up -d" + ("" if off else ", then compose-tls check"))
    return lines


def _renewed(result: Result, *, verbose: bool) -> list[str]:
    services = ", ".join(result.services or ())
    lines = []
    certificates = result.certificates or ()
    new = {file.path for file in result.files or () if file.action != "unchanged"}
    if not result.changed and any(warning.code == "ca-rollover" for warning in result.warnings):
        lines.append("nothing to do: the new CA is there already")
    elif not result.changed:
        days = min((c.days_left for c in certificates if c.days_left is not None), default=0)
        lines.append(f"nothing to do: all certificates are good for {days} days; --force renews")
    elif result.dry_run:
        lines.append("would renew; nothing was written")
    else:
        lines.append(f"{services}: renewed")
    if result.changed or verbose:
        lines += rendering.file_lines(result, verbose=verbose)
    lines += rendering.certificate_lines([c for c in certificates if verbose or c.path in new])
    lines += rendering.check_lines(result.checks or ())
    if result.checks:
        where = result.endpoint.uri if result.endpoint else "the server"
        lines.append(f"proved: {where} serves it, and refuses what it must refuse")
    elif result.deployed is False and not result.dry_run:
        lines.append(f"next: docker compose restart {services}, then compose-tls check")
    return lines


def _clients(result: Result, *, verbose: bool) -> list[str]:
    certificates = [file for file in result.files or () if file.path.endswith(".pem")]
    place = certificates[0].path.rpartition("/")[0] or "."
    new = _counted(sum(file.action != "unchanged" for file in certificates), "certificate")
    if not result.changed:
        clients = _counted(len(certificates), "client")
        lines = [f"nothing to do: {clients} in {place}, good for long; --force issues anew"]
    elif result.dry_run:
        lines = [f"{place}: would issue {new}; nothing was written"]
    else:
        lines = [f"{place}: {new} issued"]
    if result.changed and (verbose or len(certificates) <= _FEW):
        lines += rendering.file_lines(result, verbose=verbose)
    if verbose or len(certificates) == 1:
        lines += rendering.certificate_lines(result.certificates or ())
    if result.changed and not result.dry_run:
        lines.append("next: give each client its own files, and the ca.pem of the project")
    return lines


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _check(result: Result) -> list[str]:
    lines = list(rendering.check_lines(result.checks or ()))
    if result.endpoint:
        lines.append(f"proved: {result.endpoint.uri} speaks TLS, and refuses what it must refuse")
    return lines

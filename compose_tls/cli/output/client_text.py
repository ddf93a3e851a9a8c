"""What client prints for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from compose_tls.cli.line import Line, Piece, fields, line, next_line
from compose_tls.cli.output import rendering
from compose_tls.layout import CLIENT_FILES

if TYPE_CHECKING:
    from compose_tls.results import ClientResult

_FEW = 10


def client_lines(result: ClientResult, *, verbose: bool) -> Iterator[Line]:
    """The result of client; with ``verbose``, every file and certificate of however many clients."""
    count = len(result.issued) + len(result.kept)
    new = _counted(len(result.issued), "certificate")
    if not result.changed:
        clients = _counted(count, "client")
        place = f"{clients} in {result.directory}"
        yield line(f"nothing to do: {place}, not yet due for renewal; --force issues new ones")
    elif result.dry_run:
        yield line(f"{result.directory}: would issue {new}; nothing was written")
    else:
        yield line(f"{result.directory}: ", Piece(f"{new} issued", "good"), _until(result))
    if result.changed and (verbose or result.dry_run):
        yield from rendering.file_lines(result.files, dry_run=bool(result.dry_run), verbose=verbose)
    elif result.changed and count <= _FEW:
        yield from fields((name, _files_of(name, result)) for name in result.issued)
    if verbose:
        yield from rendering.certificate_lines(result.certificates)
    if result.changed and not result.dry_run:
        name = result.issued[0] if len(result.issued) == 1 else "each client"
        own = "these files" if len(result.issued) == 1 else "its own files"
        yield line(f"give {name} {own} and {result.ca}", head=(Piece("next: ", "strong"),))
    if result.next:
        yield next_line(*result.next)


def _until(result: ClientResult) -> str:
    ends = [one.not_after for one in result.certificates if one.client in result.issued]
    return f", until {min(ends):%Y-%m-%d}" if ends else ""


def _files_of(name: str, result: ClientResult) -> str:
    written = {PurePath(file.path).name for file in result.files if file.action != "unchanged"}
    return ", ".join(file for suffix in CLIENT_FILES if (file := f"{name}{suffix}") in written)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

"""What export prints for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from compose_tls.cli.line import Line, Piece, line, next_line
from compose_tls.cli.output import rendering

if TYPE_CHECKING:
    from compose_tls.results import ExportResult


def export_lines(result: ExportResult, *, verbose: bool) -> Iterator[Line]:
    """The result of export where the document is in a file, or was not wanted."""
    if not result.changed:
        yield line(f"{result.target}: nothing to do: the files are as they would be written")
    elif result.dry_run:
        yield line(f"{result.target}: would be exported; nothing was written")
    else:
        yield line(Piece("exported", "good"), f": {result.target}")
    yield from beside_lines(result, verbose=verbose)


def beside_lines(result: ExportResult, *, verbose: bool) -> Iterator[Line]:
    """What goes with the document: files, certificates, and what to do next."""
    yield from rendering.file_lines(result.files, dry_run=bool(result.dry_run), verbose=verbose)
    if verbose or result.dry_run:
        yield from rendering.certificate_lines(result.certificates)
    if result.names and (result.changed or verbose):
        yield line(", ".join(result.names), head=("  for ",))
    for command in result.next:
        yield next_line(command)

"""What client prints for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from compose_tls.cli.output import rendering

if TYPE_CHECKING:
    from compose_tls.results import ClientResult

_FEW = 10


def client_lines(result: ClientResult, *, verbose: bool) -> Iterator[str]:
    """The result of client; with ``verbose``, every file and certificate of however many clients."""
    count = len(result.issued) + len(result.kept)
    new = _counted(len(result.issued), "certificate")
    if not result.changed:
        clients = _counted(count, "client")
        place = f"{clients} in {result.directory}"
        yield f"nothing to do: {place}, not yet due for renewal; --force issues new ones"
    elif result.dry_run:
        yield f"{result.directory}: would issue {new}; nothing was written"
    else:
        yield f"{result.directory}: {new} issued"
    if result.changed and (verbose or count <= _FEW):
        yield from rendering.file_lines(result.files, dry_run=bool(result.dry_run), verbose=verbose)
    if verbose or count == 1:
        yield from rendering.certificate_lines(result.certificates)
    if result.changed and not result.dry_run:
        yield "next: give each client its own files, and the ca.pem of the project"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

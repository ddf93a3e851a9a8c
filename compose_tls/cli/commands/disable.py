"""compose-tls disable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli import options
from compose_tls.cli.output.show import Output, show


@click.command(
    name="disable",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  compose-tls disable --dry-run    show the diff; write nothing
  compose-tls disable              then docker compose up -d, to run without TLS
  compose-tls disable --purge      remove the certificates and keys too""",
)
@options.flag("--dry-run", help="Show the diff; write nothing.")
@options.flag("--purge", help="Remove the certificates and keys as well.")
@options.acceptable
@options.common
def command(
    directory: Path,
    *,
    output: Output,
    dry_run: bool,
    purge: bool,
    **flags: Any,
) -> int:
    """Undo exactly what enable changed.

    A file that was not edited since gets its original bytes back; from others, only the entries of
    enable are removed.
    """
    from compose_tls.workflows.disable import disable

    result = disable(
        directory,
        flags,
        dry_run=dry_run,
        purge=purge,
        environment=os.environ,
        on_event=output.on_event,
    )
    return show(result, output)

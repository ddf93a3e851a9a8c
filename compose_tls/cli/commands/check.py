"""compose-tls check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli.options import Output, common, credentials, settings
from compose_tls.cli.output import show


@click.command(name="check")
@click.option("--host", metavar="HOST", help="Where the server is (default: as published).")
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="Its port.")
@credentials
@common
def command(
    project_directory: Path,
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    host: str | None,
    port: int | None,
    **flags: Any,
) -> int:
    """Prove on the wire that the running server encrypts, and refuses what it must refuse."""
    from compose_tls.workflows.check import check  # noqa: PLC0415 - not for --help

    output = Output(as_json, quiet, verbose)
    result = check(
        project_directory,
        settings(project_directory, **flags),
        host=host,
        port=port,
        environment=os.environ,
        on_event=output.event,
    )
    return show(result, output)

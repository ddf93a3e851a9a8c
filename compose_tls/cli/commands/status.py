"""compose-tls status."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli.options import Output, common, settings
from compose_tls.cli.output import show


@click.command(name="status", epilog="Exit codes: 0 as written, 4 certificates, 7 off or drifted.")
@common
def command(
    project_directory: Path, *, as_json: bool, quiet: bool, verbose: bool, **flags: Any
) -> int:
    """What is encrypted, with which certificate, until when, and what drifted since enable."""
    from compose_tls.workflows.status import status  # noqa: PLC0415 - not for --help

    result = status(project_directory, settings(project_directory, **flags), environment=os.environ)
    return show(result, Output(as_json, quiet, verbose))

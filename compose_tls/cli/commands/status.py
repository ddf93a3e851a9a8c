"""compose-tls status."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli import options
from compose_tls.cli.option_types import OneOf
from compose_tls.cli.output.show import Output, show, show_map

_FORMATS = ("text", "json", "mermaid", "svg", "prometheus")


@click.command(
    name="status",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  compose-tls status -v                        every file, certificate and connection
  compose-tls status --format svg > map.svg    a picture of what is encrypted

Exit codes: 0 in order, 4 certificates, 7 TLS is off or something has changed.""",
)
@click.option(
    "--format",
    "form",
    type=OneOf(_FORMATS),
    default="text",
    help="Output format (default: text); mermaid and svg draw a map of the connections; "
    "prometheus is for node_exporter.",
)
@options.acceptable
@options.common
def command(directory: Path, *, form: str, output: Output, **flags: Any) -> int:
    """Show what is encrypted, with which certificate, until when, and what has changed since enable."""
    from compose_tls.workflows.status import status

    result = status(directory, flags, environment=os.environ)
    if form in {"mermaid", "svg", "prometheus"} and not output.json:
        return show_map(result, form, output)
    output.json = output.json or form == "json"
    return show(result, output)

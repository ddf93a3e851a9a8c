"""compose-tls connect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli.options import Output, common, settings
from compose_tls.cli.output.show import show
from compose_tls.workflows.snippets import LANGUAGES


@click.command(name="connect")
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default=LANGUAGES[0],
    show_default=True,
    help="Language.",
)
@common
def command(project_directory: Path, *, output: Output, lang: str, **flags: Any) -> int:
    """Print client code or settings for this project, ready to paste."""
    from compose_tls.workflows.connect import connect  # noqa: PLC0415 - not for --help

    config = settings(project_directory, **flags)
    result = connect(project_directory, config, lang=lang, environment=os.environ)
    return show(result, output)

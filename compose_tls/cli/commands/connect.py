"""compose-tls connect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli import options
from compose_tls.cli.completing import clients, services
from compose_tls.cli.option_types import OneOf
from compose_tls.cli.output.show import Output, show
from compose_tls.workflows.snippets import LANGUAGES


@click.command(
    name="connect",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  compose-tls connect                           Python, on this machine
  compose-tls connect --lang env > milvus.env   variables
  compose-tls connect --client alice            after compose-tls client alice""",
)
@click.option(
    "--lang",
    type=OneOf(LANGUAGES),
    default=LANGUAGES[0],
    help="Language or tool (default: python).",
)
@click.option(
    "--for",
    "inside",
    metavar="SERVICE",
    shell_complete=services,
    help="For this service of the project: addresses and paths as in its container.",
)
@click.option(
    "--client",
    metavar="NAME",
    shell_complete=clients,
    help="Use the certificate of compose-tls client NAME (default: cert/client.pem).",
)
@options.acceptable
@options.common
def command(
    directory: Path,
    *,
    output: Output,
    lang: str,
    inside: str | None,
    client: str | None,
    **flags: Any,
) -> int:
    """Print client code or settings for this project, ready to paste."""
    from compose_tls.workflows.connect import connect

    result = connect(
        directory, flags, lang=lang, service=inside, client=client, environment=os.environ
    )
    return show(result, output)

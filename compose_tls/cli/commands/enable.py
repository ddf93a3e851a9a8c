"""compose-tls enable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli import options
from compose_tls.cli.option_types import Number, OneOf
from compose_tls.cli.output.show import Output, show


@click.command(
    name="enable",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  compose-tls enable --mode 2 --dry-run    show the diff; write nothing
  compose-tls enable --mode 1 --up         one-way TLS, deployed and proved
  compose-tls enable --mode 2 --up         mutual TLS, deployed and proved""",
)
@options.mode_and_scope
@options.flag("--dry-run", help="Show the diff; write nothing.")
@options.deployment
@options.new_certificates
@options.flag(
    "--constrain",
    default=None,
    help="Limit the DNS names of the new CA to those of the project (name constraints).",
)
@options.flag(
    "--csr",
    default=None,
    help="Also write signing requests (CSR) for the same keys, for another CA.",
)
@options.existing_ca
@options.file_option("--server-cert", help="Use this server certificate (PEM, DER, PKCS #12).")
@options.file_option("--server-key", help="Key of --server-cert, unless a .p12 contains it.")
@options.file_option("--server-passphrase-file", help="File with the passphrase of --server-key.")
@options.file_option("--client-cert", help="Use this client certificate (PEM, DER, PKCS #12).")
@options.file_option("--client-key", help="Key of --client-cert, unless a .p12 contains it.")
@options.file_option("--client-passphrase-file", help="File with the passphrase of --client-key.")
@options.directory_option("--tls-dir", help="Directory mounted into the container (default: tls).")
@options.directory_option(
    "--container-tls-dir", help="Mount point in the container (default: /milvus/tls)."
)
@click.option(
    "--config",
    type=OneOf(("auto", "file", "env")),
    help="Where settings go: milvus.yaml (file) or environment variables (env); auto uses a "
    "milvus.yaml that is complete.",
)
@click.option(
    "--style",
    type=OneOf(("in-place", "override")),
    help="Edit files in place, or write an override file; by default in place where that is possible.",
)
@click.option(
    "--rest-port", type=Number(), metavar="PORT", help="Keep REST, over TLS on this port."
)
@click.option(
    "--neighbours",
    type=OneOf(("patch", "list", "ignore")),
    help="Services that connect to Milvus: switch them to TLS (patch, the default), only list "
    "them, or ignore them.",
)
@options.credentials
@options.acceptable
@options.common
def command(
    directory: Path,
    *,
    output: Output,
    dry_run: bool,
    up: bool,
    keep_on_failure: bool,
    mode: str | None,
    **flags: Any,
) -> int:
    """Turn on TLS for the Milvus Compose project in this directory.

    Issues certificates and edits docker-compose.yml and milvus.yaml (or the environment) in place,
    without changing any other byte. A second run changes nothing; disable undoes everything.
    """
    from compose_tls.workflows.enable import enable

    result = enable(
        directory,
        {"mode": int(mode) if mode else None, **flags},
        dry_run=dry_run,
        up=up,
        keep_on_failure=keep_on_failure,
        environment=os.environ,
        on_event=output.on_event,
    )
    return show(result, output)

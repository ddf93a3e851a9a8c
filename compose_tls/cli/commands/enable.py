"""compose-tls enable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli.kinds import Number, OneOf
from compose_tls.cli.options import (
    HelpPage,
    acceptable,
    common,
    credentials,
    deployment,
    directory_option,
    existing_ca,
    file_option,
    mode_and_scope,
    new_certificates,
)
from compose_tls.cli.output.show import Output, show


@click.command(
    name="enable",
    cls=HelpPage,
    epilog="""\b
Examples:
  compose-tls enable --mode 2 --dry-run    show the diff, write nothing
  compose-tls enable --mode 1 --up         one-way TLS, deployed and proved
  compose-tls enable --mode 2 --up         mutual TLS, deployed and proved""",
)
@mode_and_scope
@click.option("--dry-run", is_flag=True, help="Show the diff, write nothing.")
@deployment
@new_certificates
@click.option(
    "--constrain",
    is_flag=True,
    default=None,
    help="Add DNS name constraints to the new CA: it can issue for no other DNS name.",
)
@click.option(
    "--csr",
    is_flag=True,
    default=None,
    help="Also write signing requests for the same keys, for a CA elsewhere.",
)
@existing_ca
@file_option("--server-cert", help="Use this server certificate (PEM, DER, PKCS #12).")
@file_option("--server-key", help="Key of --server-cert, where a .p12 does not hold it.")
@file_option("--server-passphrase-file", help="File with the passphrase of --server-key.")
@file_option("--client-cert", help="Use this client certificate (PEM, DER, PKCS #12).")
@file_option("--client-key", help="Key of --client-cert, where a .p12 does not hold it.")
@file_option("--client-passphrase-file", help="File with the passphrase of --client-key.")
@directory_option("--tls-dir", help="Directory mounted into the container (default: tls).")
@directory_option(
    "--container-tls-dir", help="Mount point in the container (default: /milvus/tls)."
)
@click.option(
    "--config",
    type=OneOf(("auto", "file", "env")),
    help="Settings go into milvus.yaml (file) or variables (env); auto: into a complete milvus.yaml.",
)
@click.option(
    "--style",
    type=OneOf(("in-place", "override")),
    help="Where edits go; by default in place, and in an override file where that is refused.",
)
@click.option(
    "--rest-port", type=Number(), metavar="PORT", help="Keep REST, over TLS on this port."
)
@click.option(
    "--neighbours",
    type=OneOf(("patch", "list", "ignore")),
    help="Services that talk to Milvus: switch them to TLS (default), only name them, or neither.",
)
@credentials
@acceptable
@common
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
    """Put TLS into the Milvus Compose project in this directory.

    Issues certificates, patches docker-compose.yml and milvus.yaml (or the environment) in place, and
    changes no other byte. A second run changes nothing; disable undoes everything.
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

"""compose-tls renew."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from compose_tls.cli import options
from compose_tls.cli.output.show import Output, show


@click.command(
    name="renew",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  compose-tls renew                  what expires within 30 days; for a timer
  compose-tls renew --ca             start CA rotation; give cert/ca.pem to every client
  compose-tls renew --ca --finish    then finish it""",
)
@click.option(
    "--within",
    callback=options.duration,
    metavar="DURATION",
    help="Renew certificates that expire within this time, such as 30d or 12h (default: 30d, or "
    "the last third of a shorter validity).",
)
@options.flag("--force", help="Renew server and client certificates even if they are not due.")
@options.flag("--ca", help="Start CA rotation: trust both CAs.")
@options.flag("--finish", help="Finish CA rotation: trust only the new CA.")
@options.flag("--dry-run", help="Show what would be done; write nothing.")
@options.flag("--no-restart", help="Write the files; do not restart Milvus.")
@options.flag("--keep-on-failure", help="Leave files and containers as they are on failure.")
@options.additional_names
@options.key_type("as before")
@options.days("as before")
@options.ca_days("as before")
@click.option("--subject", metavar="RFC4514", help="Subject, without CN (default: as before).")
@options.flag(
    "--constrain",
    default=None,
    help="Limit the DNS names of a new CA to those of the project (name constraints).",
)
@options.existing_ca
@options.credentials
@options.acceptable
@options.common
def command(
    directory: Path,
    *,
    output: Output,
    within: timedelta | None,
    force: bool,
    ca: bool,
    finish: bool,
    dry_run: bool,
    no_restart: bool,
    keep_on_failure: bool,
    **flags: Any,
) -> int:
    """Replace certificates that expire soon, and restart Milvus with the new ones.

    Subject, names, key type and validity stay as they are. Only Milvus and the services that have new
    files are restarted; the new certificate is then checked on the running server.
    """
    from compose_tls.workflows.renew import renew

    result = renew(
        directory,
        flags,
        ca=ca,
        finish=finish,
        within=within,
        force=force,
        dry_run=dry_run,
        restart=not no_restart,
        keep_on_failure=keep_on_failure,
        environment=os.environ,
        on_event=output.on_event,
    )
    return show(result, output)

"""compose-tls client."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

import click

from compose_tls.cli import options
from compose_tls.cli.completing import clients
from compose_tls.cli.output.show import Output, show
from compose_tls.errors import NameInvalid, WrongUsage


@click.command(
    name="client",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  compose-tls client alice bob                    certificates for two clients
  compose-tls client --names-file team.txt --p12  one for each line of a file, as PKCS #12""",
)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=clients)
@click.option(
    "--names-file",
    type=click.File("rb"),
    metavar="FILE",
    help="File with more names, one per line; - reads standard input.",
)
@options.directory_option("--out", help="Output directory (default: cert/clients).")
@options.flag("--p12", help="Also write a PKCS #12 file for each client.")
@options.file_option(
    "--passphrase-file",
    help="File with the passphrase of the PKCS #12 files (default: a random one for each, in a file "
    "next to it).",
)
@options.flag("--force", help="Also replace certificates that are not yet due for renewal.")
@options.flag("--dry-run", help="Show what would be done; write nothing.")
@options.key_type("ecdsa-p256")
@options.days("825")
@click.option(
    "--subject", metavar="RFC4514", help="Subject without CN; the CN is the name of the client."
)
@options.existing_ca
@options.acceptable
@options.common
def command(
    directory: Path,
    *,
    output: Output,
    names: tuple[str, ...],
    names_file: IO[bytes] | None,
    out: str | None,
    p12: bool,
    passphrase_file: str | None,
    force: bool,
    dry_run: bool,
    **flags: Any,
) -> int:
    """Issue a certificate and a key for each further client.

    Existing certificates are kept until they are due for renewal.
    """
    from compose_tls.workflows.client import client

    result = client(
        directory,
        (*names, *_listed(names_file)),
        flags,
        out=out,
        p12=p12,
        passphrase_file=passphrase_file,
        force=force,
        dry_run=dry_run,
        environment=os.environ,
        on_event=output.on_event,
    )
    return show(result, output)


def _listed(file: IO[bytes] | None) -> tuple[str, ...]:
    """The names in a file, one per line; blank lines and lines that begin with # are passed over."""
    if file is None:
        return ()
    from compose_tls.pki.client_names import client_name

    try:
        lines = file.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise WrongUsage(
            f"{file.name} is not UTF-8 text",
            hint="write one name per line, in UTF-8",
            path=file.name,
        ) from None
    names: list[str] = []
    for number, line in enumerate(lines, start=1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        try:
            names.append(client_name(name))
        except NameInvalid as error:
            error.path, error.line = file.name, number
            raise
    return tuple(names)

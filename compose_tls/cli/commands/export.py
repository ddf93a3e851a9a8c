"""compose-tls export."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import click

from compose_tls.cli import options
from compose_tls.cli.option_types import OneOf
from compose_tls.cli.output.show import Output, show, show_document
from compose_tls.errors import KeyExposed
from compose_tls.targets.release import TARGETS

_STANDARD_OUTPUT = "-"


@click.command(
    name="export",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  compose-tls export operator | kubectl apply -f -             a Milvus resource and its Secret
  compose-tls export helm --secret | kubectl apply -f -        the Secret for the chart, then
  compose-tls export helm -o tls-values.yaml                   its values
  compose-tls export cert-manager | kubectl apply -f -         certificates made in the cluster
  compose-tls export swarm -o stack.yml --name milvus          a stack file
  compose-tls export openssl -o gen.sh                         the same certificates with openssl""",
)
@click.argument("target", type=OneOf(TARGETS))
@click.option(
    "--name",
    default="milvus",
    metavar="NAME",
    help="Name of the release, resource or stack (default: milvus).",
)
@click.option(
    "--namespace",
    default="default",
    metavar="NAME",
    help="Kubernetes namespace (default: default).",
)
@click.option(
    "--ingress-host",
    "hosts",
    multiple=True,
    metavar="NAME-OR-IP",
    help="Name that clients outside the cluster use; repeatable.",
)
@click.option(
    "--issuer", metavar="[KIND/]NAME", help="cert-manager: use this issuer (default: a new CA)."
)
@click.option(
    "--secret/--no-secret",
    default=None,
    help="helm, operator: only the Secret, or everything except the Secret.",
)
@options.file_option(
    "-o",
    "--output",
    "place",
    help="Output file, with mode 0600 if it contains a private key; - for standard output.",
)
@options.flag("--dry-run", help="Show what would be done; write nothing.")
@options.key_type("as in the project")
@options.days("as in the project")
@options.existing_ca
@options.acceptable
@options.common
def command(
    directory: Path,
    *,
    output: Output,
    target: Any,
    name: str,
    namespace: str,
    hosts: tuple[str, ...],
    issuer: str | None,
    secret: bool | None,
    place: str | None,
    dry_run: bool,
    **flags: Any,
) -> int:
    """Write the TLS set-up of this project for Kubernetes, Docker Swarm or openssl.

    The CA of the project, which clients already trust, issues a certificate for the names of the server
    there; with --scope all, its stack CA issues those of etcd and the object store. A private key is
    only written to a pipe, or to a file with mode 0600.
    """
    from compose_tls.workflows.export import export
    from compose_tls.workflows.export_documents import (
        holds_key,
        require_options,
    )

    to_file = place not in {None, _STANDARD_OUTPUT}
    require_options(target, secret=secret, issuer=issuer)
    if holds_key(target, secret) and not to_file and not dry_run:
        _require_private(output, asked=place == _STANDARD_OUTPUT)
    result = export(
        directory,
        target,
        flags,
        name=name,
        namespace=namespace,
        hosts=hosts,
        issuer=issuer,
        secret=secret,
        output=place if to_file else None,
        dry_run=dry_run,
        environment=os.environ,
        on_event=output.on_event,
    )
    if to_file or dry_run or output.json:
        return show(result, output)
    return show_document(result, output)


def _require_private(output: Output, *, asked: bool) -> None:
    """Make sure that no one else sees what goes to standard output.

    Raises:
        KeyExposed: Someone would.
    """
    if output.json:
        why = "a private key must not be in a JSON document"
    elif sys.stdout.isatty() and not asked:
        why = "a terminal would show the private key and keep it in its history"
    elif _is_read_by_others():
        why = "standard output goes to a file that others can read"
    else:
        return
    raise KeyExposed(
        f"the document holds a private key, and {why}",
        hint="pass it on with | kubectl apply -f -, or write it with -o FILE, which has mode 0600",
    )


def _is_read_by_others() -> bool:
    try:
        status = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return False  # replaced by programs that call this in their own process
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))

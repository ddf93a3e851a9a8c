"""compose-tls init."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli import options
from compose_tls.cli.option_types import Number, OneOf
from compose_tls.cli.output.show import Output, show


@click.command(
    name="init",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  compose-tls init milvus --up                    a project in ./milvus, deployed and proved
  compose-tls init --flavour embedded-etcd        one container, in this directory
  compose-tls init --milvus 2.5 --with attu --dry-run
  compose-tls init                                next to standalone_embed.sh: converts it""",
)
@click.argument("place", required=False, metavar="[DIR]", type=click.Path(path_type=Path))
@click.option(
    "--milvus",
    metavar="VERSION",
    help="Version of Milvus, such as 2.5 or v2.6.25 (default: v2.6.25).",
)
@click.option(
    "--flavour",
    type=OneOf(("standalone", "embedded-etcd", "gpu", "cluster")),
    help="Kind of deployment (default: standalone, with etcd and MinIO).",
)
@click.option("--with", "extra", multiple=True, type=OneOf(("attu",)), help="Add a service.")
@click.option(
    "--auth/--no-auth",
    default=None,
    help="Require user and password, with a random one for root (default: --auth; for data of "
    "standalone_embed.sh: unchanged).",
)
@click.option(
    "--publish",
    metavar="ADDRESS[:PORT]",
    help="Address to publish Milvus at; 0.0.0.0 for all interfaces (default: 127.0.0.1:19530).",
)
@options.mode_and_scope
@options.flag("--dry-run", help="Show the files; write nothing.")
@options.deployment
@options.new_certificates
@options.existing_ca
@options.directory_option("--tls-dir", help="Directory mounted into the container (default: tls).")
@click.option(
    "--rest-port", type=Number(), metavar="PORT", help="Turn on REST, over TLS on this port."
)
@click.option(
    "--timeout", type=Number(float), metavar="SECONDS", help="How long to wait (default: 120)."
)
@options.acceptable
@options.common
def command(
    directory: Path,
    *,
    output: Output,
    place: Path | None,
    milvus: str | None,
    flavour: Any,
    extra: tuple[str, ...],
    auth: bool | None,
    publish: str | None,
    dry_run: bool,
    up: bool,
    keep_on_failure: bool,
    mode: str | None,
    **flags: Any,
) -> int:
    """Create a new Milvus Compose project with TLS from the start.

    Writes a small docker-compose.yml with pinned images, certificates, and files with random
    credentials; ports are published on this machine only. In the directory of standalone_embed.sh, the
    new project runs the Milvus of that script, with the same data.
    """
    from compose_tls.workflows.init import init

    result = init(
        directory / place if place else directory,
        {"mode": int(mode) if mode else None, **flags},
        milvus=milvus,
        flavour=flavour,
        attu="attu" in extra,
        auth=auth,
        publish=publish,
        dry_run=dry_run,
        up=up,
        keep_on_failure=keep_on_failure,
        environment=os.environ,
        on_event=output.on_event,
    )
    return show(result, output)

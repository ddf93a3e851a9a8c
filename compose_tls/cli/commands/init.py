"""compose-tls init."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compose_tls.cli.options import (
    KEY_TYPES,
    HelpPage,
    acceptable,
    common,
    existing_ca,
)
from compose_tls.cli.output.show import Output, show


@click.command(
    name="init",
    cls=HelpPage,
    epilog="""\b
Examples:
  compose-tls init milvus --up                    a project in ./milvus, deployed and proved
  compose-tls init --flavour embedded-etcd        one container, in this directory
  compose-tls init --milvus 2.5 --with attu --dry-run
  compose-tls init                                next to standalone_embed.sh: takes it over""",
)
@click.argument("place", required=False, metavar="[DIR]", type=click.Path(path_type=Path))
@click.option("--milvus", metavar="VERSION", help="Such as 2.5 or v2.6.16 (default: v2.6.16).")
@click.option(
    "--flavour",
    type=click.Choice(["standalone", "embedded-etcd", "gpu", "cluster"]),
    help="Which services (default: standalone, with etcd and MinIO).",
)
@click.option("--with", "extra", multiple=True, type=click.Choice(["attu"]), help="Add a service.")
@click.option(
    "--auth/--no-auth",
    default=None,
    help="Ask for a user and a password, a random one for root (default: --auth; data of "
    "standalone_embed.sh stay as they are).",
)
@click.option(
    "--publish",
    metavar="ADDRESS[:PORT]",
    help="Where clients of Milvus reach this machine; 0.0.0.0 for all (default: 127.0.0.1:19530).",
)
@click.option("--mode", type=click.Choice(["1", "2"]), help="1: one-way TLS (default), 2: mutual.")
@click.option(
    "--scope",
    type=click.Choice(["proxy", "internal", "all"]),
    help="proxy: clients (default); internal: and the parts of Milvus; all: and etcd and object store.",
)
@click.option("--dry-run", is_flag=True, help="Show the files, write nothing.")
@click.option("--up", is_flag=True, help="Deploy with docker compose, wait, and prove it.")
@click.option(
    "--keep-on-failure", is_flag=True, help="With --up: leave things as they are on failure."
)
@click.option("--server-name", metavar="NAME", help="The name clients verify (default: localhost).")
@click.option(
    "--san",
    multiple=True,
    metavar="NAME-OR-IP",
    help="Additional DNS name or IP address; repeatable.",
)
@click.option("--key-type", metavar="TYPE", help=f"{KEY_TYPES} (default: ecdsa-p256).")
@click.option("--days", type=int, metavar="N", help="Validity of certificates (default: 825).")
@click.option("--ca-days", type=int, metavar="N", help="Validity of the CA (default: 3650).")
@click.option(
    "--subject",
    metavar="RFC4514",
    help="Subject of certificates, without CN, such as O=Example,C=DE (default: the CN only).",
)
@existing_ca
@click.option(
    "--tls-dir", metavar="DIR", help="Directory mounted into the container (default: tls)."
)
@click.option("--rest-port", type=int, metavar="PORT", help="Offer REST, over TLS on this port.")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long to wait (default: 120).")
@acceptable
@common
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
    """Make a new Compose project of Milvus with TLS from the start.

    Writes a small docker-compose.yml with pinned images, certificates, and random credentials into files
    of their own; ports are published on this machine only. Where standalone_embed.sh is, the project is
    what that script starts, on the same data.
    """
    from compose_tls.workflows.init import init  # noqa: PLC0415 - not for --help

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

"""compose-tls check."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from compose_tls.cli import options
from compose_tls.cli.option_types import PORT, Number, OneOf
from compose_tls.cli.output.check_text import round_lines
from compose_tls.cli.output.json_documents import round_json
from compose_tls.cli.output.show import Output, show
from compose_tls.cli.printing import say, show_lines
from compose_tls.errors import WrongUsage
from compose_tls.vocabulary import TlsMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from compose_tls.workflows.server_access import ClientOf
    from compose_tls.workflows.watch import Round

_INTERVAL = 30.0


@click.command(
    name="check",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  compose-tls check                                  the server of this project
  compose-tls check --deep                           also with a throw-away collection
  compose-tls check --watch --count 3 --interval 1   three rounds
  compose-tls check --host 127.0.0.1 --mode 1 --ca-cert ca.pem
                                                     any server, set up by compose-tls or not""",
)
@click.option(
    "--host", metavar="HOST", help="Host name or address of the server (default: as published)."
)
@click.option(
    "--port", type=PORT, metavar="PORT", help="Port of the server (default: as published)."
)
@click.option(
    "--rest-port",
    "rest",
    type=PORT,
    metavar="PORT",
    help="REST port (default: as published; with --port, REST is only checked if this is given).",
)
@options.file_option(
    "--ca-cert",
    "trusted",
    help="CA certificates to trust: checks any server, set up by compose-tls or not.",
)
@options.file_option(
    "--client-cert", "shown", help="Client certificate for mode 2, with --ca-cert."
)
@options.file_option("--client-key", "shown_key", help="Key of --client-cert.")
@click.option(
    "--server-name",
    "name",
    metavar="NAME",
    help="Name to verify, with --ca-cert (default: HOST).",
)
@click.option(
    "--mode",
    "meant",
    type=options.MODE,
    help="Expected mode of the server, with --ca-cert (default: that of the project; otherwise 2 "
    "with --client-cert).",
)
@click.option(
    "--scope",
    "extent",
    type=OneOf(("proxy", "all")),
    help="What to check: client connections (proxy), or also etcd, the object store and Kafka "
    "(all; default: as enabled).",
)
@options.flag("--deep", help="Also create, fill, search and drop a throw-away collection.")
@options.flag(
    "--watch",
    "watching",
    help="Check until interrupted, with one line per round; with --json, one document per line (NDJSON).",
)
@click.option(
    "--interval",
    type=Number(float, above=0),
    metavar="SECONDS",
    help="Time between rounds, with --watch (default: 30).",
)
@click.option(
    "--count",
    type=Number(least=1),
    metavar="N",
    help="End after N rounds, with --watch; the last round sets the exit code.",
)
@options.credentials
@options.acceptable
@options.common
def command(
    directory: Path,
    *,
    output: Output,
    host: str | None,
    port: int | None,
    rest: int | None,
    trusted: str | None,
    shown: str | None,
    shown_key: str | None,
    name: str | None,
    meant: str | None,
    deep: bool,
    extent: Literal["proxy", "all"] | None,
    watching: bool,
    interval: float | None,
    count: int | None,
    **flags: Any,
) -> int:
    """Connect to the running server: prove that it encrypts, and that it refuses what it must refuse."""
    from compose_tls.workflows.check import check

    if not watching and (interval or count):
        raise WrongUsage("--interval and --count need --watch", hint="add --watch")
    client = _client(trusted, shown, shown_key, name, meant)
    once = partial(
        check,
        directory,
        flags,
        host=host,
        port=port,
        rest_port=rest,
        client=client,
        deep=deep,
        scope=extent,
        environment=os.environ,
    )
    if watching:
        from compose_tls.workflows.watch import watch

        once = partial(once, wait=False)
        return _show(watch(once, interval=interval or _INTERVAL, count=count), output)
    return show(once(on_event=output.on_event), output)


def _client(
    trusted: str | None,
    shown: str | None,
    shown_key: str | None,
    name: str | None,
    meant: str | None,
) -> ClientOf | None:
    """What a client of any server has; ``None`` where the project is to tell."""
    from compose_tls.workflows.server_access import ClientOf

    if trusted is None:
        if shown or shown_key or name or meant:
            raise WrongUsage(
                "--client-cert, --client-key, --server-name and --mode need --ca-cert",
                hint="add --ca-cert; without it, the values that enable recorded are used",
            )
        return None
    if (shown is None) != (shown_key is None):
        raise WrongUsage("--client-cert and --client-key go together", hint="give both")
    return ClientOf(
        Path(trusted),
        Path(shown) if shown else None,
        Path(shown_key) if shown_key else None,
        name,
        TlsMode(int(meant)) if meant else None,
    )


def _show(rounds: Iterable[Round], output: Output) -> int:
    """Print round after round; the exit code is that of the last."""
    before: Round | None = None
    for found in rounds:
        if output.json:
            say(round_json(found))
        elif not output.quiet or found.exit_code:
            show_lines(round_lines(found, before))
        before = found
    return before.exit_code if before else 0

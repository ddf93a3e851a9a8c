"""compose-tls help."""

from __future__ import annotations

from typing import cast

import click

from compose_tls.cli.options import HelpPage
from compose_tls.cli.printing import say


@click.command(name="help", cls=HelpPage)
@click.argument("topic", required=False, metavar="[COMMAND]")
def command(topic: str | None) -> int:
    """Show what a command does and its options, or which commands there are."""
    context = click.get_current_context().find_root()
    group = cast("click.Group", context.command)
    # The group refuses a name that it does not know.
    if topic is not None and (asked := group.get_command(context, topic)):
        context = click.Context(asked, info_name=topic, parent=context)
    say(context.get_help())
    return 0

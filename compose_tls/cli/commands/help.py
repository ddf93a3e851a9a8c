"""compose-tls help."""

from __future__ import annotations

from typing import cast

import click

from compose_tls.cli.options import HelpPage
from compose_tls.cli.printing import say
from compose_tls.cli.topics import TOPICS


@click.command(name="help", cls=HelpPage)
@click.argument("topic", required=False, metavar="[COMMAND|modes|files|settings|exit-codes]")
def command(topic: str | None) -> int:
    """Show what a command does and its options, what a topic is about, or which commands there are."""
    if topic in TOPICS:
        say(TOPICS[topic])
        return 0
    context = click.get_current_context().find_root()
    group = cast("click.Group", context.command)
    # The group refuses a name that it does not know.
    if topic is not None and (asked := group.get_command(context, topic)):
        context = click.Context(asked, info_name=topic, parent=context)
    say(context.get_help())
    return 0

"""compose-tls help."""

from __future__ import annotations

from typing import cast

import click

from compose_tls.cli import options
from compose_tls.cli.completing import pages
from compose_tls.cli.printing import say
from compose_tls.cli.topics import TOPICS
from compose_tls.errors import WrongUsage


@click.command(name="help", cls=options.HelpPage, epilog=f"Topics: {', '.join(TOPICS)}.")
@click.argument(
    "topic",
    required=False,
    metavar="[COMMAND|TOPIC]",
    shell_complete=pages,
)
def command(topic: str | None) -> int:
    """Show the help of a command, a topic, or the list of commands."""
    if topic in TOPICS:
        say(TOPICS[topic])
        return 0
    context = click.get_current_context().find_root()
    group = cast("click.Group", context.command)
    commands = group.list_commands(context)
    if topic is not None and topic not in commands:
        import difflib

        near = difflib.get_close_matches(topic.lower(), (*TOPICS, *commands), n=1)
        of_topic = "help " if near and near[0] in TOPICS else ""
        tip = f"did you mean compose-tls {of_topic}{near[0]}?" if near else ""
        tip = tip or f"topics: {', '.join(TOPICS)}; commands: compose-tls help"
        raise WrongUsage(f"there is no command or topic {topic}", hint=tip)
    if topic is not None and (asked := group.get_command(context, topic)):
        context = click.Context(asked, info_name=topic, parent=context)
    say(context.get_help())
    return 0

"""compose-tls help."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final, cast

import click

from compose_tls.cli import options
from compose_tls.cli.completing import pages
from compose_tls.cli.line import Line, line
from compose_tls.cli.printing import say, show_lines, width
from compose_tls.cli.topics import TOPICS
from compose_tls.errors import WrongUsage
from compose_tls.patterns import regex

# What is defined stands in a column of its own.
_ROW: Final = regex(r"( *)((?:\S+(?: \S+)* {2,})?)(\S.*)")


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
        _say_topic(TOPICS[topic])
        return 0
    context = click.get_current_context().find_root()
    group = cast("click.Group", context.command)
    commands = group.list_commands(context)
    if topic is not None and topic not in commands:
        import difflib

        near = difflib.get_close_matches(topic.lower(), (*TOPICS, *commands), n=1)
        tip = f"did you mean compose-tls help {near[0]}?" if near else ""
        tip = tip or f"topics: {', '.join(TOPICS)}; commands: compose-tls help"
        raise WrongUsage(f"there is no command or topic {topic}", hint=tip)
    if topic is not None and (asked := group.get_command(context, topic)):
        context = click.Context(asked, info_name=topic, parent=context)
    say(context.get_help())
    return 0


def _say_topic(text: str) -> None:
    """Print a topic: as it is, or in the lines that a narrow terminal has room for."""
    columns, lines = width(sys.stdout), text.splitlines()
    if columns is None or columns >= max(map(len, lines)):
        say(text)
    else:
        show_lines(_paragraphs(lines))


def _paragraphs(lines: list[str]) -> Iterator[Line]:
    """The lines of a topic, those that go on below one another as one."""
    example, rows = False, list[list[str]]()
    for text in lines:
        example = example or text == "  Examples:"
        row = _ROW.fullmatch(text)
        indent, label, body = row.groups() if row else ("", "", "")
        whole = example or body.startswith("https:")
        before = rows[-1] if rows else ["", "", "", "whole"]
        goes_on = not (whole or label or before[3]) and len(indent) == len(before[0] + before[1])
        if row and before[2] and goes_on:
            before[2] += f" {body}"
        else:
            rows.append([indent, label, body, "whole" if whole else ""])
    for indent, label, body, how in rows:
        yield line(body, head=(indent, label), whole=bool(how))

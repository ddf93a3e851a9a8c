"""What a shell can complete: files, directories, pages of help, and names that the project has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import click

from compose_tls.cli.topics import TOPICS
from compose_tls.errors import refusal_codes
from compose_tls.patterns import regex

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

_NAME: Final = regex(r"[a-zA-Z0-9._][a-zA-Z0-9._@-]*")
"""The name of a client, and without @ that of a service: https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json"""

COMPLETE: Final = "_COMPOSE_TLS_COMPLETE"
"""The variable by which a shell asks, as click names it."""


class PathName(click.types.StringParamType):
    """A path as it is given; the shell completes it.

    Args:
        kind: What a shell is told to complete, ``file`` or ``dir``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Leave it to the shell."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type=self.kind)]


FILE = PathName("file")
DIRECTORY = PathName("dir")


def pages(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """What help tells of: commands and topics."""
    context = ctx.find_root()
    names = (*cast("click.Group", context.command).list_commands(context), *TOPICS)
    return [name for name in names if name.startswith(incomplete)]


def refusals(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """The codes that --accept takes."""
    return [code for code in refusal_codes() if code.startswith(incomplete)]


def services(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The services of the project."""
    from compose_tls.workflows.known_names import service_names

    return _of_the_project(service_names, ctx, incomplete)


def clients(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The further clients of the project that have a certificate."""
    from compose_tls.workflows.known_names import client_names

    return _of_the_project(client_names, ctx, incomplete)


def _of_the_project(
    names_of: Callable[[Path, Mapping[str, Any]], Iterable[str]],
    ctx: click.Context,
    incomplete: str,
) -> list[str]:
    """Names in the project that the options so far name; none where it cannot be read."""
    from pathlib import Path

    given: dict[str, Any] = {}
    for found in (ctx.parent.params if ctx.parent else {}, ctx.params):
        given |= {name: value for name, value in found.items() if value}
    places = ("file", "project_name", "project_directory", "env_file", "profile", "pki_dir")
    settings = {name: given[name] for name in places if name in given}
    try:
        names = names_of(Path(*given.get("directory", ())), settings)
    except Exception:  # noqa: BLE001 - completion must not print an error
        return []
    # A shell puts a name into the line as it is: one that Compose does not take may do something there.
    return [name for name in names if _NAME.fullmatch(name) and name.startswith(incomplete)]

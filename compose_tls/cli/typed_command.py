"""The command as typed, for hints: without its dry run, or with another project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from compose_tls.shell import joined
from compose_tls.vocabulary import TlsWarning

_REST: Final = "enable …"
"""What stands for the rest of the command in hints of workflows, which know settings and no words."""
_OF_THE_PLACE: Final = frozenset(
    {"-C", "-f", "--file", "-p", "--project-name"}
    | {"--project-directory", "--env-file", "--profile"}
)


def completed(hint: str, arguments: Sequence[str]) -> str:
    """A hint with the whole command in it.

    Args:
        hint: Text; its command has all options that name the project.
        arguments: The arguments of this command.
    """
    return hint.replace(_REST, joined(_other(arguments))) if _REST in hint else hint


def completed_warnings(
    warnings: Sequence[TlsWarning], arguments: Sequence[str]
) -> tuple[TlsWarning, ...]:
    """Warnings with whole commands in their hints."""
    return tuple(one.spelled(partial(completed, arguments=arguments)) for one in warnings)


def without_dry_run(arguments: Sequence[str]) -> str:
    """The command that does what a dry run has shown.

    Args:
        arguments: The arguments of the dry run.
    """
    return joined(["compose-tls", *(word for word in arguments if word != "--dry-run")])


def _other(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments without the options that name the project."""
    words = iter(arguments)
    for word in words:
        name, equals, _ = word.partition("=")
        if name in _OF_THE_PLACE:
            if not equals:
                next(words, None)
        elif word[:2] not in _OF_THE_PLACE:
            yield word

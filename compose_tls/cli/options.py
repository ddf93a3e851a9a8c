"""The options that commands share, and how they become settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])

KEY_TYPES = "ecdsa-p256|ecdsa-p384|rsa-2048|rsa-3072|rsa-4096"
"""As help shows them; the settings know which there are, and why others are not."""

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}


def duration(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> timedelta | None:
    """The duration that a text means, a number and a unit: 2w, 30d, 12h, 45m."""
    if value is None:
        return None
    number, unit = value[:-1], value[-1:]
    if unit not in _UNITS or not number.isascii() or not number.isdecimal():
        text = f"{value!r} is no duration such as 2w, 30d or 12h"
        raise click.BadParameter(text, context, parameter)
    try:
        return timedelta(**{_UNITS[unit]: int(number)})
    except OverflowError:
        raise click.BadParameter(f"{value!r} is too long", context, parameter) from None


@dataclass(frozen=True, slots=True)
class Output:
    """How the user wants to hear of things."""

    json: bool
    quiet: bool
    verbose: bool

    def event(self, text: str) -> None:
        """Progress, on standard error."""
        if not self.quiet:
            click.echo(text, err=True)


def common(command: Callable[..., int]) -> Callable[..., int]:
    """The options of every command; how it is to speak reaches it as its argument ``output``."""

    @wraps(command)
    def with_output(*, as_json: bool, quiet: bool, verbose: bool, **others: Any) -> int:
        return command(output=Output(as_json, quiet, verbose), **others)

    return _with(
        with_output,
        click.option(
            "-C",
            "--project-directory",
            type=click.Path(path_type=Path),
            default=Path(),
            metavar="DIR",
            help="The project (default: the current directory).",
        ),
        click.option(
            "-f",
            "--file",
            multiple=True,
            metavar="FILE",
            help="Compose file, as docker compose.",
        ),
        click.option(
            "--service",
            multiple=True,
            metavar="NAME",
            help="The service that runs Milvus. Repeatable.",
        ),
        click.option("--pki-dir", metavar="DIR", help="Where keys are kept (default: cert)."),
        click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout."),
        click.option("-q", "--quiet", is_flag=True, help="No progress."),
        click.option("-v", "--verbose", is_flag=True, help="More detail."),
    )


def credentials(command: _F) -> _F:
    """How to sign in to Milvus where authentication is on. Secrets come from files alone."""
    return _with(
        command,
        click.option("--user", metavar="NAME", help="Milvus user, with --password-file."),
        click.option("--password-file", metavar="FILE", help="File with the password."),
        click.option("--token-file", metavar="FILE", help="File with a token."),
        click.option(
            "--timeout", type=float, metavar="SECONDS", help="How long to wait (default: 120)."
        ),
    )


def acceptable(command: _F) -> _F:
    """What the user decides against, where a command refuses."""
    return _with(
        command,
        click.option(
            "--accept",
            multiple=True,
            metavar="CODE",
            help="Go on in spite of the refusal with this code; repeatable.",
        ),
    )


def existing_ca(command: _F) -> _F:
    """The CA to issue under, where its key is not in the project."""
    return _with(
        command,
        click.option(
            "--ca-cert", metavar="FILE", help="An existing CA: issue under it, or trust it."
        ),
        click.option("--ca-key", metavar="FILE", help="Its key, to issue under it."),
        click.option(
            "--ca-passphrase-file", metavar="FILE", help="File with the passphrase of the key."
        ),
    )


def _with(command: _F, *options: Callable[[_F], _F]) -> _F:
    """A command with options, which its help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command

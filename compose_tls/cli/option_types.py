"""Types of options, with errors that name the option, the rule, and the given value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import click

from compose_tls.errors import WrongUsage

if TYPE_CHECKING:
    _Kind: TypeAlias = click.ParamType[int | float]
else:
    _Kind = click.ParamType  # takes no parameter before click 8.4


class OneOf(click.Choice[str]):
    """One of a few words.

    Args:
        words: The words.
        hints: What to do instead, by what is often given in their place.
        hint: What to do in every other case; by default, the help page of the command.
    """

    def __init__(
        self, words: tuple[str, ...], hints: Mapping[str, str] = {}, hint: str = ""
    ) -> None:
        super().__init__(words)
        self.hints = hints
        self.hint = hint

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, as click has it.

        Raises:
            WrongUsage: It is another one.
        """
        if value in self.choices:
            return str(value)
        import difflib

        near = difflib.get_close_matches(str(value).lower(), self.choices, n=1)
        hint = self.hints.get(value, self.hint)
        if near and not hint:
            before = f"{_called(param)} " if isinstance(param, click.Option) else ""
            command = f"{ctx.command_path} " if ctx and not before else ""
            hint = f"did you mean {command}{before}{near[0]}?"
        quote = "" if all(word.isdigit() for word in self.choices) else "'"
        words = [f"{quote}{word}{quote}" for word in self.choices]
        listed = " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
        _refuse(f"must be {listed}", value, param, ctx, hint)


class Number(_Kind):
    """A number.

    Args:
        kind: Whole, or with a fraction.
        least: The smallest one that is taken.
        most: The greatest one.
        above: What it has to be more than.
    """

    name = "number"

    def __init__(
        self,
        kind: type[int | float] = int,
        *,
        least: int | None = None,
        most: int | None = None,
        above: int | None = None,
    ) -> None:
        self.kind, self.least, self.most, self.above = kind, least, most, above

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        """The number that a text means.

        Raises:
            WrongUsage: It means none, or one that is not taken.
        """
        try:
            number = self.kind(value)
        except (ValueError, OverflowError):
            whole = "a whole number" if self.kind is int else "a number"
            _refuse(f"must be {whole}", value, param, ctx)
        if self.least is not None and number < self.least:
            _refuse(f"must be {self.least} or more", value, param, ctx)
        if self.most is not None and number > self.most:
            _refuse(f"must be {self.most} or less", value, param, ctx)
        if self.above is not None and not number > self.above:
            _refuse(f"must be more than {self.above}", value, param, ctx)
        return number


PORT: Final = Number(least=1, most=65535)


def _called(parameter: click.Parameter | None) -> str:
    if isinstance(parameter, click.Option):
        return parameter.opts[-1]
    return (parameter.name or "argument").upper() if parameter else "argument"


def _refuse(
    rule: str,
    value: object,
    parameter: click.Parameter | None,
    context: click.Context | None,
    hint: str = "",
) -> NoReturn:
    see = f"see {context.command_path if context else 'compose-tls'} --help"
    given = value if value != "" else "''"
    raise WrongUsage(f"{_called(parameter)} {rule}; you gave {given}", hint=hint or see)

"""Errors of settings in plain words, instead of those of pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from compose_tls.errors import (
    ConflictingSettings,
    InvalidSetting,
    refusal_codes,
)
from compose_tls.patterns import regex
from compose_tls.values import dataclass

if TYPE_CHECKING:
    from compose_tls.config.tls_config import TlsConfig

SETTINGS_FILE: Final = "compose-tls.toml"

_SEE: Final = "see compose-tls enable --help"
"""The command line names the page of its own command, where that has the option."""


@dataclass(frozen=True, slots=True)
class Given:
    """The context of a validation: where settings come from.

    Attributes:
        sources: How each was given, by its name: an option, a variable, a file.
        incomplete: Whether the other half, what was recorded, is still to come.
    """

    sources: Mapping[str, str]
    incomplete: bool = False


_REASONS: Final = {
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt:g}",
    "less_than_equal": "must be {le} or less",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "tuple_type": "must be a list of strings",
    "extra_forbidden": "there is no such setting",
    "literal_error": "must be {expected}",
}
"""What is wrong with a value, by pydantic's type of error; other words are those of our validators."""

_NUMBER = regex(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")

_SETTING = regex(r"\b(?:[a-z]+(?:_[a-z]+)+|constrain|csr)\b")
"""The name of a setting in a text about several."""


def setting_error(
    error: ValidationError, sources: Mapping[str, str]
) -> InvalidSetting | ConflictingSettings:
    """The error for the first value that pydantic refused.

    Args:
        error: What pydantic says.
        sources: How settings were given, by their names.

    Returns:
        The error, without a value that could be a secret.
    """
    first = error.errors(include_url=False)[0]
    plain = _REASONS.get(first["type"])
    reason = plain.format_map(first.get("ctx", {})) if plain else first["msg"]
    reason = reason.removeprefix("Value error, ")
    if not first["loc"]:
        return ConflictingSettings(_as_options(reason), hint=_as_options(_way_out(reason)))
    name = str(first["loc"][0])
    source = sources.get(name, "")
    file = source if source == SETTINGS_FILE else None
    spelled = f"{dashed(name)} in {file}" if file else source or dashed(name)
    # A variable and an option hold text; in Python and in a file "2" is not 2.
    typed = bool(file) or not source
    given = _given(first["input"], quoted=isinstance(first["input"], str) and typed)
    rule = f" {reason}{given}" if reason.startswith("must") else f": {reason}"
    return InvalidSetting(
        f"{spelled}{rule}",
        hint=f"{_correction(name, reason, file) or f'correct {spelled}'}; {_SEE}",
        path=file,
    )


def _correction(name: str, reason: str, file: str | None) -> str | None:
    """How a list is written in compose-tls.toml; ``None`` for what is said by the reason."""
    is_list = file is not None and reason.startswith("must be a list")
    return f'write {dashed(name)} = ["…", "…"]' if is_list else None


def _given(value: object, *, quoted: bool) -> str:
    """What was given, where it is a number: a text could be a secret in the wrong place."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if not _NUMBER.fullmatch(text):
        return ""
    return f'; you gave "{text}", with quotes' if quoted else f"; you gave {text}"


def _way_out(reason: str) -> str:
    """What ends a conflict of settings, as far as the conflict says it."""
    what, needs, wanted = reason.partition(" needs ")
    if needs:
        return f"add {wanted.partition(', the ')[0]}, or leave out {what}; {_SEE}"
    if " must not be " in reason:
        return f"choose another directory for one of them; {_SEE}"
    if reason.endswith(" go together"):
        return f"give both, or neither; {_SEE}"
    return f"change or leave out {reason.partition(' ')[0]}; {_SEE}"


def _as_options(text: str) -> str:
    """A text whose names of settings are spelled as options."""
    return _SETTING.sub(lambda name: f"--{dashed(name[0])}", text)


def require_meant(config: TlsConfig) -> None:
    """Make sure that what is given for this one command says something.

    Args:
        config: The settings.

    Raises:
        ConflictingSettings: A user comes without a password or token.
        InvalidSetting: A code to accept is not that of a refusal.
    """
    if config.user is not None and config.password_file is None and config.token_file is None:
        raise ConflictingSettings(
            f"--user {config.user} is given without a password",
            hint="name the file that holds it: --password-file FILE; or leave --user out",
        )
    known = refusal_codes()
    for code in config.accept:
        if code not in known:
            from difflib import get_close_matches

            near = get_close_matches(code, known, n=1)
            tip = f"did you mean --accept {near[0]}?" if near else f"one of {', '.join(known)}"
            raise InvalidSetting(f"{code} is not a code that --accept knows", hint=tip)


def dashed(name: str) -> str:
    """A setting as options and the file spell it."""
    return name.replace("_", "-")

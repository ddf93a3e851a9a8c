"""The types of what a caller of the library gives: Python does not look, and takes ``"no"`` for true."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeGuard

from compose_tls.config import TlsConfig
from compose_tls.errors import WrongUsage
from compose_tls.vocabulary import TlsMode


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> TypeGuard[str]:
    try:
        # No file system takes half a pair of surrogates.
        return isinstance(value, str) and os.fsencode(value) is not None
    except UnicodeEncodeError:
        return False


def _is_path(value: object) -> bool:
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    return _is_text(path) and "\0" not in path


def _are_texts(value: object) -> bool:
    # One that can be read only once is left to the command.
    each = value if isinstance(value, Collection) else ()
    return isinstance(value, Iterable) and all(map(_is_text, each))


def _are_variables(value: object) -> bool:
    each = value.items() if isinstance(value, Mapping) else [(None, None)]
    return all(_is_text(text) for pair in each for text in pair)


def _are_named(value: object) -> bool:
    return isinstance(value, Mapping) and all(_is_text(name) for name in value)


def _is_client(value: object) -> bool:
    from compose_tls.workflows.server_access import ClientOf  # noqa: PLC0415 - where a client is given

    if isinstance(value, ClientOf):
        fields = {name: getattr(value, name) for name in ClientOf.__annotations__}
        _require(ClientOf.__annotations__, fields, "see help(compose_tls.ClientOf)")
    return isinstance(value, ClientOf)


def _one_of(*words: str) -> tuple[Callable[[object], bool], str]:
    return (lambda value: value in words), f"must be {', '.join(words[:-1])} or {words[-1]}"


_FLAG: Final = "must be True or False"
_TEXT: Final = "must be a valid string"
_PATH: Final = "must be a valid path"
_KINDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "bool": (lambda value: isinstance(value, bool), _FLAG),
    "int": (_is_number, "must be a whole number"),
    "str": (_is_text, _TEXT),
    "Path": (_is_path, _PATH),
    "str | os.PathLike[str]": (_is_path, _PATH),
    "Iterable[str]": (_are_texts, "must be a list of valid strings"),
    "Mapping[str, str]": (_are_variables, "must be a mapping of strings to strings"),
    "timedelta | str": (
        lambda value: isinstance(value, (timedelta, str)),
        'must be a timedelta, or text such as "30d"',
    ),
    "preamble.Settings": (
        lambda value: value is None or isinstance(value, TlsConfig) or _are_named(value),
        "must be a TlsConfig, or a mapping of settings",
    ),
    "listener.OnEvent": (callable, "must be a function"),
    "Literal['proxy', 'all']": _one_of("proxy", "all"),
    "Flavour": _one_of("standalone", "embedded-etcd", "gpu", "cluster"),
    "ClientOf": (_is_client, "must be a ClientOf"),
    "TlsMode": (lambda value: _is_number(value) and value in {*TlsMode}, "must be 0, 1 or 2"),
}
"""By annotation: what it takes, and the rule in words. The command judges what is missing here."""


def require_types(
    command: Callable[..., object], arguments: Iterable[object], named: Mapping[str, object]
) -> None:
    """Make sure that arguments are of the types that a command declares.

    Args:
        command: The command.
        arguments: Those given by position.
        named: Those given by name.

    Raises:
        WrongUsage: One is not.
    """
    given = {**dict(zip(command.__annotations__, arguments, strict=False)), **named}
    see = f"see help(compose_tls.{command.__name__})"
    _require(command.__annotations__, given, see)


def _require(declared: Mapping[str, str], given: Mapping[str, object], see: str) -> None:
    for name, value in given.items():
        annotation = declared.get(name, "")
        kind = _KINDS.get(annotation.removesuffix(" | None"))
        if kind is None or (value is None and annotation.endswith(" | None")):
            continue
        accepts, rule = kind
        if not accepts(value):
            raise WrongUsage(f"{name} {rule}; you gave {type(value).__name__}", hint=see)

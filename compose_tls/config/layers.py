"""The layers that fill the settings: flags, variables, compose-tls.toml, the record, defaults."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from compose_tls.config.objections import SETTINGS_FILE, Given, dashed
from compose_tls.config.tls_config import (
    DIRECTORIES,
    FILES,
    FLAGS,
    LISTS,
    PLACES,
    SECRETS,
    TlsConfig,
)
from compose_tls.errors import InvalidSetting, OutsideProject, UnknownSetting
from compose_tls.layout import CA_CERTIFICATE

ENVIRONMENT_PREFIX = "COMPOSE_TLS_"

# What only enable puts in place.
_IN_PLACE = frozenset(
    {
        *("config", "container_tls_dir", "mode", "neighbours", "rest_port", "scope"),
        *("server_name", "style", "tls_dir"),
    }
)
_BROUGHT = {
    role: frozenset({f"{role}_cert", f"{role}_key", f"{role}_passphrase_file"})
    for role in ("ca", "server", "client", "client_ca")
}

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def merged(
    table: Mapping[str, Any],
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    is_inside: Callable[[str], bool],
) -> TlsConfig:
    """Merge what is given, highest first: flags, ``COMPOSE_TLS_*`` variables, compose-tls.toml.

    Only with what is recorded do settings have to go together: ``completed``.

    Args:
        table: The table of compose-tls.toml.
        flags: Settings from the command line; ``None`` values and empty tuples mean "not given".
        environment: The process environment.
        is_inside: Tells whether a path is in the project.

    Raises:
        UnknownSetting: A variable or a key of the file is not a setting.
        InvalidSetting: A value is not of its setting's kind.
        OutsideProject: compose-tls.toml names a file outside the project.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for spelling, layer in (
        (lambda _: SETTINGS_FILE, _from_file(table)),
        (lambda name: ENVIRONMENT_PREFIX + name.upper(), _from_environment(environment)),
        (lambda name: f"--{dashed(name)}", _given(flags)),
    ):
        values.update(layer)
        sources.update({name: spelling(name) for name in layer})
    config = TlsConfig.model_validate(values, context=Given(sources, incomplete=True))
    for name in sorted((DIRECTORIES | FILES | PLACES) & sources.keys()):
        if sources[name] == SETTINGS_FILE:
            _require_inside(config, name, is_inside)
    return config


def outermost(flags: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """What the user sets for one command, and not in compose-tls.toml: flags over variables.

    Raises:
        UnknownSetting: A variable is not a setting.
    """
    return {**_from_environment(environment), **_given(flags)}


def completed(given: TlsConfig, recorded: TlsConfig | None, *, enabling: bool) -> TlsConfig:
    """Settings, with what the last enable recorded where nothing else is given.

    Args:
        given: What flags, variables and compose-tls.toml say.
        recorded: What state.json says; its fields that are set count.
        enabling: Whether the command can change what is in place. To every other one, the mode and
            the like are what enable made them, whatever compose-tls.toml says by now.

    Returns:
        All of it; as set count those that are given.

    Raises:
        ConflictingSettings: What is given contradicts what was recorded.
    """
    own = given.model_fields_set
    before = recorded.model_fields_set if recorded else set[str]()
    kept = {
        name: getattr(recorded, name)
        for name in before - _replaced(own, before)
        if name not in own or (name in _IN_PLACE and not enabling)
    }
    values = {name: getattr(given, name) for name in own} | kept
    values |= _one_ca(values)
    settled = TlsConfig.model_validate(values, context=Given(dict.fromkeys(kept, "state.json")))
    return TlsConfig.model_construct(_fields_set=set(own), **dict(settled))


def _one_ca(values: Mapping[str, Any]) -> dict[str, None]:
    """What to leave out where the CA that is named for clients is the one of the server."""
    named = values.get("client_ca_cert")
    own = f"{values.get('pki_dir') or TlsConfig().pki_dir}/{CA_CERTIFICATE}"
    same = {os.path.normpath(each) for each in (own, values.get("ca_cert")) if each}
    # Next to a server certificate of that CA, its key issues for clients only.
    issues = values.get("server_cert") and values.get("client_ca_key")
    is_one = not issues and named is not None and os.path.normpath(named) in same
    return dict.fromkeys(_BROUGHT["client_ca"]) if is_one else {}


def _replaced(own: AbstractSet[str], before: AbstractSet[str]) -> frozenset[str]:
    """The recorded settings that something else takes the place of.

    A CA to issue under ends what was provided; and of a pair that is named again nothing is left over.
    """
    found = {name for group in _BROUGHT.values() if own & group for name in group}
    if "ca_key" in own:
        found |= _BROUGHT["server"]
        if "client_ca_cert" not in own | before:
            found |= _BROUGHT["client"]
    if "client_ca_key" in own:
        found |= _BROUGHT["client"]
    if "client_cert" in own:
        found |= {"client_ca_key", "client_ca_passphrase_file"}
    if own & _BROUGHT["server"]:
        found |= {"ca_key"}
    if own & _BROUGHT["ca"]:
        found |= {"constrain"}
    return frozenset(found)


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value is not None and value != ()}


def _from_file(table: Mapping[str, Any]) -> dict[str, Any]:
    settings = {key.replace("-", "_"): value for key, value in table.items()}
    _reject_unknown(settings, where=SETTINGS_FILE, path=SETTINGS_FILE)
    if "accept" in settings:
        raise InvalidSetting(
            f"{SETTINGS_FILE} cannot set accept: only the command line can accept a refusal",
            hint="name the code on the command line, with --accept",
            path=SETTINGS_FILE,
        )
    for name in SECRETS & settings.keys():
        raise InvalidSetting(
            f"{dashed(name)} is not allowed in {SETTINGS_FILE}: the file that it names is sent to the"
            " server",
            hint=f"give it as --{dashed(name)} or {ENVIRONMENT_PREFIX}{name.upper()}",
            path=SETTINGS_FILE,
        )
    return {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}


def _require_inside(config: TlsConfig, name: str, is_inside: Callable[[str], bool]) -> None:
    """A file that comes with a project does not name what is outside it."""
    value = getattr(config, name)
    for text in value if isinstance(value, tuple) else (value,):
        if not is_inside(text):
            raise OutsideProject(
                f"{dashed(name)} in {SETTINGS_FILE} names {text}, which is outside the project",
                hint=f"give it as --{dashed(name)} or {ENVIRONMENT_PREFIX}{name.upper()}, if you "
                "intend it",
                path=SETTINGS_FILE,
            )


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    settings = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    _reject_unknown(settings, where="the environment", prefix=ENVIRONMENT_PREFIX)
    return {name: _typed(name, value) for name, value in settings.items()}


def _typed(name: str, value: str) -> Any:
    """A text as its setting wants it, where pydantic does not see to that."""
    if name in LISTS:
        return tuple(word.strip() for word in value.split(",") if word.strip())
    if name in FLAGS:
        return _BOOLEANS.get(value.lower(), value)
    return int(value) if name == "mode" and value in {"1", "2"} else value


def _reject_unknown(
    settings: Iterable[str], *, where: str, path: str | None = None, prefix: str = ""
) -> None:
    known = list(TlsConfig.model_fields)
    for name in settings:
        if name in known:
            continue
        import difflib

        near = [
            f"{prefix}{one.upper()}" if prefix else dashed(one)
            for one in difflib.get_close_matches(name, known, n=1)
        ]
        shown = f"{prefix}{name.upper()}" if prefix else dashed(name)
        raise UnknownSetting(
            f"unknown setting {shown} in {where}",
            hint=f"did you mean {near[0]}?"
            if near
            else "remove it; compose-tls enable --help lists the settings",
            path=path,
        )

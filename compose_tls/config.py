"""The settings: one model, and the layers that fill it (flags, variables, compose-tls.toml, defaults)."""

from __future__ import annotations

import difflib
import posixpath
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self
from unicodedata import category

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from compose_tls.errors import ConflictingSettings, InvalidSetting, UnknownSetting
from compose_tls.facts import KeyType, TlsMode

ENVIRONMENT_PREFIX = "COMPOSE_TLS_"
SETTINGS_FILE = "compose-tls.toml"

_LISTS = frozenset({"file", "san"})


class TlsConfig(BaseModel):
    """Everything that can be set. Relative paths are relative to the project directory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: tuple[str, ...] = Field(default=(), description="Compose files, as docker compose -f")
    service: str | None = Field(default=None, description="the service that runs Milvus")
    mode: Literal[1, 2] = Field(default=1, description="1 one-way TLS, 2 mutual TLS")

    server_name: str = Field(default="localhost", description="the name clients verify")
    san: tuple[str, ...] = Field(default=(), description="further DNS names and IP addresses")
    # Apple refuses end-entity certificates of more than 825 days, private roots included:
    # https://support.apple.com/en-us/103769
    key_type: KeyType = "ecdsa-p256"
    days: int = Field(default=825, ge=1, le=36500, description="validity in days")
    ca_days: int = Field(default=3650, ge=1, le=36500, description="validity of the CA in days")
    # RFC 4514 text, without the common name.
    subject: str = "C=CN,ST=Shanghai,L=Shanghai,O=milvus,OU=milvus"
    ca_cert: str | None = None
    ca_key: str | None = None
    server_cert: str | None = None
    server_key: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    pki_dir: str = "cert"
    tls_dir: str = "tls"
    container_tls_dir: str = "/milvus/tls"
    config: Literal["auto", "file", "env"] = "auto"
    style: Literal["in-place", "override"] | None = None
    rest_port: int | None = Field(default=None, ge=1, le=65535)

    timeout: float = Field(default=120, gt=0, allow_inf_nan=False, description="in seconds")
    user: str | None = None
    password_file: str | None = None
    token_file: str | None = None

    @property
    def tls_mode(self) -> TlsMode:
        """The mode as Milvus numbers it."""
        return TlsMode(self.mode)

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: object, info: ValidationInfo) -> object:
        objection = _objection(value, info.field_name)
        if objection:
            raise ValueError(objection)
        return value

    @field_validator("container_tls_dir")
    @classmethod
    def _absolute(cls, value: str) -> str:
        cleaned = "/" + posixpath.normpath(value).lstrip("/")
        if not value.startswith("/") or ":" in value or cleaned == "/":
            msg = "must be an absolute path inside the container, without a colon"
            raise ValueError(msg)
        return cleaned

    @field_validator("pki_dir", "tls_dir")
    @classmethod
    def _directory(cls, value: str) -> str:
        cleaned = posixpath.normpath(value)
        if posixpath.basename(cleaned) in {"", ".", ".."}:
            msg = "must name a directory of its own"
            raise ValueError(msg)
        return cleaned

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ca, ca_key = self.ca_cert is not None, self.ca_key is not None
        server, server_key = self.server_cert is not None, self.server_key is not None
        client, client_key = self.client_cert is not None, self.client_key is not None
        mounted = PurePosixPath(self.pki_dir).is_relative_to(self.tls_dir)
        secrets = self.password_file is not None and self.token_file is not None
        for found, conflict in (
            (mounted, "pki_dir must not be or lie in tls_dir, which the container mounts"),
            (server != server_key, "server_cert and server_key go together"),
            (client != client_key, "client_cert and client_key go together"),
            (ca_key and not ca, "ca_key needs ca_cert"),
            (ca and not ca_key and not server, "ca_cert needs ca_key, or server_cert"),
            (server and not ca, "server_cert needs ca_cert, the CA that clients are to trust"),
            (server and ca_key, "server_cert and ca_key exclude each other: bring or issue"),
            (client and not server, "client_cert goes with server_cert"),
            (secrets, "password_file and token_file exclude each other"),
        ):
            if found:
                raise ValueError(conflict)
        return self


def _objection(value: object, name: str | None) -> str | None:
    """What is wrong with a value that pydantic would take, and nobody means."""
    if isinstance(value, bool):
        return "must not be true or false"
    if isinstance(value, str) and name in _LISTS:
        return "must be a list"
    texts = value if isinstance(value, list | tuple) else (value,)
    if "" in texts and name != "subject":
        return "must not be empty"
    if any(category(c) in {"Cc", "Cs"} for t in texts if isinstance(t, str) for c in t):
        return "must be UTF-8 text without control characters"
    return None


def load(
    directory: Path,
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
) -> TlsConfig:
    """Merge the layers, highest first: flags, ``COMPOSE_TLS_*`` variables, compose-tls.toml, defaults.

    Args:
        directory: The project directory, where compose-tls.toml may lie.
        flags: Settings from the command line; ``None`` values and empty tuples mean "not given".
        environment: The process environment.

    Raises:
        UnknownSetting: A variable or a key of the file is not a setting.
        InvalidSetting: A value is not of its setting's kind.
        ConflictingSettings: Settings that exclude each other, or half of a pair.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for spelling, layer in (
        (lambda _: SETTINGS_FILE, _from_file(directory / SETTINGS_FILE)),
        (lambda name: ENVIRONMENT_PREFIX + name.upper(), _from_environment(environment)),
        (lambda name: f"--{_dashed(name)}", _given(flags)),
    ):
        values.update(layer)
        sources.update({name: spelling(name) for name in layer})
    try:
        return TlsConfig(**values)
    except ValidationError as error:
        raise _setting_error(error, sources) from None


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value is not None and value != ()}


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InvalidSetting(
            f"{path.name} cannot be read: {error.strerror}",
            hint=f"make {path.name} readable or remove it",
            path=path.name,
        ) from None
    try:
        table = tomllib.loads(text.decode())
    except ValueError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise InvalidSetting(
            f"{path.name} is not valid TOML: {error}",
            hint="correct the file",
            path=path.name,
            line=int(line[1]) if line else None,
        ) from None
    settings = {key.replace("-", "_"): value for key, value in table.items()}
    _reject_unknown(settings, where=path.name, path=path.name)
    return {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}


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
    if name in _LISTS:
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return int(value) if name == "mode" and value in {"1", "2"} else value


def _reject_unknown(
    settings: Iterable[str], *, where: str, path: str | None = None, prefix: str = ""
) -> None:
    known = list(TlsConfig.model_fields)
    for name in settings:
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0)
        spelled = f"{prefix}{near[0].upper()}" if prefix else _dashed(near[0])
        shown = f"{prefix}{name.upper()}" if prefix else _dashed(name)
        raise UnknownSetting(
            f"unknown setting {shown} in {where}", hint=f"did you mean {spelled}?", path=path
        )


def _setting_error(
    error: ValidationError, sources: Mapping[str, str]
) -> InvalidSetting | ConflictingSettings:
    first = error.errors(include_url=False, include_input=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return ConflictingSettings(_dashed(reason), hint="see compose-tls enable --help")
    name = str(first["loc"][0])
    source = sources.get(name, "call")
    return InvalidSetting(
        f"setting {_dashed(name)} ({source}): {reason[0].lower()}{reason[1:]}",
        hint=f"correct {_dashed(name)}; see compose-tls enable --help",
        path=SETTINGS_FILE if source == SETTINGS_FILE else None,
    )


def _dashed(name: str) -> str:
    """A setting as options and the file spell it."""
    return name.replace("_", "-")

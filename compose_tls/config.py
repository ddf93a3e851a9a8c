"""The settings: one model, and the layers that fill it (flags, variables, compose-tls.toml, defaults)."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from compose_tls.errors import ConflictingSettings, InvalidSetting, UnknownSetting
from compose_tls.facts import KeyType, TlsMode

ENVIRONMENT_PREFIX = "COMPOSE_TLS_"
SETTINGS_FILE = "compose-tls.toml"


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
    subject: str = Field(
        default="C=CN,ST=Shanghai,L=Shanghai,O=milvus,OU=milvus",
        description="subject without common name, RFC 4514",
    )
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
    rest_port: int | None = Field(default=None, ge=1, le=65535)

    timeout: float = Field(default=120, gt=0, description="seconds to wait for Milvus")
    user: str | None = None
    password_file: str | None = None
    token_file: str | None = None

    @property
    def tls_mode(self) -> TlsMode:
        """The mode as Milvus numbers it."""
        return TlsMode(self.mode)

    @field_validator("container_tls_dir")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/") or ":" in value:
            msg = "must be an absolute path inside the container, without a colon"
            raise ValueError(msg)
        return value.rstrip("/") or "/"

    @field_validator("pki_dir", "tls_dir")
    @classmethod
    def _directory(cls, value: str) -> str:
        cleaned = value.rstrip("/")
        if cleaned in {"", ".", ".."}:
            msg = "must name a directory of its own"
            raise ValueError(msg)
        return cleaned

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (
            Path(self.pki_dir) == Path(self.tls_dir)
            or Path(self.tls_dir) in Path(self.pki_dir).parents
        ):
            msg = "pki_dir must not be or lie in tls_dir, which is mounted into the container"
            raise ValueError(msg)
        if (self.server_cert is None) != (self.server_key is None):
            msg = "server_cert and server_key go together"
            raise ValueError(msg)
        if (self.client_cert is None) != (self.client_key is None):
            msg = "client_cert and client_key go together"
            raise ValueError(msg)
        if self.ca_key is not None and self.ca_cert is None:
            msg = "ca_key needs ca_cert"
            raise ValueError(msg)
        if self.ca_cert is not None and self.ca_key is None and self.server_cert is None:
            msg = "ca_cert needs ca_key (to issue under it) or server_cert (to bring certificates)"
            raise ValueError(msg)
        if self.server_cert is not None and self.ca_cert is None:
            msg = "server_cert needs ca_cert, the CA that clients are to trust"
            raise ValueError(msg)
        if self.server_cert is not None and self.ca_key is not None:
            msg = "server_cert and ca_key exclude each other: bring certificates or issue them"
            raise ValueError(msg)
        if self.client_cert is not None and self.server_cert is None:
            msg = "client_cert goes with server_cert"
            raise ValueError(msg)
        if self.password_file is not None and self.token_file is not None:
            msg = "password_file and token_file exclude each other"
            raise ValueError(msg)
        return self


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
    for source, layer in (
        (SETTINGS_FILE, _from_file(directory / SETTINGS_FILE)),
        ("environment", _from_environment(environment)),
        ("option", {k: v for k, v in flags.items() if v is not None and v != ()}),
    ):
        values.update(layer)
        sources.update(dict.fromkeys(layer, source))
    try:
        return TlsConfig(**values)
    except ValidationError as error:
        raise _setting_error(error, sources) from None


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidSetting(
            f"{path.name} cannot be read: {error.strerror}",
            hint=f"make {path.name} readable or remove it",
            path=path.name,
        ) from None
    try:
        table = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(
            f"{path.name} is not valid TOML: {error}", hint="correct the file", path=path.name
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
    return {
        name: _words(value) if name in {"san", "file"} else _number(name, value)
        for name, value in settings.items()
    }


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())


def _number(name: str, value: str) -> str | int:
    # Literal[1, 2] takes no "2", so numbers are read as numbers where the setting is one.
    return int(value) if name == "mode" and value.isdecimal() else value


def _reject_unknown(
    settings: Iterable[str], *, where: str, path: str | None = None, prefix: str = ""
) -> None:
    known = list(TlsConfig.model_fields)
    for name in settings:
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0)
        spelled = f"{prefix}{near[0].upper()}" if prefix else near[0].replace("_", "-")
        shown = f"{prefix}{name.upper()}" if prefix else name.replace("_", "-")
        raise UnknownSetting(
            f"unknown setting {shown} in {where}", hint=f"did you mean {spelled}?", path=path
        )


def _setting_error(
    error: ValidationError, sources: Mapping[str, str]
) -> InvalidSetting | ConflictingSettings:
    first = error.errors(include_url=False, include_input=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return ConflictingSettings(reason, hint="see compose-tls enable --help")
    name = str(first["loc"][0])
    source = sources.get(name, "call")
    return InvalidSetting(
        f"setting {name.replace('_', '-')} ({source}): {reason[0].lower()}{reason[1:]}",
        hint=f"correct {name.replace('_', '-')}; see compose-tls enable --help",
        path=SETTINGS_FILE if source == SETTINGS_FILE else None,
    )

"""The settings: one model."""

# Without annotations as texts: pydantic would compile each of them.

import posixpath
from pathlib import PurePosixPath
from typing import Any, Literal, Self
from unicodedata import category

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler

from compose_tls.config.objections import Given, setting_error
from compose_tls.layout import PROXY
from compose_tls.patterns import regex
from compose_tls.vocabulary import KeyType, Scope, TlsMode

LISTS = frozenset({"accept", "env_file", "file", "profile", "san", "service"})
FLAGS = frozenset({"constrain", "csr"})
PLACES = frozenset({"env_file", "file", "project_directory"})
"""Compose's own options that are paths."""
DIRECTORIES = frozenset({"pki_dir", "tls_dir"})
"""Where files of compose-tls go."""
SECRETS = frozenset({"password_file", "token_file"})
"""Files whose content is sent to the server."""

_HOLD_BOTH = (".p12", ".pfx")
# https://docs.docker.com/compose/how-tos/project-name/
_PROJECT_NAME = regex(r"[a-z0-9][a-z0-9_-]*")


class TlsConfig(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """All settings.

    Relative paths are relative to the project directory; those of Compose's own options, the first
    five, to the current directory, as for ``docker compose``.

    Raises:
        InvalidSetting: A value is not valid for its setting, or there is no such setting.
        ConflictingSettings: Settings that exclude each other, or half of a pair.
    """

    file: tuple[str, ...] = Field(default=(), description="Compose files, as docker compose -f")
    project_name: str | None = Field(default=None, description="as docker compose -p")
    project_directory: str | None = Field(default=None, description="as docker compose has it")
    env_file: tuple[str, ...] = Field(default=(), description="as docker compose --env-file")
    profile: tuple[str, ...] = Field(default=(), description="as docker compose --profile")
    service: tuple[str, ...] = Field(default=(), description="the services that run Milvus")
    mode: Literal[1, 2] = Field(default=1, description="1 one-way TLS, 2 mutual TLS")
    scope: Scope = Field(default="proxy", description="what to encrypt besides client connections")

    server_name: str = Field(default="localhost", description="the name clients verify")
    san: tuple[str, ...] = Field(default=(), description="further DNS names and IP addresses")
    # Apple refuses end-entity certificates of more than 825 days, private roots included:
    # https://support.apple.com/en-us/103769
    key_type: KeyType = Field(default="ecdsa-p256", description="key type of all certificates")
    days: int = Field(default=825, ge=1, le=36500, description="validity in days")
    ca_days: int = Field(default=3650, ge=1, le=36500, description="validity of the CA in days")
    subject: str = Field(
        default="",
        description="subject of certificates without CN, as RFC 4514 text such as O=Example,C=DE",
    )
    constrain: bool = Field(
        default=False, description="limit the DNS names of a new CA to those of the project"
    )
    csr: bool = Field(default=False, description="also write signing requests for the same keys")
    # A key may be left out next to a PKCS #12 file, which holds both.
    ca_cert: str | None = Field(
        default=None, description="an existing CA, to issue certificates with or to trust"
    )
    ca_key: str | None = Field(default=None, description="key of ca_cert, to issue certificates")
    ca_passphrase_file: str | None = Field(default=None, description="passphrase of ca_key")
    server_cert: str | None = Field(default=None, description="use this server certificate")
    server_key: str | None = Field(default=None, description="key of server_cert")
    server_passphrase_file: str | None = Field(default=None, description="passphrase of server_key")
    client_cert: str | None = Field(default=None, description="use this client certificate")
    client_key: str | None = Field(default=None, description="key of client_cert")
    client_passphrase_file: str | None = Field(default=None, description="passphrase of client_key")
    client_ca_cert: str | None = Field(
        default=None, description="CA of client certificates in mode 2, if it is not the server CA"
    )
    client_ca_key: str | None = Field(default=None, description="key of client_ca_cert")
    client_ca_passphrase_file: str | None = Field(
        default=None, description="passphrase of client_ca_key"
    )

    pki_dir: str = Field(default="cert", description="directory for certificates and keys")
    tls_dir: str = Field(default="tls", description="directory mounted into the container")
    container_tls_dir: str = Field(
        default="/milvus/tls", description="mount point in the container"
    )
    config: Literal["auto", "file", "env"] = Field(
        default="auto", description="whether settings go into milvus.yaml or the environment"
    )
    style: Literal["in-place", "override"] | None = Field(
        default=None, description="edit in place or write an override file; in place if possible"
    )
    rest_port: int | None = Field(
        default=None, ge=1, le=65535, description="keep REST, over TLS on this port"
    )
    neighbours: Literal["patch", "list", "ignore"] = Field(
        default="patch", description="what to do with services that connect to Milvus"
    )

    timeout: float = Field(default=120, gt=0, allow_inf_nan=False, description="in seconds")
    # Codes of refusals that the user decides against; never from a file of the project.
    accept: tuple[str, ...] = Field(
        default=(), description="codes of refusals to continue in spite of"
    )
    user: str | None = Field(default=None, description="a Milvus user, with password_file")
    password_file: str | None = Field(default=None, description="a file with the password")
    token_file: str | None = Field(default=None, description="a file with a token")

    @property
    def tls_mode(self) -> TlsMode:
        """The mode as Milvus numbers it."""
        return TlsMode(self.mode)

    @property
    def served_dir(self) -> str:
        """The directory that proxies mount: that of the settings, or their own below it."""
        return self.tls_dir if self.scope == "proxy" else f"{self.tls_dir}/{PROXY}"

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the user asks for in the server certificate."""
        return (self.server_name, *self.san)

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: object, info: ValidationInfo) -> object:
        if info.field_name == "service" and not isinstance(value, list | tuple):
            value = (value,)  # one is as good as a list of one
        objection = _objection(value, info.field_name)
        if objection:
            raise ValueError(objection)
        return value

    @field_validator("key_type", mode="before")
    @classmethod
    def _used_by_grpc(cls, value: object) -> object:
        if isinstance(value, str) and value in {"ed25519", "ed448"}:
            msg = f"{value} is not offered: gRPC, and so every Milvus client, refuses such certificates"
            raise ValueError(msg)
        return value

    @field_validator("project_name")
    @classmethod
    def _as_compose_takes_it(cls, value: str | None) -> str | None:
        if value and not _PROJECT_NAME.fullmatch(value):
            msg = "must consist of lower-case letters, digits, - and _, and begin with a letter or digit"
            raise ValueError(msg)
        return value

    @field_validator("container_tls_dir")
    @classmethod
    def _absolute(cls, value: str) -> str:
        cleaned = "/" + posixpath.normpath(value).lstrip("/")
        # Compose would take a dollar sign for a variable's, and Milvus would not.
        if not value.startswith("/") or {":", "$"} & set(value) or cleaned == "/":
            msg = "must be an absolute path inside the container, without a colon or a dollar sign"
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

    @model_validator(mode="before")
    @classmethod
    def _keys_of_bundles(cls, values: Any) -> Any:
        """A PKCS #12 file holds the key too; that of a CA is wanted where it is to issue."""
        if not isinstance(values, dict):
            return values
        wanted = ["server"] if values.get("server_cert") else ["ca"]
        wanted.append("client" if values.get("client_cert") else "client_ca")
        for role in wanted:
            certificate, key = values.get(f"{role}_cert"), f"{role}_key"
            bundled = isinstance(certificate, str) and certificate.lower().endswith(_HOLD_BOTH)
            if bundled and values.get(key) is None:
                values = {**values, key: certificate}
        return values

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        if isinstance(info.context, Given) and info.context.incomplete:
            return self
        ca, ca_key = self.ca_cert is not None, self.ca_key is not None
        server, server_key = self.server_cert is not None, self.server_key is not None
        client, client_key = self.client_cert is not None, self.client_key is not None
        apart, apart_key = self.client_ca_cert is not None, self.client_ca_key is not None
        mounted = PurePosixPath(self.pki_dir).is_relative_to(self.tls_dir)
        secrets = self.password_file is not None and self.token_file is not None
        for found, conflict in (
            (mounted, "pki_dir must not be tls_dir, which the container mounts, or be inside it"),
            (server != server_key, "server_cert and server_key go together"),
            (client != client_key, "client_cert and client_key go together"),
            (ca_key and not ca, "ca_key needs ca_cert"),
            (ca and not ca_key and not server, "ca_cert needs ca_key, or server_cert"),
            (server and not ca, "server_cert needs ca_cert, the CA that clients are to trust"),
            (
                server and ca_key,
                "server_cert and ca_key exclude each other: give one of them",
            ),
            (
                client and not (server or apart),
                "client_cert needs server_cert, or client_ca_cert",
            ),
            (apart_key and not apart, "client_ca_key needs client_ca_cert"),
            (
                client and apart_key,
                "client_cert and client_ca_key exclude each other: give one of them",
            ),
            (self.constrain and ca, "constrain is for a new CA, not for ca_cert"),
            (self.csr and server, "csr is for certificates issued here, not for server_cert"),
            (self.ca_passphrase_file and not ca, "ca_passphrase_file needs ca_cert"),
            (
                self.server_passphrase_file and not server,
                "server_passphrase_file needs server_cert",
            ),
            (
                self.client_passphrase_file and not client,
                "client_passphrase_file needs client_cert",
            ),
            (
                self.client_ca_passphrase_file and not apart,
                "client_ca_passphrase_file needs client_ca_cert",
            ),
            (secrets, "password_file and token_file exclude each other"),
        ):
            if found:
                raise ValueError(conflict)
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _in_our_words(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            sources = info.context.sources if isinstance(info.context, Given) else {}
            raise setting_error(error, sources) from None


FILES = (
    frozenset(name for name in TlsConfig.model_fields if name.endswith(("_cert", "_key", "_file")))
    - PLACES
)
"""Files that the user names, PLACES apart."""


def _objection(value: object, name: str | None) -> str | None:
    """What is wrong with a value that pydantic would take, and no one means."""
    if isinstance(value, bool) and name not in FLAGS:
        return "must not be true or false"
    if isinstance(value, str) and name in LISTS:
        return "must be a list"
    texts = value if isinstance(value, list | tuple) else (value,)
    if "" in texts and name != "subject":
        return "must not be empty"
    if any(category(c) in {"Cc", "Cs"} for t in texts if isinstance(t, str) for c in t):
        return "must be UTF-8 text without control characters"
    return None

"""The options that commands share, and how they become settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import Any, Final, TypeVar

import click

from compose_tls.cli.completing import DIRECTORY, FILE, refusals, services
from compose_tls.cli.option_types import Number, OneOf

_F = TypeVar("_F", bound=Callable[..., Any])

_KEY_TYPES = "ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096"
"""As help shows them; the settings know which there are, and why others are not."""

MODE: Final = OneOf(
    ("1", "2"),
    {"0": "to switch TLS off: compose-tls disable"},
    "1 is one-way TLS, 2 is mutual TLS: compose-tls help modes",
)


def file_option(*names: str, **more: Any) -> Callable[[_F], _F]:
    """An option that names a file, as shells complete it."""
    return click.option(*names, type=FILE, metavar="FILE", **more)


def directory_option(*names: str, **more: Any) -> Callable[[_F], _F]:
    """An option that names a directory."""
    return click.option(*names, type=DIRECTORY, metavar="DIR", **more)


def flag(*names: str, **more: Any) -> Callable[[_F], _F]:
    """An option without a value."""
    return click.option(*names, is_flag=True, **more)


def duration(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> timedelta | None:
    """The duration that a text means."""
    from compose_tls import vocabulary

    try:
        return None if value is None else vocabulary.duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None


_SECTIONS: Final = {
    "Certificates": (
        *("server_name", "san", "key_type", "days", "ca_days", "subject", "constrain", "csr"),
        *("ca_cert", "ca_key", "ca_passphrase_file"),
        *("server_cert", "server_key", "server_passphrase_file"),
        *("client_cert", "client_key", "client_passphrase_file"),
        *("client_ca_cert", "client_ca_key", "client_ca_passphrase_file"),
    ),
    "Where files and settings go": (
        *("config", "style", "rest_port", "neighbours"),
        *("pki_dir", "tls_dir", "container_tls_dir"),
    ),
    "Authentication, if Milvus requires it": ("user", "password_file", "token_file"),
    "Project, as for docker compose": (
        *("directory", "file", "project_name", "project_directory", "env_file", "profile"),
        "service",
    ),
    "Output": ("as_json", "quiet", "verbose", "help"),
}
"""Where help lists an option, by its parameter; what stands nowhere here is the command's own."""


class HelpPage(click.Command):
    """A command whose help lists its options by what they are about."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each kind of option that the command has."""
        section_of = {name: section for section, names in _SECTIONS.items() for name in names}
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], **{name: [] for name in _SECTIONS}}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            # How click names its own option changes from version to version.
            name = "help" if "--help" in parameter.opts else parameter.name or ""
            if row is not None:
                rows[section_of.get(name, "Options")].append(row)
        for section, found in rows.items():
            if found:
                with formatter.section(section):
                    formatter.write_dl(found)


_COMMON: Final = (
    directory_option("-C", "directory", multiple=True, help="Run as if started in this directory."),
    file_option("-f", "--file", multiple=True, help="Compose file; repeatable."),
    click.option("-p", "--project-name", metavar="NAME", help="Name of the Compose project."),
    directory_option("--project-directory", help="Base of relative paths in the compose file."),
    file_option("--env-file", multiple=True, help="Environment file, instead of .env; repeatable."),
    click.option("--profile", multiple=True, metavar="NAME", help="Profile to enable; repeatable."),
    click.option(
        "--service",
        multiple=True,
        shell_complete=services,
        metavar="NAME",
        help="Service that runs Milvus; repeatable.",
    ),
    directory_option("--pki-dir", help="Directory for certificates and keys (default: cert)."),
    flag("--json", "as_json", help="Print one JSON document."),
    flag("-q", "--quiet", help="Print errors only."),
    flag("-v", "--verbose", help="Print every file, certificate and check."),
)


def common(command: Callable[..., int]) -> Callable[..., int]:
    """The options of every command, before its name or after it.

    Where to work and how to speak reach it as its arguments ``directory`` and ``output``.
    """

    @wraps(command)
    def with_output(**given: Any) -> int:
        from pathlib import Path

        from compose_tls.cli.output.show import Output

        above = click.get_current_context().parent
        options = _joined(above.params if above else {}, given)
        output = Output(options.pop("as_json"), options.pop("quiet"), options.pop("verbose"))
        with output:
            return command(directory=Path(*options.pop("directory")), output=output, **options)

    return _with(with_output, *_COMMON)


def before_the_command(group: _F) -> _F:
    """The same options, before the name of the command."""
    return _with(group, *_COMMON)


def _joined(above: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Options from before the command's name and from after it, which add up or win."""
    before = {name: value for name, value in above.items() if name in given}
    added = {
        name: (*value, *given[name]) if isinstance(value, tuple) else given[name] or value
        for name, value in before.items()
    }
    return {**given, **added}


def credentials(command: _F) -> _F:
    """How to sign in to Milvus where authentication is on. Secrets come from files only."""
    return _with(
        command,
        click.option("--user", metavar="NAME", help="Milvus user, with --password-file."),
        file_option("--password-file", help="File with the password."),
        file_option("--token-file", help="File with a token."),
        click.option(
            "--timeout",
            type=Number(float),
            metavar="SECONDS",
            help="How long to wait for Milvus (default: 120).",
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
            shell_complete=refusals,
            help="Continue in spite of the error with this code, if its hint names --accept; repeatable.",
        ),
    )


def mode_and_scope(command: _F) -> _F:
    """What is encrypted, and who has to show a certificate."""
    return _with(
        command,
        click.option("--mode", type=MODE, help="1: one-way TLS (default), 2: mutual TLS."),
        click.option(
            "--scope",
            type=OneOf(("proxy", "internal", "all")),
            help="What to encrypt: client connections (proxy, the default), also those between "
            "Milvus components (internal), or also those to etcd, the object store and Kafka (all).",
        ),
    )


def deployment(command: _F) -> _F:
    """Whether the project is started, too."""
    return _with(
        command,
        flag("--up", help="Deploy with docker compose, wait, and check the running server."),
        flag(
            "--keep-on-failure",
            help="With --up: leave files and containers as they are on failure.",
        ),
    )


additional_names: Final = click.option(
    "--san",
    multiple=True,
    metavar="NAME-OR-IP",
    help="Additional DNS name or IP address; repeatable.",
)


def key_type(default: str) -> Callable[[_F], _F]:
    """The kind of the keys that are made."""
    return click.option("--key-type", metavar="TYPE", help=f"{_KEY_TYPES} (default: {default}).")


def days(default: str) -> Callable[[_F], _F]:
    """How long certificates are valid."""
    text = f"Validity of new certificates in days (default: {default})."
    return click.option("--days", type=Number(), metavar="N", help=text)


def ca_days(default: str) -> Callable[[_F], _F]:
    """How long a CA is valid."""
    text = f"Validity of a new CA in days (default: {default})."
    return click.option("--ca-days", type=Number(), metavar="N", help=text)


def new_certificates(command: _F) -> _F:
    """What is in certificates that are issued."""
    return _with(
        command,
        click.option(
            "--server-name", metavar="NAME", help="Name that clients verify (default: localhost)."
        ),
        additional_names,
        key_type("ecdsa-p256"),
        days("825"),
        ca_days("3650"),
        click.option(
            "--subject",
            metavar="RFC4514",
            help="Subject of certificates, without CN, such as O=Example,C=DE (default: the CN only).",
        ),
    )


def existing_ca(command: _F) -> _F:
    """The CAs to issue under, where their keys are not in the project."""
    return _with(
        command,
        file_option("--ca-cert", help="An existing CA, to issue certificates with or to trust."),
        file_option("--ca-key", help="Key of --ca-cert, to issue certificates."),
        file_option("--ca-passphrase-file", help="File with the passphrase of --ca-key."),
        file_option(
            "--client-ca-cert",
            help="CA of client certificates in mode 2, if it is not the server CA.",
        ),
        file_option(
            "--client-ca-key", help="Key of --client-ca-cert, to issue client certificates."
        ),
        file_option(
            "--client-ca-passphrase-file", help="File with the passphrase of --client-ca-key."
        ),
    )


def _with(command: _F, *options: Callable[[_F], _F]) -> _F:
    """A command with options, which its help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command

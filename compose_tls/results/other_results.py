"""What the other commands return."""

# Without annotations as texts: pydantic would compile each of them.

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from compose_tls.results.commands import ChangeResult, CommandResult
from compose_tls.results.parts import CertificateResult, Endpoint, LeftOut, Mode, Model, Probe


class DisableResult(ChangeResult, frozen=True):
    """The result of ``disable``.

    Attributes:
        mode: The mode of the services from now on, by the files; left out for plain text.
        diff: The diff of text files.
        key_directories: The directories with certificates and keys that stay.
        as_before: Whether this was their mode before ``enable``.
        exact: Whether each file has the original bytes, too.
        purge: The command that removes them.
        in_use: Whether that command works only once TLS is off.
        not_empty: The directories that stay because they contain other files. Not printed.
    """

    command: Literal["disable"] = "disable"
    mode: Mode | None = None
    diff: str = ""
    key_directories: LeftOut[tuple[str, ...]] = ()
    as_before: LeftOut[bool] = True
    exact: LeftOut[bool] = False
    purge: LeftOut[str | None] = None
    in_use: LeftOut[bool] = False
    not_empty: tuple[str, ...] = Field(default=(), exclude=True)


class GivenFiles(Model, frozen=True):
    """The files to give to a client with a new certificate.

    Attributes:
        client: Its name.
        files: Its own files, and last the CA certificate.
    """

    client: str
    files: tuple[str, ...]


class ClientResult(ChangeResult, frozen=True):
    """The result of ``client``.

    Attributes:
        certificates: The certificates of the clients, in the given order.
        endpoint: Where clients connect; ``None`` if no port is published.
        connect: The keyword arguments of ``pymilvus.MilvusClient``, for a single client.
        give: The files to give to each client with a new certificate.
        directory: Where the files go. Not printed.
        issued: The clients that get a new certificate. Not printed.
        kept: The clients that keep their certificate. Not printed.
        ca: The CA certificate that each of them must trust. Not printed.
    """

    command: Literal["client"] = "client"
    mode: Mode
    certificates: tuple[CertificateResult, ...] = ()
    endpoint: Endpoint | None = None
    connect: dict[str, Any] | None = None
    give: LeftOut[tuple[GivenFiles, ...]] = ()
    directory: str = Field(default=".", exclude=True)
    issued: tuple[str, ...] = Field(default=(), exclude=True)
    kept: tuple[str, ...] = Field(default=(), exclude=True)
    ca: str = Field(default="cert/ca.pem", exclude=True)


class CheckResult(CommandResult, frozen=True):
    """The result of ``check``.

    Attributes:
        endpoint: Where it was checked.
        connect: The keyword arguments of ``pymilvus.MilvusClient``.
        checks: The probes, in the order in which they ran.
        time: The start time, in a stream of documents.
    """

    command: Literal["check"] = "check"
    mode: Mode
    endpoint: Endpoint
    connect: dict[str, Any]
    checks: tuple[Probe, ...]
    time: datetime | None = None


class ExportResult(ChangeResult, frozen=True):
    """The result of ``export``.

    Attributes:
        target: ``helm``, ``operator``, ``cert-manager``, ``swarm`` or ``openssl``.
        names: The DNS names and IP addresses under which clients reach the server there.
        certificates: The exported server certificates.
        text: The document, if no file was named and it contains no private key.
        private_text: The same if it contains a private key. Not printed in JSON.
    """

    command: Literal["export"] = "export"
    mode: Mode
    target: str
    names: tuple[str, ...]
    certificates: LeftOut[tuple[CertificateResult, ...]] = ()
    text: LeftOut[str] = ""
    private_text: str = Field(default="", exclude=True, repr=False)


class Snippet(Model, frozen=True):
    """Paste-ready client code or settings.

    Attributes:
        lang: The language or tool, as for ``connect --lang``.
        text: The code.
    """

    lang: str
    text: str


class ConnectResult(CommandResult, frozen=True):
    """The result of ``connect``.

    Attributes:
        endpoint: Where, and the name to verify.
        connect: The keyword arguments of ``pymilvus.MilvusClient``.
        snippet: The code for the language that was asked for.
    """

    command: Literal["connect"] = "connect"
    mode: Mode
    endpoint: Endpoint
    connect: dict[str, Any]
    snippet: Snippet

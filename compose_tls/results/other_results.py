"""What the other commands return."""

# Without annotations as texts: pydantic would compile each of them.

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from compose_tls.results.commands import ChangeResult, CommandResult
from compose_tls.results.parts import CertificateResult, Endpoint, LeftOut, Mode, Model, Probe


class DisableResult(ChangeResult, frozen=True):
    """What ``disable`` did.

    Attributes:
        mode: What the services are told from now on, by the files; left out for plain text.
        diff: What changes in text files.
        key_directories: The directories with certificates and keys that stay.
        as_before: Whether that is what they were told before ``enable``.
        exact: Whether each file has the original bytes, too.
        purge: The command that removes those.
        in_use: Whether it does so only once TLS is off.
        not_empty: The directories that were to go, and hold something else. Not printed.
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
    """What a client with a new certificate has to be given.

    Attributes:
        client: Its name.
        files: Its own files, and last the CA certificate that it trusts.
    """

    client: str
    files: tuple[str, ...]


class ClientResult(ChangeResult, frozen=True):
    """What ``client`` did.

    Attributes:
        certificates: Those of the clients, in the order in which they were named.
        endpoint: Where clients connect; ``None`` when no port is published.
        connect: The keyword arguments of ``pymilvus.MilvusClient``, where there is one client.
        give: The files that each client with a new certificate has to be given.
        directory: Where the files go. Not printed.
        issued: The clients that get a new certificate. Not printed.
        kept: Those that keep the one they have. Not printed.
        ca: What each of them has to trust. Not printed.
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
    """What ``check`` proved.

    Attributes:
        endpoint: Where it was checked.
        connect: The keyword arguments of ``pymilvus.MilvusClient``.
        checks: The probes, in the order in which they ran.
        time: When it began, in a stream of documents.
    """

    command: Literal["check"] = "check"
    mode: Mode
    endpoint: Endpoint
    connect: dict[str, Any]
    checks: tuple[Probe, ...]
    time: datetime | None = None


class ExportResult(ChangeResult, frozen=True):
    """What ``export`` made.

    Attributes:
        target: ``helm``, ``operator``, ``cert-manager``, ``swarm`` or ``openssl``.
        names: The DNS names and IP addresses under which clients reach the server there.
        certificates: Those of the servers that are taken along.
        text: The document, where no file was named and it holds no private key.
        private_text: The same where it does hold one. Not printed in JSON.
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
        lang: The language or tool, as ``connect --lang`` has it.
        text: The code.
    """

    lang: str
    text: str


class ConnectResult(CommandResult, frozen=True):
    """How clients connect.

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

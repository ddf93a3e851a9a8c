"""What commands return and what ``--json`` prints: one result for each command, versioned by ``schema``.

The JSON schema in docs/schema.json is generated from these models. A list is never ``None``. Keys that do
not apply are left out of the JSON: what is ``None``, and a ``LeftOut`` field that has its default.
"""

# Without annotations as texts: pydantic would compile each of them.

import json
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from pydantic import Field

from compose_tls.results.parts import (
    CertificateResult,
    CutOff,
    DeclaredService,
    DeployedService,
    Endpoint,
    FileResult,
    FileState,
    GivenFiles,
    LeftOut,
    Link,
    Mode,
    Model,
    NeighbourResult,
    Probe,
    Recorded,
    Snippet,
)
from compose_tls.vocabulary import TlsWarning

SCHEMA_VERSION: Literal[1] = 1

CERTIFICATES_UNUSABLE: Final = 4
OFF_OR_DRIFTED: Final = 7
"""Exit codes of ``status``, which finds and does not fail."""

Rollover: TypeAlias = Literal["none", "started", "pending", "finished"]
"""Whether a new CA takes over: this command made it, an earlier one did, or it is in its place now."""


class CommandResult(Model, frozen=True):
    """What every command tells.

    Attributes:
        command: The command.
        ok: Whether all is well; only ``status`` finds that it is not, the others raise an error.
        project: The project's directory.
        mode: 1 for one-way, 2 for mutual TLS; ``None`` where TLS is off.
        services: The services that run Milvus and end client TLS.
        warnings: What to know although the command went on.
    """

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    command: str
    ok: bool = True
    project: str
    mode: Mode | None
    services: LeftOut[tuple[str, ...]] = ()
    warnings: tuple[TlsWarning, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the command line exits with."""
        return 0


class ChangeResult(CommandResult, frozen=True):
    """What a command that writes tells.

    Attributes:
        changed: Whether any file changed (or, in a dry run, would).
        dry_run: ``True`` where nothing was written because that was asked for.
        files: Every file of the plan.
        next: The commands to go on with, one after the other, for a shell where the user stands.
    """

    changed: bool
    dry_run: Literal[True] | None = None
    files: tuple[FileResult, ...] = ()
    next: LeftOut[tuple[str, ...]] = ()


class IssueResult(ChangeResult, frozen=True):
    """What ``enable`` and ``renew`` tell.

    Attributes:
        certificates: Those of the project, new and kept; none in a dry run.
        endpoint: Where clients connect; ``None`` when no port is published.
        connect: The keyword arguments of ``pymilvus.MilvusClient``.
        checks: What was proved; none where Milvus was not started.
        deployed: Whether Milvus runs with these files: it was started and proved, or has still to read
            them; ``None`` where the command has nothing to do with that.
        diff: What changes in text files.
        rollover: Whether a new CA is to take over. Not printed.
        issued: What is newly issued, by the names of the identities. Not printed.
    """

    mode: Mode
    certificates: LeftOut[tuple[CertificateResult, ...]] = ()
    endpoint: Endpoint | None = None
    connect: dict[str, Any] | None = None
    checks: LeftOut[tuple[Probe, ...]] = ()
    deployed: bool | None = None
    diff: LeftOut[str] = ""
    rollover: Rollover = Field(default="none", exclude=True)
    issued: tuple[str, ...] = Field(default=(), exclude=True)


class EnableResult(IssueResult, frozen=True):
    """What ``enable`` did.

    Attributes:
        cut_off: The services of the project that have to be told of TLS.
        neighbours: Those that were told.
        pki_dir: Where everything that was issued lies, keys included. Not printed.
        tls_dir: What the container sees. Not printed.
        ca_key: The key of a CA that was made here, in the first of them. Not printed.
        then: The command to go on with once Milvus is proved. Not printed.
        issue_with: The command that issues what every client needs from now on, empty where no key for
            it is known; ``None`` unless mode 2 is new. Not printed.
    """

    command: Literal["enable"] = "enable"
    cut_off: LeftOut[tuple[CutOff, ...]] = ()
    neighbours: LeftOut[tuple[NeighbourResult, ...]] = ()
    pki_dir: str = Field(default="cert", exclude=True)
    tls_dir: str = Field(default="tls", exclude=True)
    ca_key: str | None = Field(default=None, exclude=True)
    then: tuple[str, ...] = Field(default=(), exclude=True)
    issue_with: str | None = Field(default=None, exclude=True)


class InitResult(IssueResult, frozen=True):
    """What ``init`` did.

    Attributes:
        flavour: Which services the project has; ``None`` where it was there: what standalone_embed.sh
            starts, or what an earlier ``init`` made.
        image: The image of Milvus.
        root_password_file: Where the password of root is, relative to the project; ``None`` where Milvus
            does not ask for one.
        then: The command to go on with once Milvus is proved. Not printed.
    """

    command: Literal["init"] = "init"
    flavour: Literal["standalone", "embedded-etcd", "gpu", "cluster"] | None = None
    image: str | None = None
    root_password_file: str | None = None
    then: tuple[str, ...] = Field(default=(), exclude=True)


class RenewResult(IssueResult, frozen=True):
    """What ``renew`` did.

    Attributes:
        brought: Whether the certificates were not issued here. Not printed.
    """

    brought: bool = Field(default=False, exclude=True)
    command: Literal["renew"] = "renew"


class DisableResult(ChangeResult, frozen=True):
    """What ``disable`` did.

    Attributes:
        mode: What the services are told from now on, by the files; left out for plain text.
        diff: What changes in text files.
        key_directories: The directories with certificates and keys that stay.
        as_before: Whether that is what they were told before ``enable``.
        exact: Whether each file has the very bytes of before, too.
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


class StatusResult(CommandResult, frozen=True):
    """What ``status`` found. ``mode`` is the weakest one that is declared.

    Attributes:
        declared: What every Milvus that accepts clients will do for them.
        recorded: What enable recorded; ``None`` where state.json is missing.
        deployed: What the engine has of those services; none where it was not looked at.
        not_looked_at: Why it was not.
        file_states: Every file that is recorded.
        certificates: Those that are recorded; without a record, those that Milvus is told to show.
        links: Every connection of the project.
        endpoint: Where clients connect; ``None`` where TLS is off, or neither files nor engine tell.
        address_note: Why the files do not tell it.
        next: The one command that brings together what differs; in words, where no Milvus is found.
        certificates_usable: Whether Milvus can serve with what is there: no certificate is missing or has
            expired, and its user can read the key. Not printed.
        loads: Whether Compose takes the files, as far as it was asked. Not printed.
    """

    command: Literal["status"] = "status"
    mode: Mode | None = None
    declared: LeftOut[tuple[DeclaredService, ...]] = ()
    recorded: Recorded | None = None
    deployed: LeftOut[tuple[DeployedService, ...]] = ()
    not_looked_at: str | None = None
    file_states: LeftOut[tuple[FileState, ...]] = ()
    certificates: LeftOut[tuple[CertificateResult, ...]] = ()
    links: tuple[Link, ...] = ()
    endpoint: Endpoint | None = None
    address_note: str | None = None
    next: str | None = None
    certificates_usable: bool = Field(default=True, exclude=True)
    loads: bool = Field(default=True, exclude=True)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on for clients."""
        return self.mode is not None

    @property
    def in_order(self) -> bool:
        """Whether every file is as ``enable`` wrote it."""
        return all(file.state == "as-written" for file in self.file_states)

    @property
    def agreed(self) -> bool:
        """Whether what is declared, recorded and, as far as it was looked at, deployed is the same."""
        as_recorded = not any(one.differs for one in self.declared)
        return self.loads and self.in_order and as_recorded and self.runs_these_files

    @property
    def runs_these_files(self) -> bool:
        """Whether no engine says that a service does not run these files."""
        return all(one.state == "current" for one in self.deployed)

    @property
    def exit_code(self) -> int:
        """0, 4 where certificates cannot be used, 7 where TLS is off or the views differ."""
        if not self.certificates_usable:
            return CERTIFICATES_UNUSABLE
        return 0 if self.encrypted and self.agreed else OFF_OR_DRIFTED


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


Result: TypeAlias = (
    EnableResult
    | InitResult
    | DisableResult
    | StatusResult
    | CheckResult
    | RenewResult
    | ClientResult
    | ConnectResult
    | ExportResult
)
"""What any command returns."""


class ErrorDetail(Model, frozen=True):
    """An error as programs read it."""

    code: str
    message: str
    hint: str
    path: str | None = None
    line: int | None = None


class Failure(Model, frozen=True):
    """A command that failed."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    command: str
    ok: Literal[False] = False
    error: ErrorDetail
    checks: LeftOut[tuple[Probe, ...]] = ()
    time: datetime | None = None
    warnings: tuple[TlsWarning, ...] = ()


def to_json(model: Result | Failure) -> str:
    """One JSON document, keys that do not apply left out."""
    # In ASCII, which every terminal takes and which can spell a path that is not valid UTF-8.
    return json.dumps(_document(model), indent=2)


def to_json_line(model: Result | Failure) -> str:
    """The same document on one line, for streams of documents."""
    return json.dumps(_document(model))


def _document(model: Result | Failure) -> dict[str, Any]:
    left_out = {
        name
        for name, field in type(model).model_fields.items()
        if field.json_schema_extra and getattr(model, name) == field.default
    }
    return model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=left_out)

"""What ``status`` returns."""

# Without annotations as texts: pydantic would compile each of them.

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from compose_tls.results.commands import CommandResult
from compose_tls.results.parts import CertificateResult, Endpoint, LeftOut, Mode, Model
from compose_tls.vocabulary import Encryption, Reach

CERTIFICATES_UNUSABLE: Final = 4
OFF_OR_DRIFTED: Final = 7
"""Exit codes of ``status``, which finds and does not fail."""


class FileState(Model, frozen=True):
    """A file as ``status`` finds it.

    Attributes:
        path: The path, relative to the project if it is inside.
        state: ``as-written`` by ``enable``, ``drifted`` from that, or ``missing``.
    """

    path: str
    state: Literal["as-written", "drifted", "missing"]


class DeclaredService(Model, frozen=True):
    """The client TLS of a Milvus at its next start, by the effective project.

    Attributes:
        service: Its name.
        mode: 0 off, 1 one-way, 2 mutual TLS; ``None`` if not all that is said can be read here.
        place: The file and line that set ``tlsMode``; ``None`` if it is not set.
        certificate: The certificate that it will present, as mounted from this host.
        by_compose_tls: Whether ``enable`` has set it up.
        differs: How this differs from what ``enable`` recorded, or why it cannot work.
        uri: Where clients reach it by the files, where there are several.
    """

    service: str
    mode: Literal[0, 1, 2] | None
    place: str | None = None
    certificate: str | None = None
    by_compose_tls: bool
    differs: tuple[str, ...] = ()
    uri: LeftOut[str | None] = None


class Recorded(Model, frozen=True):
    """What the last ``enable`` recorded in state.json.

    Attributes:
        mode: 1 one-way, 2 mutual TLS.
        services: The Milvus services that it enabled.
        tls_dir: The directory that they mount.
    """

    mode: Mode
    services: tuple[str, ...]
    tls_dir: str


class DeployedService(Model, frozen=True):
    """The state of a service in the engine.

    Attributes:
        service: Its name.
        state: ``current``: it runs these files; ``stale``: previous files; ``absent``: it, or one of
            its replicas, does not run; ``foreign``: what runs was made from another project name,
            directory, files or env file.
        reasons: Why it is not current; of one that is, what its failing health check says. Of several
            replicas, each with its container.
        container: The container's name; of several replicas, the one that agrees least.
        health: ``starting``, ``healthy`` or ``unhealthy``; of several replicas, the worst.
        started_at: When it was started, in UTC.
    """

    service: str
    state: Literal["current", "stale", "absent", "foreign"]
    reasons: tuple[str, ...] = ()
    container: str | None = None
    health: str | None = None
    started_at: datetime | None = None


CLIENTS = "clients"
"""The source of links that come from outside."""

MONITORING = "monitoring"
"""Likewise, for health and metrics."""


class Link(Model, frozen=True):
    """One network connection between two parties.

    Attributes:
        sources: Who connects: services, or ``clients`` for clients from outside.
        targets: The other end: services, or hosts outside the project.
        purpose: The purpose.
        port: Of the target; ``None`` if it differs or is not known.
        encryption: What the settings on disk say; they hold from the next start on.
        published: Who can reach the port: only the networks of the project (``nobody``), this machine
            (``loopback``), who reaches one ``address``, or ``everyone``; ``None`` for other hosts.
        note: A note, or what to do.
        certificate: The certificate that the target is configured to present, with a scope beyond
            ``proxy``; the same applies to the following fields.
        not_after: When it expires, in UTC.
        reason: Why a connection is plain text.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    purpose: str
    port: int | None = None
    encryption: Encryption
    published: Reach | None = None
    note: str | None = None
    certificate: LeftOut[str | None] = None
    not_after: LeftOut[datetime | None] = None
    reason: LeftOut[str | None] = None


class StatusResult(CommandResult, frozen=True):
    """The result of ``status``. ``mode`` is the weakest declared mode.

    Attributes:
        declared: The client TLS of every Milvus that accepts clients.
        recorded: What enable recorded; ``None`` if state.json is missing.
        deployed: The state of these services in the engine; empty if it was not inspected.
        not_looked_at: Why it was not inspected.
        file_states: Every recorded file.
        certificates: The recorded certificates; without a record, the configured ones.
        links: Every connection of the project.
        endpoint: Where clients connect; ``None`` if TLS is off, or neither files nor engine tell.
        address_note: Why the files do not contain the address.
        next: The one command that resolves the differences; in words, if no Milvus was found or something
            has to be moved away first.
        certificates_usable: Whether no certificate is missing or has expired, and the user of Milvus can
            read its key. Not printed.
        loads: Whether Compose accepts the files, if it was asked. Not printed.
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

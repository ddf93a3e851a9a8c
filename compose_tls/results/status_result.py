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
        path: Where it is, relative to the project where it lies in it.
        state: ``as-written`` by ``enable``, ``drifted`` from that, or ``missing``.
    """

    path: str
    state: Literal["as-written", "drifted", "missing"]


class DeclaredService(Model, frozen=True):
    """What a Milvus will do for its clients at its next start, by the effective project.

    Attributes:
        service: Its name.
        mode: 0 off, 1 one-way, 2 mutual TLS; ``None`` where not all that is said can be read here.
        place: The file and line that say ``tlsMode``; ``None`` where nothing does.
        certificate: The certificate that it will show, as a mount brings it from this host.
        by_compose_tls: Whether ``enable`` has set it up.
        differs: In what that is not as ``enable`` recorded it, or cannot work.
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
    """What the engine has of a service.

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
        purpose: What for.
        port: Of the target; ``None`` where it differs or is not known.
        encryption: What the settings on disk say; they hold from the next start on.
        published: Who reaches the port: only the networks of the project (``nobody``), this machine
            (``loopback``), who reaches one ``address``, or ``everyone``; ``None`` for other hosts.
        note: What to know about it, or to do.
        certificate: The certificate that the target is told to show, where more than what clients say
            is to be encrypted; so are the following.
        not_after: When it ends, in UTC.
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

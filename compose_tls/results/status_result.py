"""What ``status`` returns."""

# Without annotations as texts: pydantic would compile each of them.

from typing import Final, Literal

from pydantic import Field

from compose_tls.results.commands import CommandResult
from compose_tls.results.parts import (
    CertificateResult,
    DeclaredService,
    DeployedService,
    Endpoint,
    FileState,
    LeftOut,
    Link,
    Mode,
    Recorded,
)

CERTIFICATES_UNUSABLE: Final = 4
OFF_OR_DRIFTED: Final = 7
"""Exit codes of ``status``, which finds and does not fail."""


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
        next: The one command that resolves the differences; in words, if no Milvus was found.
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

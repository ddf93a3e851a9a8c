"""What ``enable`` returns, and what it has in common with the others that issue certificates."""

# Without annotations as texts: pydantic would compile each of them.

from typing import Any, Literal, TypeAlias

from pydantic import Field

from compose_tls.results.commands import ChangeResult
from compose_tls.results.parts import (
    CertificateResult,
    CutOff,
    Endpoint,
    LeftOut,
    Mode,
    Model,
    Probe,
)

Rollover: TypeAlias = Literal["none", "started", "pending", "finished"]
"""Whether a new CA takes over: this command made it, an earlier one did, or it is in its place now."""


class IssueResult(ChangeResult, frozen=True):
    """What ``enable`` and ``renew`` tell.

    Attributes:
        certificates: The certificates of the project, new and kept; empty in a dry run.
        endpoint: Where clients connect; ``None`` if no port is published.
        connect: The keyword arguments of ``pymilvus.MilvusClient``.
        checks: The results of the checks; empty if Milvus was not started.
        deployed: ``True`` if Milvus was started with these files and proved, ``False`` if it still has to
            be restarted; ``None`` if neither applies.
        diff: The diff of text files.
        rollover: Whether a new CA is to take over. Not printed.
        issued: The names of the newly issued identities. Not printed.
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


class NeighbourResult(Model, frozen=True):
    """A service of the project that connects to Milvus and is configured for TLS.

    Attributes:
        service: Its name.
        how: How it connects, as far as known.
        certificate: The client certificate that it presents; ``None`` if it needs none.
    """

    service: str
    how: str
    certificate: str | None = None


class EnableResult(IssueResult, frozen=True):
    """The result of ``enable``.

    Attributes:
        cut_off: The services of the project that must be configured for TLS.
        neighbours: The neighbours that were switched to TLS.
        pki_dir: The directory of certificates and keys. Not printed.
        tls_dir: The directory mounted into the container. Not printed.
        ca_key: The key of a CA that was made here, in the first of them. Not printed.
        then: The next command once Milvus is proved. Not printed.
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

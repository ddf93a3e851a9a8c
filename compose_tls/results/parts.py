"""What results are made of: files, certificates, probes, services and links as users see them."""

# Without annotations as texts: pydantic would compile each of them.

from datetime import datetime
from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import BaseModel, Field

from compose_tls.connection import url_host
from compose_tls.observation import CertificateFacts
from compose_tls.vocabulary import Action, Encryption, Reach

Mode: TypeAlias = Literal[1, 2]

_T = TypeVar("_T")

LeftOut: TypeAlias = Annotated[_T, Field(json_schema_extra={"left out": True})]
"""A field that the JSON leaves out while it has its default."""


# Built on first use: a command needs few of them. Type checkers want frozen=True said of each.
class Model(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """A part of a result: a value, and nothing but its fields."""


class FileResult(Model, frozen=True):
    """A file and what happened (or, in a dry run, would happen) to it.

    Attributes:
        path: The path, relative to the project if it is inside.
        action: ``created``, ``patched``, ``removed`` or ``unchanged``.
    """

    path: str
    action: Action


class CertificateResult(Model, frozen=True):
    """A certificate. Times are UTC.

    Attributes:
        path: The file, relative to the project if it is inside.
        subject: The subject, as RFC 4514 text.
        issuer: The subject of its issuer, as RFC 4514 text.
        serial: The serial number, in hex.
        not_before: Start of its validity.
        not_after: End of its validity.
        key_type: Its key type, such as ``ecdsa-p256``.
        sha256: The fingerprint of the DER form, in hex.
        dns_names: The DNS names in the subject alternative name.
        ip_addresses: The IP addresses there.
        days_left: Whole days until it expires, negative afterwards; ``None`` if not computed.
        client: The further client that it belongs to; ``None`` if none. Not printed.
    """

    path: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key_type: str
    sha256: str
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    days_left: int | None = None
    client: str | None = Field(default=None, exclude=True)

    @classmethod
    def of(
        cls,
        path: str,
        facts: CertificateFacts,
        now: datetime | None = None,
        *,
        client: str | None = None,
    ) -> Self:
        """The result for a certificate.

        Args:
            path: The file, as it is told.
            facts: What it says.
            now: The time that ``days_left`` is counted from; without one it stays ``None``.
            client: The further client whose it is.

        Returns:
            The result.
        """
        return cls(
            path=path,
            subject=facts.subject,
            issuer=facts.issuer,
            serial=facts.serial,
            not_before=facts.not_before,
            not_after=facts.not_after,
            key_type=facts.key_type,
            sha256=facts.sha256,
            dns_names=facts.dns_names,
            ip_addresses=facts.ip_addresses,
            days_left=facts.remaining(now).days if now else None,
            client=client,
        )


class Endpoint(Model, frozen=True):
    """Where a client connects, and the name it must verify.

    Attributes:
        uri: ``https://HOST:PORT`` of gRPC.
        server_name: The name that the server certificate must contain.
    """

    uri: str
    server_name: str

    @classmethod
    def at(cls, host: str, port: int, server_name: str) -> Self:
        """That at a host, by name or address, and a TCP port."""
        return cls(uri=f"https://{url_host(host)}:{port}", server_name=server_name)


class Probe(Model, frozen=True):
    """One probe of the running server: expected result, observed result, and duration.

    Attributes:
        name: Its name, such as ``tls-handshake``; stable.
        service: The probed service, if several are checked.
        ok: Whether it passed; ``True`` also if it was skipped.
        expected: The expected result, in words.
        observed: The observed result, in words.
        seconds: The duration in seconds.
        skipped: ``True`` if it was not tried; ``observed`` contains the reason.
        hint: What to do next, if it failed.
        untried: Why it could not be tried, if it failed for that reason. Not printed.
    """

    name: str
    service: str | None = None
    ok: bool
    expected: str
    observed: str
    seconds: float
    skipped: Literal[True] | None = None
    hint: str | None = None
    untried: str | None = Field(default=None, exclude=True)


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


class Snippet(Model, frozen=True):
    """Paste-ready client code or settings.

    Attributes:
        lang: The language or tool, as for ``connect --lang``.
        text: The code.
    """

    lang: str
    text: str


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


class GivenFiles(Model, frozen=True):
    """The files to give to a client with a new certificate.

    Attributes:
        client: Its name.
        files: Its own files, and last the CA certificate.
    """

    client: str
    files: tuple[str, ...]


class CutOff(Model, frozen=True):
    """A service of the project that can no longer connect once Milvus uses TLS.

    Attributes:
        service: Its name.
        how: How it connects, as far as known.
        needs: What it needs to connect again.
    """

    service: str
    how: str
    needs: str

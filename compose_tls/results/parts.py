"""What results are made of: files, certificates, endpoints and probes as users see them."""

# Without annotations as texts: pydantic would compile each of them.

from datetime import datetime
from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import BaseModel, Field

from compose_tls.connection import url_host
from compose_tls.observation import CertificateFacts
from compose_tls.vocabulary import Action, Encryption

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


class CutOff(Model, frozen=True):
    """A service of the project that can no longer connect once Milvus uses TLS.

    Attributes:
        service: Its name.
        how: How it connects, as far as known.
        encryption: What its settings say of the connection: ``encrypted`` (without the client
            certificate that mode 2 asks for), ``plain``, or ``unknown``: then it might use TLS already.
        needs: What it needs to connect again.
    """

    service: str
    how: str
    encryption: Encryption
    needs: str

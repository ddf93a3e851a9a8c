"""The certificate and key of every identity: from disk, from the user, or issued now by a CA."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path

from compose_tls.changes import CertificateOrder, IdentityPlan
from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import KeyFiles
from compose_tls.layout import CA, CLIENT, CLIENT_CA, NEXT_CA, SERVER
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_all, with_own_subject
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning


@dataclass(frozen=True, slots=True)
class Credentials:
    """All certificates and keys of a plan.

    Attributes:
        held: Those that have a key here, by the name of the identity.
        ca_pem: The CA certificates that clients are to trust.
        client_ca_pem: Those whose clients the server is to accept.
        concerns: What the user has to know of certificates that are provided, and work.
    """

    held: Mapping[str, CertificateWithKey] = field(repr=False)
    ca_pem: bytes
    client_ca_pem: bytes
    concerns: tuple[TlsWarning, ...]


def gather(planned: IdentityPlan, directory: Path, config: TlsConfig, now: datetime) -> Credentials:
    """Read what is there, and issue what is ordered.

    Args:
        planned: Where each identity comes from.
        directory: The project.
        config: The settings; they say where the files are.
        now: The time that validity starts from and is judged by.

    Raises:
        CertificateError: A certificate or key cannot be used.
    """
    return _Gathering(planned, directory, config, now).credentials()


class _Gathering:
    def __init__(
        self, planned: IdentityPlan, directory: Path, config: TlsConfig, now: datetime
    ) -> None:
        self.planned = planned
        self.config = config
        self.now = now
        self.files = KeyFiles(directory, config)
        self.held: dict[str, CertificateWithKey] = {}

    def credentials(self) -> Credentials:
        for one in self.planned.identities:
            name = one.identity.name
            # The key of a CA has to be there only if anything is issued under it.
            if name in {CA, CLIENT_CA} and one.source in {"provided", "existing"}:
                continue
            if one.source == "provided":
                self.held[name] = self.files.provided(name)
            elif one.source == "promoted":
                self.held[name] = self.files.existing(NEXT_CA)
            elif one.source == "existing":
                self.held[name] = self.files.existing(name)
        self._issue()
        ca_pem = b"".join(self._trusted(name) for name in self.planned.trusted)
        client_ca = self.planned.client_ca
        client_ca_pem = ca_pem if client_ca == CA else self._trusted(client_ca)
        provided = "provided" in self.planned.sources.values()
        found = tuple(self._concerns(ca_pem, client_ca_pem)) if provided else ()
        return Credentials(self.held, ca_pem, client_ca_pem, found)

    def _issue(self) -> None:
        """Fill the orders: each new CA with what it issues, the rest under the existing CA."""
        groups: dict[str, list[CertificateOrder]] = {}
        for one in self.planned.identities:
            if one.order is not None:
                groups.setdefault(one.issuer or one.identity.name, []).append(one.order)
        for name, orders in groups.items():
            if any(order.profile == "ca" for order in orders):
                self.held |= issue_all(orders, None, self.now)
                continue
            ca = self._issuer(name)
            self.held |= issue_all([with_own_subject(one, ca) for one in orders], ca, self.now)

    def _issuer(self, name: str) -> CertificateWithKey:
        if name in self.held:
            return self.held[name]
        return self.files.issuer(name, provided=self.planned.source(name) == "provided")

    def _trusted(self, name: str) -> bytes:
        """What is trusted in the name of a CA: where it stays, all that its file holds."""
        if name in self.held:
            return self.held[name].certificate_pem
        from compose_tls.pki.verify import check_ca  # noqa: PLC0415 - not for what is issued now

        provided = self.planned.source(name) == "provided"
        content, path = self.files.trusted(name, provided=provided)
        server = self.held.get(SERVER) if self.planned.source(SERVER) == "provided" else None
        check_ca(content, now=self.now, path=path, server=server, whole=name != CLIENT_CA)
        return content

    def _concerns(self, ca_pem: bytes, client_ca_pem: bytes) -> Iterator[TlsWarning]:
        """Make sure that provided certificates work, and tell what is to be known of them."""
        from compose_tls.pki.certificate_rules import CLIENT_AUTH  # noqa: PLC0415 - not for our own
        from compose_tls.pki.refusing_clients import refusing_clients  # noqa: PLC0415 - as above
        from compose_tls.pki.verify import (  # noqa: PLC0415 - as above
            check_client,
            check_server,
            client_ca_concerns,
            concerns,
            shared_ca_concerns,
        )

        now = self.now
        path = self.files.name_of(SERVER)
        if self.planned.source(SERVER) == "provided":
            held = self.held[SERVER]
            check_server(held, ca_pem, names=list(self.config.names), now=now, path=path)
            yield from concerns(held, ca_pem, now=now, path=path)
        elif self.planned.source(CA) == "provided" and SERVER in self.held:
            # What a CA of others issues may be refused for what the CA says.
            check_server(self.held[SERVER], ca_pem, names=(), now=now, path=path)
            yield from refusing_clients(self.held[SERVER], ca_pem, path=self.files.name_of(CA))
        path = self.files.name_of(CLIENT)
        if self.planned.source(CLIENT) == "provided":
            held = self.held[CLIENT]
            check_client(held, client_ca_pem, now=now, path=path)
            yield from concerns(held, client_ca_pem, now=now, path=path, purpose=CLIENT_AUTH)
        elif (
            self.config.tls_mode is TlsMode.MUTUAL
            and self.planned.source(self.planned.client_ca) == "provided"
        ):
            if CLIENT in self.held:
                check_client(self.held[CLIENT], client_ca_pem, now=now, path=path)
            path = self.files.name_of(self.planned.client_ca)
            yield from client_ca_concerns(client_ca_pem, path=path)
        if (
            self.config.tls_mode is TlsMode.MUTUAL
            and self.planned.source(SERVER) == "provided"
            and self.planned.client_ca == CA
        ):
            path = self.files.name_of(SERVER)
            yield from shared_ca_concerns(self.held[SERVER], ca_pem, path=path)

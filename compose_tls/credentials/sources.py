"""Where the certificate and key of each role come from: disk, the user, or a CA that issues them now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import KeyStore
from compose_tls.layout import NEXT_CA
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_all
from compose_tls.pki.verify import check_ca, check_client, check_server
from compose_tls.plan.certificate_plan import CertificatePlan
from compose_tls.vocabulary import CertificateRole


@dataclass(frozen=True, slots=True)
class Pairs:
    """All certificates and keys of a plan.

    Attributes:
        by_role: Those of all roles that have a key here.
        ca_pem: The CA certificates to be trusted.
        next_ca: The CA that takes over once every client trusts it.
    """

    by_role: Mapping[CertificateRole, CertificateWithKey] = field(repr=False)
    ca_pem: bytes
    next_ca: CertificateWithKey | None = field(default=None, repr=False)


class Sources:
    """Gets the certificate and key of each role from where the plan says."""

    def __init__(
        self, certificates: CertificatePlan, directory: Path, config: TlsConfig, now: datetime
    ) -> None:
        self.sources = certificates.sources
        self.orders = certificates.orders
        self.has_next_ca = certificates.next_ca
        self.store = KeyStore(directory, config)
        self.config = config
        self.now = now

    def pairs(self) -> Pairs:
        """Read what is there, and issue what is ordered.

        Raises:
            CertificateError: A certificate or key cannot be used.
        """
        found: dict[CertificateRole, CertificateWithKey] = {}
        for role in ("server", "client"):
            if self.sources.get(role) == "kept":
                found[role] = self.store.kept(role)
            elif self.sources.get(role) == "brought":
                found[role] = self.store.brought(role)
        match self.sources["ca"]:
            case "issued":
                found |= self._issue(None)
                pairs = Pairs(found, found["ca"].certificate_pem)
            case "joined":
                # The server keeps its certificate: clients know no other CA yet.
                new = self._issue(None, {"ca", "client"})
                joining = new.pop("ca")
                found |= new | self._issue_under_ca({"server"})
                pairs = Pairs(found, self._trusted() + joining.certificate_pem, joining)
            case "promoted":
                found["ca"] = self.store.kept(NEXT_CA)
                found |= self._issue(found["ca"])
                pairs = Pairs(found, found["ca"].certificate_pem)
            case _:
                following = self.store.kept(NEXT_CA) if self.has_next_ca else None
                if following is not None:
                    # A client's certificate is to outlive the change of the CA.
                    found |= self._issue(following, {"client"})
                found |= self._issue_under_ca({"server", "client"} - found.keys())
                pairs = Pairs(found, self._trusted(found.get("server")), following)
        self._check(found, pairs.ca_pem)
        return pairs

    def _issue(
        self, issuer: CertificateWithKey | None, roles: Collection[str] | None = None
    ) -> dict[CertificateRole, CertificateWithKey]:
        """Fill the orders for some roles, or all; without an issuer, under a new CA."""
        orders = [order for order in self.orders if roles is None or order.role in roles]
        return issue_all(orders, issuer, self.now)

    def _issue_under_ca(self, roles: Collection[str]) -> dict[CertificateRole, CertificateWithKey]:
        """The same under the CA at hand, whose key has to be there only if anything is ordered."""
        if not any(order.role in roles for order in self.orders):
            return {}
        return self._issue(self.store.issuer(brought=self.sources["ca"] == "brought"), roles)

    def _trusted(self, server: CertificateWithKey | None = None) -> bytes:
        content, name = self.store.trusted(brought=self.sources["ca"] == "brought")
        check_ca(content, now=self.now, path=name, server=server)
        return content

    def _check(self, found: Mapping[CertificateRole, CertificateWithKey], ca_pem: bytes) -> None:
        if self.sources["server"] == "brought":
            path = relative(self.store.named("server_cert"), self.store.directory)
            names = [self.config.server_name, *self.config.san]
            check_server(found["server"], ca_pem, names=names, now=self.now, path=path)
        if self.sources.get("client") == "brought":
            path = relative(self.store.named("client_cert"), self.store.directory)
            check_client(found["client"], ca_pem, now=self.now, path=path)

"""Where the certificate and key of each role come from: disk, the user, or a CA that issues them now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateUnreadable
from compose_tls.facts import NEXT_CA, CertificateRole
from compose_tls.pki.issue import issue_all
from compose_tls.pki.load import load_certificates, load_key_pair
from compose_tls.pki.pair import KeyPair
from compose_tls.pki.verify import check_ca, check_client, check_server
from compose_tls.plan.certificates import CertificatePlan

RESTORE = "restore it, or move the directory away to start with new certificates"
_CHECK_PATH = "name an existing file that you may read"
_ISSUER = "name the CA and its key with --ca-cert and --ca-key, or restore the key"


@dataclass(frozen=True, slots=True)
class Pairs:
    """All certificates and keys of a plan.

    Attributes:
        by_role: Those of all roles that have a key here.
        ca_pem: The CA certificates to be trusted.
        next_ca: The CA that takes over once every client trusts it.
    """

    by_role: Mapping[CertificateRole, KeyPair] = field(repr=False)
    ca_pem: bytes
    next_ca: KeyPair | None = field(default=None, repr=False)


class Sources:
    """Gets the certificate and key of each role from where the plan says."""

    def __init__(
        self, certificates: CertificatePlan, directory: Path, config: TlsConfig, now: datetime
    ) -> None:
        self.sources = certificates.sources
        self.orders = certificates.orders
        self.has_next_ca = certificates.next_ca
        self.directory = directory
        self.config = config
        self.now = now

    def pairs(self) -> Pairs:
        """Read what is there, and issue what is ordered.

        Raises:
            CertificateError: A certificate or key cannot be used.
        """
        found: dict[CertificateRole, KeyPair] = {}
        for role in ("server", "client"):
            if self.sources.get(role) == "kept":
                found[role] = self.kept(role)
            elif self.sources.get(role) == "brought":
                found[role] = self._brought(role)
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
                found["ca"] = self.kept(NEXT_CA)
                found |= self._issue(found["ca"])
                pairs = Pairs(found, found["ca"].certificate_pem)
            case _:
                following = self.kept(NEXT_CA) if self.has_next_ca else None
                if following is not None:
                    # A client's certificate is to outlive the change of the CA.
                    found |= self._issue(following, {"client"})
                found |= self._issue_under_ca({"server", "client"} - found.keys())
                pairs = Pairs(found, self._trusted(), following)
        self._check(found, pairs.ca_pem)
        return pairs

    def kept(self, name: str) -> KeyPair:
        """The pair of that name in the PKI directory.

        Raises:
            CertificateError: It is not whole.
        """
        return pair(*self._place(name), self.directory, RESTORE)

    def _issue(
        self, issuer: KeyPair | None, roles: Collection[str] | None = None
    ) -> dict[CertificateRole, KeyPair]:
        """Fill the orders for some roles, or all; without an issuer, under a new CA."""
        orders = [order for order in self.orders if roles is None or order.role in roles]
        return issue_all(orders, issuer, self.now)

    def _issue_under_ca(self, roles: Collection[str]) -> dict[CertificateRole, KeyPair]:
        """The same under the CA at hand, whose key has to be there only if anything is ordered."""
        if not any(order.role in roles for order in self.orders):
            return {}
        brought = self.sources["ca"] == "brought"
        ca = self._brought("ca") if brought else pair(*self._place("ca"), self.directory, _ISSUER)
        return self._issue(ca, roles)

    def _place(self, name: str) -> tuple[Path, Path]:
        certificate = self.directory / self.config.pki_dir / f"{name}.pem"
        return certificate, certificate.with_suffix(".key")

    def _trusted(self) -> bytes:
        brought = self.sources["ca"] == "brought"
        path = self._setting("ca_cert") if brought else self._place("ca")[0]
        name = relative(path, self.directory)
        # Only the certificates: a file that holds a key as well must not be mounted as it is.
        content = load_certificates(_read(path, self.directory, _CHECK_PATH), path=name)
        check_ca(content, now=self.now, path=name)
        return content

    def _brought(self, role: CertificateRole) -> KeyPair:
        certificate, key = self._setting(f"{role}_cert"), self._setting(f"{role}_key")
        return pair(certificate, key, self.directory, _CHECK_PATH)

    def _check(self, found: Mapping[CertificateRole, KeyPair], ca_pem: bytes) -> None:
        if self.sources["server"] == "brought":
            path = relative(self._setting("server_cert"), self.directory)
            names = [self.config.server_name, *self.config.san]
            check_server(found["server"], ca_pem, names=names, now=self.now, path=path)
        if self.sources.get("client") == "brought":
            path = relative(self._setting("client_cert"), self.directory)
            check_client(found["client"], ca_pem, now=self.now, path=path)

    def _setting(self, name: str) -> Path:
        value: str = getattr(self.config, name)
        return self.directory / value


def pair(certificate: Path, key: Path, directory: Path, hint: str) -> KeyPair:
    """A certificate and its key from two files.

    Raises:
        CertificateError: They cannot be read, or do not belong together; ``hint`` says what to do.
    """
    return load_key_pair(
        _read(certificate, directory, hint),
        _read(key, directory, hint),
        certificate_path=relative(certificate, directory),
        key_path=relative(key, directory),
    )


def _read(path: Path, directory: Path, hint: str) -> bytes:
    name = relative(path, directory)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        reason = "is missing"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    raise CertificateUnreadable(f"{name} {reason}", hint=hint, path=name)

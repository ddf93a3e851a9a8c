"""Certificates for servers and clients, issued once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compose_tls.changes import CertificateOrder
from compose_tls.checks.check_target import Target
from compose_tls.errors import CertificateError
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_all, issue_expired
from compose_tls.pki.load import certificate_facts
from compose_tls.vocabulary import TlsMode
from tests.unit.checks.servers import HOST, ServerFiles

_FILES = ("ca_path", "client_certificate_path", "client_key_path", "client_ca_path")
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def loopback_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compose_tls.checks.tls_client._LISTEN", 0.05)


@dataclass(frozen=True, slots=True)
class Pki:
    """A CA, a server and a client in a directory."""

    directory: Path

    @property
    def server(self) -> ServerFiles:
        return ServerFiles(self.path("server.pem"), self.path("server.key"), self.path("ca.pem"))

    def path(self, name: str) -> Path:
        return self.directory / name

    def target(self, port: int, mode: int = 1, **changes: Any) -> Target:
        """A target on the loopback interface with these files."""
        values: dict[str, Any] = {
            "host": HOST,
            "port": port,
            "server_name": "localhost",
            "mode": TlsMode(mode),
            "ca_path": self.path("ca.pem"),
            "client_certificate_path": self.path("client.pem") if mode == 2 else None,
            "client_key_path": self.path("client.key") if mode == 2 else None,
            "expected_sha256": self.fingerprint,
            "expired_client": self.expired_client if mode == 2 else None,
        }
        values |= changes
        named = [values.get(name) for name in _FILES]
        held = {path: path.read_bytes() for path in named if path is not None and path.exists()}
        return Target(**values, pem=held)

    @property
    def expired_client(self) -> CertificateWithKey | None:
        """A client of the CA whose certificate has expired, where the CA can be used."""
        order = CertificateOrder("client", "CN=late", "ecdsa-p256", 1, ("client.test",))
        with suppress(OSError, CertificateError):
            ca = (self.path(name).read_bytes() for name in ("ca.pem", "ca.key"))
            return issue_expired(order, CertificateWithKey(*ca), NOW)
        return None

    @property
    def fingerprint(self) -> str:
        return certificate_facts(self.path("server.pem").read_bytes(), path="server.pem").sha256


Issue = Callable[..., Pki]


@pytest.fixture(scope="session")
def issue(tmp_path_factory: pytest.TempPathFactory) -> Issue:
    """Issue a CA, a server and a client, valid from ``start`` on for ``days``."""

    def make(*, start: datetime = NOW, days: int = 30, name: str = "localhost") -> Pki:
        pki = Pki(tmp_path_factory.mktemp("pki"))
        orders = [
            CertificateOrder("ca", "CN=test CA", "ecdsa-p256", days + 1),
            CertificateOrder("server", "CN=server", "ecdsa-p256", days, (name,), (HOST,)),
            CertificateOrder("client", "CN=client", "ecdsa-p256", days, ("client.test",)),
        ]
        for role, pair in issue_all(orders, None, start).items():
            pki.path(f"{role}.pem").write_bytes(pair.certificate_pem)
            pki.path(f"{role}.key").write_bytes(pair.private_key_pem)
        return pki

    return make


@pytest.fixture(scope="session")
def pki(issue: Issue) -> Pki:
    return issue()


@pytest.fixture(scope="session")
def another_pki(issue: Issue) -> Pki:
    return issue()


@pytest.fixture(scope="session")
def expired_pki(issue: Issue) -> Pki:
    return issue(start=NOW - timedelta(days=60))

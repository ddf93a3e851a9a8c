"""The rehearsal in memory, and the real Milvus server of the wheel: they agree on every certificate."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import Readiness
from compose_tls.errors import ContainerExited, RehearsalFailed
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.rehearse import rehearse
from compose_tls.testing import embedded
from compose_tls.testing.embedded import EmbeddedServer, embedded_server
from compose_tls.vocabulary import TlsMode
from tests.e2e.conftest import embedded_alone
from tests.e2e.session import FIXTURES, Project, pymilvus
from tests.moment import NOW
from tests.unit.pki.minting import CLIENT, DAY, SERVER, mint

_FOREIGN_CA: Final = mint("foreign CA", ca=True)
_CA: Final = mint("brought CA", ca=True)
_LOWER_CA: Final = mint("brought issuer", ca=True, issuer=_CA)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A certificate, and why it is refused.

    Attributes:
        rehearsed: OpenSSL's reason, in the rehearsal.
        met: What the client prints that meets the real server. A server that speaks Go tells a client
            no more than that its certificate is bad.
    """

    pair: CertificateWithKey
    rehearsed: str
    met: str


def _without_chain(pair: CertificateWithKey) -> CertificateWithKey:
    return CertificateWithKey(pair.certificate_pem, pair.private_key_pem)


def _with_other_key(pair: CertificateWithKey) -> CertificateWithKey:
    return CertificateWithKey(pair.certificate_pem, mint().private_key_pem)


def _server(issuer: CertificateWithKey = _CA, **different: Any) -> CertificateWithKey:
    return mint("server", issuer=issuer, **different)


def _client(issuer: CertificateWithKey = _CA, **different: Any) -> CertificateWithKey:
    return mint("client", issuer=issuer, **{"purposes": (CLIENT,), **different})


_PAST: Final[dict[str, Any]] = {"start": NOW - 9 * DAY, "end": NOW - DAY}
_FUTURE: Final[dict[str, Any]] = {"start": NOW + DAY}

SERVERS: Final = {
    "wrong name": Verdict(
        _server(dns=["milvus"], ips=[]), "Hostname mismatch", "Hostname Verification Check failed"
    ),
    "purpose of a client": Verdict(
        _server(purposes=[CLIENT]), r"un\w+ certificate purpose", r"un\w+ certificate purpose"
    ),
    "expired": Verdict(_server(**_PAST), "certificate has expired", "certificate has expired"),
    "not yet valid": Verdict(
        _server(**_FUTURE), "certificate is not yet valid", "certificate is not yet valid"
    ),
    "foreign CA": Verdict(
        _server(_FOREIGN_CA), "unable to get local issuer", "unable to get local issuer"
    ),
    "missing chain": Verdict(
        _without_chain(_server(_LOWER_CA)),
        "unable to get local issuer",
        "unable to get local issuer",
    ),
}

CLIENTS: Final = {
    "purpose of a server": Verdict(
        _client(purposes=[SERVER]), r"un\w+ certificate purpose", "BAD_CERTIFICATE"
    ),
    "expired": Verdict(_client(**_PAST), "certificate has expired", "BAD_CERTIFICATE"),
    "not yet valid": Verdict(_client(**_FUTURE), "certificate is not yet valid", "BAD_CERTIFICATE"),
    "foreign CA": Verdict(_client(_FOREIGN_CA), "unable to get local issuer", "BAD_CERTIFICATE"),
    "missing chain": Verdict(
        _without_chain(_client(_LOWER_CA)), "unable to get local issuer", "BAD_CERTIFICATE"
    ),
    "key of another certificate": Verdict(
        _with_other_key(_client()), "key values mismatch", "Invalid private key"
    ),
}


def _rehearse(server: CertificateWithKey, client: CertificateWithKey) -> None:
    mode = TlsMode.MUTUAL
    rehearse(server, _CA.certificate_pem, client, server_names=["localhost"], mode=mode)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """An official project in mode 2, in which every end trusts the brought CA."""
    directory = tmp_path_factory.mktemp("project")
    for name in ("docker-compose.yml", "milvus.yaml"):
        shutil.copy(FIXTURES / name, directory)
    made = Project(directory)
    assert made.compose_tls("enable", "--mode", "2").code == 0
    for place in ("tls", "cert"):
        (directory / place / "ca.pem").write_bytes(_CA.certificate_pem)
    with embedded_alone():
        yield made


@pytest.fixture(scope="module")
def milvus(project: Project) -> Iterator[EmbeddedServer]:
    """Milvus with a good certificate under an intermediate, its chain sent along."""
    _write(_server(_LOWER_CA), project.directory / "tls", "server")
    _write(_client(), project.directory / "cert", "client")
    with embedded_server(project.directory) as server:
        yield server


def _write(pair: CertificateWithKey, directory: Path, name: str) -> None:
    (directory / f"{name}.pem").write_bytes(pair.full_chain_pem)
    (directory / f"{name}.key").write_bytes(pair.private_key_pem)


def _speaks_tls(target: Target, timeout: float) -> Readiness:
    """Readiness that asks for no good certificate: that is what the test is about."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((target.host, target.port), timeout) as connection,
            context.wrap_socket(connection),
        ):
            return Readiness("ready", "")
    except OSError as error:
        return Readiness("not-ready", str(error))


def _said(project: Project, server: EmbeddedServer, client: CertificateWithKey) -> str | None:
    """What pymilvus prints that cannot connect, in a process of its own; ``None`` when it can."""
    _write(client, project.directory, "client")
    done = pymilvus(
        {
            "uri": f"https://{server.host}:{server.port}",
            "secure": True,
            "server_name": "localhost",
            "ca_pem_path": "cert/ca.pem",
            "client_pem_path": "client.pem",
            "client_key_path": "client.key",
            "timeout": 5,
        },
        project.directory,
    )
    return done.err if done.code else None


@pytest.mark.parametrize("issuer", [_CA, _LOWER_CA], ids=["CA", "intermediate CA"])
def test_both_accept_good_certificates(
    project: Project, milvus: EmbeddedServer, issuer: CertificateWithKey
) -> None:
    client = _client(issuer)
    _rehearse(_server(_LOWER_CA), client)
    assert _said(project, milvus, client) is None


@pytest.mark.parametrize("fault", CLIENTS)
def test_both_refuse_a_client(project: Project, milvus: EmbeddedServer, fault: str) -> None:
    verdict = CLIENTS[fault]
    with pytest.raises(RehearsalFailed, match=verdict.rehearsed):
        _rehearse(_server(_LOWER_CA), verdict.pair)
    assert re.search(verdict.met, _said(project, milvus, verdict.pair) or "accepted")
    assert _said(project, milvus, _client()) is None


@pytest.mark.parametrize("fault", SERVERS)
def test_both_refuse_a_server(
    project: Project, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = SERVERS[fault]
    with pytest.raises(RehearsalFailed, match=verdict.rehearsed):
        _rehearse(verdict.pair, _client())
    _write(verdict.pair, project.directory / "tls", "server")
    monkeypatch.setattr(embedded, "readiness", _speaks_tls)
    with embedded_server(project.directory) as server:
        assert re.search(verdict.met, _said(project, server, _client()) or "accepted")


def test_both_refuse_the_key_of_another_certificate(project: Project) -> None:
    mismatched = _with_other_key(_server())
    with pytest.raises(RehearsalFailed, match="key values mismatch"):
        _rehearse(mismatched, _client())
    _write(mismatched, project.directory / "tls", "server")
    with (
        pytest.raises(ContainerExited, match="private key does not match public key"),
        embedded_server(project.directory),
    ):
        pytest.fail("it became ready")

"""Who gets in: every mode, kind of key and place of the settings, against every kind of client.

Each cell is a connection of its own, with a verdict that is known beforehand. A client is served when
Milvus answers it in HTTP/2; TLS 1.3 refuses a client only after the handshake.
"""

from __future__ import annotations

import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compose_tls.pki.certificate_with_key import CertificateWithKey
from tests.e2e.session import PORT, Project, is_answered
from tests.patience import LONG
from tests.unit.pki.minting import CLIENT, SERVER, mint

pytestmark = pytest.mark.own_ports

ATTEMPTS = 3
"""Milvus 2.3.5 can end soon after an unclean stop of the one before, whose etcd session lingers."""

KEY_TYPES = ("ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096")
STYLES = {
    "file": ("--config", "file", "--style", "in-place"),
    "env": ("--config", "env", "--style", "in-place"),
    "override": ("--config", "env", "--style", "override"),
}


@dataclass(frozen=True)
class Caller:
    """A client: what it shows, whom it trusts, and what it speaks."""

    shows: str | None = "client"
    trusts: str = "ca"
    wants: str = "localhost"
    version: ssl.TLSVersion | None = None
    plain: bool = False


CALLERS = {
    "right client": Caller(),
    "no certificate": Caller(shows=None),
    "certificate of a foreign CA": Caller(shows="foreign"),
    "expired certificate": Caller(shows="expired"),
    "certificate of a server": Caller(shows="wrong-purpose"),
    "trusts a foreign CA": Caller(trusts="foreign-ca"),
    "wants another name": Caller(wants="wrong-name.invalid"),
    "plain text": Caller(plain=True),
    "TLS 1.1": Caller(version=ssl.TLSVersion.TLSv1_1),
    "TLS 1.2": Caller(version=ssl.TLSVersion.TLSv1_2),
    "TLS 1.3": Caller(version=ssl.TLSVersion.TLSv1_3),
}

# Milvus asks nobody for a certificate in mode 1. What TLS versions it takes there is up to the Go that
# it was built with: 1.0 and newer in Milvus 2.3, 1.2 and newer from 2.5 on. In mode 2 it is 1.3 alone.
SERVED = {
    1: {
        "right client",
        "no certificate",
        "certificate of a foreign CA",
        "expired certificate",
        "certificate of a server",
        "TLS 1.1",
        "TLS 1.2",
        "TLS 1.3",
    },
    2: {"right client", "TLS 1.3"},
}


@pytest.fixture(scope="module")
def project(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One project for all cells: only Milvus is recreated between them."""
    project = Project.official(tmp_path_factory.mktemp("matrix"), milvus_yaml=True)
    yield project
    project.down()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize("mode", [1, 2])
def test_each_client_meets_its_verdict(
    project: Project, tmp_path: Path, style: str, key_type: str, mode: int
) -> None:
    if (project.directory / "cert").exists():
        assert project.compose_tls("disable", "--purge").code == 0
    options = ("--mode", str(mode), "--key-type", key_type, *STYLES[style])
    enabled = project.compose_tls("enable", *options)
    assert enabled.code == 0, enabled.err + enabled.out
    equip(project, tmp_path)

    served: set[str] = set()
    for _ in range(ATTEMPTS):
        start_anew(project, tmp_path)
        served = {name for name, caller in CALLERS.items() if is_served(caller, tmp_path)}
        # A Milvus that ends meanwhile has refused nobody.
        if project.compose("ps", "--status", "running", "--quiet", "standalone").out.strip():
            break

    assert served == SERVED[mode]


def start_anew(project: Project, clients: Path) -> None:
    """Have Milvus read its files, and wait until it answers whom it has to answer.

    It is given no time to stop, which would take seconds.
    """
    options = ("--detach", "--force-recreate", "--timeout", "0", "standalone")
    started = project.compose("up", *options)
    assert started.code == 0, started.err
    deadline = time.monotonic() + LONG
    while not is_served(CALLERS["right client"], clients) and time.monotonic() < deadline:
        time.sleep(0.1)


def equip(project: Project, directory: Path) -> None:
    """The files of all clients: those of the project, and bad ones of its own CA and of another."""
    pki = project.directory / "cert"
    ca = CertificateWithKey((pki / "ca.pem").read_bytes(), (pki / "ca.key").read_bytes())
    foreign_ca = mint("another CA", ca=True, dns=(), ips=(), purposes=())
    now = datetime.now(UTC)
    pairs = {
        "ca": ca,
        "client": CertificateWithKey(
            (pki / "client.pem").read_bytes(), (pki / "client.key").read_bytes()
        ),
        "foreign-ca": foreign_ca,
        "foreign": mint("client", issuer=foreign_ca, purposes=(CLIENT,)),
        "expired": mint("client", issuer=ca, purposes=(CLIENT,), end=now - timedelta(seconds=1)),
        "wrong-purpose": mint("client", issuer=ca, purposes=(SERVER,)),
    }
    for name, pair in pairs.items():
        (directory / f"{name}.pem").write_bytes(pair.full_chain_pem)
        (directory / f"{name}.key").write_bytes(pair.private_key_pem)


def is_served(
    caller: Caller, directory: Path, place: tuple[str, int] = ("localhost", PORT)
) -> bool:
    """Whether a server, Milvus or another that speaks HTTP/2, answers a client."""
    try:
        with socket.create_connection(place, 10) as connection:
            if caller.plain:
                return is_answered(connection)
            context = context_of(caller, directory)
            with context.wrap_socket(connection, server_hostname=caller.wants) as secured:
                return is_answered(secured)
    except OSError:
        return False


def context_of(caller: Caller, directory: Path) -> ssl.SSLContext:
    """The TLS settings of a client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(directory / f"{caller.trusts}.pem")
    context.set_alpn_protocols(["h2"])
    if caller.shows:
        certificate = directory / f"{caller.shows}.pem"
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    if caller.version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = caller.version
        if caller.version < ssl.TLSVersion.TLSv1_2:
            # Its signatures are SHA-1, which OpenSSL 3 takes at security level 0 alone.
            context.set_ciphers("ALL:@SECLEVEL=0")
    return context

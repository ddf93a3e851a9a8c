"""The openssl command as a second opinion on what is issued."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from compose_tls.changes import CertificateOrder
from compose_tls.pki.issue import issue_all
from compose_tls.vocabulary import KeyType
from tests.moment import NOW
from tests.unit.pki.minting import SUBJECT, mint

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is not installed"
)

_ORDERS = (
    CertificateOrder("ca", f"CN=compose-tls CA,{SUBJECT}", "ecdsa-p256", 3650),
    CertificateOrder(
        "server", f"CN=localhost,{SUBJECT}", "ecdsa-p256", 825, ("localhost", "milvus_1"), ("::1",)
    ),
    CertificateOrder("client", f"CN=client,{SUBJECT}", "ecdsa-p256", 825, ("client.internal",)),
)


def _openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("key_type", ["ecdsa-p256", "ecdsa-p384", "rsa-2048"])
def test_openssl_accepts_each_certificate_for_its_purpose_and_no_other(
    key_type: KeyType, tmp_path: Path
) -> None:
    orders = [dataclasses.replace(order, key_type=key_type) for order in _ORDERS]
    for role, pair in issue_all(orders, None, NOW).items():
        (tmp_path / f"{role}.pem").write_bytes(pair.certificate_pem)
    strict: list[str | Path] = ["verify", "-x509_strict", "-CAfile", tmp_path / "ca.pem"]
    for certificate, purpose, accepted in (
        ("server", "sslserver", True),
        ("client", "sslclient", True),
        ("server", "sslclient", False),
        ("client", "sslserver", False),
    ):
        done = _openssl(*strict, "-purpose", purpose, tmp_path / f"{certificate}.pem")
        assert (done.returncode == 0) is accepted, done.stderr
    for name, accepted in (("localhost", True), ("milvus_1", True), ("other", False)):
        done = _openssl(*strict, "-verify_hostname", name, tmp_path / "server.pem")
        assert (done.returncode == 0) is accepted, done.stderr
    for address, accepted in (("::1", True), ("127.0.0.1", False)):
        done = _openssl(*strict, "-verify_ip", address, tmp_path / "server.pem")
        assert (done.returncode == 0) is accepted, done.stderr


def test_openssl_finds_key_and_certificate_to_belong_together(tmp_path: Path) -> None:
    pair = issue_all(_ORDERS, None, NOW)["server"]
    (tmp_path / "server.pem").write_bytes(pair.certificate_pem)
    (tmp_path / "server.key").write_bytes(pair.private_key_pem)
    of_key = _openssl("pkey", "-in", tmp_path / "server.key", "-pubout")
    of_certificate = _openssl("x509", "-in", tmp_path / "server.pem", "-noout", "-pubkey")
    assert of_key.returncode == of_certificate.returncode == 0
    assert of_key.stdout == of_certificate.stdout


def test_openssl_would_have_found_a_fault(tmp_path: Path) -> None:
    ca = mint("lax CA", ca=True, critical_constraints=False)
    (tmp_path / "ca.pem").write_bytes(ca.certificate_pem)
    (tmp_path / "server.pem").write_bytes(mint(issuer=ca).certificate_pem)
    done = _openssl(
        "verify", "-x509_strict", "-CAfile", tmp_path / "ca.pem", tmp_path / "server.pem"
    )
    assert done.returncode != 0
    assert "Basic Constraints of CA cert not marked critical" in done.stderr

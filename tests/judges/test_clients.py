"""What the judges say of the certificates of further clients, and who opens their PKCS #12 files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import compose_tls
from compose_tls.config import TlsConfig
from compose_tls.pki.certificate_with_key import CertificateWithKey
from tests.judges.certificates import Presented
from tests.judges.judges import LINTERS, VERIFIERS, Linter, Verifier
from tests.judges.programs import command, require

NAMES = ("alice", "Bob Smith", "müller", "张三", "carol@example.com", "o,b=x+y#", "a.b", "x" * 64)
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a constrained CA and clients of every kind of name."""
    directory = tmp_path_factory.mktemp("clients")
    shutil.copy(FIXTURES / "docker-compose.yml", directory)
    config = TlsConfig(mode=2, constrain=True)
    compose_tls.enable(directory, config, environment={})
    compose_tls.client(directory, NAMES, config, p12=True, environment={})
    return directory


@pytest.mark.parametrize("linter", LINTERS, ids=lambda judge: judge.name)
def test_no_linter_finds_fault_with_a_further_client(linter: Linter, project: Path) -> None:
    require(linter.missing())
    for name in NAMES:
        assert linter.counted(project / "cert" / "clients" / f"{name}.pem") == []


@pytest.mark.parametrize("verifier", VERIFIERS, ids=lambda judge: judge.name)
def test_no_verifier_refuses_a_further_client(
    verifier: Verifier, project: Path, tmp_path: Path
) -> None:
    require(verifier.missing())
    ca_pem = (project / "cert" / "ca.pem").read_bytes()
    for name in NAMES:
        stem = project / "cert" / "clients" / name
        pair = CertificateWithKey(
            stem.with_name(f"{name}.pem").read_bytes(), stem.with_name(f"{name}.key").read_bytes()
        )
        assert verifier.counted(Presented("client", pair, ca_pem), tmp_path) == []


OPENERS = {
    "openssl": "pkcs12 -in {p12} -passin pass:{passphrase} -nodes -info",
    "keytool": "-list -v -storetype PKCS12 -keystore {p12} -storepass {passphrase}",
    "certtool": "--p12-info --inder --infile {p12} --password {passphrase}",
}


@pytest.mark.parametrize("program", OPENERS)
def test_it_opens_the_pkcs12_file_and_finds_key_and_ca(program: str, project: Path) -> None:
    require(command(program)())
    p12 = project / "cert" / "clients" / "alice.p12"
    passphrase = p12.with_name("alice.p12.passphrase").read_text().strip()
    arguments = OPENERS[program].format(p12=p12, passphrase=passphrase).split()
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert {"openssl": "BEGIN PRIVATE KEY", "keytool": "PrivateKeyEntry", "certtool": "KEY"}[
        program
    ] in said
    wrong = [argument.replace(passphrase, "wrong") for argument in arguments]
    refused = subprocess.run([program, *wrong], capture_output=True, text=True, check=False)
    assert refused.returncode != 0 or "BEGIN PRIVATE KEY" not in refused.stdout

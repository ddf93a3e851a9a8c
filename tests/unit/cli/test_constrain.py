"""A CA that may issue for the names at hand alone."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from cryptography import x509

from compose_tls.pki.load import certificate_facts
from tests.unit.cli.conftest import Run, facts

ENABLE = ("enable", "--mode", "2", "--constrain", "--json")


def test_the_ca_holds_dns_names_alone_and_its_certificates_pass(run: Run, project: Path) -> None:
    assert run(*ENABLE, "--san", "*.db.example.com", "--san", "192.0.2.1").code == 0

    content = (project / "cert/ca.pem").read_bytes()
    found = x509.load_pem_x509_certificate(content).extensions
    constraints = found.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.excluded_subtrees is None
    permitted = set(certificate_facts(content, path="").permitted_dns)
    assert {"localhost", "db.example.com", "standalone", "milvus.internal"} <= permitted
    for certificate, purpose in (("server", "sslserver"), ("client", "sslclient")):
        command = ["openssl", "verify", "-x509_strict", "-purpose", purpose]
        done = subprocess.run(
            [*command, "-CAfile", "cert/ca.pem", f"cert/{certificate}.pem"],
            cwd=project,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    ssl.create_default_context(cafile=str(project / "cert/ca.pem"))


def test_a_second_time_it_changes_nothing(run: Run, project: Path) -> None:
    run(*ENABLE)
    before = facts(project)
    assert run(*ENABLE).json["changed"] is False
    assert facts(project) == before


def test_a_name_that_the_ca_may_not_issue_for_is_refused_before_anything_is_written(
    run: Run, project: Path
) -> None:
    run(*ENABLE)
    before = facts(project)
    refused = run(*ENABLE, "--san", "other.example.com")
    assert (refused.code, refused.error["code"]) == (4, "name-not-permitted")
    assert "other.example.com" in refused.error["message"]
    assert "renew --ca" in refused.error["hint"]
    assert facts(project) == before


def test_a_name_below_a_permitted_one_is_issued_for(run: Run, project: Path) -> None:
    run(*ENABLE, "--san", "example.com")
    assert run(*ENABLE, "--san", "db.example.com").code == 0
    served = (project / "tls/server.pem").read_bytes()
    assert "db.example.com" in certificate_facts(served, path="").dns_names

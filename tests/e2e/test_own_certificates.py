"""Further clients, and certificates that a CA elsewhere has signed, on a real Milvus in mode 2."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.session import Project, pymilvus

pytestmark = pytest.mark.own_ports

_CA_EXTENSIONS = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"


def openssl(directory: Path, command: str) -> None:
    """Run OpenSSL as the people behind a CA do."""
    subprocess.run(["openssl", *command.split()], cwd=directory, check=True, capture_output=True)


def corporate_ca(directory: Path) -> None:
    """A root and an intermediate that signs."""
    directory.mkdir()
    (directory / "ca.ext").write_text(
        f"{_CA_EXTENSIONS}subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    openssl(
        directory,
        f"req -x509 {_KEY} -days 400 -subj /CN=Root -addext keyUsage=critical,keyCertSign,cRLSign "
        "-keyout root.key -out root.pem",
    )
    openssl(directory, f"req -new {_KEY} -subj /CN=Issuing -keyout issuing.key -out issuing.csr")
    openssl(
        directory,
        "x509 -req -in issuing.csr -CA root.pem -CAkey root.key -CAcreateserial -days 300 "
        "-extfile ca.ext -out issuing.pem",
    )


def sign(directory: Path, request: Path, name: str) -> None:
    """Sign what a request asks for; the chain goes with it."""
    openssl(
        directory,
        f"x509 -req -in {request} -CA issuing.pem -CAkey issuing.key -CAcreateserial -days 100 "
        f"-copy_extensions copy -out {name}.pem",
    )
    with (directory / f"{name}.pem").open("ab") as file:
        file.write((directory / "issuing.pem").read_bytes())


def test_who_was_given_a_certificate_gets_in_until_the_ca_changes(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    (project.directory / ".env").write_text("COMPOSE_PROJECT_NAME=renamed\n")
    enabled = project.compose_tls("enable", "--mode", "2", "--csr", "--up", "-q")
    assert enabled.code == 0, enabled.err + enabled.out

    alice = project.compose_tls("client", "alice", "bob smith", "--p12", "--json").document
    assert [one["subject"].partition(",")[0] for one in alice["certificates"]] == [
        "CN=alice",
        "CN=bob smith",
    ]
    connect = project.compose_tls("client", "alice", "--json").document["connect"]
    assert pymilvus(connect, project.directory).code == 0
    names = project.compose("ps", "--format", "{{.Project}}").out.split()
    assert set(names) == {"renamed"}
    files = project.directory / "cert" / "clients"
    openssl(
        files,
        "pkcs12 -in alice.p12 -passin file:alice.p12.passphrase -nodes -nocerts -out opened.key",
    )
    opened = {**connect, "client_key_path": str(files / "opened.key")}
    assert pymilvus(opened, project.directory).code == 0

    ca = project.directory.parent / f"{project.directory.name}-ca"
    corporate_ca(ca)
    sign(ca, project.directory / "cert" / "server.csr", "server")
    openssl(
        ca,
        f"req -new {_KEY} -subj /CN=reader -addext extendedKeyUsage=clientAuth "
        "-addext subjectAltName=DNS:reader.example.com -keyout reader.key -out reader.csr",
    )
    sign(ca, ca / "reader.csr", "reader")
    (ca / "passphrase").write_text("correct horse\n")
    openssl(
        ca,
        "pkcs12 -export -in reader.pem -inkey reader.key -passout file:passphrase -out reader.p12",
    )
    taken = project.compose_tls(
        *("enable", "--mode", "2", "--up", "--json", "--ca-cert", str(ca / "root.pem")),
        *("--server-cert", str(ca / "server.pem"), "--server-key", "cert/server.key"),
        *("--client-cert", str(ca / "reader.p12")),
        *("--client-passphrase-file", str(ca / "passphrase")),
    )

    assert taken.code == 0, taken.err + taken.out
    document = taken.document
    assert {check["ok"] for check in document["checks"]} == {True}
    assert document["certificates"][0]["issuer"] == "CN=Issuing"
    assert pymilvus(document["connect"], project.directory).code == 0
    refused = pymilvus(connect, project.directory)
    assert refused.code != 0
    trusting = {**connect, "ca_pem_path": str(ca / "root.pem")}
    assert pymilvus(trusting, project.directory).code != 0
    assert project.compose_tls("check", "-q").code == 0
    assert project.compose_tls("status", "-q").code == 0


def test_under_a_public_ca_its_other_customers_stay_out(official: Any) -> None:
    """Clients get a CA of their own; the server is verified with the public one."""
    project: Project = official(milvus_yaml=False)
    ca = project.directory.parent / f"{project.directory.name}-ca"
    corporate_ca(ca)
    for name, host in (("server", "localhost"), ("stranger", "shop.example.org")):
        purposes = "extendedKeyUsage=serverAuth,clientAuth"
        openssl(
            ca,
            f"req -new {_KEY} -subj /CN={name} -addext subjectAltName=DNS:{host} -addext {purposes} "
            f"-keyout {name}.key -out {name}.csr",
        )
        sign(ca, ca / f"{name}.csr", name)
    public = {"SSL_CERT_FILE": str(ca / "root.pem")}

    enabled = project.compose_tls(
        *("enable", "--mode", "2", "--up", "--json", "--ca-cert", str(ca / "root.pem")),
        *("--server-cert", str(ca / "server.pem"), "--server-key", str(ca / "server.key")),
        environment=public,
    )
    assert enabled.code == 0, enabled.err + enabled.out
    connect = enabled.document["connect"]
    assert pymilvus(connect, project.directory).code == 0
    stranger = {
        **connect,
        "client_pem_path": str(ca / "stranger.pem"),
        "client_key_path": str(ca / "stranger.key"),
    }
    assert pymilvus(stranger, project.directory).code != 0
    alice = project.compose_tls("client", "alice", "--json", environment=public)
    assert pymilvus(alice.document["connect"], project.directory).code == 0
    assert project.compose_tls("check", "-q", environment=public).code == 0

    # Somebody lets the customers of the public CA in after all.
    with (project.directory / "tls" / "ca.pem").open("ab") as file:
        file.write((ca / "issuing.pem").read_bytes())
    assert project.compose("restart", "standalone").code == 0
    opened = project.compose_tls("check", "--json", environment=public)
    failed = [one["name"] for one in opened.document["checks"] if not one["ok"]]
    assert failed == ["names-client-cas"]

"""Projects that were enabled when state.json had format 1: every command goes on working on them.

Each archive in tests/data/format-1 holds one project: ``before/`` as it was, ``after/`` as enable (and,
in one, client and renew --ca) left it. Their certificates are good until 2125.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

ARCHIVES = Path(__file__).resolve().parents[1] / "data" / "format-1"
LONG = ("--days", "36000", "--ca-days", "36500")
ISSUED = {"tls/server.pem", "tls/ca.pem", "cert/ca.pem", "cert/server.pem", "cert/client.pem"}


@dataclass(frozen=True)
class Kind:
    """How a project was enabled.

    Attributes:
        settings: The options of the enable that made it.
        patched: The user's files that enable changed or made.
        pki: Its PKI directory.
        tls: Its TLS directory.
        mode: Its mode.
        rest: The port of REST over TLS.
        issues: Whether the key of the CA is there.
        rolling: Whether a new CA is trusted already beside the old one.
    """

    settings: tuple[str, ...]
    patched: tuple[str, ...] = ("docker-compose.yml", "milvus.yaml")
    pki: str = "cert"
    tls: str = "tls"
    mode: int = 2
    rest: int | None = None
    issues: bool = True
    rolling: bool = False


KINDS = {
    "file": Kind(("--san", "db.example.com", "--san", "10.1.2.3", *LONG)),
    "env": Kind(("--rest-port", "8080", *LONG), ("docker-compose.yml",), mode=1, rest=8080),
    "override": Kind(
        ("--style", "override", "--config", "env", *LONG),
        ("compose.override.yaml",),
    ),
    "rollover": Kind(LONG, rolling=True),
    "places": Kind(
        (
            *("--tls-dir", "served", "--container-tls-dir", "/certs", "--constrain", "--csr"),
            *("--server-name", "milvus.example.com", *LONG),
        ),
        pki="keys",
        tls="served",
    ),
    "brought": Kind(
        (
            *("--server-cert", "own/server.pem", "--server-key", "own/server.key"),
            *("--client-cert", "own/client.pem", "--client-key", "own/client.key"),
            *("--ca-cert", "own/ca.pem"),
        ),
        issues=False,
    ),
}
ISSUING = [name for name, kind in KINDS.items() if kind.issues]


@dataclass(frozen=True)
class Enabled:
    """A project as format 1 left it, which is the current directory.

    Attributes:
        kind: How it was enabled.
        directory: Where it is.
        before: The user's files before that, by path.
    """

    kind: Kind
    directory: Path
    before: dict[str, bytes]

    def users(self) -> dict[str, bytes]:
        """Every file outside the directories of compose-tls, by path."""
        own = (f"{self.kind.pki}/", f"{self.kind.tls}/")
        return {p: c for p, c in contents(self.directory).items() if not p.startswith(own)}

    def issued(self) -> dict[str, bytes]:
        """Every certificate and key of compose-tls, by path."""
        own = self.kind.pki, self.kind.tls
        return {
            path: content
            for path, content in contents(self.directory).items()
            if path.startswith(own) and path.endswith((".pem", ".key", ".p12"))
        }

    def verifies(self, certificate: str, purpose: str) -> bool:
        """Whether OpenSSL accepts a certificate of the PKI directory under the CAs that it trusts."""
        pki = self.directory / self.kind.pki
        options = ("-x509_strict", "-purpose", purpose, "-CAfile", "ca.pem", certificate)
        done = subprocess.run(
            ["openssl", "verify", *options], cwd=pki, capture_output=True, check=False
        )
        return done.returncode == 0


@pytest.fixture
def project(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Enabled:
    """One of the projects; its PKI directory is a setting of the environment."""
    kind = KINDS[request.param]
    with tarfile.open(ARCHIVES / f"{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    for name in list(os.environ):
        if name.startswith(("COMPOSE_", "DOCKER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COMPOSE_TLS_PKI_DIR", kind.pki)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # power cuts are tested with apply
    monkeypatch.chdir(tmp_path / "after")
    return Enabled(kind, tmp_path / "after", contents(tmp_path / "before"))


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def in_order(run: Run, project: Enabled) -> set[str]:
    """The files that status names, each as it was written; TLS is on, and nothing has drifted."""
    found = run("status", "--json")
    assert found.code == 0, found.out + found.err
    assert found.json["mode"] == project.kind.mode
    states = {file["path"]: file["state"] for file in found.json["file_states"]}
    assert set(states.values()) == {"as-written"}, states
    return set(states)


def files_of(kind: Kind) -> set[str]:
    """What status is to name."""
    where = {"tls": kind.tls, "cert": kind.pki}
    issued = {f"{where[name.parent.name]}/{name.name}" for name in map(Path, ISSUED)}
    return {*kind.patched, *issued, *([f"{kind.pki}/next-ca.pem"] if kind.rolling else [])}


@pytest.mark.parametrize("project", KINDS, indirect=True)
class TestEach:
    def test_status_finds_every_file_as_it_was_written(self, run: Run, project: Enabled) -> None:
        before = contents(project.directory)

        assert in_order(run, project) == files_of(project.kind)

        document = run("status", "--json").json
        assert (document["mode"], document["services"]) == (project.kind.mode, ["standalone"])
        assert contents(project.directory) == before

    def test_a_second_enable_changes_neither_the_files_of_the_user_nor_certificates(
        self, run: Run, project: Enabled
    ) -> None:
        users, issued = project.users(), project.issued()

        again = run("enable", "--mode", str(project.kind.mode), *project.kind.settings)

        assert again.code == 0, again.out + again.err
        assert project.users() == users
        assert project.issued() == issued
        assert in_order(run, project) == files_of(project.kind)

    def test_a_variable_in_front_of_a_mount_gives_way_once_it_leads_elsewhere(
        self, run: Run, project: Enabled, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_VOLUME_DIRECTORY", "/elsewhere")
        [written, *_] = project.kind.patched
        prefix = b"${DOCKER_VOLUME_DIRECTORY:-.}/"
        added = project.users()[written].count(prefix) - project.before.get(written, b"").count(
            prefix
        )

        again = run("enable", "--mode", str(project.kind.mode), *project.kind.settings, "--json")

        assert again.code == 0, again.out + again.err
        assert again.json["changed"] is bool(added)
        assert project.users()[written].count(prefix) == project.before.get(written, b"").count(
            prefix
        )
        assert run("disable").code == 0
        assert project.users() == project.before

    def test_disable_gives_the_bytes_of_before(self, run: Run, project: Enabled) -> None:
        disabled = run("disable", "--json")

        assert disabled.code == 0, disabled.out + disabled.err
        assert disabled.json["warnings"] == []
        assert project.users() == project.before
        assert run("status").code == 7

    def test_purge_leaves_nothing_else(self, run: Run, project: Enabled) -> None:
        disabled = run("disable", "--purge")

        assert disabled.code == 0, disabled.out + disabled.err
        assert contents(project.directory) == project.before
        assert not (project.directory / project.kind.pki).exists()
        assert not (project.directory / project.kind.tls).exists()

    def test_connect_gives_the_files_of_the_client(self, run: Run, project: Enabled) -> None:
        found = run("connect", "--json")

        assert found.code == 0, found.out + found.err
        connect = found.json["connect"]
        assert connect["uri"] == "https://localhost:19530"
        paths = [value for name, value in connect.items() if name.endswith("_path")]
        assert len(paths) == (3 if project.kind.mode == 2 else 1)
        assert {Path(path).parent for path in paths} == {project.directory / project.kind.pki}
        assert all(Path(path).exists() for path in paths)

    def test_another_mode_and_back_still_ends_with_the_bytes_of_before(
        self, run: Run, project: Enabled
    ) -> None:
        other = 3 - project.kind.mode
        for mode in (other, project.kind.mode):
            changed = run("enable", "--mode", str(mode), *project.kind.settings)
            assert changed.code == 0, changed.out + changed.err
            assert run("status", "--json").json["mode"] == mode

        assert run("disable").code == 0
        assert project.users() == project.before


@pytest.mark.parametrize("project", ISSUING, indirect=True)
class TestWithTheKeyOfTheCa:
    def test_renew_replaces_the_end_entities(self, run: Run, project: Enabled) -> None:
        users, issued = project.users(), project.issued()

        renewed = run("renew", "--force", "--no-restart", "--json")

        assert renewed.code == 0, renewed.out + renewed.err
        changed = {path for path, content in project.issued().items() if issued[path] != content}
        pairs = {f"{project.kind.pki}/{name}" for name in ("server", "client")}
        pairs.add(f"{project.kind.tls}/server")
        assert changed == {f"{pair}{end}" for pair in pairs for end in (".pem", ".key")}
        assert project.users() == users
        assert in_order(run, project) == files_of(project.kind)
        assert project.verifies("server.pem", "sslserver")
        assert project.verifies("client.pem", "sslclient")
        assert run("disable").code == 0
        assert project.users() == project.before

    def test_a_new_ca_takes_over_in_two_steps(self, run: Run, project: Enabled) -> None:
        pki = project.directory / project.kind.pki
        first = (pki / "ca.pem").read_bytes()
        if not project.kind.rolling:
            started = run("renew", "--ca", "--no-restart")
            assert started.code == 0, started.out + started.err
            assert (pki / "ca.pem").read_bytes().count(b"BEGIN CERTIFICATE") == 2
            assert in_order(run, project) == files_of(project.kind) | {
                f"{project.kind.pki}/next-ca.pem"
            }
        finish = ("renew", "--ca", "--finish", "--no-restart")
        if project.kind.rolling:
            # Alice and Bob would be cut off.
            assert run(*finish).code == 3
        ended = run(*finish, "--accept", "clients-left-behind")

        assert ended.code == 0, ended.out + ended.err
        last = (pki / "ca.pem").read_bytes()
        assert last.count(b"BEGIN CERTIFICATE") == 1
        assert last != first
        assert not (pki / "next-ca.pem").exists()
        assert project.verifies("server.pem", "sslserver")
        assert project.verifies("client.pem", "sslclient")
        assert in_order(run, project) == files_of(project.kind) - {
            f"{project.kind.pki}/next-ca.pem"
        }
        assert run("disable", "--purge").code == 0
        assert contents(project.directory) == project.before

    def test_a_further_client_gets_a_certificate(self, run: Run, project: Enabled) -> None:
        issued = project.issued()

        made = run("client", "carol", "--json")

        assert made.code == 0, made.out + made.err
        assert project.verifies("clients/carol.pem", "sslclient")
        assert {path: project.issued()[path] for path in issued} == issued
        assert in_order(run, project) == files_of(project.kind)


@pytest.mark.parametrize("project", ["rollover"], indirect=True)
class TestClientsOfARollover:
    def test_those_of_the_old_ca_are_named_once_it_is_gone(
        self, run: Run, project: Enabled
    ) -> None:
        alice = project.directory / "cert" / "clients" / "alice.pem"
        of_the_old_ca = alice.read_bytes()
        assert run("client", "alice", "--p12").code == 0
        assert alice.read_bytes() != of_the_old_ca

        accepted = ("--accept", "clients-left-behind")
        ended = run("renew", "--ca", "--finish", "--no-restart", "--json", *accepted)

        assert ended.code == 0, ended.out + ended.err
        [warning] = ended.json["warnings"]
        assert "bob" in warning["message"]
        assert "alice" not in warning["message"]
        assert project.verifies("clients/alice.pem", "sslclient")
        assert not project.verifies("clients/bob.pem", "sslclient")
        assert run("client", "bob").code == 0
        assert project.verifies("clients/bob.pem", "sslclient")

    def test_their_pkcs12_files_go_with_them(self, run: Run, project: Enabled) -> None:
        clients = project.directory / "cert" / "clients"
        before = {path.name: path.read_bytes() for path in clients.iterdir()}

        assert run("client", "bob", "--force").code == 0

        after = {path.name: path.read_bytes() for path in clients.iterdir()}
        changed = {name for name, content in after.items() if before[name] != content}
        assert changed == {"bob.pem", "bob.key", "bob.p12", "bob.p12.passphrase"}


@pytest.mark.parametrize("project", ["brought"], indirect=True)
class TestCertificatesOfTheUsersOwn:
    @pytest.mark.parametrize("command", ["renew --force --no-restart", "client carol"])
    def test_nothing_can_be_issued_and_nothing_is_written(
        self, run: Run, project: Enabled, command: str
    ) -> None:
        before = contents(project.directory)

        refused = run(*command.split(), "--json")

        assert refused.code == 4
        assert "cert/ca.key" in refused.error["message"]
        assert contents(project.directory) == before


@pytest.mark.parametrize("project", ["env"], indirect=True)
def test_rest_keeps_its_port(run: Run, project: Enabled) -> None:
    assert f"encrypted  clients -> standalone:{project.kind.rest}" in run("status", "-v").out

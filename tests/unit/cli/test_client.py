"""compose-tls client: certificates for further clients."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import compose_tls
from tests.moment import NOW
from tests.unit.cli.conftest import Run, certificate, facts, later
from tests.unit.pki.minting import CLIENT, DAY, mint


class TestOneClient:
    def test_it_gets_a_certificate_and_a_key_of_its_own(self, run: Run, enabled: Path) -> None:
        found = run("client", "alice", "--json").json
        assert found["changed"]
        directory = enabled / "cert" / "clients"
        issued = certificate(directory / "alice.pem")
        key = load_pem_private_key((directory / "alice.key").read_bytes(), None)
        assert issued.public_key() == key.public_key()
        [name] = issued.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert name.value == "alice"
        names = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["alice.client.milvus.internal"]
        purposes = issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        issued.verify_directly_issued_by(certificate(enabled / "cert" / "ca.pem"))
        modes = [(directory / f"alice{end}").stat().st_mode & 0o777 for end in (".pem", ".key")]
        assert modes == [0o644, 0o600]
        assert directory.stat().st_mode & 0o777 == 0o700
        assert found["connect"]["client_pem_path"] == str(directory / "alice.pem")
        assert found["certificates"][0]["path"] == "cert/clients/alice.pem"
        assert found["certificates"][0]["days_left"] == 824

    def test_a_second_time_it_keeps_what_it_has(self, run: Run, enabled: Path) -> None:
        assert run("client", "alice").code == 0
        before = facts(enabled)
        outcome = run("client", "alice")
        assert outcome.out.startswith(
            "nothing to do: 1 client in cert/clients, not yet due for renewal"
        )
        assert not run("client", "alice", "--json").json["changed"]
        assert facts(enabled) == before

    def test_force_replaces_it(self, run: Run, enabled: Path) -> None:
        path = enabled / "cert" / "clients" / "alice.pem"
        assert run("client", "alice").code == 0
        before = path.read_bytes()
        assert run("client", "alice", "--force").code == 0
        assert path.read_bytes() != before

    def test_one_that_ends_soon_is_replaced(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as earlier:
            later(earlier, -810)
            assert run("enable", "--mode", "2").code == 0
            assert run("client", "alice").code == 0
        [found] = run("client", "alice", "--json").json["certificates"]
        assert found["days_left"] == 824

    def test_options_say_what_it_is_like(self, run: Run, enabled: Path) -> None:
        options = ("--key-type", "rsa-2048", "--days", "7", "--subject", "O=Acme")
        [found] = run("client", "bob", *options, "--json").json["certificates"]
        assert (found["key_type"], found["subject"]) == ("rsa-2048", "CN=bob,O=Acme")
        assert found["days_left"] == 6

    def test_people_hear_what_came_out_and_what_to_do_with_it(
        self, run: Run, enabled: Path
    ) -> None:
        out = run("client", "alice", "--p12").out
        assert out.startswith("cert/clients: 1 certificate issued, until 20")
        assert "\n  alice  alice.pem, alice.key, alice.p12, alice.p12.passphrase\n" in out
        assert "\nnext: give alice these files and cert/ca.pem" in out
        detail = run("client", "bob", "-v").out
        assert "for bob.client.milvus.internal" in detail

    def test_programs_read_which_files_each_is_given(self, run: Run, enabled: Path) -> None:
        found = run("client", "alice", "bob", "--p12", "--json").json["give"]
        given = {one["client"]: one["files"] for one in found}
        assert set(given) == {"alice", "bob"}
        own = ("pem", "key", "p12", "p12.passphrase")
        assert given["bob"] == [*(f"cert/clients/bob.{end}" for end in own), "cert/ca.pem"]
        assert all((enabled / name).is_file() for name in given["bob"])
        again = run("client", "alice", "carl", "--json").json
        assert [one["client"] for one in again["give"]] == ["carl"]
        assert "give" not in run("client", "alice", "--json").json
        assert "give" not in run("client", "dora", "--dry-run", "--json").json

    def test_a_dry_run_writes_nothing(self, run: Run, enabled: Path) -> None:
        before = facts(enabled)
        outcome = run("client", "alice", "bob", "--dry-run")
        assert "would issue 2 certificates; nothing was written" in outcome.out
        assert re.search("cert/clients/bob.key +would be created", outcome.out)
        assert facts(enabled) == before

    def test_it_goes_where_it_is_sent(self, run: Run, enabled: Path) -> None:
        place = enabled.parent / "for-alice"
        found = run("client", "alice", "--out", str(place), "--json").json
        assert sorted(path.name for path in place.iterdir()) == ["alice.key", "alice.pem"]
        assert found["connect"]["client_key_path"] == str(place / "alice.key")
        assert not (enabled / "cert" / "clients").exists()

    def test_in_mode_1_it_is_told_that_nobody_asks_for_it(self, run: Run, project: Path) -> None:
        assert run("enable").code == 0
        [warning] = run("client", "alice", "--json").json["warnings"]
        assert warning["code"] == "clients-not-asked"

    def test_a_constrained_ca_issues_it_too(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "2", "--constrain").code == 0
        assert run("client", "alice", "张三").code == 0

    def test_the_library_does_the_same(self, run: Run, enabled: Path) -> None:
        found = compose_tls.client(enabled, ["alice"])
        assert [one.subject.partition(",")[0] for one in found.certificates or ()] == ["CN=alice"]

    def test_one_name_is_no_list_of_letters(self, run: Run, enabled: Path) -> None:
        assert compose_tls.client(enabled, "alice").issued == ("alice",)
        found = compose_tls.export(enabled, "swarm", hosts="milvus.example.org")
        assert "milvus.example.org" in found.names


class TestMany:
    def test_names_come_from_a_file(self, run: Run, enabled: Path) -> None:
        (enabled / "team.txt").write_text("\ufeff# the team\nalice\n\n  bob \r\nalice\n", "utf-8")
        found = run("client", "carl", "--names-file", "team.txt", "--json").json
        assert [Path(one["path"]).stem for one in found["certificates"]] == ["carl", "alice", "bob"]
        assert "connect" not in found

    def test_or_from_standard_input(
        self, run: Run, enabled: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"alice\nbob\n")))
        found = run("client", "--names-file", "-", "--json").json
        assert len(found["certificates"]) == 2

    def test_a_bad_name_is_told_with_its_line_and_nothing_is_written(
        self, run: Run, enabled: Path
    ) -> None:
        (enabled / "team.txt").write_text("alice\n../etc/passwd\n")
        before = facts(enabled)
        refused = run("client", "--names-file", "team.txt", "--json")
        assert (refused.code, refused.error["code"]) == (4, "name-invalid")
        assert (refused.error["path"], refused.error["line"]) == ("team.txt", 2)
        assert facts(enabled) == before

    def test_a_file_in_another_encoding_is_refused(self, run: Run, enabled: Path) -> None:
        (enabled / "team.txt").write_bytes("müller".encode("latin-1"))
        refused = run("client", "--names-file", "team.txt", "--json")
        assert (refused.code, refused.error["path"]) == (2, "team.txt")

    def test_each_name_is_somebody_else(self, run: Run, enabled: Path) -> None:
        names = [
            "alice",
            "Alice",
            "alice@example.com",
            "bob smith",
            "张三",
            "o,b=x+y#",
            "a.b",
            "a-b",
        ]
        found = run("client", *names, "--json").json["certificates"]
        assert len({one["sha256"] for one in found}) == len(names)
        assert len({one["dns_names"][0] for one in found}) == len(names)
        for name in names:
            issued = certificate(enabled / "cert" / "clients" / f"{name}.pem")
            [common] = issued.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            assert common.value == name

    def test_a_hundred_are_told_in_one_line_and_only_new_ones_are_issued(
        self, run: Run, enabled: Path
    ) -> None:
        (enabled / "team.txt").write_text("".join(f"c{number}\n" for number in range(100)))
        out = run("client", "--names-file", "team.txt").out
        first_line = out.splitlines()[0]
        assert re.fullmatch(
            r"cert/clients: 100 certificates issued, until 20\d\d-\d\d-\d\d", first_line
        )
        assert len(out.splitlines()) == 2
        first = (enabled / "cert" / "clients" / "c7.pem").read_bytes()
        out = run("client", "--names-file", "team.txt", "new").out
        assert out.startswith("cert/clients: 1 certificate issued, until 20")
        assert (enabled / "cert" / "clients" / "c7.pem").read_bytes() == first


class TestBundles:
    def open(self, directory: Path, passphrase: bytes) -> pkcs12.PKCS12KeyAndCertificates:
        return pkcs12.load_pkcs12((directory / "alice.p12").read_bytes(), passphrase)

    def test_each_opens_with_the_passphrase_beside_it(self, run: Run, enabled: Path) -> None:
        assert run("client", "alice", "bob", "--p12").code == 0
        directory = enabled / "cert" / "clients"
        secrets = [(directory / f"{name}.p12.passphrase").read_bytes() for name in ("alice", "bob")]
        assert secrets[0] != secrets[1]
        opened = self.open(directory, secrets[0].rstrip())
        assert opened.cert is not None
        assert opened.cert.friendly_name == b"alice"
        assert opened.cert.certificate == certificate(directory / "alice.pem")
        [ca] = opened.additional_certs
        assert ca.certificate == certificate(enabled / "cert" / "ca.pem")
        for name in ("alice.p12", "alice.p12.passphrase"):
            assert (directory / name).stat().st_mode & 0o777 == 0o600

    def test_a_passphrase_of_ones_own_is_written_nowhere(self, run: Run, enabled: Path) -> None:
        (enabled / "secret").write_text("hunter2\n")
        outcome = run("client", "alice", "--passphrase-file", "secret", "-v")
        assert outcome.code == 0
        assert "hunter2" not in outcome.out + outcome.err
        directory = enabled / "cert" / "clients"
        assert self.open(directory, b"hunter2").key is not None
        assert not list(directory.glob("*.passphrase"))

    def test_it_is_made_later_of_what_is_there(self, run: Run, enabled: Path) -> None:
        directory = enabled / "cert" / "clients"
        assert run("client", "alice").code == 0
        before = (directory / "alice.pem").read_bytes()
        assert run("client", "alice", "--p12").code == 0
        assert (directory / "alice.pem").read_bytes() == before
        opened = self.open(directory, (directory / "alice.p12.passphrase").read_bytes().rstrip())
        assert opened.cert is not None
        assert opened.cert.certificate == certificate(directory / "alice.pem")
        unchanged = facts(enabled)
        assert not run("client", "alice", "--p12", "--json").json["changed"]
        assert facts(enabled) == unchanged

    def test_it_follows_its_key_asked_for_or_not(self, run: Run, enabled: Path) -> None:
        directory = enabled / "cert" / "clients"
        assert run("client", "alice", "--p12").code == 0
        assert run("client", "alice", "--force").code == 0
        opened = self.open(directory, (directory / "alice.p12.passphrase").read_bytes().rstrip())
        assert opened.cert is not None
        assert opened.cert.certificate == certificate(directory / "alice.pem")

    def test_a_passphrase_of_ones_own_takes_the_place_of_ours(
        self, run: Run, enabled: Path
    ) -> None:
        directory = enabled / "cert" / "clients"
        (enabled / "secret").write_text("hunter2\n")
        own = ("client", "alice", "--passphrase-file", "secret", "--json")
        assert run("client", "alice", "--p12").code == 0
        before = (directory / "alice.pem").read_bytes()
        assert run(*own).json["changed"]
        assert self.open(directory, b"hunter2").key is not None
        assert not (directory / "alice.p12.passphrase").exists()
        assert (directory / "alice.pem").read_bytes() == before
        unchanged = facts(enabled)
        assert not run(*own).json["changed"]
        assert facts(enabled) == unchanged

    def test_openssl_reads_it(self, run: Run, enabled: Path) -> None:
        assert run("client", "alice", "--p12").code == 0
        command = "pkcs12 -in alice.p12 -passin file:alice.p12.passphrase -nokeys -clcerts"
        found = subprocess.run(
            ["openssl", *command.split()],
            cwd=enabled / "cert" / "clients",
            check=True,
            capture_output=True,
            text=True,
        )
        assert "CN = alice" in found.stdout or "CN=alice" in found.stdout

    def test_an_empty_passphrase_file_is_refused(self, run: Run, enabled: Path) -> None:
        (enabled / "secret").write_text("\n")
        before = facts(enabled)
        refused = run("client", "alice", "--passphrase-file", "secret", "--json")
        assert (refused.code, refused.error["path"]) == (2, "secret")
        assert facts(enabled) == before

    def test_a_missing_passphrase_file_is_named_and_nothing_is_written(
        self, run: Run, enabled: Path
    ) -> None:
        before = facts(enabled)
        refused = run("client", "alice", "--passphrase-file", "nowhere", "--json")
        assert refused.error["path"] == "nowhere"
        assert facts(enabled) == before


class TestRefusals:
    def test_without_a_name_there_is_nothing_to_do(self, run: Run, enabled: Path) -> None:
        assert run("client", "--json").error["code"] == "wrong-usage"

    def test_a_project_without_tls_has_no_clients(self, run: Run, project: Path) -> None:
        assert run("client", "alice", "--json").error["code"] == "not-enabled"

    @pytest.mark.parametrize("command", ["client alice", "renew --ca --no-restart"])
    def test_without_the_key_of_the_ca_the_way_to_a_new_one_works(
        self, run: Run, enabled: Path, command: str
    ) -> None:
        (enabled / "cert" / "ca.key").unlink()
        hint = run(*command.split(), "--json").error["hint"]
        for step in hint.rpartition(": ")[2].split(" && "):
            assert run(*step.split()[1:]).code == 0
        assert run(*command.split()).code == 0

    @pytest.mark.parametrize(
        ("suffix", "content"), [(".pem", b"mine\n"), (".key", b"mine\n"), (".p12", b"mine\n")]
    )
    def test_a_file_of_somebody_else_is_never_written_over(
        self, run: Run, enabled: Path, suffix: str, content: bytes
    ) -> None:
        (enabled / f"alice{suffix}").write_bytes(content)
        before = facts(enabled)
        refused = run("client", "alice", "--out", ".", "--p12", "--force", "--json")
        assert (refused.code, refused.error["code"]) == (3, "value-in-the-way")
        assert refused.error["path"] == f"alice{suffix}"
        assert facts(enabled) == before

    def test_a_namesake_of_another_project_is_replaced_by_force_alone(
        self, run: Run, enabled: Path
    ) -> None:
        place = enabled.parent / "handed-out"
        other = enabled.parent / "other"
        other.mkdir()
        shutil.copy(enabled / "docker-compose.yml", other)
        assert run("enable", "-C", other).code == 0
        assert run("client", "alice", "-C", other, "--out", place).code == 0
        before = (place / "alice.key").read_bytes()
        refused = run("client", "alice", "--out", place, "--json")
        assert refused.error["code"] == "value-in-the-way"
        assert (place / "alice.key").read_bytes() == before
        assert run("client", "alice", "--out", place, "--force").code == 0
        assert (place / "alice.key").read_bytes() != before

    def test_the_clients_of_enable_are_not_taken_for_further_ones(
        self, run: Run, enabled: Path
    ) -> None:
        for name in ("client", "server", "ca"):
            refused = run("client", name, "--out", "cert", "--force", "--json")
            assert refused.error["path"] == f"cert/{name}.pem"

    @pytest.mark.parametrize("place", ["tls", "tls/clients", "./tls/../tls"])
    def test_keys_do_not_go_where_the_container_sees_them(
        self, run: Run, enabled: Path, place: str
    ) -> None:
        refused = run("client", "alice", "--out", place, "--json")
        assert refused.error["code"] == "value-in-the-way"
        assert "must not see" in refused.error["message"]

    def test_without_the_key_of_the_ca_nothing_is_issued(self, run: Run, enabled: Path) -> None:
        assert run("client", "alice").code == 0
        key = enabled / "cert" / "ca.key"
        kept = key.read_bytes()
        key.unlink()
        assert run("client", "alice").code == 0
        refused = run("client", "alice", "bob", "--json")
        assert (refused.code, refused.error["path"]) == (4, "cert/ca.key")
        (enabled / "my.key").write_bytes(kept)
        given = ("--ca-cert", "cert/ca.pem", "--ca-key", "my.key")
        assert run("client", "alice", "bob", *given).code == 0

    def test_an_expired_ca_issues_nothing(
        self, run: Run, enabled: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later(monkeypatch, 4000)
        refused = run("client", "alice", "--json")
        assert refused.error["code"] == "certificate-expired"


class TestLife:
    def test_connect_tells_of_the_certificates_that_have_expired(
        self, run: Run, enabled: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def told(*options: str) -> list[tuple[str, str, str]]:
            found = run("connect", "--json", *options).json["warnings"]
            return [(one["code"], one["path"], one["hint"]) for one in found]

        run("enable", "--mode", "2")
        run("client", "alice", "bob")
        assert told() == told("--client", "alice") == []

        later(monkeypatch, 830)
        server = ("certificate-expired", "tls/server.pem", "compose-tls renew")
        own = ("certificate-expired", "cert/client.pem", "compose-tls renew")
        alice = ("client-certificate-expired", "cert/clients/alice.pem", "compose-tls client alice")
        assert told() == [server, own]
        assert told("--client", "alice") == [server, alice]

    def test_during_a_change_of_the_ca_it_is_of_the_new_one(self, run: Run, enabled: Path) -> None:
        assert run("client", "early").code == 0
        assert run("renew", "--ca", "--no-restart").code == 0
        assert run("client", "late").code == 0
        directory = enabled / "cert" / "clients"
        following = certificate(enabled / "cert" / "next-ca.pem")
        assert certificate(directory / "late.pem").issuer == following.subject
        refused = run("renew", "--finish", "--no-restart", "--json")
        assert (refused.code, refused.error["code"]) == (3, "clients-left-behind")
        assert "compose-tls client early" in refused.error["hint"]
        accepted = ("--accept", "clients-left-behind")
        finish = run("renew", "--finish", "--no-restart", "--json", "--dry-run", *accepted).json
        [warning] = finish["warnings"]
        assert warning["code"] == "clients-left-behind"
        assert "previous CA: early" in warning["message"]
        assert run("client", "early").code == 0
        assert certificate(directory / "early.pem").issuer == following.subject
        finish = run("renew", "--finish", "--no-restart", "--json").json
        assert finish["warnings"] == []

    def test_one_that_someone_else_issued_is_not_of_the_previous_ca(
        self, run: Run, enabled: Path
    ) -> None:
        assert run("client", "early").code == 0
        stranger = mint("bob", purposes=(CLIENT,), end=NOW + 20 * DAY)
        place = enabled / "cert/clients"
        (place / "bob.pem").write_bytes(stranger.certificate_pem)
        (place / "bob.key").write_bytes(stranger.private_key_pem)
        (place / "bob.key").chmod(0o600)

        told = run("status", "--json").json["warnings"]

        way = "move the files of bob away, then compose-tls client bob"
        assert [(one["code"], one["message"], one["hint"]) for one in told] == [
            (
                "client-certificate-expires-soon",
                "cert/clients: expires within 30 days for bob",
                way,
            ),
            ("clients-left-behind", "cert/clients: certificates from another CA: bob", way),
        ]
        assert run("client", "bob").code == 3
        (place / "bob.pem").unlink()
        (place / "bob.key").unlink()
        assert run("client", "bob").code == 0
        assert run("status", "--json").json["warnings"] == []

    def test_who_was_left_behind_is_told_of_by_status(self, run: Run, enabled: Path) -> None:
        assert run("client", "early").code == 0
        assert run("status", "--json").json["warnings"] == []
        for step in ("--ca", "--finish"):
            accepted = ("--accept", "clients-left-behind")
            assert run("renew", step, "--no-restart", *accepted).code == 0
        [warning] = run("status", "--json").json["warnings"]
        assert warning["code"] == "clients-left-behind"
        assert warning["hint"] == "compose-tls client early"
        assert run("client", "early").code == 0
        assert run("status", "--json").json["warnings"] == []

    def test_purge_takes_them_away_and_nothing_else(self, run: Run, enabled: Path) -> None:
        assert run("client", "alice", "--p12").code == 0
        note = enabled / "cert" / "clients" / "notes.txt"
        note.write_text("mine")
        assert run("disable", "--purge").code == 0
        assert [path.name for path in (enabled / "cert").rglob("*") if path.is_file()] == [
            note.name
        ]

    def test_disable_leaves_them(self, run: Run, enabled: Path) -> None:
        assert run("client", "alice").code == 0
        assert run("disable").code == 0
        assert (enabled / "cert" / "clients" / "alice.key").exists()

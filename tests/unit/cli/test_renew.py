"""What renew does to files, prints, and exits with; the restart is tested on a real engine."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compose_tls.changes import CertificateOrder
from compose_tls.pki.issue import issue_all
from compose_tls.pki.load import certificate_facts
from tests.unit.cli.conftest import (
    EnableAs,
    Run,
    changed,
    codes,
    contents,
    facts,
    later,
    verifies,
)
from tests.unit.pki.minting import mint

ENABLE = ("enable", "--mode", "2", "-q")
RENEW = ("renew", "--no-restart", "--json")
USER_FILES = ("docker-compose.yml", "milvus.yaml")


class TestEndEntities:
    def test_nothing_is_written_while_all_certificates_are_good_for_long(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        before = facts(project)

        renewed = run(*RENEW)

        assert (renewed.code, renewed.json["changed"]) == (0, False)
        assert facts(project) == before
        assert "valid for 2 years" in run("renew", "--no-restart").out
        assert "no certificate is due" in run("renew", "--no-restart", "--dry-run").out

    @pytest.mark.parametrize(
        "arguments", [("--force",), ("--within", "900d"), ("--within", "200w")]
    )
    def test_new_certificates_come_from_the_same_ca_and_say_the_same(
        self, run: Run, project: Path, arguments: tuple[str, ...]
    ) -> None:
        run(*ENABLE, "--key-type", "ecdsa-p384", "--san", "db.example.com", "--days", "90")
        before = contents(project)
        old = certificate_facts(before["tls/server.pem"], path="")

        renewed = run(*RENEW, *arguments)

        assert (renewed.code, renewed.json["changed"], renewed.json["mode"]) == (0, True, 2)
        after = contents(project)
        assert changed(before, after) == {
            *(f"cert/{role}{end}" for role in ("server", "client") for end in (".pem", ".key")),
            *("tls/server.pem", "tls/server.key", "cert/state.json"),
        }
        new = certificate_facts(after["tls/server.pem"], path="")
        assert new.serial != old.serial
        assert (new.subject, new.issuer, new.key_type) == (old.subject, old.issuer, "ecdsa-p384")
        assert set(new.dns_names) == set(old.dns_names)
        assert new.not_after - new.not_before == old.not_after - old.not_before
        assert verifies(project, "cert/ca.pem", "tls/server.pem", "sslserver")
        assert verifies(project, "cert/ca.pem", "cert/client.pem", "sslclient")
        assert run("status").code == 0

    def test_in_the_last_30_days_they_are_renewed_unasked(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Handshakes are rehearsed by the real clock, so only the plan can be made at another time.
        run(*ENABLE)
        later(monkeypatch, 825 - 31)
        assert run(*RENEW, "--dry-run").json["changed"] is False
        later(monkeypatch, 825 - 29)
        assert run(*RENEW, "--dry-run").json["changed"] is True

    def test_options_change_what_they_name(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        options = ("--key-type", "rsa-2048", "--days", "10", "--san", "new.example.com")
        assert run(*RENEW, "--force", *options, "--subject", "O=New").code == 0
        new = certificate_facts((project / "tls/server.pem").read_bytes(), path="")
        assert (new.key_type, new.subject) == ("rsa-2048", "CN=localhost,O=New")
        assert "new.example.com" in new.dns_names
        assert (new.not_after - new.not_before).days == 9

    def test_names_that_the_project_got_since_are_taken_up(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        compose = project / "docker-compose.yml"
        text = compose.read_text(encoding="utf-8")
        compose.write_text(text.replace("milvus-standalone", "another-name"), encoding="utf-8")

        assert run(*RENEW, "--force").code == 0

        names = certificate_facts((project / "tls/server.pem").read_bytes(), path="").dns_names
        assert {"another-name", "milvus-standalone"} <= set(names)

    def test_a_certificate_cut_short_by_its_ca_gets_its_full_life_under_the_next(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE, "--ca-days", "100")
        run(*RENEW, "--ca", "--ca-days", "3650")
        assert run(*RENEW, "--finish").code == 0
        new = certificate_facts((project / "tls/server.pem").read_bytes(), path="")
        assert (new.not_after - new.not_before).days == 824

    def test_a_dry_run_writes_nothing(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        before = facts(project)
        for extent in (("--force",), ("--ca",)):
            preview = run(*RENEW, *extent, "--dry-run").json
            assert (preview["changed"], preview["dry_run"]) == (True, True)
        assert "would be changed" in run("renew", "--force", "--dry-run").out
        assert facts(project) == before

    def test_it_says_what_to_do_when_milvus_is_not_restarted(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        assert (
            "next: docker compose restart standalone" in run("renew", "--no-restart", "--force").out
        )

    @pytest.mark.parametrize("text", ["30", "d", "-3d", "1.5d", "3y", "٣d", "9999999999999w"])
    def test_what_is_no_duration_is_refused(self, run: Run, project: Path, text: str) -> None:
        refused = run(*RENEW, "--within", text)
        assert (refused.code, refused.error["code"]) == (2, "wrong-usage")

    def test_what_an_interrupted_renewal_left_to_milvus_alone_is_put_right(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        before = contents(project)
        run(*RENEW, "--force")
        for name, content in before.items():
            if name.startswith("cert/"):
                (project / name).write_bytes(content)

        mended = run(*RENEW)

        assert (mended.code, mended.json["deployed"]) == (0, False)
        assert contents(project) == before


class TestEndOfTheCa:
    def test_its_last_30_days_are_told_and_nothing_is_issued_in_vain(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(*ENABLE, "--ca-days", "100")
        later(monkeypatch, 60)
        assert "ca-expires-soon" not in codes(run(*RENEW))
        for days in (71, 99):
            later(monkeypatch, days)
            renewed = run(*RENEW)
            assert (renewed.code, renewed.json["changed"]) == (0, False)
            [warning] = [w for w in renewed.json["warnings"] if w["code"] == "ca-expires-soon"]
            assert warning["path"] == "cert/ca.pem"
            assert "renew --ca" in warning["hint"]
            again = run(*ENABLE, "--ca-days", "100", "--json")
            assert again.json["changed"] is False
            assert "ca-expires-soon" in codes(again)

    def test_a_certificate_that_ends_with_its_ca_is_not_cut_in_silence(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE, "--ca-days", "100")
        cut = run(*RENEW, "--force").json["warnings"]
        assert [w["code"] for w in cut] == ["certificate-cut-short", "certificate-cut-short"]
        assert "cert/server.pem ends on" in cut[0]["message"]

    def test_a_full_life_is_not_warned_of(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        assert run(*RENEW, "--force").json["warnings"] == []

    @pytest.mark.parametrize("mode", ["1", "2"])
    def test_while_another_one_joins_it_every_step_leads_on(
        self, run: Run, project: Path, mode: str
    ) -> None:
        run("enable", "--mode", mode, "--ca-days", "20", "-q")
        run("client", "one", "two", "-q")
        on = "give cert/ca.pem to every client, then run compose-tls renew --ca --finish"

        started = run("renew", "--ca", "--no-restart", "--ca-days", "3650")
        status = run("status", "--json").json["warnings"]
        again = run("renew", "--ca", "--no-restart", "--json").json["warnings"]
        until = datetime.fromisoformat(f"{started.out.split('until ')[1][:10]}T00:00:00+00:00")
        assert until > datetime.now(UTC) + timedelta(days=500)
        assert on in started.err
        for found in (status, again):
            hints = {w["hint"] for w in found if w["code"].endswith("expires-soon")}
            assert hints >= {on}
            assert "compose-tls renew --ca" not in hints
        assert {w["hint"] for w in status if w["code"] == "client-certificate-expires-soon"} == {
            "compose-tls client one two"
        }
        run("client", "one", "two", "-q")
        finished = run("renew", "--ca", "--finish", "--no-restart", "--json").json
        assert finished["warnings"] == []


class TestBrought:
    """Certificates that somebody else issues: renewed where they come from."""

    def bring(self, run: Run, project: Path, days: int, mode: str = "1") -> None:
        self.put(project, days)
        given = ("--server-cert", "own/server.pem", "--server-key", "own/server.key")
        done = run("enable", "--mode", mode, *given, "--ca-cert", "own/root.pem", "--json")
        assert done.code == 0, done.out

    def put(self, project: Path, days: int) -> None:
        (project / "own").mkdir(exist_ok=True)
        held = issue_all(
            [
                CertificateOrder("ca", "CN=company", "ecdsa-p256", 400),
                CertificateOrder("server", "CN=localhost", "ecdsa-p256", days, ("localhost",)),
            ],
            None,
            datetime.now(UTC).replace(microsecond=0),
        )
        (project / "own/root.pem").write_bytes(held["ca"].certificate_pem)
        (project / "own/server.pem").write_bytes(held["server"].certificate_pem)
        (project / "own/server.key").write_bytes(held["server"].private_key_pem)

    def test_until_when_they_are_good_is_told(self, run: Run, project: Path) -> None:
        self.bring(run, project, 90)
        before = facts(project)

        told = run("renew", "--no-restart")

        assert (told.code, told.out) == (
            0,
            "nothing to do: the given certificates are valid for 89 days\n",
        )
        assert facts(project) == before

    def test_near_the_end_the_whole_command_is_named(self, run: Run, project: Path) -> None:
        self.bring(run, project, 29)

        refused = run(*RENEW)

        assert (refused.code, refused.error["code"]) == (4, "certificate-expires-soon")
        assert refused.error["hint"].endswith(
            "compose-tls enable --mode 1 --server-cert own/server.pem --server-key own/server.key"
            " --ca-cert own/root.pem"
        )
        assert run(*RENEW, "--within", "10d").code == 0

    def test_status_names_the_same_command_and_no_renewal_that_is_refused(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.bring(run, project, 90)
        later(monkeypatch, 70)
        found = run("status", "--json").json["warnings"]
        hints = {w["hint"] for w in found if w["code"] == "certificate-expires-soon"}
        (hint,) = hints
        first, _, command = hint.partition(": ")
        assert first == "replace these files with newer ones at their source, then"
        self.put(project, 300)
        assert run(*command.split()[1:]).code == 0
        found = run("status", "--json").json["warnings"]
        assert "certificate-expires-soon" not in {w["code"] for w in found}

    def test_newer_ones_in_their_place_are_taken(self, run: Run, project: Path) -> None:
        self.bring(run, project, 10)
        self.put(project, 90)

        renewed = run(*RENEW)

        assert (renewed.code, renewed.json["changed"], renewed.json["deployed"]) == (0, True, False)
        new = certificate_facts((project / "own/server.pem").read_bytes(), path="")
        held = certificate_facts((project / "tls/server.pem").read_bytes(), path="")
        assert held.serial == new.serial
        assert run(*RENEW).json["changed"] is False

    def test_damaged_ones_in_their_place_are_not_taken(self, run: Run, project: Path) -> None:
        self.bring(run, project, 90)
        (project / "own/server.pem").write_bytes(b"damaged")
        before = facts(project)
        refused = run(*RENEW)
        assert (refused.code, refused.error["path"]) == (4, "own/server.pem")
        assert facts(project) == before

    def test_where_they_came_from_need_not_stay(self, run: Run, project: Path) -> None:
        self.bring(run, project, 90)
        for path in (project / "own").iterdir():
            path.unlink()
        assert run(*RENEW).json["changed"] is False

    def test_a_recorded_path_out_of_the_project_is_not_followed_unasked(
        self, run: Run, project: Path
    ) -> None:
        self.bring(run, project, 90)
        (project / "own").rename(project.parent / "own")
        record = project / "cert/state.json"
        record.write_text(record.read_text().replace('"own/', '"../own/'))
        self.put(project.parent, 200)
        before = facts(project)
        assert run(*RENEW).json["changed"] is False
        assert facts(project) == before

    def test_what_certbot_has_renewed_is_taken_by_the_command_that_is_named(
        self, run: Run, project: Path
    ) -> None:
        """What was brought from outside the project is not followed there, and the way is told."""
        live = project.parent / "live"
        self.put(project.parent, 20)
        (project.parent / "own").rename(live)
        names = (
            "--server-cert",
            "server.pem",
            "--server-key",
            "server.key",
            "--ca-cert",
            "root.pem",
        )
        words = [word if word.startswith("--") else f"../live/{word}" for word in names]
        assert run("enable", *words).code == 0
        self.put(project.parent, 90)
        for path in live.iterdir():
            path.write_bytes((project.parent / "own" / path.name).read_bytes())

        hint = run(*RENEW).error["hint"]
        command = hint[hint.index("compose-tls enable") :]
        assert str(live / "server.pem") in command
        assert command.endswith(" --up")
        taken = run(*shlex.split(command)[1:-1], "--json")

        assert (taken.code, taken.json["changed"]) == (0, True)
        held = (project / "tls/server.pem").read_bytes()
        assert held == (live / "server.pem").read_bytes()
        assert run(*RENEW).code == 0


class TestFurtherCas:
    """A CA that somebody put beside ours is not handed on to Milvus in silence."""

    @pytest.mark.parametrize("command", [(*RENEW, "--force"), ("enable", "--json")])
    def test_it_is_refused_unless_it_is_meant(
        self, run: Run, project: Path, command: tuple[str, ...]
    ) -> None:
        assert run("enable", "--mode", "2").code == 0
        stranger = mint("Stranger", ca=True).certificate_pem
        with (project / "cert/ca.pem").open("ab") as file:
            file.write(stranger)
        before = facts(project)

        refused = run(*command)

        assert (refused.code, refused.error["code"]) == (3, "further-ca")
        assert "CN=Stranger" in refused.error["message"]
        assert facts(project) == before
        accepted = run(*command, "--accept", "further-ca")
        assert accepted.code == 0
        assert "further-ca" in {one["code"] for one in accepted.json["warnings"]}
        assert run("enable", "--json").code == 0

    def test_a_rollover_and_what_is_above_a_ca_are_no_strangers(
        self, run: Run, project: Path
    ) -> None:
        assert run("enable", "--mode", "2").code == 0
        assert run(*RENEW, "--ca").code == 0
        (project / "cert/state.json").write_text(
            json.dumps(
                {
                    **(record := json.loads((project / "cert/state.json").read_text())),
                    "identities": [
                        {name: v for name, v in one.items() if name != "files"}
                        for one in record["identities"]
                    ],
                }
            )
        )
        assert run(*RENEW, "--force").code == 0
        assert run("enable", "--json").code == 0


class TestRefusals:
    def test_before_enable_there_is_nothing_to_renew(self, run: Run, project: Path) -> None:
        before = facts(project)
        refused = run(*RENEW)
        assert (refused.code, refused.error["code"]) == (3, "not-enabled")
        assert facts(project) == before

    def test_without_the_key_of_the_ca_nothing_can_be_issued(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        (project / "cert/ca.key").rename(project / "kept-elsewhere.key")
        before = facts(project)

        refused = run(*RENEW, "--force")
        assert (refused.code, refused.error["code"]) == (4, "certificate-unreadable")
        assert "--ca-key" in refused.error["hint"]
        refused = run(*RENEW, "--ca")
        assert "was not created by compose-tls" in refused.error["message"]
        assert facts(project) == before

        given = ("--ca-cert", "cert/ca.pem", "--ca-key", "kept-elsewhere.key")
        renewed = run(*RENEW, "--force", *given)
        assert renewed.code == 0, renewed.out
        assert verifies(project, "cert/ca.pem", "tls/server.pem", "sslserver")
        assert not (project / "cert/ca.key").exists()

    def test_a_ca_of_somebody_else_is_no_renewal(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        other = project / "other"
        other.mkdir()
        for name in USER_FILES:
            (other / name).write_bytes((project / name).read_bytes())
        run("enable", "-C", other, "-q")
        before = contents(project)
        given = ("--ca-cert", "other/cert/ca.pem", "--ca-key", "other/cert/ca.key")
        refused = run(*RENEW, "--force", *given)
        assert (refused.code, refused.error["path"]) == (4, "other/cert/ca.pem")
        assert contents(project) == before

    def test_an_expired_ca_issues_nothing(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(*ENABLE, "--ca-days", "20")
        later(monkeypatch, 21)
        refused = run(*RENEW)
        assert (refused.code, refused.error["code"]) == (4, "certificate-expired")
        assert "renew --ca" in refused.error["hint"]
        assert "renew --ca" in run(*ENABLE, "--json").error["hint"]

    def test_a_takeover_needs_a_new_ca(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        before = facts(project)
        refused = run(*RENEW, "--ca", "--finish")
        assert (refused.code, refused.error["code"]) == (3, "rollover-not-started")
        assert facts(project) == before

    @pytest.mark.parametrize("damaged", ["next-ca.pem", "next-ca.key"])
    def test_a_damaged_new_ca_is_named_and_nothing_is_changed(
        self, run: Run, project: Path, damaged: str
    ) -> None:
        run(*ENABLE)
        run(*RENEW, "--ca")
        (project / "cert" / damaged).write_bytes(b"damaged")
        before = facts(project)
        for command in ((*RENEW, "--finish"), (*RENEW, "--force"), (*ENABLE, "--json")):
            refused = run(*command)
            assert (refused.code, refused.error["path"]) == (4, f"cert/{damaged}")
        assert facts(project) == before


class TestRollover:
    def test_while_two_cas_are_trusted_clients_of_either_are_accepted(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        before = contents(project)

        started = run(*RENEW, "--ca")

        assert started.code == 0
        codes = [warning["code"] for warning in started.json["warnings"]]
        assert codes == ["ca-rollover", "client-waits"]
        after = contents(project)
        assert changed(before, after) == {
            *("cert/ca.pem", "tls/ca.pem", "cert/next-ca.pem", "cert/next-ca.key"),
            "cert/state.json",
        }
        assert after["cert/ca.pem"] == before["cert/ca.pem"] + after["cert/next-ca.pem"]
        (project / "old.pem").write_bytes(before["cert/client.pem"])
        (project / "old-ca.pem").write_bytes(before["cert/ca.pem"])
        for certificate in ("old.pem", "cert/client.pem"):
            assert verifies(project, "tls/ca.pem", certificate, "sslclient")
        for trusted in ("old-ca.pem", "cert/ca.pem"):
            assert verifies(project, trusted, "tls/server.pem", "sslserver")
        assert (project / "cert/next-ca.key").stat().st_mode & 0o777 == 0o600
        assert run("status").code == 0

    def test_in_mode_1_nobody_looks_at_the_clients_certificate(
        self, run: Run, project: Path
    ) -> None:
        run("enable", "-q")
        assert run(*RENEW, "--ca").code == 0
        assert verifies(project, "cert/next-ca.pem", "cert/client.pem", "sslclient")

    def test_further_clients_are_all_named_with_what_they_need(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        names = [f"app-{number}" for number in range(5)]
        run("client", *names)

        for _ in range(2):
            found = {w["code"]: w for w in run(*RENEW, "--ca").json["warnings"]}
            assert ", ".join(names) in found["clients-follow"]["message"]
            assert found["clients-follow"]["hint"] == f"compose-tls client {' '.join(names)}"
        run("client", *names[1:])
        found = {w["code"]: w for w in run(*RENEW, "--ca").json["warnings"]}
        assert found["clients-follow"]["hint"] == "compose-tls client app-0"

    def test_the_old_ca_does_not_go_while_a_client_needs_it(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        names = [f"app-{number}" for number in range(5)]
        run("client", *names)
        run(*RENEW, "--ca")
        before = facts(project)

        refused = run(*RENEW, "--ca", "--finish")

        assert (refused.code, refused.error["code"]) == (3, "clients-left-behind")
        assert ", ".join(names) in refused.error["message"]
        assert facts(project) == before
        run("client", *names)
        assert run(*RENEW, "--ca", "--finish").json["warnings"] == []

    def test_with_the_key_of_the_ca_kept_elsewhere_a_new_ca_has_a_way(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        (project / "cert/ca.key").rename(project / "offline.key")
        old = contents(project)["cert/ca.pem"]
        (project / "offline.pem").write_bytes(old)

        given = ("--ca-cert", "offline.pem", "--ca-key", "offline.key")
        started = run(*RENEW, "--ca", *given)

        assert started.code == 0, started.out
        assert (project / "cert/ca.pem").read_bytes().startswith(old)
        assert run(*RENEW, "--ca", "--finish").code == 0
        assert verifies(project, "cert/ca.pem", "tls/server.pem", "sslserver")
        assert verifies(project, "cert/ca.pem", "cert/client.pem", "sslclient")

    def test_a_second_time_it_changes_nothing_and_so_does_enable(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        run(*RENEW, "--ca")
        before = facts(project)
        again = run(*RENEW, "--ca")
        assert (again.code, again.json["changed"]) == (0, False)
        assert "the new CA already exists" in run("renew", "--ca", "--no-restart").out
        assert run(*ENABLE, "--json").json["changed"] is False
        assert facts(project) == before

    def test_what_is_renewed_meanwhile_outlives_the_change(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        run(*RENEW, "--ca")
        assert run(*RENEW, "--force").code == 0
        assert verifies(project, "cert/next-ca.pem", "cert/client.pem", "sslclient")
        assert not verifies(project, "cert/next-ca.pem", "tls/server.pem", "sslserver")
        assert verifies(project, "cert/ca.pem", "tls/server.pem", "sslserver")

    def test_beginning_and_end_are_told(self, run: Run, project: Path) -> None:
        run("enable", "-q")
        started = run("renew", "--ca", "--no-restart").out
        assert re.search(
            r"^renewed: client, until .*; a second CA, until .*$", started, re.MULTILINE
        )

        ended = run("renew", "--finish", "--no-restart").out

        assert re.search(
            r"^renewed: server.*, until .*; ca\.pem holds only the new CA$", ended, re.MULTILINE
        )

    def test_at_the_end_the_old_ca_and_its_key_are_gone(self, run: Run, project: Path) -> None:
        run(*ENABLE, "--key-type", "rsa-2048")
        old = contents(project)
        run(*RENEW, "--ca")
        during = contents(project)

        ended = run(*RENEW, "--ca", "--finish")

        assert (ended.code, ended.json["changed"]) == (0, True)
        assert not ended.json["warnings"]
        after = contents(project)
        assert after["cert/ca.pem"] == after["tls/ca.pem"] == during["cert/next-ca.pem"]
        assert after["cert/ca.key"] == during["cert/next-ca.key"]
        assert not {"cert/next-ca.pem", "cert/next-ca.key"} & after.keys()
        assert old["cert/ca.key"] not in after.values()
        ca = certificate_facts(after["cert/ca.pem"], path="")
        assert ca.key_type == "rsa-2048"
        assert ca.subject != certificate_facts(old["cert/ca.pem"], path="").subject
        for trusted in ("cert/ca.pem", "tls/ca.pem"):
            assert verifies(project, trusted, "tls/server.pem", "sslserver")
            assert verifies(project, trusted, "cert/client.pem", "sslclient")
        assert run("status").code == 0
        before = facts(project)
        assert run(*ENABLE, "--key-type", "rsa-2048", "--json").json["changed"] is False
        assert facts(project) == before

    def test_a_client_certificate_of_the_old_ca_is_replaced_at_the_end(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        old = contents(project)
        run(*RENEW, "--ca")
        for name in ("cert/client.pem", "cert/client.key"):
            (project / name).write_bytes(old[name])
        assert run(*RENEW, "--finish").code == 0
        assert verifies(project, "cert/ca.pem", "cert/client.pem", "sslclient")

    def test_an_expired_ca_is_replaced_at_once(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        expired = issue_all(
            [
                CertificateOrder("ca", "CN=compose-tls CA", "ecdsa-p256", 20),
                CertificateOrder("server", "CN=localhost", "ecdsa-p256", 20, ("localhost",)),
                CertificateOrder("client", "CN=client", "ecdsa-p256", 20, ("client.invalid",)),
            ],
            None,
            datetime.now(UTC) - timedelta(days=30),
        )
        for role, pair in expired.items():
            (project / f"cert/{role}.pem").write_bytes(pair.certificate_pem)
            (project / f"cert/{role}.key").write_bytes(pair.private_key_pem)

        replaced = run(*RENEW, "--ca")
        assert replaced.code == 0, replaced.out
        assert [warning["code"] for warning in replaced.json["warnings"]] == ["ca-replaced"]
        assert not (project / "cert/next-ca.pem").exists()
        assert verifies(project, "cert/ca.pem", "tls/server.pem", "sslserver")

    def test_a_constrained_ca_is_followed_by_a_constrained_one(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE, "--constrain")
        refused = run(*RENEW, "--force", "--san", "new.example.com", "--dry-run")
        assert (refused.code, refused.error["code"]) == (4, "name-not-permitted")
        assert run(*RENEW, "--ca", "--san", "new.example.com").code == 0
        assert run(*RENEW, "--finish", "--san", "new.example.com").code == 0
        ca = certificate_facts((project / "cert/ca.pem").read_bytes(), path="")
        assert {"new.example.com", "localhost"} <= set(ca.permitted_dns)
        assert verifies(project, "cert/ca.pem", "tls/server.pem", "sslserver")

    def test_an_open_ca_may_be_followed_by_a_constrained_one(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        refused = run(*RENEW, "--force", "--constrain")
        assert (refused.code, refused.error["code"]) == (4, "profile-violation")
        assert run(*RENEW, "--ca", "--constrain").code == 0
        assert run(*RENEW, "--finish").code == 0
        assert certificate_facts((project / "cert/ca.pem").read_bytes(), path="").permitted_dns

    def test_disable_with_purge_takes_the_new_ca_as_well(self, run: Run, project: Path) -> None:
        before = contents(project)
        run(*ENABLE)
        run(*RENEW, "--ca")
        assert run("disable", "--purge").code == 0
        assert contents(project) == before

    def test_user_files_are_never_touched(self, run: Run, project: Path) -> None:
        run(*ENABLE)

        def written() -> dict[str, tuple[int, int]]:
            found = {name: (project / name).stat() for name in USER_FILES}
            return {name: (stat.st_ino, stat.st_ctime_ns) for name, stat in found.items()}

        before = written()
        for step in ((), ("--force",), ("--ca",), ("--finish",)):
            assert run(*RENEW, *step).code == 0
        assert written() == before


def test_without_an_engine_the_files_can_be_renewed_all_the_same(
    run: Run, enable_as: EnableAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable_as("--mode", "1")
    monkeypatch.setenv("DOCKER_HOST", "unix:///no-engine/docker.sock")

    found = run("renew", "--force", "--json")

    assert found.error["code"] in {"engine-unreachable", "compose-missing"}
    assert found.error["hint"].endswith("; or write the files only, with --no-restart")
    assert run("renew", "--force", "--no-restart").code == 0

"""What is said of a project that is not as enable left it, or was never enabled, is so (T2 to T5)."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.corpus.compose_cli import require_compose
from tests.unit.cli.conftest import Run, later
from tests.unit.cli.projects import BY_HAND, PLAIN, only
from tests.unit.pki.minting import mint

REPLACED = (
    "service standalone has presented certs/server.pem until now: "
    "clients that do not trust the new CA are cut off"
)


@pytest.fixture
def plain(project: Path) -> Path:
    """A project whose settings go into the environment."""
    return only(project, PLAIN)


@pytest.fixture
def by_hand(plain: Path) -> Path:
    """Mutual TLS that somebody has set up without compose-tls."""
    (plain / "docker-compose.yml").write_text(BY_HAND, encoding="utf-8")
    (plain / "certs").mkdir()
    ca = mint("Corp", ca=True)
    (plain / "certs/ca.pem").write_bytes(ca.certificate_pem)
    server = mint("localhost", issuer=ca)
    (plain / "certs/server.pem").write_bytes(server.certificate_pem)
    (plain / "certs/server.key").write_bytes(server.private_key_pem)
    return plain


def warnings(run: Run, *arguments: str) -> dict[str, str]:
    document = run(*arguments, "--json").json
    return {one["code"]: one["message"] for one in document["warnings"]}


class TestNoWeakerModeUnasked:
    def test_where_the_record_is_lost(self, run: Run, plain: Path) -> None:
        assert run("enable", "--mode", "2").code == 0
        before = (plain / "docker-compose.yml").read_bytes()
        (plain / "cert/state.json").unlink()

        assert run("enable", "--json").json["mode"] == 2

        assert (plain / "docker-compose.yml").read_bytes() == before
        assert run("status", "--json").json["mode"] == 2

    def test_in_a_fresh_clone(self, run: Run, plain: Path) -> None:
        assert run("enable", "--mode", "2").code == 0
        shutil.rmtree(plain / "cert")
        shutil.rmtree(plain / "tls")

        assert run("enable", "--json").json["mode"] == 2

    def test_where_it_was_set_up_by_hand(self, run: Run, by_hand: Path) -> None:
        before = (by_hand / "docker-compose.yml").read_bytes()
        document = run("enable", "--json").json

        assert document["mode"] == 2
        assert REPLACED in {one["message"] for one in document["warnings"]}
        assert run("disable").code == 0
        assert (by_hand / "docker-compose.yml").read_bytes() == before

    def test_where_somebody_made_it_stricter_since(self, run: Run, plain: Path) -> None:
        assert run("enable", "--mode", "1").code == 0
        path = plain / "docker-compose.yml"
        path.write_text(path.read_text().replace('TLSMODE: "1"', 'TLSMODE: "2"'))

        assert run("enable", "--json").json["mode"] == 2

    def test_asked_for_it_says_whom_it_lets_in(self, run: Run, by_hand: Path) -> None:
        found = warnings(run, "enable", "--mode", "1")

        assert "without a certificate" in found["mode-weakened"]
        assert found["certificate-replaced"] == REPLACED

    def test_a_certificate_that_is_kept_is_not_said_to_go(self, run: Run, by_hand: Path) -> None:
        keep = ("--server-cert", "certs/server.pem", "--server-key", "certs/server.key")
        found = warnings(run, "enable", *keep, "--ca-cert", "certs/ca.pem")

        assert "certificate-replaced" not in found


class TestTheCommandThatIsNamed:
    """It is typed as it is printed, and does what it is named for."""

    def typed(self, run: Run, hint: str) -> int:
        program, *words = shlex.split(hint)
        assert program == "compose-tls"
        return run(*words).code

    @pytest.mark.parametrize("name", ["cert/server", "cert/client"])
    def test_another_pair_in_the_place_of_ours(self, run: Run, plain: Path, name: str) -> None:
        assert run("enable", "--mode", "2").code == 0
        stranger = mint("localhost")
        (plain / f"{name}.pem").write_bytes(stranger.certificate_pem)
        (plain / f"{name}.key").write_bytes(stranger.private_key_pem)

        found = run("status", "--json")

        [drift] = [w for w in found.json["warnings"] if w["code"] == "certificates-drifted"]
        again = "compose-tls enable --mode 2 --accept key-written-over"
        assert drift["hint"] == f"to keep it, move it and its key away; {again} writes it again"
        drifted = {f["path"] for f in found.json["file_states"] if f["state"] == "drifted"}
        keys = {"cert/server.key"} if name == "cert/server" else set()
        assert drifted == {f"{name}.pem", *keys}
        refused = run("enable", "--mode", "2", "--json").error
        assert refused["code"] == "key-written-over"
        told = run(*again.split()[1:], "--json").json["warnings"]
        assert [one["message"] for one in told if one["code"] == "certificate-reissued"] == [
            f"{name}.pem: new certificate, because it did not belong to its key, or was not of this CA"
        ]
        assert run("status").code == 0

    def test_another_ca_in_the_place_of_ours(self, run: Run, plain: Path) -> None:
        assert run("enable", "--mode", "2").code == 0
        (plain / "cert/ca.pem").write_bytes(mint("Stranger", ca=True).certificate_pem)

        found = run("status", "--json").json["warnings"]

        [drift] = [one for one in found if one["code"] == "certificates-drifted"]
        assert drift["hint"] == (
            "restore cert/ca.pem: compose-tls enable does not accept another CA there"
        )
        assert run("enable").code != 0

    def test_a_key_in_the_tls_directory_is_the_one_that_changed(
        self, run: Run, plain: Path
    ) -> None:
        assert run("enable", "--mode", "2").code == 0
        (plain / "tls/server.key").write_bytes(mint("localhost").private_key_pem)

        found = run("status", "--json").json

        assert [f["path"] for f in found["file_states"] if f["state"] != "as-written"] == [
            "tls/server.key"
        ]
        assert self.typed(run, found["next"]) == 0
        assert run("status").code == 0

    def test_where_milvus_is_gone_nothing_is_left_but_to_disable(
        self, run: Run, plain: Path
    ) -> None:
        assert run("enable", "--mode", "2").code == 0
        (plain / "docker-compose.yml").write_text("services:\n  app:\n    image: busybox\n")

        found = run("status", "--json").json

        assert found["next"] == "compose-tls disable"
        assert self.typed(run, found["next"]) == 0


def test_a_key_that_is_elsewhere_is_not_to_be_kept_safe_here(run: Run, plain: Path) -> None:
    assert "keep cert/ca.key safe" in run("enable", "--mode", "2").out
    (plain / "cert/ca.key").unlink()
    (plain / "tls/server.pem").unlink()

    assert "ca.key" not in run("enable").out


def test_what_disable_leaves_to_the_image_is_told(run: Run, plain: Path) -> None:
    path = plain / "docker-compose.yml"
    line = '      ETCD_USE_EMBED: "true"\n'
    path.write_text(PLAIN.replace(line, f'{line}      COMMON_SECURITY_TLSMODE: "1"\n'))
    assert run("enable", "--mode", "2").code == 0

    found = warnings(run, "disable")

    assert found["tls-as-before"] == (
        "standalone still speaks TLS, in mode 1, as before enable; no mount provides its files:"
        " the image's own"
    )


def test_of_an_image_without_a_version_the_user_is_not_known(run: Run, plain: Path) -> None:
    assert run("enable", "--mode", "2").code == 0
    path = plain / "docker-compose.yml"
    path.write_text(path.read_text().replace("milvusdb/milvus:v2.4.5", "acme/milvus:latest"))

    found = run("status", "--json")

    assert found.code == 0
    assert {one["code"]: one["message"] for one in found.json["warnings"]} == {
        "container-user-unknown": "the image of service standalone does not name its user: "
        "whether it can read"
        " tls/server.key is not known"
    }


def test_a_tmpfs_at_our_place_is_in_the_way(run: Run, plain: Path) -> None:
    path = plain / "docker-compose.yml"
    path.write_text(f"{PLAIN}    tmpfs:\n      - /milvus/tls/:size=1m\n")

    refused = run("enable", "--json")

    assert refused.error["code"] == "value-in-the-way"
    assert refused.error["message"] == "service standalone has a tmpfs at /milvus/tls"
    assert refused.error["line"] == 12
    assert run("enable", "--container-tls-dir", "/certs").code == 0


def test_who_speaks_otherwise_to_a_port_is_named(run: Run, plain: Path) -> None:
    path = plain / "docker-compose.yml"
    path.write_text(f"{PLAIN}  app:\n    image: acme/app\n    links: [standalone]\n")
    assert run("enable", "--mode", "2").code == 0

    text = run("status").out

    assert "  unknown       app -> standalone:19530  gRPC\n" in text


class TestNoCircle:
    """What is named as the next step is not answered with "nothing to do"."""

    def test_a_short_life_is_told_when_renew_would_renew(
        self, run: Run, plain: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert run("enable", "--mode", "2", "--days", "21").code == 0
        assert run("status", "--json").json["warnings"] == []
        later(monkeypatch, 15)

        hints = {one["hint"] for one in run("status", "--json").json["warnings"]}

        assert hints == {"compose-tls renew"}
        assert run("renew", "--no-restart", "--dry-run", "--json").json["changed"]

    def test_what_ends_with_its_ca_needs_another_one(
        self, run: Run, plain: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert run("enable", "--mode", "2", "--days", "90", "--ca-days", "90").code == 0
        later(monkeypatch, 70)

        hints = {one["hint"] for one in run("status", "--json").json["warnings"]}

        assert hints == {"compose-tls renew --ca"}

    def test_another_milvus_that_is_off_is_named(self, run: Run, plain: Path) -> None:
        path = plain / "docker-compose.yml"
        second = PLAIN.partition("services:\n")[2].replace("standalone:", "second:", 1)
        path.write_text(PLAIN + second.replace("19530:19530", "29530:19530"))
        assert run("enable", "--mode", "2", "--service", "second").code == 0

        found = run("status", "--json").json

        assert found["next"] == (
            "compose-tls enable --mode 2 --service standalone --service second"
        )
        assert run(*shlex.split(found["next"])[1:]).code == 0
        assert run("status").code == 0


def test_files_of_a_client_that_are_not_there_are_told(run: Run, by_hand: Path) -> None:
    keep = ("--server-cert", "certs/server.pem", "--server-key", "certs/server.key")
    assert run("enable", *keep, "--ca-cert", "certs/ca.pem").code == 0

    found = warnings(run, "connect")

    assert "no client here has one" in found["client-certificate-missing"]


class TestWhatIsGone:
    """A file of ours that is gone is named, with what puts it back."""

    @pytest.fixture(autouse=True)
    def enabled(self, run: Run, plain: Path) -> Path:
        assert run("enable", "--mode", "2").code == 0
        return plain

    def test_the_ca_comes_back_from_its_copy(
        self, run: Run, enabled: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(enabled)
        before = (enabled / "cert/ca.pem").read_bytes()
        (enabled / "cert/ca.pem").unlink()
        again = "cp tls/ca.pem cert/ca.pem"

        status, enable = run("status", "--json").json, run("enable", "--json").json

        assert status["next"] == again
        assert [one["hint"] for one in status["warnings"]] == [again]
        assert enable["error"]["hint"] == f"{again}, then run this again"
        shutil.copyfile(*(enabled / name for name in again.split()[1:]))
        assert run("enable").code == run("status").code == 0
        assert (enabled / "cert/ca.pem").read_bytes() == before

    @pytest.mark.parametrize("how", ["damaged", "another", "one more"])
    def test_one_that_is_not_the_ca_any_more_is_put_right_by_the_step_that_is_printed(
        self, run: Run, enabled: Path, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        monkeypatch.chdir(enabled)
        run("client", "alice", "-q")
        path = enabled / "cert/ca.pem"
        before, other = path.read_bytes(), mint("Corp", ca=True).certificate_pem
        path.write_bytes({"damaged": b"x", "another": other}.get(how, before + other))
        status, enable = run("status", "--json").json, run("enable", "--json")
        assert status["next"] == "cp tls/ca.pem cert/ca.pem"
        assert enable.code != 0
        if how == "damaged":
            # No CA is known, and so of no client that its CA is another one.
            assert {one["code"] for one in status["warnings"]} == {"certificate-unreadable"}
            assert enable.error["hint"] == "cp tls/ca.pem cert/ca.pem, then run this again"
        shutil.copyfile("tls/ca.pem", "cert/ca.pem")
        assert run("enable").code == run("status").code == 0
        assert path.read_bytes() == before

    def test_another_ca_is_not_put_in_its_place(self, run: Run, enabled: Path) -> None:
        (enabled / "cert/ca.pem").unlink()
        (enabled / "tls/ca.pem").write_bytes(mint("Corp", ca=True).certificate_pem)

        assert not run("status", "--json").json["next"].startswith("cp ")

    def test_a_fresh_clone_is_told_how_to_have_certificates_again(
        self, run: Run, enabled: Path
    ) -> None:
        """What is ignored by git is gone: state.json, and what Milvus is told to open."""
        for name in ("cert", "tls"):
            shutil.rmtree(enabled / name)
        hints = {one["hint"] for one in run("status", "--json").json["warnings"]}
        (hint,) = hints
        before, _, command = hint.partition(": ")
        assert (before, command) == (
            "put it there, or have it issued",
            "compose-tls enable --mode 2",
        )
        assert run(*command.split()[1:]).code == run("status").code == 0

    @pytest.mark.parametrize("name", ["server", "client"])
    def test_a_key_is_named_and_is_the_reason(self, run: Run, enabled: Path, name: str) -> None:
        (enabled / f"cert/{name}.key").unlink()

        assert warnings(run, "status") == {"certificate-unreadable": f"cert/{name}.key is gone"}
        told = warnings(run, "enable")["certificate-reissued"]
        assert told == f"cert/{name}.pem: new certificate, because its key was missing"

    def test_a_client_needs_no_key_in_mode_1(self, run: Run, enabled: Path) -> None:
        assert run("enable", "--mode", "1").code == 0
        (enabled / "cert/client.key").unlink()

        assert warnings(run, "status") == {}

    def test_what_a_purge_leaves_is_not_said_to_be_removed(self, run: Run, enabled: Path) -> None:
        assert run("disable").code == 0
        (enabled / "cert/ca.pem").unlink()

        said = run("disable", "--purge")

        assert "tls stays: it still contains: ca.pem" in said.err
        assert (
            "removed: cert/, what enable wrote in tls/ (certificates and private keys)" in said.out
        )

    def test_without_a_record_mode_2_is_not_new(self, run: Run, enabled: Path) -> None:
        (enabled / "cert/state.json").unlink()

        assert "every client needs a certificate now" not in run("enable").out


@pytest.mark.parametrize("command", ["check", "connect", "renew"])
def test_what_was_made_by_hand_is_not_made_weaker(run: Run, by_hand: Path, command: str) -> None:
    error = run(command, "--json").json["error"]

    assert error["message"].startswith("TLS is not enabled by compose-tls in ")
    assert error["hint"].startswith("compose-tls enable --mode 2; ")


def test_who_cannot_issue_is_not_told_to(run: Run, by_hand: Path) -> None:
    (by_hand / "docker-compose.yml").write_text(PLAIN, encoding="utf-8")
    keep = ("--server-cert", "certs/server.pem", "--server-key", "certs/server.key")

    said = run("enable", "--mode", "2", *keep, "--ca-cert", "certs/ca.pem")

    assert said.code == 0
    assert "no client here has one" in said.err
    assert "compose-tls client" not in said.out


@pytest.mark.parametrize(
    "line", ["COMMON_SECURITY_TLSMODE:", 'COMMON_SECURITY_TLSMODE: "${MODE:-0}"']
)
def test_what_only_the_shell_says_is_written_down(
    run: Run, plain: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    path = plain / "docker-compose.yml"
    text = PLAIN.replace('ETCD_USE_EMBED: "true"', line)
    path.write_text(text, encoding="utf-8")
    for name in ("COMMON_SECURITY_TLSMODE", "MODE"):
        monkeypatch.setenv(name, "2")
    assert run("enable", "--mode", "2").code == 0
    for name in ("COMMON_SECURITY_TLSMODE", "MODE"):
        monkeypatch.delenv(name)

    assert run("status", "--json").json["mode"] == 2
    assert run("disable").code == 0
    assert path.read_text(encoding="utf-8") == text


class TestTlsInAFileThatIsNotEdited:
    """``disable`` tells the mode that comes back, wherever it was said before ``enable``."""

    @pytest.fixture(autouse=True)
    def enabled(self, run: Run, by_hand: Path) -> Path:
        (by_hand / "user.yaml").write_text(
            "common: {security: {tlsMode: 2}}\n"
            "tls: {serverPemPath: /certs/server.pem, serverKeyPath: /certs/server.key,"
            " caPemPath: /certs/ca.pem}\n"
        )
        mounts = ("- ./certs:/certs:ro\n", "- ./user.yaml:/milvus/configs/user.yaml\n")
        text = PLAIN.replace("    volumes:\n", f"    volumes:\n      {'      '.join(mounts)}")
        (by_hand / "docker-compose.yml").write_text(text, encoding="utf-8")
        assert run("enable").code == 0
        return by_hand

    def test_the_mode_of_before_comes_back(self, run: Run) -> None:
        disabled = run("disable")

        assert disabled.code == 0
        assert "standalone: mutual TLS (mode 2), as before" in disabled.out

    def test_another_mode_is_not_that_of_before(self, run: Run, enabled: Path) -> None:
        path = enabled / "user.yaml"
        path.write_text(path.read_text().replace("tlsMode: 2", "tlsMode: 1"))

        assert run("disable", "--json").json["error"]["code"] == "tls-remains"


class TestAModeByHand:
    """Who changes the mode that enable wrote has not said how it was before."""

    @pytest.mark.parametrize(("now", "after"), [("0", 1), ("2", 2), ("x", 1)])
    def test_enable_takes_it_for_ours_and_never_for_a_weaker_one(
        self, run: Run, plain: Path, now: str, after: int
    ) -> None:
        path = plain / "docker-compose.yml"
        assert run("enable").code == 0
        path.write_text(path.read_text().replace('TLSMODE: "1"', f'TLSMODE: "{now}"'))

        again = run("enable", "--json").json

        assert (again["mode"], run("status", "--json").json["mode"]) == (after, after)
        assert "edit-kept" not in {one["code"] for one in again["warnings"]}
        assert run("disable").code == 0
        assert path.read_text(encoding="utf-8") == PLAIN

    def test_the_same_in_a_list(self, run: Run, plain: Path) -> None:
        path = plain / "docker-compose.yml"
        text = PLAIN.replace('ETCD_USE_EMBED: "true"', "- ETCD_USE_EMBED=true")
        path.write_text(text, encoding="utf-8")
        assert run("enable", "--mode", "2").code == 0
        path.write_text(path.read_text().replace("TLSMODE=2", "TLSMODE=1"))

        assert run("enable", "--json").json["mode"] == 2
        assert run("disable").code == 0
        assert path.read_text(encoding="utf-8") == text


class TestAnotherName:
    """What has another name now is known by what it holds."""

    def test_a_compose_file_that_was_renamed_can_still_be_undone(
        self, run: Run, plain: Path
    ) -> None:
        assert run("enable").code == 0
        (plain / "docker-compose.yml").rename(plain / "compose.yaml")

        assert run("enable").code == run("status").code == 0
        assert "byte for byte as before" in run("disable").out
        assert (plain / "compose.yaml").read_text(encoding="utf-8") == PLAIN

    def test_a_service_is_still_one_of_ours_and_what_stays_is_said(
        self, run: Run, plain: Path
    ) -> None:
        path = plain / "docker-compose.yml"
        assert run("enable", "--mode", "2").code == 0
        path.write_text(path.read_text().replace("  standalone:", "  vectors:", 1))

        assert run("status").out.startswith("vectors: mutual TLS (mode 2)\n")
        assert "mutual TLS (mode 2), which stays" in run("disable", "--accept", "tls-remains").out


class TestLaterFiles:
    """What Compose loads later wins: then the edits go there, or are refused with the place."""

    @pytest.fixture
    def extended(self, project: Path) -> Path:
        """An override file whose service extends another that switches TLS off."""
        extends = (
            "services:\n  standalone:\n    extends:\n      file: later.yml\n      service: later\n"
        )
        later = "services:\n  later:\n    environment:\n      COMMON_SECURITY_TLSMODE: '0'\n"
        (project / "docker-compose.override.yml").write_text(extends)
        (project / "later.yml").write_text(later)
        return project

    def test_the_edits_go_where_they_have_an_effect(self, run: Run, extended: Path) -> None:
        before = {path.name: path.read_bytes() for path in extended.glob("*.y*ml")}
        enabled = run("enable", "--mode", "2", "--config", "env", "--json").json
        assert "override-used" in {one["code"] for one in enabled["warnings"]}
        assert run("status", "--json").json["mode"] == 2
        assert run("enable", "--json").json["changed"] is False
        require_compose()
        loaded = subprocess.run(
            ["docker", "compose", "config", "--format", "json"], check=True, capture_output=True
        )
        told = json.loads(loaded.stdout)["services"]["standalone"]["environment"]
        assert told["COMMON_SECURITY_TLSMODE"] == "2"
        assert run("disable").code == 0
        assert {path.name: path.read_bytes() for path in extended.glob("*.y*ml")} == before

    def test_where_no_file_comes_later_the_place_is_named(self, run: Run, extended: Path) -> None:
        files = ("-f", "docker-compose.yml", "-f", "docker-compose.override.yml")
        refused = run("enable", "--mode", "2", "--config", "env", *files, "--json")
        assert (refused.code, refused.error["code"]) == (3, "edit-refused")
        assert (refused.error["path"], refused.error["line"]) == ("later.yml", 4)
        assert not (extended / "cert").exists()

"""status: what it finds in a real directory, says, and exits with."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from compose_tls.files import ProjectFiles, RegularFile
from tests.unit.cli.conftest import Run, later

ATTU = """
  attu:
    image: zilliz/attu:v2.3.8
    environment: {MILVUS_URL: 'standalone:19530'}
"""


def warnings(run: Run) -> list[tuple[str, str | None]]:
    return [(w["code"], w.get("hint")) for w in run("status", "--json").json["warnings"]]


@pytest.fixture
def attu(project: Path) -> Path:
    """The project with an Attu beside Milvus."""
    path = project / "docker-compose.yml"
    text = path.read_text(encoding="utf-8").replace("\nnetworks:", f"{ATTU}\nnetworks:")
    path.write_text(text, encoding="utf-8")
    return project


@pytest.fixture
def clients(project: Path, run: Run) -> Path:
    """A project with TLS and the certificates of three further clients."""
    run("enable", "--mode", "2")
    assert run("client", "anna", "bert", "carl").code == 0
    return project / "cert" / "clients"


class TestAges:
    @pytest.mark.parametrize(
        ("days", "said", "hint"),
        [
            (794, None, None),
            (795, "expires in 29 days", "compose-tls renew"),
            (823, "expires in 1 day", "compose-tls renew"),
            (824, "expires in less than a day", "compose-tls renew"),
        ],
    )
    def test_the_last_thirty_days_are_warned_of(
        self,
        run: Run,
        project: Path,
        monkeypatch: pytest.MonkeyPatch,
        days: int,
        said: str | None,
        hint: str | None,
    ) -> None:
        run("enable")
        later(monkeypatch, days)
        outcome = run("status")
        assert outcome.code == 0
        if said is None:
            assert outcome.err == ""
        else:
            assert f"warning[certificate-expires-soon]: tls/server.pem {said}, on 20" in outcome.err
            assert f"\n  next: {hint}\n" in outcome.err

    def test_an_old_ca_is_renewed_with_ca(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("enable", "--ca-days", "900")
        later(monkeypatch, 880)
        hints = {
            w["path"]: (w["code"], w["hint"]) for w in run("status", "--json").json["warnings"]
        }
        assert hints["cert/ca.pem"] == ("certificate-expires-soon", "compose-tls renew --ca")
        assert hints["tls/server.pem"] == ("certificate-expired", "compose-tls renew")
        assert run("status").code == 4

    def test_a_rollover_is_told_of_with_its_end(self, run: Run, project: Path) -> None:
        run("enable", "--mode", "2")
        assert run("renew", "--ca", "--no-restart").code == 0
        outcome = run("status", "--json")
        assert outcome.code == 0
        [warning] = outcome.json["warnings"]
        assert (warning["code"], warning["path"]) == ("ca-rollover", "cert/ca.pem")
        assert warning["hint"].endswith("compose-tls renew --ca --finish")
        assert warning["message"].startswith("two CAs are trusted")
        assert "cert/next-ca.pem" in {c["path"] for c in outcome.json["certificates"]}
        assert f"  next: {warning['hint']}\n" in run("status").err

    def test_a_next_ca_that_nothing_recorded_is_told_of_too(self, run: Run, project: Path) -> None:
        run("enable")
        shutil.copy(project / "cert" / "ca.pem", project / "cert" / "next-ca.pem")
        outcome = run("status", "--json")
        assert [w["code"] for w in outcome.json["warnings"]] == ["ca-rollover"]
        assert "cert/next-ca.pem" in {c["path"] for c in outcome.json["certificates"]}


class TestFurtherClients:
    def test_people_see_how_many_and_the_first_to_end(self, run: Run, clients: Path) -> None:
        outcome = run("status")
        assert outcome.code == 0
        assert re.search(
            r"^  clients +3 certificates in cert/clients, the first to expire: anna, "
            r"until 20\d\d-\d\d-\d\d \(\d+ (days|months|years)\)$",
            outcome.out,
            re.MULTILINE,
        )
        assert "cert/clients/bert.pem" in run("status", "-v").out
        paths = {c["path"] for c in run("status", "--json").json["certificates"]}
        assert {f"cert/clients/{n}.pem" for n in ("anna", "bert", "carl")} < paths

    @pytest.mark.parametrize(
        ("days", "code"),
        [(800, "client-certificate-expires-soon"), (830, "client-certificate-expired")],
    )
    def test_those_that_end_are_one_warning(
        self,
        run: Run,
        clients: Path,
        monkeypatch: pytest.MonkeyPatch,
        days: int,
        code: str,
    ) -> None:
        shutil.copy(clients / "carl.pem", clients / "dora.pem")
        later(monkeypatch, days)
        [found] = [w for w in run("status", "--json").json["warnings"] if w["code"] == code]
        assert found["message"].endswith("for anna, bert, carl and 1 more")
        issuing = "compose-tls client anna bert carl dora"
        # To the command, this one is not dora's: it does not write over it.
        assert found["hint"].startswith(f"move the files of dora away, then {issuing}")

    def test_a_damaged_one_breaks_nothing_but_itself(self, run: Run, clients: Path) -> None:
        (clients / "bert.pem").write_bytes(b"no certificate")
        (clients / "a-directory.pem").mkdir()
        outcome = run("status", "--json")
        assert outcome.code == 0
        [warning] = outcome.json["warnings"]
        assert warning["code"] == "client-certificate-unreadable"
        assert warning["message"] == "cert/clients: damaged for bert"


class TestKeys:
    def test_a_key_that_others_may_read(self, run: Run, clients: Path) -> None:
        for path in (clients.parent / "ca.key", clients / "bert.key"):
            path.chmod(0o644)
        assert warnings(run) == [
            ("key-exposed", "chmod 600 cert/ca.key"),
            ("key-exposed", "chmod 600 cert/clients/bert.key"),
        ]
        assert run("status").code == 0

    def test_the_command_that_it_names_mends_it(self, run: Run, project: Path) -> None:
        run("enable")
        (project / "tls" / "server.key").chmod(0o666)
        [(_, hint)] = warnings(run)
        assert hint is not None
        assert os.system(hint) == 0  # noqa: S605 - the command that status tells people to run
        assert warnings(run) == []

    def test_the_pki_directory_in_another_container(self, run: Run, attu: Path) -> None:
        path = attu / "docker-compose.yml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(ATTU, f"{ATTU}    volumes: ['./cert:/app/tls']\n"))
        run("enable")
        outcome = run("status", "--json")
        assert outcome.code == 0
        [warning] = outcome.json["warnings"]
        assert (warning["code"], warning["path"]) == ("key-mounted", "docker-compose.yml")
        line = path.read_text(encoding="utf-8").splitlines()[warning["line"] - 1]
        assert "./cert:/app/tls" in line

    @pytest.mark.parametrize("tls_dir", ["tls", "secrets/tls"])
    def test_keys_that_were_in_the_mounted_directory_before(
        self, run: Run, project: Path, tls_dir: str
    ) -> None:
        (project / tls_dir).mkdir(parents=True)
        for name in ("ca.key", "client.key"):
            (project / tls_dir / name).touch(0o600)
        enabled = run("enable", "--tls-dir", tls_dir, "--json").json
        for told in (enabled, run("status", "--json").json):
            [warning] = (one for one in told["warnings"] if one["code"] == "key-mounted")
            assert f"sees {tls_dir}/ca.key and {tls_dir}/client.key" in warning["message"]
        for name in ("ca.key", "client.key"):
            (project / tls_dir / name).rename(project / name)
        assert warnings(run) == []

    def test_a_link_there_that_leads_outside_is_neither_looked_at_nor_told_to_be_changed(
        self, run: Run, project: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "theirs").touch(0o644)
        (project / "tls").mkdir()
        (project / "tls" / "ca.key").symlink_to(tmp_path / "theirs")
        assert run("enable").code == 0
        assert warnings(run) == []

    def test_a_server_key_that_is_not_the_one_of_the_certificate(
        self, run: Run, project: Path
    ) -> None:
        run("enable")
        shutil.copyfile(project / "cert" / "client.key", project / "tls" / "server.key")
        outcome = run("status", "--json")
        assert outcome.code == 7
        assert {"path": "tls/server.key", "state": "drifted"} in outcome.json["file_states"]

    def test_a_server_key_that_is_gone(self, run: Run, project: Path) -> None:
        run("enable")
        (project / "tls" / "server.key").unlink()
        assert run("status").code == 4

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    def test_a_server_key_that_its_container_cannot_read_is_4(
        self, run: Run, project: Path
    ) -> None:
        path = project / "docker-compose.yml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("    security_opt:", "    user: '999:999'\n    security_opt:"))
        run("enable")
        key = project / "tls" / "server.key"
        assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (999, 0o600)
        assert run("status").code == 0
        os.chown(key, 0, 0)
        assert warnings(run) == [("server-key-unreadable", "chown 999 tls/server.key")]
        assert run("status").code == 4


class TestTheMap:
    @pytest.mark.parametrize("enabled", [True, False])
    def test_it_is_there_with_and_without_tls(self, run: Run, attu: Path, *, enabled: bool) -> None:
        if enabled:
            run("enable")
        outcome = run("status", "--json")
        assert outcome.code == (0 if enabled else 7)
        ways = {(tuple(one["sources"]), tuple(one["targets"])) for one in outcome.json["links"]}
        assert ways == {
            (("clients",), ("standalone",)),
            (("monitoring",), ("standalone",)),
            (("attu",), ("standalone",)),
            (("standalone",), ("etcd",)),
            (("standalone",), ("minio",)),
        }
        first = (
            "encrypted  clients -> standalone" if enabled else "plain      clients -> standalone"
        )
        assert f"connections\n  {first}" in run("status", "-v").out

    def test_advice_stands_below_its_link(self, run: Run, attu: Path) -> None:
        run("enable", "--neighbours", "list")
        text = run("status", "-v").out
        assert '\n             plain in every mode: publish it as "127.0.0.1:9091:9091"\n' in text
        assert "switch attu to TLS (it reads MILVUS_URL)" in text

    def test_a_project_without_milvus_has_none(self, run: Run, project: Path) -> None:
        (project / "docker-compose.yml").write_text("services: {web: {image: nginx}}\n")
        assert run("status", "--json").json["links"] == []
        assert "connections" not in run("status").out
        for form in ("svg", "mermaid"):
            assert "no service of this project runs Milvus" in run("status", "--format", form).out


class TestFormats:
    @pytest.mark.parametrize("arguments", [("--format", "json"), ("--format=json",)])
    def test_json_is_the_document(
        self, run: Run, project: Path, arguments: tuple[str, ...]
    ) -> None:
        assert run("status", *arguments).out == run("status", "--json").out
        assert run("status", *arguments, "-C", "missing").error["code"] == "wrong-usage"

    @pytest.mark.parametrize("form", ["mermaid", "svg"])
    def test_a_picture_is_all_there_is_on_standard_output(
        self, run: Run, project: Path, form: str
    ) -> None:
        run("enable")
        (project / "cert" / "ca.key").chmod(0o644)
        outcome = run("status", "--format", form)
        assert outcome.code == 0
        assert outcome.out.startswith("flowchart LR\n" if form == "mermaid" else "<svg ")
        assert outcome.out.isascii()
        assert "next: chmod 600 cert/ca.key" in outcome.err

    @pytest.mark.parametrize("form", ["mermaid", "svg"])
    def test_the_exit_code_is_that_of_the_text(self, run: Run, project: Path, form: str) -> None:
        assert run("status", "--format", form).code == 7

    def test_json_wins_over_a_picture(self, run: Run, project: Path) -> None:
        assert run("status", "--format", "svg", "--json").json["command"] == "status"

    def test_another_format_is_wrong_usage(self, run: Run, project: Path) -> None:
        assert run("status", "--format", "png").code == 2


def test_the_map_knows_the_clients_that_enable_names(run: Run, project: Path) -> None:
    """Who talks to Milvus is decided once: by variables, files, links, order, labels."""
    compose = project / "docker-compose.yml"
    text = compose.read_text()
    (project / "gate.conf").write_text("location / { grpc_pass grpc://standalone:19530; }\n")
    services = """
  reads-a-variable:
    image: example/app
    environment: {MILVUS_URI: "http://standalone:19530"}
  has-a-file:
    image: nginx
    volumes: ["./gate.conf:/etc/nginx/conf.d/default.conf"]
  waits-for-it:
    image: example/worker
    depends_on: [standalone]
  by-the-host:
    image: example/other
    environment: {MILVUS_URI: "http://host.docker.internal:19530"}
  shows-no-certificate:
    image: example/tls
    environment: {MILVUS_URI: "https://standalone:19530"}

networks:
"""
    assert "\nnetworks:\n" in text
    compose.write_text(text.replace("\nnetworks:\n", services, 1))

    listed = run(
        "enable", "--mode", "2", "--neighbours", "list", "--accept", "clients-cut-off", "--json"
    )
    cut_off = {one["service"] for one in listed.json["cut_off"]}
    links = run("status", "--json").json["links"]

    noted = {link["sources"][0] for link in links if link.get("note") and link["port"] == 19530}
    assert cut_off == noted
    assert cut_off == {
        *("reads-a-variable", "has-a-file", "waits-for-it", "by-the-host", "shows-no-certificate")
    }


@pytest.mark.parametrize("command", ["status", "connect"])
def test_every_file_is_read_once(
    command: str, run: Run, clients: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[Path] = Counter()
    real = ProjectFiles.read_named

    def counted(self: ProjectFiles, path: Path, limit: int) -> RegularFile | None:
        read[path] += 1
        return real(self, path, limit)

    monkeypatch.setattr(ProjectFiles, "read_named", counted)
    run(command)
    assert clients.parent / "state.json" in read
    assert [path for path, times in read.items() if times > 1] == []

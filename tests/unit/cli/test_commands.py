"""What enable, disable, status and connect do to files, print, and exit with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run, contents, facts, later

FILES = {
    "docker-compose.yml",
    "milvus.yaml",
    "cert/.gitignore",
    "cert/ca.pem",
    "cert/ca.key",
    "cert/server.pem",
    "cert/server.key",
    "cert/client.pem",
    "cert/client.key",
    "cert/state.json",
    "tls/.gitignore",
    "tls/ca.pem",
    "tls/server.pem",
    "tls/server.key",
}


class TestDryRun:
    @pytest.mark.parametrize("mode", ["1", "2"])
    def test_it_writes_nothing_and_shows_a_diff_that_gives_what_enable_gives(
        self, run: Run, project: Path, tmp_path: Path, mode: str
    ) -> None:
        before = facts(project)
        preview = run("enable", "--mode", mode, "--dry-run", "--json")
        assert preview.code == 0
        assert facts(project) == before
        document = preview.json
        assert (document["changed"], document["dry_run"]) == (True, True)
        assert {file["path"] for file in document["files"]} == FILES
        copy = shutil.copytree(project, tmp_path / "copy")
        if shutil.which("patch"):
            subprocess.run(
                ["patch", "-p1", "--batch"],
                cwd=copy,
                input=document["diff"].encode(),
                check=True,
                capture_output=True,
            )
            assert run("enable", "--mode", mode).code == 0
            for name in ("docker-compose.yml", "milvus.yaml"):
                assert (copy / name).read_bytes() == (project / name).read_bytes()

    def test_people_see_the_diff_and_every_file(self, run: Run, project: Path) -> None:
        outcome = run("enable", "--dry-run")
        assert "+++ b/docker-compose.yml\n" in outcome.out
        assert "would change to one-way TLS (mode 1); nothing was written\n" in outcome.out
        for name in FILES:
            assert re.search(
                rf"^  {re.escape(name)} +would be (created|changed)$", outcome.out, re.MULTILINE
            )

    def test_disable_shows_the_way_back_and_writes_nothing(self, run: Run, project: Path) -> None:
        run("enable")
        before = facts(project)
        outcome = run("disable", "--dry-run")
        assert outcome.code == 0
        assert "-      - ./tls:/milvus/tls\n" in outcome.out
        assert facts(project) == before


class TestEnable:
    def test_it_says_what_changed_and_where_the_keys_are(self, run: Run, project: Path) -> None:
        done = run("enable", "--mode", "2")
        assert done.code == 0, done.err
        said = done.out
        assert "  changed  docker-compose.yml, milvus.yaml\n" in said
        assert "  keys     cert/ (private: keep cert/ca.key safe), tls/ (mounted)\n" in said

    def test_a_second_run_changes_nothing_and_says_so(self, run: Run, project: Path) -> None:
        run("enable", "--mode", "2")
        before = facts(project)
        again = run("enable", "--mode", "2")
        assert again.code == 0
        assert again.out.startswith(
            "nothing to change in the files: mutual TLS (mode 2), service standalone"
        )
        assert run("enable", "--mode", "2", "--json").json["changed"] is False
        assert facts(project) == before

    def test_files_have_the_modes_they_need(self, run: Run, project: Path) -> None:
        old = os.umask(0)
        try:
            run("enable")
        finally:
            os.umask(old)
        modes = {name: mode & 0o7777 for name, (_, mode, _, _) in facts(project).items()}
        assert modes["cert"] == 0o700
        assert modes["tls"] == 0o755
        for name in FILES:
            private = name.endswith(".key") or name == "cert/state.json"
            if name.startswith(("cert/", "tls/")):
                assert modes[name] == (0o600 if private else 0o644), name

    def test_no_private_key_is_printed(self, run: Run, project: Path) -> None:
        for arguments in (("enable", "-v"), ("enable", "--json", "-v"), ("status", "-v")):
            outcome = run(*arguments)
            assert "PRIVATE KEY" not in outcome.out + outcome.err

    def test_the_document_tells_everything(self, run: Run, project: Path) -> None:
        document = run("enable", "--mode", "2", "--json").json
        assert document["ok"] is document["changed"] is True
        assert (document["mode"], document["services"]) == (2, ["standalone"])
        assert document["endpoint"] == {
            "uri": "https://localhost:19530",
            "server_name": "localhost",
        }
        assert {file["path"]: file["action"] for file in document["files"]} == {
            name: "patched" if name.endswith((".yml", ".yaml")) else "created" for name in FILES
        }
        assert {c["path"] for c in document["certificates"]} == {
            "cert/ca.pem",
            "cert/server.pem",
            "cert/client.pem",
            "tls/ca.pem",
            "tls/server.pem",
        }

    def test_files_that_would_come_out_the_same_in_another_mode_are_kept(
        self, run: Run, project: Path
    ) -> None:
        run("enable", "--mode", "1")
        keys = {n: c for n, c in contents(project).items() if n.startswith(("cert/", "tls/"))}
        assert run("enable", "--mode", "2", "--json").json["changed"] is True
        now = contents(project)
        assert {n: now[n] for n in keys if n != "cert/state.json"} == {
            n: c for n, c in keys.items() if n != "cert/state.json"
        }


class TestDisable:
    @pytest.mark.parametrize("mode", ["1", "2"])
    @pytest.mark.parametrize("config", ["file", "env"])
    def test_it_gives_back_the_very_bytes(
        self, run: Run, project: Path, mode: str, config: str
    ) -> None:
        before = contents(project)
        assert run("enable", "--mode", mode, "--config", config).code == 0
        outcome = run("disable")
        assert outcome.code == 0
        done = "TLS removed from standalone: its files are byte for byte as before\n"
        assert outcome.out.startswith(done)
        after = contents(project)
        assert {n: c for n, c in after.items() if "/" not in n} == before
        assert "cert/state.json" not in after
        assert "cert/ca.key" in after

    def test_purge_removes_the_certificates_too(self, run: Run, project: Path) -> None:
        before = contents(project)
        run("enable")
        assert run("disable", "--purge").code == 0
        assert contents(project) == before
        assert not (project / "cert").exists()
        assert not (project / "tls").exists()

    def test_purge_keeps_what_is_not_ours(self, run: Run, project: Path) -> None:
        run("enable")
        (project / "cert" / "mine.pem").write_text("mine")
        run("disable", "--purge")
        assert [path.name for path in (project / "cert").iterdir()] == ["mine.pem"]

    def test_after_an_edit_only_our_own_entries_go(self, run: Run, project: Path) -> None:
        before = (project / "docker-compose.yml").read_text()
        run("enable")
        path = project / "docker-compose.yml"
        path.write_text(path.read_text().replace("retries: 3", "retries: 4"))
        outcome = run("disable", "--json")
        assert outcome.code == 0
        assert path.read_text() == before.replace("retries: 3", "retries: 4")
        assert [w["code"] for w in outcome.json["warnings"]] == ["file-changed-since"]
        assert (
            "warning[file-changed-since]: docker-compose.yml was changed since enable"
            in outcome.err
        )

    def test_after_an_edit_nobody_is_told_of_the_very_bytes(self, run: Run, project: Path) -> None:
        run("enable")
        path = project / "docker-compose.yml"
        path.write_text(path.read_text().replace("retries: 3", "retries: 4"))
        said = run("disable").out
        assert said.startswith(
            "TLS removed from standalone: its files are without what enable added"
        )

    def test_enabling_again_uses_the_same_certificates(self, run: Run, project: Path) -> None:
        run("enable")
        first = contents(project)
        run("disable")
        assert run("enable").code == 0
        assert contents(project) == first


class TestStatus:
    def test_a_project_without_tls_is_7(self, run: Run, project: Path) -> None:
        outcome = run("status")
        assert outcome.code == 7
        assert "next: compose-tls enable" in outcome.out
        assert run("status", "--json").json["ok"] is False

    def test_a_project_as_enable_left_it_is_0(self, run: Run, project: Path) -> None:
        run("enable", "--mode", "2")
        assert run("status").code == 0
        document = run("status", "--json").json
        assert (document["ok"], document["mode"]) == (True, 2)
        assert {file["state"] for file in document["file_states"]} == {"as-written"}
        assert {c["days_left"] for c in document["certificates"]} <= {824, 825, 3649, 3650}

    @pytest.mark.parametrize("name", ["docker-compose.yml", "milvus.yaml"])
    def test_a_file_that_was_edited_since_is_7(self, run: Run, project: Path, name: str) -> None:
        run("enable")
        file = project / name
        file.write_text(file.read_text().replace("/milvus/tls", "/milvus/other"))
        outcome = run("status", "--json")
        assert outcome.code == 7
        states = {file["path"]: file["state"] for file in outcome.json["file_states"]}
        assert states[name] == "drifted"
        assert re.search(rf"^  files +{re.escape(name)} drifted$", run("status").out, re.MULTILINE)
        detail = run("status", "-v").out
        assert re.search(rf"^  {re.escape(name)} +drifted$", detail, re.MULTILINE)

    def test_a_certificate_that_was_replaced_since_is_7(self, run: Run, project: Path) -> None:
        run("enable")
        shutil.copyfile(project / "cert" / "client.pem", project / "tls" / "server.pem")
        outcome = run("status", "--json")
        assert outcome.code == 7

    @pytest.mark.parametrize("content", [None, b"", b"no certificate"])
    def test_a_certificate_that_is_gone_or_damaged_is_4(
        self, run: Run, project: Path, content: bytes | None
    ) -> None:
        run("enable")
        path = project / "tls" / "server.pem"
        path.unlink() if content is None else path.write_bytes(content)
        outcome = run("status", "--json")
        assert outcome.code == 4
        assert outcome.json["ok"] is False
        assert [w["code"] for w in outcome.json["warnings"]] == ["certificate-unreadable"]

    @pytest.mark.parametrize(
        ("days", "code", "warning"),
        [(0, 0, None), (800, 0, "certificate-expires-soon"), (826, 4, "certificate-expired")],
    )
    def test_the_time_that_is_left_is_told(
        self,
        run: Run,
        project: Path,
        monkeypatch: pytest.MonkeyPatch,
        days: int,
        code: int,
        warning: str | None,
    ) -> None:
        run("enable")
        later(monkeypatch, days)
        outcome = run("status", "--json")
        assert outcome.code == code
        assert {w["code"] for w in outcome.json["warnings"]} == ({warning} if warning else set())

    def test_the_service_can_be_named_more_than_once(self, run: Run, project: Path) -> None:
        named = ("--service", "standalone", "--service", "standalone")
        assert run("enable", *named).code == 0
        assert run("status", *named, "--json").json["services"] == ["standalone"]


class TestCutOff:
    def test_the_document_and_the_warnings_name_who_is_cut_off(
        self, run: Run, project: Path
    ) -> None:
        compose = project / "docker-compose.yml"
        app = "services:\n  chat:\n    image: open-webui\n    env_file: chat.env\n"
        compose.write_text(compose.read_text().replace("services:\n", app, 1))
        (project / "chat.env").write_text("MILVUS_URI=http://standalone:19530\n")
        outcome = run("enable", "--mode", "2", "--neighbours", "list", "--json")

        [one] = outcome.json["cut_off"]
        assert one["service"] == "chat"
        assert "Open WebUI has no option for a client certificate" in one["needs"]
        assert "service chat is cut off" in outcome.err

    def test_plain_text_that_is_known_is_not_told_as_a_guess(self, run: Run, project: Path) -> None:
        compose = project / "docker-compose.yml"
        apps = "  chat: {image: chat, environment: [MILVUS_URI=http://standalone:19530]}\n"
        apps += "  ui: {image: ui, environment: [MILVUS_HOST=standalone]}\n"
        plain = compose.read_text()
        compose.write_text(plain.replace("services:\n", f"services:\n{apps}", 1))

        told = run("enable", "--neighbours", "list", "--dry-run").out

        assert "\n  cut off  chat; ui, unless already configured for TLS\n" in told
        compose.write_text(plain.replace("services:\n", f"services:\n{apps.splitlines()[0]}\n", 1))
        assert "\n  cut off  chat\n" in run("enable", "--neighbours", "list").out


class TestConnect:
    @pytest.mark.parametrize("mode", ["1", "2"])
    def test_python_code_names_the_files_of_its_mode(
        self, run: Run, project: Path, mode: str
    ) -> None:
        run("enable", "--mode", mode)
        outcome = run("connect")
        assert outcome.code == 0
        compile(outcome.out, "snippet", "exec")
        assert "uri='https://localhost:19530'" in outcome.out
        named = re.findall(r"(\w+)='(/[^']+)'", outcome.out)
        assert {name for name, _ in named} == (
            {"server_pem_path"}
            if mode == "1"
            else {"ca_pem_path", "client_pem_path", "client_key_path"}
        )
        assert all(Path(path).is_file() for _, path in named)

    def test_the_document_holds_the_same_arguments(self, run: Run, project: Path) -> None:
        run("enable", "--mode", "2")
        document = run("connect", "--json").json
        assert document["connect"]["uri"] == "https://localhost:19530"
        assert document["snippet"]["lang"] == "python"

    def test_a_port_that_the_engine_picks_is_not_made_up(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        compose = project / "docker-compose.yml"
        compose.write_text(re.sub(r'"?19530:19530"?', '"19530"', compose.read_text()))
        run("enable")
        [warning] = run("connect", "--json").json["warnings"]

        assert warning["code"] == "port-not-known"
        assert warning["line"] is not None

    def test_the_attu_of_the_project_keeps_its_name_and_its_image(
        self, run: Run, project: Path
    ) -> None:
        compose = project / "docker-compose.yml"
        text = compose.read_text().replace(
            "services:\n", "services:\n  ui:\n    image: zilliz/attu:v2.5.6\n", 1
        )
        compose.write_text(text)
        run("enable")
        snippet = run("connect", "--lang", "attu").out

        assert "  ui:\n    environment:\n      MILVUS_URL:" in snippet
        assert "image:" not in snippet
        assert "ports:" not in snippet

    @pytest.mark.parametrize("lang", ["env", "curl"])
    def test_other_languages_name_the_ca(self, run: Run, project: Path, lang: str) -> None:
        run("enable", "--mode", "2", "--rest-port", "8080")
        outcome = run("connect", "--lang", lang)
        assert outcome.code == 0
        assert "cert/ca.pem" in outcome.out

    def test_curl_has_nothing_to_talk_to_while_rest_is_off(self, run: Run, project: Path) -> None:
        run("enable")
        assert "--rest-port" in run("connect", "--lang", "curl").out

"""Wrong usage: one error, one exit code, one next step; in text and in JSON."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from compose_tls.cli import app
from compose_tls.cli.app import main
from compose_tls.version import __version__
from compose_tls.workflows import preamble
from tests.unit.cli.conftest import ROOT, Run, facts
from tests.unit.pki.minting import mint

NO_ENGINE = {"DOCKER_HOST": "unix:///no-engine/docker.sock"}
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        ("enabl", "wrong-usage", "enabl", "did you mean compose-tls enable?"),
        ("qqqq", "wrong-usage", "qqqq", "compose-tls --help"),
        ("enable --mod 2", "wrong-usage", "--mod", "compose-tls enable --help"),
        ("enable --mode 3", "wrong-usage", "1 or 2; you gave 3", "compose-tls help modes"),
        ("enable --mode", "wrong-usage", "--mode", "compose-tls help modes"),
        ("enable more", "wrong-usage", "more", "compose-tls enable --help"),
        ("status --days 5", "wrong-usage", "--days", "compose-tls status --help"),
        ("check --port 0", "wrong-usage", "--port", "compose-tls check --help"),
        ("connect --lang cobol", "wrong-usage", "cobol", "compose-tls connect --help"),
        ("enable --days 0", "invalid-setting", "--days", "compose-tls enable --help"),
        ("enable --rest-port 70000", "invalid-setting", "--rest-port", "rest-port"),
        ("enable --timeout -1", "invalid-setting", "--timeout", "timeout"),
        ("enable --ca-key ca.key", "conflicting-settings", "ca-cert", "--help"),
        ("status -C missing", "wrong-usage", "missing", "-C"),
        ("status -C docker-compose.yml", "wrong-usage", "docker-compose.yml", "-C"),
    ],
)
def test_wrong_usage_is_one_error_with_a_next_step(
    run: Run, project: Path, arguments: str, code: str, message: str, hint: str
) -> None:
    before = facts(project)
    text = run(*arguments.split())
    assert text.code == 2
    assert text.out == ""
    assert text.err.startswith("error[")
    assert text.err.count("error[") == text.err.count("  next: ") == 1
    document = run(*arguments.split(), "--json")
    assert document.code == 2
    assert document.err == ""
    assert document.error["code"] == code
    assert message in document.error["message"]
    assert hint in document.error["hint"]
    assert not document.error["message"].endswith(".")
    assert facts(project) == before


def test_the_document_names_the_command_whatever_stands_before_it(run: Run) -> None:
    outcome = run("-p", "status", "-C", "missing", "enable", "--json")
    assert outcome.code == 2
    assert outcome.json["command"] == "enable"


class TestPlaces:
    """Compose's own options, before the command's name or after it."""

    @pytest.fixture
    def deploy(self, project: Path) -> Path:
        deploy = project / "deploy"
        deploy.mkdir()
        for name in ("docker-compose.yml", "milvus.yaml"):
            (project / name).rename(deploy / name)
        return deploy

    @pytest.mark.parametrize(
        "arguments",
        [
            "-C deploy enable",
            "enable -C deploy",
            "-C deploy enable -C .",
            "-C . enable -C deploy",
            "-C deploy -C . enable",
            "-f deploy/docker-compose.yml enable",
            "enable -f deploy/docker-compose.yml",
            "-C deploy enable -f docker-compose.yml",
            "--project-directory deploy enable",
            "-q -p rag enable --project-directory deploy",
        ],
    )
    def test_they_lead_to_the_project_that_compose_would_load(
        self, run: Run, project: Path, deploy: Path, arguments: str
    ) -> None:
        found = run(*arguments.split(), "--json")
        assert found.code == 0, found.out
        assert found.json["project"] == str(deploy)
        assert (deploy / "cert/state.json").is_file()
        assert "/tls:/milvus/tls" in (deploy / "docker-compose.yml").read_text()
        assert not (project / "cert").exists()

    def test_the_project_directory_is_the_base_of_relative_paths(
        self, run: Run, project: Path, deploy: Path
    ) -> None:
        compose = deploy / "docker-compose.yml"
        mounted = "./deploy/milvus.yaml:/milvus/configs/milvus.yaml"
        compose.write_text(
            f"services:\n  milvus:\n    image: milvusdb/milvus:v2.3.5\n    volumes: [{mounted}]\n"
        )
        named = ("--project-directory", ".", "-f", "deploy/docker-compose.yml", "--json")

        assert run("enable", *named).json["project"] == str(project)

        assert "./tls:/milvus/tls" in compose.read_text()
        assert (project / "tls/server.pem").is_file()
        assert "/milvus/tls/server.pem" in (deploy / "milvus.yaml").read_text()
        assert run("disable", *named).code == 0

    def test_files_and_profiles_before_and_after_the_name_add_up(
        self, run: Run, project: Path
    ) -> None:
        more = project / "more.yml"
        more.write_text("services: {standalone: {hostname: of-more}}\n")
        found = run("-f", "docker-compose.yml", "enable", "-f", "more.yml", "--json").json
        (server,) = (one for one in found["certificates"] if one["path"] == "tls/server.pem")
        assert "of-more" in server["dns_names"]

    def test_the_later_of_two_names_counts_and_flags_stay(self, run: Run, project: Path) -> None:
        found = run("--json", "-p", "one", "enable", "-p", "two").json
        assert found["next"][0] == "docker compose -p two up -d"

    def test_other_files_are_seen_from_where_the_user_stands(
        self, run: Run, project: Path, deploy: Path
    ) -> None:
        ca = mint("Root", ca=True)
        (project / "root.pem").write_bytes(ca.certificate_pem)
        (project / "root.key").write_bytes(ca.private_key_pem)
        bring = ("--ca-cert", "root.pem", "--ca-key", "root.key")
        assert run("enable", "-f", "deploy/docker-compose.yml", *bring).code == 0

    def test_the_file_of_settings_may_name_what_lies_below_it(
        self, run: Run, project: Path, deploy: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (project / "compose-tls.toml").write_text(
            'file = ["deploy/docker-compose.yml"]\nmode = 2\n'
        )
        (project / "sub").mkdir()
        monkeypatch.chdir(project / "sub")
        found = run("enable", "--json").json
        assert (found["project"], found["mode"]) == (str(deploy), 2)

    @pytest.mark.parametrize("text", ['project-directory = ".."', 'file = ["../x/compose.yml"]'])
    def test_it_leads_to_no_other_project(self, run: Run, project: Path, text: str) -> None:
        (project / "compose-tls.toml").write_text(f"{text}\n")
        error = run("enable", "--json").error
        assert (error["code"], error["path"]) == ("outside-project", "compose-tls.toml")

    def test_an_environment_file_that_is_named_has_to_be_there(
        self, run: Run, project: Path
    ) -> None:
        error = run("status", "--env-file", "gone.env", "--json").error
        assert (error["code"], error["path"]) == ("file-unreadable", "gone.env")


def test_settings_are_refused_with_their_file_and_line(run: Run, project: Path) -> None:
    (project / "compose-tls.toml").write_text("mode = 2\ndays = = 3\n")
    assert "  in:   compose-tls.toml:2\n" in run("status").err
    error = run("status", "--json").error
    assert (error["path"], error["line"]) == ("compose-tls.toml", 2)


def test_an_unknown_variable_is_an_error_that_names_the_nearest(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_TLS_MOD", "2")
    error = run("enable", "--json").error
    assert error["code"] == "unknown-setting"
    assert error["hint"] == "did you mean COMPOSE_TLS_MODE?"


def test_no_command_prints_the_help_and_fails(run: Run) -> None:
    outcome = run()
    assert outcome.code == 2
    assert "enable" in outcome.err


def test_the_version_is_printed(run: Run) -> None:
    outcome = run("--version")
    assert (outcome.code, outcome.out) == (0, f"compose-tls, version {__version__}\n")


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [(), *((name,) for name in app._COMMANDS)])
def test_help_is_printed(run: Run, command: tuple[str, ...], flag: str) -> None:
    outcome = run(*command, flag)
    assert outcome.code == 0
    assert outcome.out.startswith("Usage: ")
    assert outcome.err == ""


@pytest.mark.parametrize("topic", list(app._COMMANDS))
def test_help_about_a_command_is_what_the_command_says_of_itself(run: Run, topic: str) -> None:
    told = run("help", topic)

    assert told.code == 0
    assert told.out == run(topic, "--help").out
    assert f"Usage: compose-tls {topic}" in told.out


def test_help_alone_lists_the_commands(run: Run) -> None:
    assert run("help").out == run("--help").out


def test_help_about_nothing_there_is_wrong_usage(run: Run) -> None:
    refused = run("help", "enabel")

    assert refused.code == 2
    assert "did you mean compose-tls help enable?" in refused.err


class TestTheBoundary:
    def test_a_bug_is_one_line_without_its_message(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError("the password is hunter2")

        monkeypatch.setattr(preamble, "open_project", fail)
        outcome = run("status")
        assert outcome.code == 1
        assert outcome.err.startswith(f"error: a bug in compose-tls {__version__}: ZeroDivision")
        assert "  next: report this line and the command at https://" in outcome.err
        assert "hunter2" not in outcome.err
        assert outcome.out == ""

    def test_an_interruption_is_said_and_has_its_own_code(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(preamble, "open_project", interrupt)
        outcome = run("status")
        assert (outcome.code, outcome.err.strip()) == (130, "interrupted")

    def test_an_interruption_says_what_was_taken_back(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object) -> None:
            interruption = KeyboardInterrupt()
            interruption.add_note("the previous files are back")
            raise interruption

        monkeypatch.setattr(preamble, "open_project", interrupt)
        outcome = run("status", "--json")
        assert (outcome.code, outcome.error["code"]) == (130, "interrupted")
        assert outcome.error["message"] == "interrupted: the previous files are back"


def into_a_closed_pipe(
    *arguments: str, cwd: Path, stderr: bool = False, variables: Mapping[str, str] = NO_ENGINE
) -> tuple[int, str]:
    """Run a command whose reader has gone away."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        outcome = subprocess.run(
            [sys.executable, "-m", "compose_tls", *arguments],
            cwd=cwd,
            stdout=writer,
            stderr=writer if stderr else subprocess.PIPE,
            text=True,
            check=False,
            env={**ENVIRONMENT, **variables},
        )
    finally:
        os.close(writer)
    return outcome.returncode, outcome.stderr or ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("enable", "--dry-run", "--rest-port", "8080"), 141),
        (("status", "-C", "missing", "--json"), 2),
        (("--help",), 141),
        (("--version",), 141),
    ],
)
def test_a_reader_that_has_gone_away_is_told_as_shells_tell_it(
    project: Path, arguments: tuple[str, ...], code: int
) -> None:
    """128 and the number of SIGPIPE, without a word: what was asked for did not arrive."""
    assert into_a_closed_pipe(*arguments, cwd=project) == (code, "")


def test_a_shell_that_has_gone_away_before_its_completion_is_told_the_same(project: Path) -> None:
    asks = {
        "_COMPOSE_TLS_COMPLETE": "bash_complete",
        "COMP_WORDS": "compose-tls ",
        "COMP_CWORD": "1",
    }
    assert into_a_closed_pipe(cwd=project, variables=asks) == (141, "")


def test_what_was_done_stays_when_nobody_reads_of_it(project: Path) -> None:
    assert into_a_closed_pipe("enable", cwd=project, stderr=True) == (141, "")
    assert "/milvus/tls" in (project / "docker-compose.yml").read_text()
    assert not list(project.glob(".*"))


def test_an_error_that_nobody_reads_keeps_its_exit_code(project: Path) -> None:
    assert into_a_closed_pipe("status", "-C", "missing", cwd=project, stderr=True) == (2, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("name", ["日本", "caf\udce9"])
def test_a_directory_that_the_terminal_cannot_spell_works_all_the_same(
    project: Path, name: str, encoding: str
) -> None:
    directory = project / "sub" / name
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        pytest.skip(f"this file system takes no such name: {error}")
    for file in ("docker-compose.yml", "milvus.yaml"):
        (project / file).rename(directory / file)
    assert main(["enable", "-q", "-C", str(directory)]) == 0
    for arguments in ("connect", "status --json"):
        outcome = subprocess.run(
            [sys.executable, "-m", "compose_tls", *arguments.split()],
            cwd=directory,
            capture_output=True,
            check=False,
            env={**ENVIRONMENT, **NO_ENGINE, "PYTHONIOENCODING": encoding},
        )
        assert outcome.returncode == 0, outcome.stderr


def test_a_file_that_is_named_outside_of_the_project_is_patched_there(
    run: Run, project: Path
) -> None:
    elsewhere = project.parent / "elsewhere"
    elsewhere.mkdir()
    (project / "docker-compose.yml").rename(elsewhere / "milvus.yml")
    (project / "docker-compose.yml").write_text("services: {app: {image: app}}\n")
    original = (elsewhere / "milvus.yml").read_bytes()
    named = ("-f", "docker-compose.yml", "-f", "../elsewhere/milvus.yml")

    assert run("enable", *named).code == 0

    assert "/milvus/tls" in (elsewhere / "milvus.yml").read_text()
    assert (project / "cert/ca.pem").is_file()
    assert run("status", *named, "--json").json["mode"] == 1
    assert run("disable", *named).code == 0
    assert (elsewhere / "milvus.yml").read_bytes() == original


def test_where_further_clients_go_is_seen_from_where_the_user_stands(
    run: Run, project: Path
) -> None:
    (project / "deploy").mkdir()
    for name in ("docker-compose.yml", "milvus.yaml"):
        (project / name).rename(project / "deploy" / name)
    named = ("-f", "deploy/docker-compose.yml")
    assert run("enable", *named).code == 0
    assert run("client", "alice", "--out", "keys", *named).code == 0
    assert (project / "keys/alice.pem").is_file()

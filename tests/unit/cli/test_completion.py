"""A shell completes commands, options, files and service names, and never hears an error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from compose_tls.cli.app import app
from tests.unit.cli.conftest import EnableAs, Run

CONTEXT = click.Context(app)
SHELLS = ("bash", "zsh", "fish")

PRESS_TAB = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_compose_tls_completion compose-tls
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def tab(tmp_path: Path, run: Run) -> Callable[[str], list[str]]:
    """What bash offers after some words."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script, program = tmp_path / "completion.bash", tmp_path / "bin" / "compose-tls"
    script.write_text(run("completion", "bash").out)
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m compose_tls "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"

    def offered(words: str) -> list[str]:
        code = PRESS_TAB.format(script=script, words=words)
        done = subprocess.run(
            [bash, "--norc", "-c", code.replace("compose-tls\nprintf", f"{program}\nprintf")],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PATH": path},
        )
        assert done.stderr == ""
        return done.stdout.split()

    return offered


def test_what_a_shell_asks_is_answered_with_success() -> None:
    asks = {"_COMPOSE_TLS_COMPLETE": "bash_complete", "COMP_WORDS": "compose-tls sta"}
    done = subprocess.run(
        [sys.executable, "-m", "compose_tls"],
        env={**os.environ, **asks, "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "plain,status\n", "")


class TestBash:
    def test_commands(self, tab: Callable[[str], list[str]], project: Path) -> None:
        assert tab("compose-tls c") == ["check", "client", "connect", "completion"]

    def test_pages_of_help(self, tab: Callable[[str], list[str]]) -> None:
        assert tab("compose-tls help e") == ["enable", "export", "exit-codes"]

    def test_a_name_that_a_shell_would_carry_out_is_not_offered(
        self, tab: Callable[[str], list[str]], project: Path
    ) -> None:
        file = project / "docker-compose.yml"
        name = '"$(touch pwned)\\n`id`"'
        file.write_text(file.read_text().replace("  etcd:", f"  {name}:"))
        assert tab("compose-tls enable --service ''") == ["standalone", "minio"]

    def test_options(self, tab: Callable[[str], list[str]], project: Path) -> None:
        assert tab("compose-tls enable --server-") == [
            *("--server-name", "--server-cert", "--server-key", "--server-passphrase-file")
        ]

    @pytest.mark.parametrize("words", ["status --service ''", "--service ''", "connect --for ''"])
    def test_services_of_the_project(
        self, tab: Callable[[str], list[str]], project: Path, words: str
    ) -> None:
        assert tab(f"compose-tls {words}") == ["standalone", "etcd", "minio"]

    def test_services_of_the_project_that_is_named(
        self, tab: Callable[[str], list[str]], project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir("/")
        assert tab(f"compose-tls -C {project} enable --service st") == ["standalone"]
        assert tab(f"compose-tls enable -f {project}/docker-compose.yml --service e") == ["etcd"]

    @pytest.mark.parametrize("words", ["connect --client ''", "client ''", "client al"])
    def test_clients_that_have_a_certificate(
        self, tab: Callable[[str], list[str]], run: Run, enable_as: EnableAs, words: str
    ) -> None:
        project = enable_as("--mode", "1")
        run("client", "alice", "alan", "-q")
        (project / "cert/clients/$(id).pem").touch()
        (project / "elsewhere").symlink_to("/etc/ssl/certs")
        assert tab(f"compose-tls {words}") == ["alan", "alice"]
        assert tab(f"compose-tls --pki-dir elsewhere {words}") == []

    def test_codes_that_can_be_accepted(self, tab: Callable[[str], list[str]]) -> None:
        assert tab("compose-tls enable --accept clients-") == [
            *("clients-cut-off", "clients-left-behind")
        ]

    @pytest.mark.parametrize(
        "words", ["-C /nowhere enable --service ''", "nonsense ''", "enable --nonsense ''"]
    )
    def test_what_cannot_be_completed_is_passed_over_in_silence(
        self, tab: Callable[[str], list[str]], project: Path, words: str
    ) -> None:
        assert tab(f"compose-tls {words}") == []

    def test_broken_yaml_is_passed_over_too(
        self, tab: Callable[[str], list[str]], project: Path
    ) -> None:
        (project / "docker-compose.yml").write_text("services: [")
        assert tab("compose-tls enable --service ''") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_takes_its_script(run: Run, shell: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(run("completion", shell).out)
    assert "_COMPOSE_TLS_COMPLETE=" in script.read_text()
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    assert subprocess.run([program, "-n", str(script)], check=False).returncode == 0


def test_fish_offers_what_bash_offers(run: Run, project: Path, tmp_path: Path) -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("fish is not installed")
    program = tmp_path / "compose-tls"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m compose_tls "$@"\n')
    program.chmod(0o755)
    script = tmp_path / "completion.fish"
    script.write_text(run("completion", "fish").out)
    done = subprocess.run(
        [fish, "--no-config", "-c", f'source {script}; complete -C "compose-tls connect --for "'],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    assert sorted(done.stdout.split()) == ["etcd", "minio", "standalone"]


@pytest.mark.parametrize("name", app.list_commands(CONTEXT))
def test_an_option_that_names_a_file_or_a_directory_is_completed_as_one(name: str) -> None:
    command = app.get_command(CONTEXT, name)
    kinds = {"FILE": "file", "DIR": "dir"}
    for option in command.params if command else ():
        if option.metavar in kinds:
            [told] = option.shell_complete(CONTEXT, "")
            assert told.type == kinds[option.metavar], option.name


def test_another_shell_is_wrong_usage(run: Run) -> None:
    assert run("completion", "tcsh").code == 2

"""The small files that people copy (systemd, cron, Prometheus, GitHub, pre-commit) do what they say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from compose_tls import enable

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
UNITS = [*EXAMPLES.glob("systemd/*.*"), *EXAMPLES.glob("prometheus/*.service")]


@pytest.fixture(scope="module")
def enabled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with mutual TLS in its files, made once."""
    directory = tmp_path_factory.mktemp("enabled")
    for name in ("docker-compose.yml", "milvus.yaml"):
        shutil.copyfile(ROOT / "fixtures" / name, directory / name)
    enable(directory, {"mode": 2}, environment={"DOCKER_HOST": "unix:///nobody.sock"})
    return directory


@pytest.fixture
def project(tmp_path: Path, enabled: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(enabled, tmp_path / "project")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with compose-tls where `uv tool install` and pipx put it."""
    program = tmp_path / "home" / ".local" / "bin" / "compose-tls"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m compose_tls "$@"\n')
    program.chmod(0o755)
    return tmp_path / "home"


def run(
    command: str | list[str], home: Path, cwd: Path, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{home}/.local/bin:{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "DOCKER_HOST": "unix:///nobody.sock",
        **(more or {}),
    }
    words = ["bash", "-c", command] if isinstance(command, str) else command
    return subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def unit(path: Path) -> ConfigParser:
    found = ConfigParser(interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign] # as its documentation has it
    found.read_string(path.read_text(encoding="utf-8"))
    return found


def exec_start(name: str, project: Path, home: Path) -> str:
    """The command of a service as systemd runs it, for this project and this program."""
    command = unit(EXAMPLES / name)["Service"]["ExecStart"].replace("$$", "$")
    return command.replace("/srv/milvus", str(project)).replace(
        "/usr/local/bin/compose-tls", str(home / ".local/bin/compose-tls")
    )


def test_the_service_renews_what_is_due(project: Path, home: Path) -> None:
    done = run(exec_start("systemd/compose-tls-renew.service", project, home), home, home)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_cron_line_is_silent_while_nothing_is_due(project: Path, home: Path) -> None:
    lines = (EXAMPLES / "cron" / "compose-tls").read_text(encoding="utf-8").splitlines()
    [line] = [line for line in lines if not line.startswith("#")]
    *when, command = line.split(None, 5)
    assert all(re.fullmatch(r"\*|\d+", field) for field in when)
    # An unescaped % would end the command.
    assert "%" not in command
    command = command.replace("/srv/milvus", str(project))
    done = run(["sh", "-c", command], home, home)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_units(path: Path, tmp_path: Path, home: Path) -> None:
    for each in UNITS:
        text = each.read_text(encoding="utf-8")
        text = text.replace("/usr/local/bin/compose-tls", str(home / ".local/bin/compose-tls"))
        (tmp_path / each.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / path.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_the_units_have_what_a_unit_needs(path: Path) -> None:
    sections = unit(path)
    assert sections["Unit"]["Description"]
    if path.suffix == ".timer":
        assert sections["Timer"]["OnCalendar"]
        assert sections["Install"]["WantedBy"] == "timers.target"
        assert path.with_suffix(".service").is_file()
    else:
        assert sections["Service"]["Type"] == "oneshot"


def test_the_metrics_are_written_as_a_whole(project: Path, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "compose-tls.prom"
    words = shlex.split(exec_start("prometheus/compose-tls-metrics.service", project, home))
    done = run(words, home, home, {"OUT": str(out)})
    assert (done.returncode, done.stderr) == (0, "")
    names = {f.name for f in text_string_to_metric_families(out.read_text(encoding="utf-8"))}
    assert names == metrics_named_in_the_alerts() | {
        *("compose_tls_certificates_usable", "compose_tls_connections"),
        *("compose_tls_deployed_known", "compose_tls_files_as_written"),
    }

    (project / "docker-compose.yml").write_text("no: [yaml")
    done = run(words, home, home, {"OUT": str(out)})
    assert done.returncode == 3
    assert out.read_text(encoding="utf-8") == ""


def metrics_named_in_the_alerts() -> set[str]:
    text = (EXAMPLES / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    [group] = yaml.safe_load(text)["groups"]
    for rule in group["rules"]:
        assert set(rule) >= {"alert", "expr", "annotations"}
        assert set(rule) <= {"alert", "expr", "for", "annotations"}
    return set(re.findall(r"compose_tls_\w+", " ".join(rule["expr"] for rule in group["rules"])))


def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return found


def test_the_action_lets_nobody_write_into_its_scripts() -> None:
    found = action()
    assert found["runs"]["using"] == "composite"
    given = set(found["inputs"])
    for step in found["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        for text in step.get("env", {}).values():
            taken = re.fullmatch(r"\$\{\{ inputs\.(\S+) \}\}", text)
            assert taken is not None
            assert taken[1] in given


@pytest.mark.parametrize(("command", "code"), [("status --json", 0), ("status --nonsense", 2)])
def test_the_action_runs_the_command_and_keeps_its_exit_code(
    project: Path, home: Path, tmp_path: Path, command: str, code: int
) -> None:
    [step] = [step for step in action()["runs"]["steps"] if step.get("id") == "run"]
    output = tmp_path / "output"
    inputs = {"COMMAND": command, "DIRECTORY": str(project), "GITHUB_OUTPUT": str(output)}
    done = run(["bash", "-e", "-o", "pipefail", "-c", step["run"]], home, tmp_path, inputs)
    assert done.returncode == code, done.stderr
    assert output.read_text() == f"exit-code={code}\n"


def test_the_action_installs_this_repository(home: Path, tmp_path: Path) -> None:
    [step] = [step for step in action()["runs"]["steps"] if "EXTRAS" in step.get("env", {})]
    pipx = home / ".local" / "bin" / "pipx"
    pipx.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    pipx.chmod(0o755)
    for extras, wanted in (("milvus", f"{ROOT}[milvus]"), ("", str(ROOT))):
        given = {"EXTRAS": extras, "GITHUB_ACTION_PATH": str(ROOT)}
        assert run(step["run"], home, tmp_path, given).stdout.splitlines()[-1] == wanted


def hook() -> dict[str, Any]:
    [found] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    # What pre-commit asks of a manifest: https://pre-commit.com/#new-hooks
    assert {"id", "name", "entry", "language"} <= set(found)
    return found


def test_the_hook_fails_where_tls_is_off(project: Path, home: Path) -> None:
    entry = shlex.split(hook()["entry"])
    assert run(entry, home, project).returncode == 0
    assert run(["compose-tls", "disable", "-q"], home, project).returncode == 0
    assert run(entry, home, project).returncode == 7


def test_the_hook_looks_at_the_files_of_compose_and_milvus() -> None:
    pattern = re.compile(hook()["files"])
    for name in (
        "docker-compose.yml",
        "deploy/compose.yaml",
        "compose.override.yml",
        "milvus.yaml",
    ):
        assert pattern.search(name), name
    for name in ("README.md", "my-milvus.yaml.txt", "decompose.py"):
        assert not pattern.search(name), name


def test_the_container_recipe_has_all_that_an_installation_needs(tmp_path: Path) -> None:
    text = (EXAMPLES / "container" / "Containerfile").read_text(encoding="utf-8")
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    sources = [source for line in copies for source in line.split()]
    for source in sources:
        place = ROOT / source
        if place.is_dir():
            shutil.copytree(place, tmp_path / source)
        else:
            shutil.copy(place, tmp_path / source)
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = (tmp_path / "dist").iterdir()
    assert wheel.name.startswith("compose_tls-")

"""A project from somebody else, and the commands that a user may run in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compose_tls.apply import transaction
from compose_tls.apply.journal import JOURNAL
from compose_tls.changes import sha256
from compose_tls.signals import SIGNALS, as_interrupt
from compose_tls.workflows import enable as workflow
from tests.unit.apply.trees import Killed, StoppingOps, tree, write
from tests.unit.cli.conftest import Run

COMMANDS = (
    "enable",
    "enable --mode 2",
    "disable",
    "disable --purge",
    "status",
    "connect",
    "client x",
)


def home(project: Path) -> Path:
    """What lies beside the project, and is none of its business."""
    place = project.parent / "home"
    write(place / "settings.yaml", b"tls: {}\ncommon: x\n")
    for name in ("ca.pem", "ca.key", "server.pem", "server.key", ".gitignore"):
        write(place / "tls" / name, b"*\n", 0o600)
    return place


def recorded(project: Path, change: Callable[[Any], object]) -> None:
    """Change what state.json says, as its author can."""
    path = project / "cert" / "state.json"
    state = json.loads(path.read_text())
    change(state)
    path.write_text(json.dumps(state))


def a_linked_compose_file(project: Path, place: Path) -> None:
    content = (project / "docker-compose.yml").read_bytes()
    write(place / "docker-compose.yml", content)
    (project / "docker-compose.yml").unlink()
    (project / "docker-compose.yml").symlink_to(place / "docker-compose.yml")


def a_linked_directory_of_keys(project: Path, place: Path) -> None:
    (project / "cert").rename(place / "cert")
    (project / "cert").symlink_to(place / "cert")


def another_linked_directory(project: Path, place: Path) -> None:
    for path in (project / "tls").iterdir():
        path.unlink()
    (project / "tls").rmdir()
    (project / "tls").symlink_to(place / "tls")


def a_recorded_file(project: Path, place: Path) -> None:
    content = (place / "settings.yaml").read_bytes()
    file = {
        "path": str(place / "settings.yaml"),
        "before": sha256(b"tls: {}\n"),
        "after": sha256(content),
        "splices": [],
        "edits": [{"kind": "added-key", "route": ["common"], "new": "x"}],
    }
    recorded(project, lambda state: state["files"].append(file))


def a_recorded_file_made_by_enable(project: Path, place: Path) -> None:
    after = sha256((place / "settings.yaml").read_bytes())
    file = {"path": "../home/settings.yaml", "after": after, "splices": [], "edits": []}
    recorded(project, lambda state: state["files"].append(file))


def a_recorded_directory(project: Path, place: Path) -> None:
    recorded(project, lambda state: state["settings"].update(tls_dir=str(place / "tls")))


def settings_that_name_directories(project: Path, place: Path) -> None:
    (project / "compose-tls.toml").write_text(f'tls-dir = "{place}/tls"\npki-dir = "../home/tls"\n')


def settings_that_are_a_link(project: Path, place: Path) -> None:
    write(place / "compose-tls.toml", b"mode = 2\n")
    (project / "compose-tls.toml").symlink_to("../home/compose-tls.toml")


@pytest.mark.parametrize(
    "prepare",
    [
        a_linked_compose_file,
        a_linked_directory_of_keys,
        another_linked_directory,
        a_recorded_file,
        a_recorded_file_made_by_enable,
        a_recorded_directory,
        settings_that_name_directories,
        settings_that_are_a_link,
    ],
)
def test_no_command_reaches_outside(
    run: Run, project: Path, prepare: Callable[[Path, Path], None]
) -> None:
    assert run("enable").code == 0
    place = home(project)
    prepare(project, place)
    before = tree(place)
    refused = set()
    for command in COMMANDS:
        outcome = run(*command.split(), "--json")
        assert tree(place) == before, command
        refused.add(outcome.json.get("error", {}).get("code"))
    assert "outside-project" in refused


def test_a_mounted_file_elsewhere_is_not_written(run: Run, project: Path) -> None:
    place = home(project)
    write(place / "milvus.yaml", (project / "milvus.yaml").read_bytes())
    (project / "milvus.yaml").unlink()
    text = (project / "docker-compose.yml").read_text()
    assert "volumes:" in text
    (project / "docker-compose.yml").write_text(
        text.replace(
            "    volumes:\n",
            "    volumes:\n      - ../home/milvus.yaml:/milvus/configs/milvus.yaml\n",
            1,
        )
    )
    before = tree(place)
    outcome = run("enable", "--config", "file", "--json")
    assert tree(place) == before
    assert outcome.code == 3


@pytest.mark.parametrize("name", ["token-file", "password-file"])
def test_a_settings_file_does_not_say_what_is_sent(run: Run, project: Path, name: str) -> None:
    (project / "compose-tls.toml").write_text(f'{name} = "cert/ca.key"\n')
    outcome = run("status", "--json")
    assert (outcome.code, outcome.error["code"]) == (2, "invalid-setting")
    assert f"--{name}" in outcome.error["hint"]


@pytest.mark.parametrize("content", [b"a = " + b"[" * 100_000, b"a" * 70_000, b"\xff"])
def test_a_settings_file_that_is_none_is_told(run: Run, project: Path, content: bytes) -> None:
    (project / "compose-tls.toml").write_bytes(content)
    outcome = run("status", "--json")
    assert (outcome.code, outcome.error["code"]) == (2, "invalid-setting")


@pytest.mark.parametrize("name", ["compose-tls.toml", JOURNAL, ".env", "cert/state.json"])
def test_no_command_waits_for_what_is_no_file(run: Run, project: Path, name: str) -> None:
    (project / "cert").mkdir(exist_ok=True)
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        make(project / name)
        began = time.monotonic()
        for command in COMMANDS:
            run(*command.split())
        assert time.monotonic() - began < 60
        (project / name).unlink()


@pytest.mark.parametrize("name", ["--pki-dir", "--tls-dir"])
def test_what_the_user_names_is_the_user_s_word(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place = project.parent / "elsewhere"
    assert run("enable", name, str(place)).code == 0
    assert list(place.iterdir())
    if name == "--tls-dir":
        # The record is not the user's word.
        refused = run("status", "--json").error
        assert refused["code"] == "outside-project"
        assert f"COMPOSE_TLS_TLS_DIR={place}" in refused["hint"]
    monkeypatch.setenv(f"COMPOSE_TLS_{name[2:].replace('-', '_').upper()}", str(place))
    assert run("status").code == 0


@pytest.mark.parametrize("name", ["../elsewhere", "{}/elsewhere"])
def test_a_directory_that_was_named_elsewhere_is_no_dead_end(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = tree(project)
    assert run("enable", "--tls-dir", name.format(project.parent)).code == 0
    word = run("disable", "--json").error["hint"].rpartition(" ")[2]
    monkeypatch.setenv(*word.split("="))
    [declared] = run("status", "--json").json["declared"]
    assert declared.get("differs", []) == []

    purged = run("disable", "--purge")

    assert (purged.code, purged.err) == (0, "")
    assert tree(project) == before
    assert not (project.parent / "elsewhere").exists()


@pytest.mark.parametrize(("at", "done"), [(10, "taken back"), (45, "finished first")])
def test_a_command_says_that_it_finished_an_earlier_one(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, at: int, done: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(transaction, "PosixFileOps", lambda: StoppingOps(at))
        with pytest.raises(Killed):
            run("enable")
    assert run("status", "--json").error["code"] == "project-locked"
    [warning] = [w for w in run("enable", "--json").json["warnings"] if w["code"] == "recovered"]
    assert done in warning["message"]
    assert "docker-compose.yml" in warning["message"]


def test_a_purge_says_what_stays(run: Run, project: Path) -> None:
    assert run("enable").code == 0
    write(project / "tls" / "mine.txt", b"mine")
    warnings = run("disable", "--purge", "--json").json["warnings"]
    assert [(w["code"], w["path"]) for w in warnings] == [("directory-kept", "tls")]


SLOWLY = """
import os, signal, sys, time
from compose_tls.apply import staging, transaction
from compose_tls.__main__ import main

came = []

class Remembering(transaction._Transaction):
    def run(self, interrupted):
        global came
        came = interrupted
        super().run(interrupted)

transaction._Transaction = Remembering

def tell(before):
    def told(*arguments):
        print("now", flush=True)
        while not came:
            time.sleep(0.01)
        return before(*arguments)
    return told

staging.Steps.directories = tell(staging.Steps.directories)
sys.argv = ["compose-tls", *sys.argv[1:]]
sys.exit(main())
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_ends_a_command_in_order(project: Path, number: signal.Signals) -> None:
    before = tree(project)
    command = [sys.executable, "-c", SLOWLY, "enable", "-C", str(project)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(number)
        try:
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "no file was changed" in error
    assert "Traceback" not in error
    assert tree(project) == before


def test_a_signal_while_the_command_is_being_loaded_shows_no_traceback() -> None:
    code = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "click":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Finder())
from compose_tls.__main__ import main
sys.exit(main())
"""
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (outcome.returncode, outcome.stderr) == (130, "")


def test_an_interruption_that_a_library_turns_into_an_error_is_no_bug(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            # As pydantic does while it builds a schema.
            msg = "Error building schema"
            raise ValueError(msg) from None

    monkeypatch.setattr(workflow, "enable", build)

    with as_interrupt():
        ended = run("enable")
    assert (ended.code, ended.err) == (130, "interrupted\n")
    monkeypatch.setattr(workflow, "enable", lambda *_, **__: int("x"))
    assert "a bug in compose-tls" in run("enable").err

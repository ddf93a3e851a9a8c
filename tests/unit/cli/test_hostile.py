"""A project whose author means harm: no command reads, writes or prints what does harm."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.apply.trees import tree, write
from tests.unit.cli.conftest import EnableAs, Run, facts
from tests.unit.cli.projects import COMMANDS, added, changed, of_standalone

SECRET = "somebody-s-secret"
ATTU = """
  attu:
    image: zilliz/attu:v2.3.8
    environment:
      MILVUS_URL: standalone:19530
"""


@pytest.mark.parametrize("name", ["docker-compose.yml", "milvus.yaml", "cert/ca.key", "cert/new"])
def test_what_is_exported_is_written_over_nothing_of_the_project(
    run: Run, project: Path, name: str
) -> None:
    assert run("enable", "--config", "file").code == 0
    before = tree(project)
    refused = run("export", "openssl", "-o", name, "--json")
    assert refused.error["code"] == "value-in-the-way"
    assert tree(project) == before


def out_of_the_project(project: Path) -> Path:
    place = project.parent / "home"
    write(place / "token", f"{SECRET}\n".encode(), 0o600)
    write(place / "backup.yaml", f"milvus: {{address: standalone, password: {SECRET}}}\n".encode())
    return place


@pytest.mark.parametrize(
    "text",
    [
        "    env_file: ../home/token\n",
        "    label_file: ../home/token\n",
        "    build: {context: ../home, dockerfile: token}\n",
        "    develop: {watch: [{path: ../home, action: sync, target: /x}]}\n",
        "    extends: {file: ../home/token, service: standalone}\n",
        "    configs: [{source: c, target: /milvus/configs/milvus.yaml}]\n",
        "    secrets: [{source: c, target: /milvus/configs/milvus.yaml}]\n",
        "    volumes: ['../home/backup.yaml:/milvus/configs/milvus.yaml']\n",
    ],
)
def test_nothing_of_a_file_outside_is_read_out(run: Run, project: Path, text: str) -> None:
    place = out_of_the_project(project)
    if "volumes" in text:
        changed(
            project,
            "    volumes:\n      - ${DOCKER_VOLUME_DIRECTORY:-.}/volumes/milvus",
            "    v:\n      - x",
        )
    of_standalone(project, text)
    added(project, "configs: {c: {file: ../home/token}}\nsecrets: {c: {file: ../home/token}}\n")
    before = tree(place)
    for command in (*COMMANDS, "enable", "status", "disable"):
        outcome = run(*command.split())
        assert SECRET not in outcome.out + outcome.err
        assert tree(place) == before


def test_no_password_of_the_project_is_printed(run: Run, project: Path) -> None:
    address = f"http://root:{SECRET}@standalone:19530"
    changed(project, "MINIO_SECRET_KEY: minioadmin", f"MINIO_SECRET_KEY: {SECRET}")
    changed(
        project,
        "      MINIO_ADDRESS: minio:9000\n",
        f"      MINIO_ADDRESS: minio:9000\n      MINIO_SECRETACCESSKEY: {SECRET}\n",
    )
    text = ATTU.replace("standalone:19530", address)
    file = project / "docker-compose.yml"
    file.write_text(file.read_text().replace("\nnetworks:", f"{text}\nnetworks:"))
    commands = (
        "enable --dry-run",
        "enable --mode 2",
        "enable --mode 2 --accept clients-cut-off",
        "status",
        "connect --for attu",
        "disable",
    )
    said = ""
    for command in commands:
        for form in ("--json", "-v"):
            outcome = run(*command.split(), form)
            assert SECRET not in outcome.out + outcome.err, command
            said += outcome.out + outcome.err
    assert "MILVUS_URL=http://root:***@standalone:19530" in said
    assert "MINIO_SECRETACCESSKEY: ***" in said


@pytest.mark.parametrize("name", ["../../home/attu", "..", ".", "a/b", "/tmp/x"])
def test_the_keys_of_a_neighbour_lie_in_the_project_whatever_it_is_called(
    run: Run, project: Path, name: str
) -> None:
    place = out_of_the_project(project)
    added(project, ATTU.replace("  attu:", f"  '{name}':"))
    before = tree(
        project.parent,
    )
    run("enable", "--mode", "2", "--accept", "clients-cut-off")
    after = tree(project.parent)
    new = {path for path in after.keys() - before.keys() if not path.startswith("project")}
    assert not new
    assert tree(place)


HOSTILE = "$(touch pwned) `touch pwned`; touch pwned 'x\" \\ &"


def typed(warning: dict[str, str]) -> bool:
    """Whether the next step of a warning is a command alone."""
    return warning.get("hint", "").startswith(("docker compose ", "compose-tls "))


def test_a_printed_command_is_heard_as_it_is_meant(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    inner = project / HOSTILE / "two\nlines"
    inner.mkdir(parents=True)
    for name in ("docker-compose.yml", "milvus.yaml"):
        shutil.copyfile(project / name, inner / name)
    written = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    changed(inner, "  standalone:", f'  "{written}":')
    programs = project.parent / "programs"
    for program in ("docker", "compose-tls"):
        write(programs / program, b'#!/bin/sh\nprintf \'%s\\0\' "$@" >> "$HEARD"\n')
        (programs / program).chmod(0o755)
    place = os.path.relpath(inner, project)
    monkeypatch.setenv("HEARD", str(project.parent / "heard"))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    for words in (("enable",), ("renew", "--no-restart", "--force"), ("disable",)):
        done = run(*words, "-C", place, "--json").json
        commands = [*done.get("next", ()), *(w["hint"] for w in done["warnings"] if typed(w))]
        assert commands
        for command in commands:
            (project.parent / "heard").unlink(missing_ok=True)
            subprocess.run([bash, "-c", command], check=True, cwd=project)
            heard = (project.parent / "heard").read_bytes().split(b"\0")
            named = [word for word in heard if b"touch" in word]
            assert named
            assert all(os.fsencode(HOSTILE) in word for word in named)
    assert not list(project.parent.rglob("pwned"))


@pytest.mark.parametrize("way", ["directory", "link to nothing"])
def test_a_key_that_is_no_file_is_said_to_be_none(run: Run, project: Path, way: str) -> None:
    assert run("enable").code == 0
    key = project / "cert" / "ca.key"
    key.unlink()
    if way == "directory":
        key.mkdir()
    else:
        key.symlink_to("nowhere")
    for command in ("renew --force --no-restart", "client alice"):
        error = run(*command.split(), "--json").error
        assert error["code"] == "certificate-unreadable"
        assert error["message"].startswith("cert/ca.key is ")
        assert "--ca-key" in error["hint"]


IN_THE_WAY = (
    "cert/server.pem",
    "cert/client.key",
    "cert/.gitignore",
    "cert/state.json",
    "tls/ca.pem",
)


@pytest.mark.parametrize("name", [*IN_THE_WAY, "tls", "cert/clients"])
@pytest.mark.parametrize("way", ["pipe", "link to nothing"])
def test_what_is_no_file_in_the_place_of_ours_is_named_and_one_step_helps(
    run: Run, enable_as: EnableAs, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    project = enable_as("--mode", "2")
    place = project / name
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    if way == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("nowhere")
    monkeypatch.chdir(project.parent)
    command = ("client", "bob") if name == "cert/clients" else ("enable", "--mode", "2")
    before = facts(project)

    foreseen, error = (
        run(*words, "-C", "project", "--json").error for words in ((*command, "--dry-run"), command)
    )
    assert foreseen == error
    assert (error["code"], error["path"]) == ("value-in-the-way", name)
    assert facts(project) == before
    subprocess.run(["sh", "-c", error["hint"]], check=True)

    assert run(*command, "-C", "project").code == 0
    assert place.exists()

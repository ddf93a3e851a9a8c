"""A project whose author means harm: no command crashes, hangs, or prints what does harm when typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.patience import LONG
from tests.unit.apply.trees import tree, write
from tests.unit.cli.conftest import Run

SECRET = "somebody-s-secret"
COMMANDS = ("enable --dry-run", "status --format prometheus", "connect --for attu", "enable --json")

ATTU = """
  attu:
    image: zilliz/attu:v2.3.8
    environment:
      MILVUS_URL: standalone:19530
"""


def changed(project: Path, old: str, new: str) -> None:
    file = project / "docker-compose.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def added(project: Path, text: str) -> None:
    with (project / "docker-compose.yml").open("a") as file:
        file.write(text)


def of_standalone(project: Path, lines: str) -> None:
    name = "    container_name: milvus-standalone\n"
    changed(project, name, name + lines)


def configured(project: Path, text: str) -> None:
    (project / "milvus.yaml").write_text(text)
    data = "volumes/milvus:/var/lib/milvus\n"
    changed(project, data, f"{data}      - ./milvus.yaml:/milvus/configs/milvus.yaml\n")


def numbers_without_end(project: Path) -> None:
    many = "9" * 6000
    configured(project, f"proxy: {{port: {many}}}\ncommon: {{security: {{tlsMode: {many}}}}}\n")


def versions_without_end(project: Path) -> None:
    changed(project, "milvusdb/milvus:v2.3.5", f"milvusdb/milvus:v{'2' * 6000}.1.0")
    of_standalone(project, f"    user: '{'1' * 6000}'\n    group_add: ['{'1' * 6000}', '²']\n")


def ports_without_end(project: Path) -> None:
    changed(project, '      - "19530:19530"\n', '      - "0-65535:0-65535"\n' * 200)


def includes_without_end(project: Path) -> None:
    for number in range(1000):
        text = f"include: [i{number + 1}.yml]\nservices: {{s{number}: {{image: a}}}}\n"
        write(project / f"i{number}.yml", text.encode())
    added(project, "include: [i0.yml]\n")


def includes_that_double(project: Path) -> None:
    for number in range(30):
        text = f"include: [i{number + 1}.yml, ./i{number + 1}.yml]\nservices: {{}}\n"
        write(project / f"i{number}.yml", text.encode())
    write(project / "i30.yml", b"services: {}\n")
    added(project, "include: [i0.yml]\n")


def extends_without_end(project: Path) -> None:
    added(project, "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(1000)))
    of_standalone(project, "    extends: s0\n")


def environment_read_often(project: Path) -> None:
    write(project / "big", b"A=b\n" * 200_000)
    names = [f"e{number}.env" for number in range(100)]
    for name in names:
        os.link(project / "big", project / name)
    of_standalone(project, f"    env_file: [{', '.join(names)}]\n")


def variables_that_double(project: Path) -> None:
    lines = ["A0=xxxxxxxxxxxxxxxx", *(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}" for n in range(1, 60))]
    (project / ".env").write_text("\n".join(lines))
    changed(project, "milvusdb/milvus:v2.3.5", "milvusdb/milvus:v2.3.5${A59}")


def variables_without_end(project: Path) -> None:
    lines = [f"A={'x' * 100_000}", *(f"B{n}=$A" for n in range(50_000))]
    (project / ".env").write_text("\n".join(lines))


def values_without_end(project: Path) -> None:
    (project / ".env").write_text(f"A={'x' * 100_000}\n")
    of_standalone(project, "    labels:\n" + "      - $A\n" * 100_000)
    many = "".join(f"      B{number}: $A\n" for number in range(50_000))
    changed(project, "      MINIO_ADDRESS", f"{many}      MINIO_ADDRESS")


def configuration_read_often(project: Path) -> None:
    write(project / "n" / "a.conf", b"#" + b"x" * 2_000_000)
    for number in range(60):
        os.link(project / "n" / "a.conf", project / "n" / f"c{number}.conf")
    service = (
        "  n{0}:\n    image: nginx\n    volumes: ['./n/c{0}.conf:/x.conf', './n:/etc/nginx']\n"
    )
    added(project, "".join(service.format(number) for number in range(30)))


@pytest.mark.parametrize(
    "prepare",
    [
        numbers_without_end,
        versions_without_end,
        ports_without_end,
        includes_without_end,
        includes_that_double,
        extends_without_end,
        environment_read_often,
        variables_that_double,
        variables_without_end,
        values_without_end,
        configuration_read_often,
    ],
)
def test_nothing_in_a_project_crashes_or_hangs_a_command(
    run: Run, project: Path, prepare: Callable[[Path], None]
) -> None:
    prepare(project)
    for command in COMMANDS:
        began = time.process_time()
        outcome = run(*command.split())
        assert outcome.code in {0, 2, 3, 7}, outcome.err
        assert time.process_time() - began < LONG / 4, command


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

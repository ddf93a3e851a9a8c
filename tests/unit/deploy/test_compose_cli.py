"""The programs here are real executables, as small as what is asked of them; Compose itself is not
imitated: what it does is shown in tests/e2e/test_deploy_room.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from compose_tls.apply import lock
from compose_tls.apply.lock import locked
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.errors import ComposeFailed, ComposeMissing, PortTaken, ProjectLocked
from compose_tls.signals import as_interrupt
from tests.patience import LONG

ROOT = Path(__file__).resolve().parents[3]


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def path_of(*folders: Path) -> dict[str, str]:
    return {"PATH": ":".join(str(folder) for folder in folders)}


def test_the_plugin_is_found(tmp_path: Path) -> None:
    docker = program(tmp_path, "docker", 'test "$*" = "compose version --short" && echo v2.40.3')
    program(tmp_path, "docker-compose", "echo 5.0.0")

    cli = ComposeCli.find(path_of(tmp_path))

    assert cli.command == (str(docker), "compose")


def test_without_the_plugin_a_new_docker_compose_is_found(tmp_path: Path) -> None:
    program(tmp_path, "docker", "exit 1")
    compose = program(tmp_path, "docker-compose", 'test "$*" = "version --short" && echo 2.29.1')

    assert ComposeCli.find(path_of(tmp_path)).command == (str(compose),)


def test_without_docker_a_new_docker_compose_is_found(tmp_path: Path) -> None:
    compose = program(tmp_path, "docker-compose", "echo 2.29.1")

    assert ComposeCli.find(path_of(tmp_path)).command == (str(compose),)


@pytest.mark.parametrize(
    ("programs", "tried"),
    [
        (
            {},
            (
                "docker compose: there is no docker on the PATH;"
                " docker-compose: there is no docker-compose on the PATH"
            ),
        ),
        (
            {"docker": "exit 1", "docker-compose": "echo 1.29.2"},
            "docker compose: the plugin is not installed; docker-compose: version 1.29.2 is too old",
        ),
        (
            {"docker-compose": "exit 127"},
            "docker compose: there is no docker on the PATH; docker-compose: it does not run",
        ),
    ],
)
def test_what_was_tried_is_said_when_there_is_none(
    tmp_path: Path, programs: dict[str, str], tried: str
) -> None:
    for name, script in programs.items():
        program(tmp_path, name, script)

    with pytest.raises(ComposeMissing) as caught:
        ComposeCli.find(path_of(tmp_path))

    assert caught.value.message == f"Docker Compose 2 or newer was not found ({tried})"
    assert "https://docs.docker.com/compose/install/" in caught.value.hint


def test_a_program_for_another_machine_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "docker-compose").write_bytes(b"\x7fELF nothing else")
    (tmp_path / "docker-compose").chmod(0o755)

    with pytest.raises(ComposeMissing, match="docker-compose: it does not run"):
        ComposeCli.find(path_of(tmp_path))


def test_an_environment_without_a_path_has_no_compose() -> None:
    with pytest.raises(ComposeMissing, match="there is no docker on the PATH"):
        ComposeCli.find({})


SHOW = """
printf '{"name": "shown", "arguments": "%s", "pwd": "%s", "cwd": "%s", "progress": "%s", "mine": "%s"}' \\
  "$*" "$PWD" "$(/bin/pwd)" "$COMPOSE_PROGRESS" "$MINE"
"""


def test_compose_runs_in_the_project_with_the_users_files_and_environment(tmp_path: Path) -> None:
    shown = program(tmp_path / "bin", "docker-compose", SHOW)
    directory = tmp_path / "my project"
    directory.mkdir()
    files = (Path("a.yml"), tmp_path / "b.yml")
    environment = {"PWD": "/elsewhere", "COMPOSE_PROGRESS": "json", "MINE": "kept"}
    cli = ComposeCli((str(shown),))

    config = cli.config(ComposeInvocation(directory, files, environment))

    assert config == {
        "name": "shown",
        "arguments": f"--file a.yml --file {tmp_path}/b.yml config --format json",
        "pwd": str(directory),
        "cwd": str(directory),
        "progress": "plain",
        "mine": "kept",
    }
    assert cli.config(ComposeInvocation(directory))["name"] == "shown"


def test_what_names_the_project_is_handed_on(tmp_path: Path) -> None:
    cli = ComposeCli((str(program(tmp_path, "docker-compose", SHOW)),))
    project = ComposeInvocation(
        tmp_path,
        project_name="rag",
        project_directory=Path("/srv/milvus"),
        env_files=(Path("a.env"), Path("b.env")),
        profiles=("milvus", "debug"),
    )

    assert cli.config(project)["arguments"] == (
        "--project-name rag --project-directory /srv/milvus --env-file a.env --env-file b.env"
        " --profile milvus --profile debug config --format json"
    )


def test_without_files_compose_searches_itself(tmp_path: Path) -> None:
    cli = ComposeCli((str(program(tmp_path, "docker-compose", SHOW)),))

    assert cli.config(ComposeInvocation(tmp_path))["arguments"] == "config --format json"


def test_a_project_shows_no_environment() -> None:
    assert "hunter2" not in repr(ComposeInvocation(Path(), (), {"PASSWORD": "hunter2"}))


def test_what_compose_refuses_is_an_error_with_its_words(tmp_path: Path) -> None:
    cli = ComposeCli(
        (
            str(
                program(
                    tmp_path, "docker-compose", "echo 'no configuration file provided' >&2; exit 14"
                )
            ),
        ),
    )

    with pytest.raises(
        ComposeFailed, match="docker compose config failed: no configuration file"
    ) as caught:
        cli.config(ComposeInvocation(tmp_path))

    assert "--project-directory" in caught.value.hint


# Answers `config` and `ps` with what lies beside it, and writes down each `up` and `stop`.
PROJECT = """
here=$(dirname "$0")
if [ "$1 $2" = "--profile *" ]; then all=-all; shift 2; fi
case "$*" in
  config*) /bin/cat "$here/config$all.json" ;;
  ps*) /bin/cat "$here/ps.json" ;;
  *)
    echo "$*" >>"$here/done"
    echo " Container p-standalone-1 Recreated " >&2
    echo " Container p-standalone-1 Recreated " >&2
    if [ -e "$here/fails" ]; then /bin/cat "$here/fails" >&2; exit 1; fi ;;
esac
"""


@pytest.fixture
def cli(tmp_path: Path) -> ComposeCli:
    compose = program(tmp_path, "docker-compose", f"PATH=/usr/bin:/bin\n{PROJECT}")
    services = {
        "etcd": {},
        "standalone": {"depends_on": {"etcd": {"condition": "service_started"}}},
    }
    (tmp_path / "config.json").write_text(json.dumps({"name": "p", "services": services}))
    (tmp_path / "ps.json").write_text("")
    return ComposeCli((str(compose),))


def running(folder: Path, *services: str) -> None:
    entries = [{"Service": s, "Name": f"p-{s}-1", "ID": "1", "State": "running"} for s in services]
    (folder / "ps.json").write_text(json.dumps(entries))


def done(folder: Path) -> list[str]:
    return (folder / "done").read_text(encoding="utf-8").splitlines()


def test_a_stopped_project_is_started(cli: ComposeCli, tmp_path: Path) -> None:
    cli.up(ComposeInvocation(tmp_path), ["standalone"])

    assert done(tmp_path) == ["up --detach"]


def test_in_a_running_project_the_service_is_replaced_and_each_step_told_once(
    cli: ComposeCli, tmp_path: Path
) -> None:
    running(tmp_path, "etcd", "standalone")
    events: list[str] = []

    cli.up(ComposeInvocation(tmp_path), ["standalone"], on_event=events.append)

    assert done(tmp_path) == ["up --detach --no-deps --force-recreate -- standalone"]
    assert events == ["container p-standalone-1: recreated"]


def test_a_service_of_a_profile_that_is_off_is_started_by_name(
    cli: ComposeCli, tmp_path: Path
) -> None:
    (tmp_path / "config.json").rename(tmp_path / "config-all.json")
    (tmp_path / "config.json").write_text('{"name": "p", "services": {"api": {}}}')

    cli.up(ComposeInvocation(tmp_path), ["standalone"])

    assert done(tmp_path) == ["up --detach -- standalone"]


def test_a_failing_start_is_an_error_and_ends_the_steps(cli: ComposeCli, tmp_path: Path) -> None:
    running(tmp_path, "standalone")
    (tmp_path / "fails").write_text("Bind for 0.0.0.0:19530 failed: port is already allocated\n")

    with pytest.raises(PortTaken, match="container other") as caught:
        cli.up(ComposeInvocation(tmp_path), ["standalone"], port_owner=lambda _: "container other")

    assert caught.value.hint.startswith("stop container other")
    assert done(tmp_path) == ["up --detach --no-recreate -- etcd"]


def test_services_are_stopped(cli: ComposeCli, tmp_path: Path) -> None:
    cli.stop(ComposeInvocation(tmp_path), ["standalone"])

    assert done(tmp_path) == ["stop -- standalone"]


# The engine still stops the container of an interrupted Compose for two attempts.
BUSY = """
case "$*" in
ps*) echo '{"Service": "standalone", "Name": "s", "ID": "0123456789ab", "State": "running"}';;
*config*) echo '{"name": "p", "services": {"standalone": {}}}';;
*)
  echo x >> attempts
  test "$(wc -l < attempts)" -gt 2 && exit 0
  echo 'Conflict. The container name "/standalone" is already in use by container "HOLDER".' >&2
  exit 1;;
esac
"""


def test_an_engine_that_still_does_what_an_interrupted_compose_told_it_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compose_tls.deploy.compose_cli._BUSY_PAUSE", 0.01)
    ours = BUSY.replace("HOLDER", "0123456789abcdef")
    cli = ComposeCli((str(program(tmp_path, "docker-compose", ours)),))

    cli.up(ComposeInvocation(tmp_path, environment={"PATH": os.environ["PATH"]}), ["standalone"])

    assert (tmp_path / "attempts").read_text().count("x") == 3


def test_a_name_that_another_project_holds_is_not_waited_for(tmp_path: Path) -> None:
    cli = ComposeCli((str(program(tmp_path, "docker-compose", BUSY.replace("HOLDER", "f" * 64))),))

    with pytest.raises(ComposeFailed):
        cli.up(
            ComposeInvocation(tmp_path, environment={"PATH": os.environ["PATH"]}), ["standalone"]
        )

    assert (tmp_path / "attempts").read_text().count("x") == 1


STUBBORN = """
case "$*" in
ps*) echo '{"Service": "standalone", "Name": "s", "ID": "0123456789ab", "State": "running"}';;
*config*) echo '{"name": "p", "services": {"standalone": {}}}';;
*) trap '' TERM; echo $$ > pid; echo started >&2; while :; do sleep 0.1; done;;
esac
"""

KILLED = """
import os, signal, sys
from pathlib import Path
from compose_tls.apply.lock import locked
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation

directory = Path(sys.argv[1])
with locked(directory) as descriptor:
    project = ComposeInvocation(
        directory, environment={"PATH": os.environ["PATH"]}, inherited=(descriptor,)
    )
    ComposeCli((sys.argv[2],)).up(project, ["standalone"])
"""


def _is_alive(process: int) -> bool:
    """Whether a process runs still: one whose parent has not noticed its end does not."""
    try:
        # proc_pid_stat(5): the state follows the name, which is in parentheses and may hold any.
        stat = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2]
    except OSError:
        return False
    return stat.split()[0] not in {b"Z", b"X"}


def pid_of(directory: Path) -> int:
    deadline = time.monotonic() + LONG
    while not (directory / "pid").exists() or not (directory / "pid").read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int((directory / "pid").read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_compose_even_where_it_does_not_want_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr("compose_tls.deploy.compose_cli._END_SECONDS", 0.2)
    cli = ComposeCli((str(program(tmp_path, "docker-compose", STUBBORN)),))
    project = ComposeInvocation(tmp_path, environment={"PATH": os.environ["PATH"]})

    def send() -> None:
        pid_of(tmp_path)
        os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()
    with pytest.raises(KeyboardInterrupt), as_interrupt():
        cli.up(project, ["standalone"])

    assert not _is_alive(pid_of(tmp_path))


def test_a_signal_in_the_moment_in_which_compose_starts_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Started(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            if "up" in arguments[0]:
                pid_of(tmp_path)
                os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("compose_tls.deploy.compose_cli._END_SECONDS", 0.2)
    cli = ComposeCli((str(program(tmp_path, "docker-compose", STUBBORN)),))
    project = ComposeInvocation(tmp_path, environment={"PATH": os.environ["PATH"]})
    monkeypatch.setattr(subprocess, "Popen", Started)
    with pytest.raises(KeyboardInterrupt), as_interrupt():
        cli.up(project, ["standalone"])

    assert not _is_alive(pid_of(tmp_path))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("silent", ["up", "config"])
def test_a_signal_that_wakes_nothing_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    """As where it comes between Python's last look for one and a read: here another thread gets it."""
    monkeypatch.setattr("compose_tls.deploy.compose_cli._END_SECONDS", 0.2)
    stubborn = STUBBORN.replace("*config*)", "none)") if silent == "config" else STUBBORN
    cli = ComposeCli((str(program(tmp_path, "docker-compose", stubborn)),))
    project = ComposeInvocation(tmp_path, environment={"PATH": os.environ["PATH"]})

    def send() -> None:
        pid_of(tmp_path)
        time.sleep(0.5)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.kill(os.getpid(), signal.SIGTERM)

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        threading.Thread(target=send, daemon=True).start()
        with pytest.raises(KeyboardInterrupt), as_interrupt():
            cli.up(project, ["standalone"])
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    assert not _is_alive(pid_of(tmp_path))


@pytest.mark.parametrize("tells", [True, False])
def test_a_killed_command_keeps_the_project_locked_until_its_compose_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tells: bool
) -> None:
    if not tells:
        # In a container with processes of its own the system does not tell who took a lock.
        monkeypatch.setattr(lock, "_LOCKS", tmp_path / "none")
    directory = tmp_path / "project"
    directory.mkdir()
    compose = program(tmp_path, "docker-compose", STUBBORN)
    words = [sys.executable, "-c", KILLED, str(directory), str(compose)]
    with subprocess.Popen(words, cwd=ROOT) as process:
        left = pid_of(directory)
        process.kill()
    monkeypatch.setattr("compose_tls.apply.lock._PATIENCE", 0.3)
    with pytest.raises(ProjectLocked), locked(directory):
        pass
    monkeypatch.setattr("compose_tls.apply.lock._PATIENCE", LONG)
    threading.Timer(0.3, os.killpg, (left, signal.SIGKILL)).start()
    with locked(directory):
        assert not _is_alive(left)

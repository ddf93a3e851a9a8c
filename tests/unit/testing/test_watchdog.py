"""The watchdog: a real process, which cleans up however its parent ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from compose_tls.errors import ComposeFailed, WriteFailed
from compose_tls.testing import watchdog
from compose_tls.testing.watchdog_client import Guard, guarded
from tests.patience import SOON

PROC = Path("/proc")

# A parent that starts a server under a guard, says where it all is, and waits for its end.
PARENT = """
import os, sys, time
from pathlib import Path
from compose_tls.testing.watchdog_client import guarded
with guarded(os.environ) as guard:
    (guard.directory / "work").mkdir()
    pid = guard.run(["sleep", "60"], {"PATH": os.environ["PATH"]}, guard.directory / "work" / "log")
    FORK
    print(guard.directory, pid, guard._stdin.fileno(), flush=True)
    time.sleep(60)
"""
FORKED = "if os.fork() == 0: Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"


def environment() -> dict[str, str]:
    return dict(os.environ)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SOON
    while condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not condition()


def sleeping(guard: Guard) -> int:
    work = guard.directory / "work"
    work.mkdir()
    return guard.run(["sleep", "60"], environment(), work / "log", [f"{work.parent}.{{pid}}"])


def test_the_server_its_directory_and_its_files_elsewhere_go() -> None:
    with guarded(environment()) as guard:
        pid = sleeping(guard)
        elsewhere = Path(f"{guard.directory}.{pid}")
        elsewhere.touch()
        assert guard.directory.stat().st_mode & 0o777 == 0o700
        assert guard.exit_code() is None
        assert alive(pid)
    assert not alive(pid)
    assert not guard.directory.exists()
    assert not elsewhere.exists()


def test_it_knows_with_which_code_a_server_ended() -> None:
    with guarded(environment()) as guard:
        guard.run(["sh", "-c", "exit 7"], environment(), guard.directory / "log")
        assert gone(lambda: guard.exit_code() is None)
        assert guard.exit_code() == 7


def test_a_second_server_replaces_the_first() -> None:
    with guarded(environment()) as guard:
        first = sleeping(guard)
        second = guard.run(["sleep", "60"], environment(), guard.directory / "log")
        assert not alive(first)
        assert alive(second)
        assert guard.exit_code() is None
    assert not alive(second)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("forks", [False, True], ids=["alone", "forked"])
def test_it_cleans_up_when_its_parent_is_ended(
    tmp_path: Path, how: signal.Signals, *, forks: bool
) -> None:
    code = PARENT.replace("FORK", FORKED if forks else "")
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "forked"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,
    ) as parent:
        assert parent.stdout
        directory, pid, _ = parent.stdout.readline().split()
        assert alive(int(pid))
        if forks:
            # It keeps the other end of the pipe open.
            assert gone(lambda: not (tmp_path / "forked").exists())
            os.kill(parent.pid, how)
        else:
            os.killpg(parent.pid, how)
        parent.wait(SOON)
        assert gone(lambda: alive(int(pid)) or Path(directory).exists())
        if forks:
            os.kill(int((tmp_path / "forked").read_text()), signal.SIGKILL)


@pytest.mark.skipif(not PROC.is_dir(), reason="processes are found in /proc")
def test_it_cleans_up_when_it_is_told_to_end_itself() -> None:
    with guarded(environment()) as guard:
        pid = sleeping(guard)
        (itself,) = {
            int(process.name)
            for process in PROC.glob("[0-9]*")
            if b"watchdog.py" in cmdline(process) and os.getpid() == parent_of(process)
        }
        os.kill(itself, signal.SIGTERM)
        assert gone(lambda: alive(pid) or guard.directory.exists())
        # It ends after what it was there for.
        assert gone(lambda: guard.exit_code() is None)
        assert guard.exit_code() == -signal.SIGKILL
        with pytest.raises(WriteFailed, match="ended"):
            guard.own_project(["docker"], "one", "")


def cmdline(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def parent_of(process: Path) -> int:
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])


def test_a_server_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(WriteFailed, match="ended") as raised,
        guarded({**environment(), "TMPDIR": str(tmp_path)}) as guard,
    ):
        guard.run(["sleep", "60"], environment(), tmp_path / "missing" / "log")
    assert "temporary" in raised.value.hint
    assert not list(tmp_path.iterdir())


@pytest.fixture
def compose(tmp_path: Path) -> Path:
    """In the place of Compose: it writes down what it is told, and fails when a file says so."""
    program = tmp_path / "compose"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat >> {tmp_path}/read\n'
        f"if [ -e {tmp_path}/fail ]; then echo no engine >&2; exit 1; fi\n"
    )
    program.chmod(0o755)
    return program


DOWN = "-p one -f - down --volumes --remove-orphans --timeout 0"


@pytest.mark.parametrize("at_work", [False, True])
def test_a_compose_project_is_taken_down_twice_if_compose_was_at_work(
    tmp_path: Path, compose: Path, *, at_work: bool
) -> None:
    with guarded(environment()) as guard:
        guard.own_project([str(compose)], "one", "services: {}\n")
        assert guard.compose_at_work
        guard.compose_at_work = at_work
    times = 2 if at_work else 1
    assert (tmp_path / "asked").read_text().splitlines() == [DOWN] * times
    assert (tmp_path / "read").read_text() == "services: {}\n" * times


def test_what_cannot_be_removed_is_an_error(tmp_path: Path, compose: Path) -> None:
    (tmp_path / "fail").touch()
    with ExitStack() as stack:
        guard = stack.enter_context(guarded(environment()))
        guard.own_project([str(compose)], "one", "")
        with pytest.raises(ComposeFailed, match="the Compose project one: no engine"):
            stack.close()
    assert not guard.directory.exists()


@pytest.mark.skipif(not PROC.is_dir(), reason="processes are found in /proc")
def test_a_compose_that_is_still_at_work_is_killed_and_nobody_else(tmp_path: Path) -> None:
    with (
        subprocess.Popen(["sh", "-c", "sleep 60; : compose"], cwd=tmp_path) as compose,
        subprocess.Popen(["sleep", "60"], cwd=tmp_path) as other,
    ):
        watchdog._kill_compose(tmp_path)
        assert compose.wait(5) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """The watchdog in this process, where coverage sees it; gives what it answers to its orders."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    handler, stdin = signal.getsignal(signal.SIGTERM), os.dup(0)

    def tell(*orders: dict[str, Any]) -> list[dict[str, Any]]:
        reading, writing = os.pipe()
        os.write(writing, b"".join(json.dumps(order).encode() + b"\n" for order in orders))
        os.close(writing)
        os.dup2(reading, 0)
        os.close(reading)
        watchdog.main()
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    yield tell
    signal.signal(signal.SIGTERM, handler)
    os.dup2(stdin, 0)
    os.close(stdin)


def test_orders_are_answered_one_by_one(
    told: Callable[..., list[dict[str, Any]]], compose: Path, tmp_path: Path
) -> None:
    server = {
        "command": ["sleep", "60"],
        "environment": environment(),
        "log": str(tmp_path / "log"),
    }
    made, first, ended, second, *rest = told(
        {"server": server, "files": []},
        {"compose": {"command": [str(compose)], "name": "one", "file": ""}},
        {"stop": True},
    )
    assert Path(made["directory"]).parent == tmp_path
    assert first["pid"] > 0
    assert ended == {"exit": -signal.SIGKILL}
    assert second == {"pid": None}
    assert not rest
    assert (tmp_path / "asked").read_text().splitlines() == [DOWN]
    assert not Path(made["directory"]).exists()


def test_what_is_left_is_the_last_word(told: Callable[..., list[dict[str, Any]]]) -> None:
    missing = {"command": ["/nowhere/compose"], "name": "one", "file": ""}
    *_, last = told({"compose": missing}, {"stop": True})
    assert "the Compose project one: " in last["left"]
    assert "/nowhere/compose" in last["left"]

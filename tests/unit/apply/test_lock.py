"""Two processes, one project."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compose_tls.apply import lock
from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.lock import locked
from compose_tls.apply.recover import recover
from compose_tls.errors import ProjectLocked, WriteFailed
from tests.unit.apply.trees import count_calls, sample, sample_after, tree

ROOT = Path(__file__).resolve().parents[3]

# Sleeps in the middle of applying the sample, the lock in its hands.
SLEEPER = """
import os, sys, time
from pathlib import Path
from compose_tls.apply.lock import locked
from compose_tls.apply.transaction import apply
from tests.unit.apply.trees import StoppingOps, sample

def sleep():
    print("sleeping", flush=True)
    time.sleep(60)

directory = Path(sys.argv[1])
plan, contents = sample(directory)
os.fsync = lambda _: None
with locked(directory):
    apply(plan, contents, StoppingOps(int(sys.argv[2]), sleep, sys.argv[3]))
"""


@contextmanager
def sleeper(
    directory: Path, at: int, moment: str, *container: str
) -> Iterator[subprocess.Popen[str]]:
    command = [*container, sys.executable, "-c", SLEEPER, str(directory), str(at), moment]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "sleeping\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_command_is_turned_away_until_the_first_one_dies(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with sleeper(project, 10, "before") as process:
        with pytest.raises(ProjectLocked) as caught, locked(project):
            pass
        assert caught.value.path == str(project)
        assert f"process {process.pid}" in caught.value.message
        assert f"process {process.pid}" in caught.value.hint
        process.send_signal(signal.SIGKILL)
        process.wait()
        with locked(project):
            assert recover(project, PosixFileOps())


@pytest.mark.parametrize("moment", ["before", "torn"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_process_that_is_killed_while_it_writes_leaves_the_old_or_the_new_project(
    tmp_path: Path, part: float, moment: str
) -> None:
    plan, contents = sample(tmp_path / "count")
    old = tree(tmp_path / "count")
    at = int(count_calls(plan, contents) * part)
    project = tmp_path / "project"
    project.mkdir()
    with sleeper(project, at, moment) as process:
        os.kill(process.pid, signal.SIGKILL)
    with locked(project):
        assert recover(project, PosixFileOps())
    assert tree(project) in (old, sample_after(old))


def test_a_lock_leaves_nothing_behind_and_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("table", [None, "", "1: POSIX ADVISORY WRITE 7 00:00:0 0 EOF\n"])
def test_a_holder_that_the_system_does_not_tell_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str | None
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    if table is not None:
        (tmp_path / "locks").write_text(table)
    monkeypatch.setattr(lock, "_LOCKS", tmp_path / "locks")
    with locked(project), pytest.raises(ProjectLocked) as caught, locked(project):
        pass
    assert "process" not in caught.value.message
    assert caught.value.hint.startswith("wait until it has finished")


def test_an_error_under_the_lock_frees_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    with locked(tmp_path):
        pass


def test_a_directory_that_may_not_be_read_cannot_be_locked(ordinary: Path) -> None:
    closed = ordinary / "closed"
    closed.mkdir(mode=0o300)
    with pytest.raises(WriteFailed, match="Permission denied"), locked(closed):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a container")
def test_a_command_in_another_container_is_not_taken_for_what_a_dead_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed")
    words = [unshare, "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no container can be made here")
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setattr(lock, "_PATIENCE", 60)
    began = time.monotonic()
    with sleeper(project, 10, "before", *words), pytest.raises(ProjectLocked), locked(project):
        pass
    assert time.monotonic() - began < 30

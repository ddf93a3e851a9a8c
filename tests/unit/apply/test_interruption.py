"""Whatever goes wrong, and whenever: afterwards there is the old project or the new one."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.inverse import inverse, snapshot
from compose_tls.apply.recover import recover
from compose_tls.apply.transaction import apply
from compose_tls.errors import WriteFailed
from tests.unit.apply.trees import (
    Killed,
    Moment,
    StoppingOps,
    count_calls,
    sample,
    sample_after,
    tree,
)


def disk_full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def bug() -> RuntimeError:
    return RuntimeError("a bug")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> int:
    return count_calls(*sample(tmp_path_factory.mktemp("count")))


def test_the_sample_plan_does_what_was_worked_out_by_hand(tmp_path: Path, calls: int) -> None:
    plan, contents = sample(tmp_path)
    old = tree(tmp_path)
    apply(plan, contents)
    assert tree(tmp_path) == sample_after(old)
    assert calls > 30


@pytest.mark.parametrize("moment", ["before", "after", "torn"])
def test_a_kill_at_any_call_leaves_the_old_or_the_new_project(
    tmp_path: Path, calls: int, moment: Moment
) -> None:
    seen = set()
    for at in range(calls):
        project = tmp_path / str(at)
        plan, contents = sample(project)
        old = tree(project)
        new = sample_after(old)
        with pytest.raises(Killed):
            apply(plan, contents, StoppingOps(at, Killed, moment))
        recover(project, PosixFileOps())
        assert tree(project) in (old, new), f"killed {moment} call {at}"
        seen.add(tree(project) == new)
    assert seen == {False, True}


def test_a_second_kill_during_recovery_loses_nothing(tmp_path: Path) -> None:
    plan, contents = sample(tmp_path / "count")
    total = count_calls(plan, contents)
    killed_again = set()
    for at in range(0, total, 7):
        for second in range(0, 20, 3):
            project = tmp_path / f"{at}-{second}"
            plan, contents = sample(project)
            old = tree(project)
            with pytest.raises(Killed):
                apply(plan, contents, StoppingOps(at))
            try:
                recover(project, StoppingOps(second))
            except Killed:
                recover(project, PosixFileOps())
                killed_again.add(tree(project) == old)
            assert tree(project) in (old, sample_after(old))
    assert killed_again == {True, False}


@pytest.mark.parametrize("failure", [bug, KeyboardInterrupt])
def test_an_interruption_at_any_call_is_settled_at_once(
    tmp_path: Path, calls: int, failure: Callable[[], BaseException]
) -> None:
    undone = set()
    for at in range(calls):
        project = tmp_path / str(at)
        plan, contents = sample(project)
        old = tree(project)
        with pytest.raises(type(failure())):
            apply(plan, contents, StoppingOps(at, failure, forever=False))
        assert tree(project) in (old, sample_after(old)), f"interrupted at call {at}"
        undone.add(tree(project) == old)
    assert undone == {True, False}


@pytest.mark.parametrize(("moment", "forever"), [("before", False), ("torn", True)])
def test_a_full_disk_at_any_call_changes_nothing_or_is_finished_later(
    tmp_path: Path, calls: int, moment: Moment, *, forever: bool
) -> None:
    undone = 0
    for at in range(calls):
        project = tmp_path / str(at)
        plan, contents = sample(project)
        old = tree(project)
        with pytest.raises(WriteFailed) as caught:
            apply(plan, contents, StoppingOps(at, disk_full, moment, forever=forever))
        if "nothing was changed" in caught.value.message:
            undone += 1
            assert forever or tree(project) == old
            recover(project, PosixFileOps())
            assert tree(project) == old
        else:
            recover(project, PosixFileOps())
            assert tree(project) == sample_after(old)
    assert undone > calls / 3


def test_an_error_names_the_file_of_the_project_and_not_the_staged_one(tmp_path: Path) -> None:
    names = set()
    for at in range(count_calls(*sample(tmp_path / "count"))):
        project = tmp_path / str(at)
        with pytest.raises(WriteFailed) as caught:
            apply(*sample(project), StoppingOps(at, disk_full))
        names.add(caught.value.path)
        assert "compose-tls-" not in str(caught.value.path)
    assert {"docker-compose.yml", "cert/ca.key", "cert", ".compose-tls.journal"} <= names


def test_the_inverse_of_an_applied_plan_restores_everything(tmp_path: Path) -> None:
    plan, contents = sample(tmp_path)
    old = tree(tmp_path)
    before = snapshot(plan)
    apply(plan, contents)
    apply(*inverse(plan, contents, before))
    assert tree(tmp_path) == old


def test_the_inverse_keeps_a_new_directory_in_which_somebody_has_put_a_file(tmp_path: Path) -> None:
    plan, contents = sample(tmp_path)
    before = snapshot(plan)
    apply(plan, contents)
    (tmp_path / "cert" / "mine.txt").write_text("mine")
    apply(*inverse(plan, contents, before))
    assert (tmp_path / "cert" / "mine.txt").read_text() == "mine"


def test_a_snapshot_shows_no_content(tmp_path: Path) -> None:
    plan, _ = sample(tmp_path)
    assert "old certificate" not in repr(snapshot(plan))


def test_a_file_that_is_gone_at_the_snapshot_is_left_to_apply_to_report(tmp_path: Path) -> None:
    plan, _ = sample(tmp_path)
    (tmp_path / "tls" / "ca.pem").unlink()
    assert tmp_path / "tls" / "ca.pem" not in snapshot(plan).files

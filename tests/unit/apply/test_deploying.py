"""A deployment that ends before it is proved: what it has to give back is there, and nobody else's is."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compose_tls.apply import deploying
from compose_tls.apply.deploying import (
    Deploying,
    parse,
    put_back,
    read,
    render,
    store,
)
from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.inverse import inverse, snapshot
from compose_tls.apply.preconditions import digest
from compose_tls.apply.recover import recover
from compose_tls.apply.transaction import apply
from compose_tls.apply.unproved import DEPLOYING, forget
from compose_tls.changes import Plan
from compose_tls.errors import ForeignJournal, OutsideProject, ProjectChanged, WriteFailed
from tests.unit.apply.trees import (
    Killed,
    StoppingOps,
    count_calls,
    run,
    sample,
    sample_after,
    tree,
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path.resolve() / "project"


def begun(project: Path) -> tuple[Plan, dict[str, bytes], Deploying]:
    """A sample that is about to be deployed."""
    plan, contents = sample(project)
    back = inverse(plan, contents, snapshot(plan))
    running = {"standalone": ("0123 2026-11-26T00:00:00Z",)}
    kept = deploying.old_files(project, *back)
    also = {"attu": ("4567 2026-11-26T00:00:00Z",)}, ("attu",)
    value = Deploying(
        project, "name", ("--profile", "x"), running, ("new",), (), False, *kept, *also
    )
    return plan, contents, value


def test_it_is_read_as_it_was_stored(project: Path) -> None:
    _, _, value = begun(project)
    before = tree(project)

    store(value)

    assert read(project) == value
    assert value.services == ("standalone", "new")
    kept = project / DEPLOYING
    assert {name: entry[1] for name, entry in tree(kept).items()} == {
        ".gitignore": 0o600,
        "record": 0o600,
    }
    assert kept.stat().st_mode & 0o777 == 0o700
    forget(project)
    assert tree(project) == before
    assert read(project) is None


def test_the_record_of_an_earlier_version_is_read(project: Path) -> None:
    _, _, value = begun(project)
    values = json.loads(render(value, 1))
    del values["neighbours"], values["sharing"]

    assert parse(json.dumps(values).encode(), project) == (
        replace(value, neighbours={}, sharing=()),
        1,
    )


def test_git_does_not_see_the_previous_keys(project: Path) -> None:
    _, _, value = begun(project)
    run(["git", "init", "--quiet", str(project)])
    store(value)

    words = ["git", "-C", str(project), "status", "--porcelain", "--untracked-files=all"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout

    assert "docker-compose.yml" in said
    assert DEPLOYING not in said


def test_a_kill_at_any_call_of_the_deployment_ends_with_the_previous_files(project: Path) -> None:
    plan, contents = sample(project.parent / "count")
    calls = count_calls(plan, contents)
    for at in range(calls + 1):
        shutil.rmtree(project, ignore_errors=True)
        plan, contents, value = begun(project)
        old = tree(project)
        store(value)
        with contextlib.suppress(Killed):
            apply(plan, contents, StoppingOps(at))
        recover(project, PosixFileOps())
        found = read(project)
        assert found is not None
        put_back(found)
        forget(project)
        assert tree(project) == old, at


def test_a_kill_at_any_call_of_keeping_them_leaves_the_project(project: Path) -> None:
    stopped = 0
    for at in range(40):
        shutil.rmtree(project, ignore_errors=True)
        _, _, value = begun(project)
        old = tree(project)
        try:
            store(value, StoppingOps(at))
        except Killed:
            stopped += 1
        found = read(project)
        if found is not None:
            assert put_back(found) == ()
        forget(project)
        assert tree(project) == old, at
    assert stopped > 5


def test_a_kill_while_they_are_let_go_leaves_nothing_to_put_back_or_all(project: Path) -> None:
    seen = set()
    for at in range(6):
        shutil.rmtree(project, ignore_errors=True)
        plan, contents, value = begun(project)
        old = tree(project)
        store(value)
        apply(plan, contents)
        with contextlib.suppress(Killed):
            forget(project, StoppingOps(at))
        seen.add(read(project) is None)
        forget(project)
        assert tree(project) == sample_after(old)
    assert seen == {True, False}


def test_a_disk_that_refuses_leaves_nothing(project: Path) -> None:
    for at in range(6):
        shutil.rmtree(project, ignore_errors=True)
        _, _, value = begun(project)
        old = tree(project)
        full = StoppingOps(at, lambda: OSError(28, "No space left"), forever=False)
        with pytest.raises(WriteFailed, match="nothing was changed"):
            store(value, full)
        assert tree(project) == old, at


def test_a_file_that_was_edited_since_keeps_all_as_they_are(project: Path) -> None:
    plan, contents, value = begun(project)
    store(value)
    apply(plan, contents)
    edited = project / "docker-compose.yml"
    edited.write_bytes(b"edited")
    now = tree(project)

    with pytest.raises(ProjectChanged, match="was edited after a command was interrupted"):
        put_back(value)

    assert tree(project) == now


def spoiled(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def spoil(project: Path) -> None:
        path = project / DEPLOYING / "record"
        values = json.loads(path.read_bytes())
        changed = change(values)
        path.write_text(json.dumps(values if changed is None else changed))

    return spoil


def copied(project: Path) -> None:
    kept = project / DEPLOYING
    shutil.copytree(kept, project / "copy")
    shutil.rmtree(kept)
    # A file system may give the number away again at once.
    (project / "holds the number").mkdir()
    (project / "copy").rename(kept)


def linked(project: Path) -> None:
    kept = project / DEPLOYING
    kept.rename(project / "elsewhere")
    kept.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda project: (project / DEPLOYING).chmod(0o755),
        lambda project: (project / DEPLOYING / "record").chmod(0o644),
        copied,
        linked,
        lambda project: (project / DEPLOYING / "record").write_bytes(b"["),
        lambda project: (project / DEPLOYING / "record").write_bytes(b"[" * 100_000),
        spoiled(lambda _: []),
        spoiled(lambda values: values.update(format="other")),
        spoiled(lambda values: values.update(running=[])),
        spoiled(lambda values: values.update(running={"a": "b c", "d": 1})),
        spoiled(lambda values: values.update(files=[["a", "!", None, None, None, None]])),
        spoiled(lambda values: values.update(files=[["a\0", None, None, None, None, None]])),
        spoiled(lambda values: values.update(files=[["a"]])),
        spoiled(lambda values: values.update(removed={"a": True})),
        spoiled(lambda values: values.update(made=["/"])),
    ],
)
def test_one_that_is_not_ours_is_not_carried_out(
    project: Path, spoil: Callable[[Path], None]
) -> None:
    _, _, value = begun(project)
    store(value)
    spoil(project)

    with pytest.raises(ForeignJournal) as caught:
        read(project)

    assert caught.value.path == DEPLOYING


@pytest.mark.parametrize("name", ["../home", "/etc/compose-tls-test", "link/file"])
def test_nothing_outside_is_put_back(project: Path, name: str) -> None:
    _, _, value = begun(project)
    store(value)
    (project.parent / "home").write_bytes(b"precious")
    (project / "link").symlink_to(project.parent)
    (project.parent / "file").write_bytes(b"precious")
    spoiled(
        lambda values: (
            values.update(files=[[name, "bmV3", None, 0o600, None, None]])
            if not (project / name).exists()
            else values.update(files=[[name, "bmV3", digest(project / name), 0o600, None, None]])
        )
    )(project)
    found = read(project)
    assert found is not None

    with pytest.raises(OutsideProject):
        put_back(found)

    assert (project.parent / "home").read_bytes() == b"precious"
    assert (project.parent / "file").read_bytes() == b"precious"

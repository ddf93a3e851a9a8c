from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import (
    JOURNAL,
    Journal,
    Step,
    journal_path,
    name_in,
    unfinished_journal_path,
)
from compose_tls.apply.recover import recover
from compose_tls.apply.transaction import apply
from compose_tls.errors import ForeignJournal, RecoveryFailed
from tests.unit.apply.trees import (
    Killed,
    StoppingOps,
    sample,
    sample_after,
    tree,
    write,
)

SUFFIX = ".compose-tls-0123abcd"


def interrupted(project: Path, *, complete: bool) -> dict[str, Any]:
    """Apply the sample until the first file is to be moved, or the journal to be completed."""

    class Stopping(PosixFileOps):
        def rename(self, source: Path, target: Path) -> None:
            journal = target.name == JOURNAL
            finished = journal and b'"complete": true' in source.read_bytes()
            if (finished and not complete) or not journal:
                raise Killed
            super().rename(source, target)

        def remove(self, path: Path) -> None:
            raise Killed

    plan, contents = sample(project)
    old = tree(project)
    with pytest.raises(Killed):
        apply(plan, contents, Stopping())
    return old


def test_a_project_without_a_journal_is_not_touched(tmp_path: Path) -> None:
    assert not recover(tmp_path, StoppingOps(0))


def test_what_was_not_all_staged_goes_back(tmp_path: Path) -> None:
    old = interrupted(tmp_path, complete=False)
    assert tree(tmp_path) != old
    assert recover(tmp_path, PosixFileOps())
    assert tree(tmp_path) == old


def test_what_was_staged_goes_on(tmp_path: Path) -> None:
    old = interrupted(tmp_path, complete=True)
    assert recover(tmp_path, PosixFileOps())
    assert tree(tmp_path) == sample_after(old)
    assert not recover(tmp_path, StoppingOps(0))


def test_a_project_that_was_moved_in_between_is_finished_all_the_same(tmp_path: Path) -> None:
    old = interrupted(tmp_path / "before", complete=True)
    (tmp_path / "before").rename(tmp_path / "after")
    recover(tmp_path / "after", PosixFileOps())
    assert tree(tmp_path / "after") == sample_after(old)


def test_a_journal_that_was_only_begun_is_thrown_away(tmp_path: Path) -> None:
    write(unfinished_journal_path(tmp_path), b"{half")
    assert not recover(tmp_path, PosixFileOps())
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    "name", ["docker-compose.yml", "conf/user.yaml", "tls/ca.pem", "tls/state.json"]
)
def test_a_file_that_was_edited_after_the_interruption_is_not_overwritten(
    tmp_path: Path, name: str
) -> None:
    interrupted(tmp_path, complete=True)
    (tmp_path / name).write_bytes(b"edited since")
    before = tree(tmp_path)
    with pytest.raises(RecoveryFailed) as caught:
        recover(tmp_path, PosixFileOps())
    assert caught.value.path == name
    assert name in caught.value.hint
    assert tree(tmp_path) == before


def test_a_file_that_was_created_after_the_interruption_is_not_overwritten(tmp_path: Path) -> None:
    interrupted(tmp_path, complete=True)
    write(tmp_path / "cert" / "ca.key", b"theirs")
    with pytest.raises(RecoveryFailed):
        recover(tmp_path, PosixFileOps())
    assert (tmp_path / "cert" / "ca.key").read_bytes() == b"theirs"


def test_a_file_that_is_there_and_cannot_be_read_does_not_stop_its_removal(ordinary: Path) -> None:
    path = write(ordinary / "server.key", b"key", 0o000)
    steps = (Step("server.key", "remove"),)
    content = Journal(ordinary, SUFFIX, steps, (), complete=True).render()
    write(journal_path(ordinary), content, 0o600)
    recover(ordinary, PosixFileOps())
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        json.dumps({"complete": True, "suffix": SUFFIX, "steps": [], "directories": [1]}).encode(),
        json.dumps({"complete": 1, "suffix": SUFFIX, "steps": [], "directories": []}).encode(),
        json.dumps({"complete": True, "suffix": "", "steps": [], "directories": []}).encode(),
        json.dumps({"complete": True, "suffix": "/../x", "steps": [], "directories": []}).encode(),
        json.dumps({"complete": True, "suffix": 7, "steps": [], "directories": []}).encode(),
        json.dumps(
            {
                "complete": True,
                "suffix": SUFFIX,
                "steps": [{"target": "a", "action": "chmod"}],
                "directories": [],
            }
        ).encode(),
        json.dumps(
            {
                "complete": True,
                "suffix": SUFFIX,
                "steps": [{"target": "a", "staged": "b"}],
                "directories": [],
            }
        ).encode(),
    ],
)
def test_a_damaged_journal_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    write(journal_path(tmp_path), content, 0o600)
    before = tree(tmp_path)
    with pytest.raises(RecoveryFailed) as caught:
        recover(tmp_path, PosixFileOps())
    assert caught.value.path == JOURNAL
    assert tree(tmp_path) == before


@pytest.mark.parametrize("complete", [False, True])
def test_a_journal_from_a_stranger_removes_and_replaces_nothing_outside(
    tmp_path: Path, *, complete: bool
) -> None:
    precious = write(tmp_path / "home" / "precious", b"precious")
    project = tmp_path / "project"
    steps = (
        Step(str(precious), "remove"),
        Step(str(precious), "replace"),
        Step("../home/precious", "remove", "0" * 64),
    )
    journal = Journal(project, SUFFIX, steps, (str(precious.parent),), complete=complete)
    write(journal_path(project), journal.render(), 0o600)
    write(project / f".precious{SUFFIX}", b"evil")
    with pytest.raises(ForeignJournal, match="outside the project"):
        recover(project, PosixFileOps())
    assert precious.read_bytes() == b"precious"


def test_a_recovery_that_the_disk_refuses_says_so_and_can_be_repeated(tmp_path: Path) -> None:
    old = interrupted(tmp_path, complete=True)
    with pytest.raises(RecoveryFailed, match="Read-only"):
        recover(tmp_path, StoppingOps(2, lambda: OSError(30, os.strerror(30))))
    recover(tmp_path, PosixFileOps())
    assert tree(tmp_path) == sample_after(old)


@pytest.mark.parametrize("name", ["a", "dir/b c", "n\udcffn-utf8", "ünï"])
def test_a_journal_survives_being_written_and_read(tmp_path: Path, name: str) -> None:
    steps = (Step(name, "overwrite", "ab"), Step("/abs", "remove-directory"))
    journal = Journal(tmp_path, SUFFIX, steps, (name,), complete=True)
    assert Journal.parse(journal.render(), tmp_path) == journal


def test_paths_outside_of_the_project_are_named_in_full(tmp_path: Path) -> None:
    assert name_in(tmp_path / "a" / "b", tmp_path) == "a/b"
    assert name_in(Path("/etc/x"), tmp_path) == "/etc/x"


def test_what_the_disk_refuses_in_a_recovery_is_told_by_its_name(tmp_path: Path) -> None:
    interrupted(tmp_path, complete=True)
    with pytest.raises(RecoveryFailed) as caught:
        recover(tmp_path, StoppingOps(2, lambda: OSError(1, "Operation not permitted")))
    assert caught.value.message.endswith("finished: Operation not permitted, at cert/ca.key")

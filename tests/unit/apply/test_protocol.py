"""The order of what is done to the disk, which is what survives a power cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import JOURNAL, Journal, journal_path
from compose_tls.apply.transaction import apply
from compose_tls.errors import WriteFailed
from tests.unit.apply.trees import OPERATIONS, sample


class RecordingOps(PosixFileOps):
    """The real operations; remembers each with whether the journal was complete at the time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.calls: list[tuple[str, Path, str]] = []

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in OPERATIONS:
            return found

        def call(*arguments: Any, **options: Any) -> None:
            path = arguments[1] if name == "rename" else arguments[0]
            self.calls.append((name, path, self.journal()))
            found(*arguments, **options)

        return call

    def journal(self) -> str:
        """``none``, ``incomplete`` or ``complete``."""
        path = journal_path(self.directory)
        if not path.exists():
            return "none"
        complete = Journal.parse(path.read_bytes(), self.directory).complete
        return "complete" if complete else "incomplete"


def test_what_is_taken_back_is_durably_gone_before_the_journal_goes(tmp_path: Path) -> None:
    class Refusing(RecordingOps):
        def copy_attributes(self, source: Path, target: Path) -> None:
            raise PermissionError(13, "Permission denied")

    ops = Refusing(tmp_path)
    with pytest.raises(WriteFailed):
        apply(*sample(tmp_path), ops)
    going_back = [(name, path) for name, path, stage in ops.calls if stage == "incomplete"]
    dropped = going_back.index(("remove", journal_path(tmp_path)))
    removed = [
        (number, path)
        for number, (name, path) in enumerate(going_back)
        if name in {"remove", "remove_directory"} and not path.name.startswith(JOURNAL)
    ]
    assert removed
    for number, path in removed:
        if path.parent.is_dir():
            assert ("sync_directory", path.parent) in going_back[number:dropped]


@pytest.fixture
def calls(tmp_path: Path) -> list[tuple[str, Path, str]]:
    ops = RecordingOps(tmp_path)
    plan, contents = sample(tmp_path)
    apply(plan, contents, ops)
    return ops.calls


def of_the_project(path: Path) -> bool:
    return JOURNAL not in path.name and "compose-tls-" not in path.name


def test_no_file_of_the_project_changes_before_the_journal_is_complete(
    calls: list[tuple[str, Path, str]],
) -> None:
    changing = {"rename", "overwrite", "remove", "remove_directory"}
    stages = {stage for name, path, stage in calls if name in changing and of_the_project(path)}
    assert stages == {"complete"}


def test_nothing_is_written_before_there_is_a_journal_but_the_journal(
    calls: list[tuple[str, Path, str]],
) -> None:
    assert {path.name for _, path, stage in calls if stage == "none"} <= {
        f"{JOURNAL}.new",
        JOURNAL,
        calls[0][1].parent.name,
    }


def test_everything_that_was_staged_is_durable_before_the_journal_is_complete(
    calls: list[tuple[str, Path, str]],
) -> None:
    staging = [(name, path) for name, path, stage in calls if stage == "incomplete"]
    staged = [
        (number, name, path)
        for number, (name, path) in enumerate(staging)
        if name in {"write_new", "make_directory"} and JOURNAL not in path.name
    ]
    assert {name for _, name, _ in staged} == {"write_new", "make_directory"}
    for number, _, path in staged:
        assert ("sync_directory", path.parent) in staging[number:]


def test_everything_that_was_committed_is_durable_before_the_journal_goes(
    calls: list[tuple[str, Path, str]],
) -> None:
    committing = [(name, path) for name, path, stage in calls if stage == "complete"]
    dropped = next(i for i, (name, path) in enumerate(committing) if path.name == JOURNAL)
    committed = [
        (number, name, path)
        for number, (name, path) in enumerate(committing)
        if name in {"rename", "remove"} and of_the_project(path) and path.parent.is_dir()
    ]
    assert {name for _, name, _ in committed} == {"rename", "remove"}
    for number, _, path in committed:
        assert ("sync_directory", path.parent) in committing[number:dropped]

"""A project from somebody else: whatever lies in it, nothing outside it changes."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose_tls.apply import journal as journal_module
from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import JOURNAL, Journal, Step, journal_path, unfinished
from compose_tls.apply.recover import Recovery, recover
from compose_tls.apply.transaction import apply
from compose_tls.changes import (
    CreateFile,
    FileChange,
    MakeDirectory,
    PatchFile,
    Plan,
    RemoveDirectory,
    RemoveFile,
    sha256,
)
from compose_tls.errors import (
    ComposeTlsError,
    ForeignJournal,
    OutsideProject,
    ProjectChanged,
    RecoveryFailed,
)
from compose_tls.files import read_regular
from tests.unit.apply.trees import tree, write

SUFFIX = ".compose-tls-0123abcd"
PRECIOUS = b"precious"

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lay_out(tmp_path.resolve())


def lay_out(directory: Path) -> Path:
    """A home with something precious in it, and a project with links that lead there."""
    write(directory / "home" / "precious", PRECIOUS, 0o600)
    (directory / "home" / "empty").mkdir()
    project = directory / "project"
    write(project / "docker-compose.yml", b"services: {}\n")
    (project / "tls").mkdir()
    (project / "out").symlink_to("../home")
    (project / "file").symlink_to("../home/precious")
    return project


def journalled(project: Path, *steps: Step, directories: tuple[str, ...] = ()) -> Journal:
    journal = Journal(project, SUFFIX, steps, directories, complete=True)
    write(journal_path(project), journal.render(), 0o600)
    return journal


class TestJournals:
    @pytest.mark.parametrize("complete", [False, True])
    @pytest.mark.parametrize(
        "target",
        ["../home/precious", "out/precious", "/etc/hostname", "tls/../../home/precious", "out/x"],
    )
    @pytest.mark.parametrize("action", ["replace", "overwrite", "remove", "remove-directory"])
    def test_one_that_names_what_lies_outside_is_not_carried_out(
        self, project: Path, target: str, action: Any, *, complete: bool
    ) -> None:
        step = Step(target, action, sha256(PRECIOUS), sha256(b"evil"))
        journal = Journal(project, SUFFIX, (step,), (), complete=complete)
        write(journal_path(project), journal.render(), 0o600)
        write(project / f".precious{SUFFIX}", b"evil")
        before = tree(project.parent)
        with pytest.raises(ForeignJournal) as caught:
            recover(project, PosixFileOps())
        assert (caught.value.path, "remove it" in caught.value.hint) == (JOURNAL, True)
        assert tree(project.parent) == before

    @pytest.mark.parametrize("directory", ["../home/empty", "out/empty", "/nowhere", ".."])
    def test_directories_outside_are_not_removed(self, project: Path, directory: str) -> None:
        journal = Journal(project, SUFFIX, (), (directory,))
        write(journal_path(project), journal.render(), 0o600)
        with pytest.raises(ForeignJournal):
            recover(project, PosixFileOps())
        assert (project.parent / "home" / "empty").is_dir()

    def test_a_link_in_the_place_of_a_file_to_be_overwritten_is_not_followed(
        self, project: Path
    ) -> None:
        journal = journalled(project, Step("file", "overwrite", sha256(PRECIOUS), sha256(b"evil")))
        write(journal.staged(journal.steps[0]), b"evil")
        with pytest.raises(RecoveryFailed):
            recover(project, PosixFileOps())
        assert (project.parent / "home" / "precious").read_bytes() == PRECIOUS

    def test_a_link_in_the_place_of_a_staged_file_brings_nothing_in(self, project: Path) -> None:
        step = Step("docker-compose.yml", "overwrite", None, sha256(b"what was staged"))
        journal = journalled(project, step)
        journal.staged(step).symlink_to("../home/precious")
        with pytest.raises(RecoveryFailed):
            recover(project, PosixFileOps())
        assert (project / "docker-compose.yml").read_bytes() == b"services: {}\n"

    @pytest.mark.parametrize("mode", [0o644, 0o664, 0o755, 0o640, 0o400])
    def test_one_that_git_can_give_is_not_ours(self, project: Path, mode: int) -> None:
        journal = journalled(project, Step("docker-compose.yml", "remove"))
        journal_path(project).chmod(mode)
        self.is_refused(project)
        assert journal.steps

    @root_only
    def test_one_of_another_user_is_not_ours(self, project: Path) -> None:
        journalled(project, Step("docker-compose.yml", "remove"))
        os.chown(journal_path(project), 1234, 1234)
        error = self.is_refused(project)
        assert "user 1234" in error.message

    def test_a_link_a_pipe_or_a_directory_is_not_ours(self, project: Path) -> None:
        path = journal_path(project)
        kinds: tuple[Callable[[], object], ...] = (
            lambda: path.symlink_to("../home/precious"),
            lambda: path.symlink_to("/dev/zero"),
            lambda: path.symlink_to("/nowhere"),
            lambda: os.mkfifo(path, 0o600),
            path.mkdir,
        )
        for make in kinds:
            make()
            self.is_refused(project)
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    def test_one_that_goes_while_it_is_looked_at_was_that_of_a_command_at_work(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journalled(project, Step("docker-compose.yml", "remove"))

        def gone(path: Path, limit: int) -> None:
            path.unlink()
            assert read_regular(path, limit) is None

        monkeypatch.setattr(journal_module, "read_regular", gone)
        assert not unfinished(project)

    def test_one_that_is_too_large_is_not_ours(self, project: Path) -> None:
        with journal_path(project).open("wb") as file:
            file.truncate(1 << 40)
        journal_path(project).chmod(0o600)
        self.is_refused(project)

    def is_refused(self, project: Path) -> ForeignJournal:
        before = (project / "docker-compose.yml").read_bytes()
        with pytest.raises(ForeignJournal) as caught:
            recover(project, PosixFileOps())
        with pytest.raises(ForeignJournal):
            unfinished(project)
        assert (project / "docker-compose.yml").read_bytes() == before
        assert "look at it, and remove it" in caught.value.hint
        return caught.value

    @pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000])
    def test_one_that_is_deep_is_damaged(self, project: Path, content: bytes) -> None:
        write(journal_path(project), content, 0o600)
        with pytest.raises(RecoveryFailed):
            recover(project, PosixFileOps())
        assert unfinished(project)

    def test_a_place_that_the_user_names_again_is_carried_on_with(self, project: Path) -> None:
        home = project.parent / "home"
        journalled(project, Step("../home/precious", "remove", sha256(PRECIOUS)))
        with pytest.raises(ForeignJournal, match="outside the project"):
            recover(project, PosixFileOps(), [home])
        target = str(home / "precious")
        journalled(project, Step(target, "remove", sha256(PRECIOUS)))
        assert unfinished(project)
        assert recover(project, PosixFileOps(), [home]) == Recovery("finished", (target,))
        assert not (home / "precious").exists()


TARGETS = st.sampled_from(
    [
        "../home/precious",
        "out/precious",
        "../home/empty",
        "out/empty",
        "file",
        "tls/../../home/precious",
    ]
) | st.lists(
    st.sampled_from(["..", ".", "out", "file", "tls", "home", "precious", "empty", "/", "a"]),
    min_size=1,
    max_size=4,
).map("/".join)
STEPS = st.fixed_dictionaries(
    {
        "target": TARGETS,
        "action": st.sampled_from(["replace", "overwrite", "remove", "remove-directory"]),
        "before": st.sampled_from([sha256(PRECIOUS), None, "no regular file"]),
        "after": st.sampled_from([sha256(b"evil"), sha256(PRECIOUS), None]),
    }
)
JOURNALS = st.fixed_dictionaries(
    {
        "format": st.just("compose-tls journal 2"),
        "complete": st.booleans(),
        "returning": st.booleans(),
        "suffix": st.just(SUFFIX),
        "steps": st.lists(STEPS, max_size=3),
        "directories": st.lists(TARGETS, max_size=3),
    }
)
SCALARS = st.none() | st.booleans() | st.integers() | st.text()
LISTS = st.lists(SCALARS | st.lists(SCALARS))
JSON = SCALARS | LISTS | st.dictionaries(st.text(), SCALARS | LISTS)
DAMAGED = st.builds(
    lambda journal, key, value: {**journal, key: value},
    JOURNALS,
    st.sampled_from(["complete", "returning", "suffix", "steps", "directories", "format"]),
    JSON,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(journal=JOURNALS | JSON | DAMAGED, staged=st.sampled_from([None, "file", "link"]))
def test_no_journal_reaches_outside(without_fsync: None, journal: Any, staged: str | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        project = lay_out(Path(name).resolve())
        write(journal_path(project), json.dumps(journal).encode(), 0o600)
        for place in (project, project / "tls", project.parent, project.parent / "home"):
            for target in ("precious", "file", "a", "out", "tls"):
                path = place / f".{target}{SUFFIX}"
                if staged == "file":
                    path.write_bytes(b"evil")
                elif staged == "link":
                    path.symlink_to("/dev/zero")
        before = outside(project)
        with contextlib.suppress(ForeignJournal, RecoveryFailed, ProjectChanged):
            recover(project, PosixFileOps())
        assert outside(project) == before


def outside(project: Path) -> dict[str, tuple[int, int, bytes]]:
    """All that lies around a project; a file may be a link to something without an end."""
    found = {}
    for path in sorted(project.parent.rglob("*")):
        if not path.is_relative_to(project):
            status = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            found[str(path)] = (status.st_ino, status.st_mode, content)
    return found


class TestPlans:
    @pytest.mark.parametrize(
        "change",
        [
            lambda p: PatchFile(p / "file", PRECIOUS, b"evil"),
            lambda p: PatchFile(p / "out" / "precious", PRECIOUS, b"evil"),
            lambda p: PatchFile(p.parent / "home" / "precious", PRECIOUS, b"evil"),
            lambda p: CreateFile(p / "out" / "new", b"evil", 0o600),
            lambda p: CreateFile(p / "out" / "precious", b"evil", 0o600, sha256(PRECIOUS)),
            lambda p: RemoveFile(p / "out" / "precious", sha256(PRECIOUS)),
            lambda p: RemoveDirectory(p / "out" / "empty"),
            lambda p: MakeDirectory(p / "out" / "new", 0o700),
            lambda p: MakeDirectory(p / ".." / "new", 0o700),
        ],
    )
    def test_one_that_leads_outside_is_refused_before_anything_is_written(
        self, project: Path, change: Any
    ) -> None:
        other: FileChange = CreateFile(project / "other", b"x", 0o644)
        before = tree(project.parent)
        with pytest.raises(OutsideProject) as caught:
            apply(Plan(project, (other, change(project))), {})
        assert caught.value.path is not None
        assert tree(project.parent) == before

    def test_what_the_user_names_is_written(self, project: Path) -> None:
        home = project.parent / "home"
        changes = (
            CreateFile(home / "new", b"a", 0o600),
            RemoveDirectory(project / "out" / "empty"),
        )
        apply(Plan(project, changes), {}, outside=(home,))
        assert (home / "new").read_bytes() == b"a"
        assert not (home / "empty").exists()

    def test_a_directory_that_becomes_a_link_meanwhile_is_not_followed(self, project: Path) -> None:
        """As root in a directory of somebody else, who exchanges one for the other."""

        class Exchanging(PosixFileOps):
            def write_new(self, path: Path, *arguments: Any, **options: Any) -> None:
                if path.parent.name == "tls":
                    (project / "tls").rmdir()
                    (project / "tls").symlink_to("../home")
                super().write_new(path, *arguments, **options)

        change = CreateFile(project / "tls" / "server.key", b"key", 0o600)
        before = tree(project.parent / "home")
        with pytest.raises(ComposeTlsError):
            apply(Plan(project, (change,)), {}, Exchanging())
        assert tree(project.parent / "home") == before

"""Nothing is left half-way: unread keys, signals, mounts, and edits in the very moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import JOURNAL
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
from compose_tls.errors import ProjectChanged, WriteFailed
from compose_tls.signals import SIGNALS, as_interrupt
from tests.unit.apply.trees import (
    OPERATIONS,
    Killed,
    StoppingOps,
    count_calls,
    root_only,
    run,
    sample,
    sample_after,
    tree,
    write,
)


def purge(project: Path) -> tuple[Plan, dict[str, bytes]]:
    """What ``disable --purge`` does to the key of a further client, which it does not read."""
    key = write(project / "cert" / "clients" / "alice.key", b"key", 0o600)
    compose = write(project / "docker-compose.yml", b"services: {a: {}}\n")
    changes = (
        PatchFile(compose, compose.read_bytes(), b"services: {}\n"),
        RemoveFile(key, None),
        RemoveDirectory(key.parent),
        RemoveDirectory(key.parent.parent),
    )
    return Plan(project, changes), {}


class TestUnreadKeys:
    def test_their_removal_can_be_interrupted_anywhere(self, tmp_path: Path) -> None:
        calls = count_calls(*purge(tmp_path / "count"))
        seen = set()
        for at in range(calls):
            project = tmp_path / str(at)
            plan, contents = purge(project)
            old = tree(project)
            with pytest.raises(Killed):
                apply(plan, contents, StoppingOps(at))
            recovery = recover(project, PosixFileOps())
            assert tree(project) in (old, tree(tmp_path / "count")), at
            seen.add(recovery.outcome if recovery else None)
        assert seen == {None, "taken-back", "finished"}

    def test_a_directory_in_the_place_of_one_stops_everything(self, tmp_path: Path) -> None:
        plan, contents = purge(tmp_path)
        key = tmp_path / "cert" / "clients" / "alice.key"
        key.unlink()
        key.mkdir()
        before = tree(tmp_path)
        with pytest.raises(WriteFailed, match="Is a directory; nothing was changed") as caught:
            apply(plan, contents)
        assert caught.value.path == "cert/clients/alice.key"
        assert tree(tmp_path) == before

    def test_one_that_came_after_the_interruption_stays(self, tmp_path: Path) -> None:
        plan, contents = purge(tmp_path)

        class Stopping(PosixFileOps):
            def rename(self, source: Path, target: Path) -> None:
                if target.name == "docker-compose.yml":
                    raise Killed
                super().rename(source, target)

        with pytest.raises(Killed):
            apply(plan, contents, Stopping())
        key = write(tmp_path / "cert" / "clients" / "alice.key", b"another key", 0o600)
        with pytest.raises(Exception, match="edited after"):
            recover(tmp_path, PosixFileOps())
        assert key.read_bytes() == b"another key"


def test_a_recovery_says_what_it_did_and_to_which_files(tmp_path: Path) -> None:
    for at, outcome in ((5, "taken-back"), (34, "finished")):
        project = tmp_path / str(at)
        with pytest.raises(Killed):
            apply(*sample(project), StoppingOps(at))
        recovery = recover(project, PosixFileOps())
        assert isinstance(recovery, Recovery)
        assert recovery.outcome == outcome
        assert {"docker-compose.yml", "conf/user.yaml", "cert/ca.key", "tls/state.json"} <= set(
            recovery.files
        )
        assert recover(project, PosixFileOps()) is None


class Signalling(PosixFileOps):
    """The real operations; signals arrive before the one numbered ``at``."""

    def __init__(self, at: int, *numbers: int) -> None:
        self.at = at
        self.numbers = numbers
        self.calls = 0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in OPERATIONS:
            return found

        def call(*arguments: Any, **options: Any) -> None:
            if self.calls == self.at:
                for number in self.numbers:
                    os.kill(os.getpid(), number)
            self.calls += 1
            found(*arguments, **options)

        return call


class TestSignals:
    @pytest.mark.parametrize("numbers", [*((n,) for n in SIGNALS), SIGNALS, (signal.SIGINT,) * 3])
    def test_one_or_several_at_any_call_leave_the_old_or_the_new_project_and_say_which(
        self, tmp_path: Path, numbers: tuple[int, ...]
    ) -> None:
        said = set()
        for at in range(0, count_calls(*sample(tmp_path / "count")), 2):
            project = tmp_path / str(at)
            plan, contents = sample(project)
            old = tree(project)
            with pytest.raises(KeyboardInterrupt) as caught, as_interrupt():
                apply(plan, contents, Signalling(at, *numbers))
            notes = {
                "no file was changed": old,
                "all files are written": sample_after(old),
            }
            [note] = caught.value.__notes__
            assert tree(project) == notes[note], at
            said.add(note)
        assert len(said) == 2

    def test_a_handler_that_only_takes_note_does_not_make_apply_pretend(
        self, tmp_path: Path
    ) -> None:
        plan, contents = sample(tmp_path)
        old = tree(tmp_path)
        seen = []
        before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
        try:
            with pytest.raises(KeyboardInterrupt):
                apply(plan, contents, Signalling(3, signal.SIGTERM))
        finally:
            signal.signal(signal.SIGTERM, before)
        assert seen == [signal.SIGTERM]
        assert tree(tmp_path) == old

    def test_an_interruption_that_could_not_be_settled_says_so(self, tmp_path: Path) -> None:
        plan, contents = sample(tmp_path)
        with pytest.raises(KeyboardInterrupt) as caught:
            apply(plan, contents, StoppingOps(34, KeyboardInterrupt))
        assert caught.value.__notes__ == [
            "the files are partly written: the next command completes them"
        ]
        recover(tmp_path, PosixFileOps())
        assert not (tmp_path / JOURNAL).exists()

    @pytest.mark.parametrize("number", SIGNALS)
    def test_a_process_ends_in_order(self, tmp_path: Path, number: signal.Signals) -> None:
        code = """
import os, sys
from pathlib import Path
from compose_tls.apply.transaction import apply
from compose_tls.signals import as_interrupt
from tests.unit.apply.test_half_states import Signalling
from tests.unit.apply.trees import sample
with as_interrupt():
    apply(*sample(Path(sys.argv[1])), Signalling(9, int(sys.argv[2])))
"""
        project = tmp_path / "project"
        command = [sys.executable, "-c", code, str(project), str(int(number))]
        root = Path(__file__).resolve().parents[3]
        outcome = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert outcome.returncode == -signal.SIGINT  # how Python ends after a KeyboardInterrupt
        assert "no file was changed" in outcome.stderr
        other = tmp_path / "other"
        sample(other)
        assert tree(project) == tree(other)


class TestMounts:
    @root_only
    @pytest.mark.parametrize("name", ["tls", "cert", "old"])
    def test_a_read_only_one_below_the_project_stops_everything_at_once(
        self, tmp_path: Path, mounts: Callable[..., None], name: str
    ) -> None:
        place = tmp_path / name
        for path in ("tls/ca.pem", "cert/.gitignore", "old/last.pem"):
            write(tmp_path / path, b"a")
        mounts("--bind", place, place)
        run(["mount", "-o", "remount,ro,bind", str(place)])
        changes: dict[str, FileChange] = {
            "tls": CreateFile(place / "ca.pem", b"b", 0o644, sha256(b"a")),
            "cert": MakeDirectory(place / "clients" / "deep", 0o700),
            "old": RemoveFile(place / "last.pem", sha256(b"a")),
        }
        new = MakeDirectory(tmp_path / "new", 0o700)
        before = tree(tmp_path)
        ops = StoppingOps(-1, forever=False)
        with pytest.raises(WriteFailed) as caught:
            apply(Plan(tmp_path, (new, changes[name])), {}, ops)
        assert "ead-only" in caught.value.message
        assert "nothing was changed" in caught.value.message
        assert str(caught.value.path).startswith(f"{name}/")
        assert tree(tmp_path) == before
        assert ops.calls == 0

    @root_only
    def test_one_that_becomes_read_only_meanwhile_leaves_no_journal(
        self, tmp_path: Path, mounts: Callable[..., None]
    ) -> None:
        project = tmp_path / "project"
        write(project / "tls" / "ca.pem", b"a")
        mounts("-t", "tmpfs", "tmpfs", project / "tls")
        change = CreateFile(project / "tls" / "server.key", b"key", 0o600)
        before = tree(project)

        class Remounting(PosixFileOps):
            def make_directory(self, path: Path, mode: int, *, uid: int | None = None) -> None:
                super().make_directory(path, mode, uid=uid)
                run(["mount", "-o", "remount,ro", str(project / "tls")])

        plan = Plan(project, (MakeDirectory(project / "cert", 0o700), change))
        with pytest.raises(WriteFailed, match="nothing was changed"):
            apply(plan, {}, Remounting())
        assert tree(project) == before

    def test_a_disk_that_keeps_no_permissions_gets_no_keys(self, tmp_path: Path) -> None:
        class WithoutModes(PosixFileOps):
            def write_new(self, path: Path, content: bytes, **options: Any) -> None:
                super().write_new(path, content, **{**options, "mode": 0o755})

        before = tree(tmp_path)
        change = CreateFile(tmp_path / "server.key", b"key", 0o600)
        with pytest.raises(
            WriteFailed, match="does not store owners and permissions; nothing was changed"
        ):
            apply(Plan(tmp_path, (change,)), {}, WithoutModes())
        assert tree(tmp_path) == before


EDIT = b"edited"


class Editor:
    """A program that has a file open."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("ab")

    def append(self) -> None:
        """Write to it, once."""
        if not self.file.closed:
            with self.file:
                self.file.write(EDIT)


def killed_while_editing(plan: Plan, path: Path, at: int) -> tuple[BaseException, bool]:
    """Apply a plan; a file is edited right after it went, and call ``at`` is the last.

    Returns:
        What ended it, and whether the edit came before.
    """
    editor = Editor(path)

    class Editing(StoppingOps):
        def rename(self, source: Path, target: Path) -> None:
            PosixFileOps.rename(self, source, target)
            if target.name == path.name:
                editor.append()

    with pytest.raises((Killed, ProjectChanged)) as caught:
        apply(plan, {}, Editing(at))
    edited = editor.file.closed
    editor.file.close()
    return caught.value, edited


class TestTheVeryMoment:
    """Another program writes between the last look and the commit, or into a file that just went."""

    def plan(self, project: Path) -> Plan:
        compose = write(project / "docker-compose.yml", b"a", 0o640)
        milvus = write(project / "milvus.yaml", b"tls: 0\n")
        key = write(project / "old.key", b"key", 0o600)
        shared = write(project / "shared.yaml", b"s")
        os.link(shared, project / "other.yaml")
        return Plan(
            project,
            (
                MakeDirectory(project / "cert", 0o700),
                PatchFile(compose, b"a", b"b"),
                CreateFile(project / "cert" / "ca.key", b"new", 0o600),
                PatchFile(milvus, b"tls: 0\n", b"tls: 1\n"),
                RemoveFile(key, sha256(b"key")),
                PatchFile(shared, b"s", b"t"),
            ),
        )

    @pytest.mark.parametrize(
        "name", ["docker-compose.yml", "milvus.yaml", "old.key", "shared.yaml"]
    )
    def test_what_it_appends_is_kept_and_everything_else_is_as_it_was(
        self, tmp_path: Path, name: str
    ) -> None:
        plan = self.plan(tmp_path)
        old = tree(tmp_path)
        editor = Editor(tmp_path / name)

        class Editing(PosixFileOps):
            """The first file has just gone: after it in one case, before it in the others."""

            def rename(self, source: Path, target: Path) -> None:
                super().rename(source, target)
                if target.name == "docker-compose.yml":
                    editor.append()

        with pytest.raises(ProjectChanged) as caught:
            apply(plan, {}, Editing())
        assert caught.value.path == name
        assert "run the command again" in caught.value.hint
        kind, mode, content = old[name]
        edited = {name: (kind, mode, content + EDIT)}
        if name == "shared.yaml":
            edited["other.yaml"] = edited[name]
        assert tree(tmp_path) == old | edited

    def test_a_new_file_that_it_puts_in_the_place_is_kept(self, tmp_path: Path) -> None:
        plan = self.plan(tmp_path)
        old = tree(tmp_path)

        class Saving(PosixFileOps):
            def rename(self, source: Path, target: Path) -> None:
                super().rename(source, target)
                if target.name == "docker-compose.yml":
                    (tmp_path / "saved").write_bytes(b"saved")
                    (tmp_path / "saved").replace(tmp_path / "milvus.yaml")

        with pytest.raises(ProjectChanged) as caught:
            apply(plan, {}, Saving())
        assert caught.value.path == "milvus.yaml"
        assert tree(tmp_path) == old | {"milvus.yaml": ("file", 0o644, b"saved")}

    def test_a_kill_while_files_are_put_back_is_finished_later(self, tmp_path: Path) -> None:
        ends: set[object] = set()
        apply(self.plan(tmp_path / "new"), {})
        new = tree(tmp_path / "new")
        for at in range(80):
            project = tmp_path / str(at)
            plan = self.plan(project)
            old = tree(project)
            error, edited = killed_while_editing(plan, project / "milvus.yaml", at)
            ends.add(type(error))
            try:
                recover(project, PosixFileOps())
            except ProjectChanged:
                ends.add("later")
            kept = old | {"milvus.yaml": ("file", 0o644, b"tls: 0\n" + EDIT)}
            assert tree(project) in ((kept,) if edited else (old, new)), at
        assert ends == {Killed, ProjectChanged, "later"}

    def test_a_disk_without_hard_links_is_written_all_the_same(self, tmp_path: Path) -> None:
        class WithoutLinks(PosixFileOps):
            def hold(self, path: Path, name: Path) -> None:
                pass

        plan = self.plan(tmp_path)
        apply(plan, {}, WithoutLinks())
        assert (tmp_path / "milvus.yaml").read_bytes() == b"tls: 1\n"
        assert not (tmp_path / "old.key").exists()

    def test_no_second_name_stays(self, tmp_path: Path) -> None:
        apply(self.plan(tmp_path), {})
        assert {name for name in tree(tmp_path) if name.startswith(".")} == set()
        assert (tmp_path / "milvus.yaml").stat().st_nlink == 1


class TestDirectoriesThatStay:
    def test_one_that_holds_something_else_is_named_with_it(self, tmp_path: Path) -> None:
        write(tmp_path / "tls" / "theirs.txt", b"x")
        ours = write(tmp_path / "cert" / "ca.key", b"x", 0o600)
        changes = (
            RemoveFile(ours, sha256(b"x")),
            RemoveDirectory(ours.parent),
            RemoveDirectory(tmp_path / "tls"),
        )
        [warning] = apply(Plan(tmp_path, changes), {})
        assert (warning.code, warning.path) == ("directory-kept", "tls")
        assert "theirs.txt" in warning.message
        assert warning.hint == "remove tls by hand, unless something in it is still needed"

    def test_of_many_files_the_first_are_named(self, tmp_path: Path) -> None:
        for name in "abcdefgh":
            write(tmp_path / "tls" / name, b"x")
        [warning] = apply(Plan(tmp_path, (RemoveDirectory(tmp_path / "tls"),)), {})
        assert warning.message.endswith(": a, b, c, d, e, …")

    @root_only
    def test_a_mount_point_cannot_be_removed(
        self, tmp_path: Path, mounts: Callable[..., None]
    ) -> None:
        (tmp_path / "tls").mkdir()
        mounts("-t", "tmpfs", "tmpfs", tmp_path / "tls")
        [warning] = apply(Plan(tmp_path, (RemoveDirectory(tmp_path / "tls"),)), {})
        assert warning.message == "tls stays: it cannot be removed"

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from compose_tls.apply import preconditions, staging
from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.journal import journal_path
from compose_tls.apply.recover import recover
from compose_tls.apply.transaction import apply
from compose_tls.changes import (
    CreateFile,
    FileChange,
    KeepFile,
    MakeDirectory,
    PatchFile,
    Plan,
    RemoveDirectory,
    RemoveFile,
    sha256,
)
from compose_tls.errors import ProjectChanged, WriteFailed
from tests.unit.apply.trees import Killed, StoppingOps, root_only, run, sample, tree, write


def patch(path: Path, new: bytes) -> PatchFile:
    return PatchFile(path, path.read_bytes(), new)


class TestWhatIsNotToBeChanged:
    def test_a_plan_that_keeps_everything_touches_neither_file_nor_directory(
        self, tmp_path: Path
    ) -> None:
        kept = write(tmp_path / "docker-compose.yml", b"a")
        (tmp_path / "tls").mkdir()
        changes = (
            MakeDirectory(tmp_path / "tls", 0o755),
            KeepFile(kept, sha256(b"a")),
            PatchFile(kept, b"a", b"a"),
            RemoveDirectory(tmp_path / "never"),
        )
        before = [(s.st_ino, s.st_mtime_ns, s.st_ctime_ns) for s in map(Path.stat, _all(tmp_path))]
        apply(Plan(tmp_path, changes), {})
        after = [(s.st_ino, s.st_mtime_ns, s.st_ctime_ns) for s in map(Path.stat, _all(tmp_path))]
        assert after == before

    def test_a_kept_file_keeps_its_inode_while_others_change(self, tmp_path: Path) -> None:
        kept, other = write(tmp_path / "kept", b"a"), write(tmp_path / "other", b"b")
        before = kept.stat()
        apply(Plan(tmp_path, (KeepFile(kept, sha256(b"a")), patch(other, b"c"))), {})
        assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def _all(directory: Path) -> list[Path]:
    return [directory, *sorted(directory.rglob("*"))]


class TestChangedMeanwhile:
    def edit(self, path: Path) -> None:
        path.write_bytes(b"edited by somebody else")

    def vanish(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def become_a_directory(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)

    def become_a_dangling_link(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        path.symlink_to("nowhere")

    @pytest.mark.parametrize(
        ("kind", "how"),
        [
            (kind, how)
            for kind in ("patched", "kept", "replaced", "removed", "new")
            for how in ("edit", "vanish", "become_a_directory", "become_a_dangling_link")
            if (kind, how) != ("new", "vanish")
        ],
    )
    def test_a_file_that_changed_since_it_was_observed_stops_everything(
        self, tmp_path: Path, kind: str, how: str
    ) -> None:
        path = tmp_path / "file"
        if kind != "new":
            write(path, b"a")
        changes: dict[str, FileChange] = {
            "patched": PatchFile(path, b"a", b"b"),
            "kept": KeepFile(path, sha256(b"a")),
            "replaced": CreateFile(path, b"b", 0o600, sha256(b"a")),
            "removed": RemoveFile(path, sha256(b"a")),
            "new": CreateFile(path, b"b", 0o600),
        }
        other = CreateFile(tmp_path / "other", b"other", 0o644)
        getattr(self, how)(path)
        before = tree(tmp_path)
        with pytest.raises(ProjectChanged) as caught:
            apply(Plan(tmp_path, (other, changes[kind])), {})
        assert tree(tmp_path) == before
        assert caught.value.path == "file"

    def test_an_edit_while_files_are_being_staged_is_not_overwritten(self, tmp_path: Path) -> None:
        plan, contents = sample(tmp_path)
        before = tree(tmp_path)

        class Editing(PosixFileOps):
            def copy_attributes(self, source: Path, target: Path) -> None:
                (tmp_path / "docker-compose.yml").write_bytes(b"edited")

        with pytest.raises(ProjectChanged):
            apply(plan, contents, Editing())
        edited = ("file", 0o640, b"edited")
        assert tree(tmp_path) == before | {"docker-compose.yml": edited}

    def test_a_parent_that_became_a_file_is_not_written_through(self, tmp_path: Path) -> None:
        write(tmp_path / "tls", b"a file")
        plan = Plan(tmp_path, (CreateFile(tmp_path / "tls" / "ca.pem", b"x", 0o644),))
        with pytest.raises(WriteFailed) as caught:
            apply(plan, {})
        assert caught.value.path == "tls/ca.pem"
        assert tree(tmp_path) == {"tls": ("file", 0o644, b"a file")}


class TestIdentity:
    def test_a_patched_symlink_stays_and_its_target_changes(self, tmp_path: Path) -> None:
        real = write(tmp_path / "elsewhere" / "real.yaml", b"a")
        link = tmp_path / "project" / "docker-compose.yml"
        link.parent.mkdir()
        link.symlink_to("../elsewhere/real.yaml")
        apply(Plan(tmp_path / "project", (patch(link, b"b"),)), {}, outside=(real,))
        assert link.readlink() == Path("../elsewhere/real.yaml")
        assert real.read_bytes() == b"b"
        assert [path.name for path in real.parent.iterdir()] == ["real.yaml"]

    def test_a_patched_hard_link_stays_linked(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.yaml", b"a long text", 0o640)
        os.link(path, tmp_path / "b.yaml")
        inode = path.stat().st_ino
        apply(Plan(tmp_path, (patch(path, b"short"),)), {})
        assert (tmp_path / "b.yaml").read_bytes() == b"short"
        assert path.stat().st_ino == (tmp_path / "b.yaml").stat().st_ino == inode
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    @pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o400, 0o755, 0o2664])
    def test_a_patched_file_keeps_its_mode(self, tmp_path: Path, mode: int) -> None:
        path = write(tmp_path / "a.yaml", b"a", mode)
        apply(Plan(tmp_path, (patch(path, b"b"),)), {})
        assert stat.S_IMODE(path.stat().st_mode) == mode

    def test_an_owner_s_own_read_only_file_is_patched_and_stays_read_only(
        self, ordinary: Path
    ) -> None:
        path = write(ordinary / "a.yaml", b"a", 0o444)
        apply(Plan(ordinary, (patch(path, b"b"),)), {})
        assert tree(ordinary) == {"a.yaml": ("file", 0o444, b"b")}

    @root_only
    def test_a_patched_file_keeps_its_owner_and_group(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.yaml", b"a", 0o640)
        os.chown(path, 1234, 2345)
        apply(Plan(tmp_path, (patch(path, b"b"),)), {})
        status = path.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o640)

    def test_extended_attributes_of_a_patched_file_stay(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.yaml", b"a")
        _set_attribute(path, "user.origin", b"ansible")
        apply(Plan(tmp_path, (patch(path, b"b"),)), {})
        assert os.getxattr(path, "user.origin") == b"ansible"

    def test_an_access_list_of_a_patched_file_stays(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.yaml", b"a", 0o640)
        _set_attribute(path, "system.posix_acl_access", _access_list(user=1234))
        before = os.getxattr(path, "system.posix_acl_access")
        apply(Plan(tmp_path, (patch(path, b"b"),)), {})
        assert os.getxattr(path, "system.posix_acl_access") == before
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def test_a_patched_file_does_not_catch_the_default_access_list_of_its_directory(
        self, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "a.yaml", b"a", 0o640)
        _set_attribute(tmp_path, "system.posix_acl_default", _access_list(user=1234))
        apply(Plan(tmp_path, (patch(path, b"b"),)), {})
        assert os.listxattr(path) == []
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def test_a_replaced_key_does_not_inherit_who_else_could_read_the_old_one(
        self, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "server.key", b"old", 0o640)
        _set_attribute(path, "system.posix_acl_access", _access_list(user=1234))
        apply(Plan(tmp_path, (CreateFile(path, b"new", 0o600, sha256(b"old")),)), {})
        assert os.listxattr(path) == []
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_system_without_extended_attributes_patches_all_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(os, "listxattr", raising=False)
        path = write(tmp_path / "a.yaml", b"a")
        apply(Plan(tmp_path, (patch(path, b"b"),)), {})
        assert path.read_bytes() == b"b"


def _set_attribute(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except (OSError, AttributeError) as error:
        pytest.skip(f"no {name} here: {error}")


def _access_list(user: int) -> bytes:
    """rw for the owner, r for the group and one more user: acl(5) as the kernel keeps it."""
    none = 0xFFFFFFFF
    entries = [(1, 6, none), (2, 4, user), (4, 4, none), (0x10, 4, none), (0x20, 0, none)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


class TestBirth:
    @pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
    def test_modes_do_not_depend_on_the_umask(self, tmp_path: Path, umask: int, mode: int) -> None:
        path = tmp_path / "cert" / "sub" / "server.key"
        changes = (MakeDirectory(path.parent, 0o750), CreateFile(path, b"key", mode))
        old = os.umask(umask)
        try:
            apply(Plan(tmp_path, changes), {})
        finally:
            os.umask(old)
        assert tree(tmp_path) == {
            "cert": ("directory", 0o755, b""),
            "cert/sub": ("directory", 0o750, b""),
            "cert/sub/server.key": ("file", mode, b"key"),
        }

    def test_a_key_is_empty_and_private_until_it_has_its_final_mode_and_owner(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[tuple[int, int]] = []

        def watch(real: Callable[..., None]) -> Callable[..., None]:
            def watched(descriptor: int, *values: int) -> None:
                status = os.fstat(descriptor)
                seen.append((status.st_size, stat.S_IMODE(status.st_mode)))
                real(descriptor, *values)

            return watched

        monkeypatch.setattr(os, "fchown", watch(os.fchown))
        monkeypatch.setattr(os, "fchmod", watch(os.fchmod))
        old = os.umask(0)
        try:
            ops = PosixFileOps()
            gid = os.getegid()
            ops.write_new(tmp_path / "server.key", b"key", mode=0o640, uid=None, gid=gid)
        finally:
            os.umask(old)
        assert seen == [(0, 0o600), (0, 0o600)]
        assert tree(tmp_path) == {"server.key": ("file", 0o640, b"key")}

    @root_only
    def test_a_key_is_handed_to_the_user_of_the_container(self, tmp_path: Path) -> None:
        path = tmp_path / "server.key"
        apply(Plan(tmp_path, (CreateFile(path, b"key", 0o600, None, 999, 998),)), {})
        assert (path.stat().st_uid, path.stat().st_gid) == (999, 998)

    @root_only
    def test_what_root_makes_is_for_whoever_the_directory_belongs_to(self, tmp_path: Path) -> None:
        theirs, ours = tmp_path / "theirs", tmp_path / "ours"
        for place in (theirs, ours):
            write(place / "cert" / "old.key", b"old", 0o600)
        os.chown(theirs, 1234, 2345)
        os.chown(theirs / "cert", 1234, 2345)
        for place in (theirs, ours):
            changes = (
                CreateFile(place / "cert" / "old.key", b"new", 0o600, sha256(b"old")),
                MakeDirectory(place / "tls" / "deeper", 0o700),
                CreateFile(place / "tls" / "deeper" / "server.key", b"key", 0o600),
                CreateFile(place / "tls" / "milvus.key", b"key", 0o600, None, 999, 998),
            )
            apply(Plan(place, changes), {})
        owners = {
            str(path.relative_to(tmp_path)): (path.stat().st_uid, path.stat().st_gid)
            for place in (theirs, ours)
            for path in place.rglob("*")
        }
        assert {name: owner for name, owner in owners.items() if name.startswith("theirs")} == {
            "theirs/cert": (1234, 2345),
            "theirs/cert/old.key": (1234, 2345),
            "theirs/tls": (1234, 2345),
            "theirs/tls/deeper": (1234, 2345),
            "theirs/tls/deeper/server.key": (1234, 2345),
            "theirs/tls/milvus.key": (999, 998),
        }
        del owners["ours/tls/milvus.key"]
        assert {owner for name, owner in owners.items() if name.startswith("ours")} == {(0, 0)}

    @root_only
    def test_a_journal_in_a_directory_of_another_user_is_that_of_root(self, tmp_path: Path) -> None:
        os.chown(tmp_path, 1234, 2345)
        changes = (CreateFile(tmp_path / "server.key", b"key", 0o600),)
        with pytest.raises(Killed):
            apply(Plan(tmp_path, changes), {}, StoppingOps(at=3))
        assert journal_path(tmp_path).stat().st_uid == 0
        assert recover(tmp_path, PosixFileOps()) is not None
        assert tree(tmp_path) == {}

    @root_only
    def test_a_link_in_the_place_of_a_directory_that_root_makes_is_not_followed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project, victim = tmp_path / "project", tmp_path / "victim"
        for place, owner in ((project, 1234), (victim, 0)):
            place.mkdir(mode=0o755)
            os.chown(place, owner, owner)
        real = os.mkdir

        def exchanged(name: str, mode: int, *, dir_fd: int) -> None:
            real(name, mode, dir_fd=dir_fd)
            os.rmdir(name, dir_fd=dir_fd)
            os.symlink(victim, name, dir_fd=dir_fd)

        monkeypatch.setattr(os, "mkdir", exchanged)
        with pytest.raises(WriteFailed):
            apply(Plan(project, (MakeDirectory(project / "cert", 0o700),)), {})
        status = victim.stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o755)

    def test_a_file_that_is_there_already_is_never_opened(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a", b"theirs")
        with pytest.raises(FileExistsError):
            PosixFileOps().write_new(path, b"ours", mode=0o600, uid=None, gid=None)
        assert path.read_bytes() == b"theirs"


class TestRefusals:
    def refused(self, directory: Path, *changes: FileChange) -> WriteFailed:
        before = tree(directory)
        with pytest.raises(WriteFailed) as caught:
            apply(Plan(directory, changes), {})
        assert tree(directory) == before
        assert "nothing was changed" in caught.value.message
        return caught.value

    def test_a_read_only_directory(self, ordinary: Path) -> None:
        path = write(ordinary / "tls" / "ca.pem", b"a")
        path.parent.chmod(0o555)
        other = CreateFile(ordinary / "other", b"x", 0o644)
        error = self.refused(ordinary, other, patch(path, b"b"))
        assert error.path == "tls/ca.pem"
        assert "Permission denied" in error.message

    def test_a_removal_from_a_read_only_directory(self, ordinary: Path) -> None:
        path = write(ordinary / "tls" / "ca.pem", b"a")
        path.parent.chmod(0o555)
        other = CreateFile(ordinary / "other", b"x", 0o644)
        error = self.refused(ordinary, other, RemoveFile(path, sha256(b"a")))
        assert error.path == "tls/ca.pem"

    def test_a_project_directory_that_is_read_only(self, ordinary: Path) -> None:
        path = write(ordinary / "a.yaml", b"a")
        ordinary.chmod(0o555)
        error = self.refused(ordinary, patch(path, b"b"))
        ordinary.chmod(0o755)
        assert error.path == ".compose-tls.journal"

    def test_a_hard_link_that_is_read_only(self, ordinary: Path) -> None:
        path = write(ordinary / "a.yaml", b"a", 0o444)
        os.link(path, ordinary / "b.yaml")
        error = self.refused(ordinary, patch(path, b"b"))
        assert error.path == "a.yaml"

    def test_a_file_that_may_not_be_read(self, ordinary: Path) -> None:
        path = write(ordinary / "a.key", b"a", 0o000)
        change = CreateFile(path, b"b", 0o600, sha256(b"a"))
        with pytest.raises(WriteFailed) as caught:
            apply(Plan(ordinary, (change,)), {})
        assert caught.value.path == "a.key"

    def test_a_place_where_a_file_stands_for_a_directory(self, tmp_path: Path) -> None:
        write(tmp_path / "tls", b"a file")
        other = CreateFile(tmp_path / "other", b"x", 0o644)
        error = self.refused(tmp_path, other, MakeDirectory(tmp_path / "tls", 0o755))
        assert error.path == "tls"

    @root_only
    def test_a_file_of_somebody_else(self, ordinary: Path) -> None:
        path = write(ordinary / "a.yaml", b"a")
        os.seteuid(0)
        os.chown(path, 0, 0)
        os.seteuid(65534)
        assert self.refused(ordinary, patch(path, b"b")).path == "a.yaml"

    @root_only
    def test_an_immutable_file(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.yaml", b"a")
        run(["chattr", "+i", str(path)])
        try:
            patched = self.refused(tmp_path, patch(path, b"b"))
            removed = self.refused(tmp_path, RemoveFile(path, sha256(b"a")))
        finally:
            run(["chattr", "-i", str(path)])
        assert patched.path == removed.path == "a.yaml"

    @root_only
    @pytest.mark.parametrize("name", ["cert/a.pem", "cert"])
    def test_what_can_only_be_appended_to(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path / "cert" / "a.pem", b"a")
        run(["chattr", "+a", str(tmp_path / name)])
        try:
            patched = self.refused(tmp_path, patch(path, b"b"))
            removed = self.refused(tmp_path, RemoveFile(path, sha256(b"a")))
        finally:
            run(["chattr", "-a", str(tmp_path / name)])
        assert patched.path == removed.path == "cert/a.pem"
        assert "chattr -a" in patched.message

    @root_only
    def test_a_file_on_a_read_only_mount(self, tmp_path: Path, mounts: Callable[..., None]) -> None:
        path, outside = write(tmp_path / "a.yaml", b""), write(tmp_path / "outside", b"a")
        mounts("--bind", outside, path)
        run(["mount", "-o", "remount,ro,bind", str(path)])
        assert self.refused(tmp_path, patch(path, b"b")).path == "a.yaml"

    @root_only
    @pytest.mark.parametrize("free", range(0, 24, 2))
    def test_a_full_disk(self, tmp_path: Path, mounts: Callable[..., None], free: int) -> None:
        mounts("-t", "tmpfs", "-o", "size=256k,nr_inodes=64", "tmpfs", tmp_path)
        plan, contents = sample(tmp_path)
        big = CreateFile(tmp_path / "cert" / "big", bytes(4096 * 12), 0o644)
        changes = tuple(c for c in plan.changes if c.path.name != "milvus.yaml")
        plan = Plan(tmp_path, (*changes, big))
        left = os.statvfs(tmp_path).f_bavail - free
        (tmp_path / "filling").write_bytes(bytes(4096 * left))
        assert os.statvfs(tmp_path).f_bavail == free
        error = None
        before = tree(tmp_path)
        try:
            apply(plan, contents)
        except WriteFailed as caught:
            error = caught
        if free < 12:
            assert error is not None
            assert "No space left on device; nothing was changed" in error.message
            assert error.path is not None
            assert tree(tmp_path) == before
        elif free > 20:
            assert error is None


class TestUnlikelyHosts:
    @root_only
    def test_a_file_with_a_foreign_group_is_written_in_place_and_keeps_it(
        self, ordinary: Path
    ) -> None:
        path = write(ordinary / "a.yaml", b"a", 0o664)
        os.seteuid(0)
        os.chown(path, 65534, 4321)
        os.seteuid(65534)
        inode = path.stat().st_ino
        apply(Plan(ordinary, (patch(path, b"b"),)), {})
        status = path.stat()
        assert path.read_bytes() == b"b"
        assert (status.st_ino, status.st_uid, status.st_gid) == (inode, 65534, 4321)

    @root_only
    def test_a_file_that_is_itself_a_mount_point_is_written_in_place(
        self, tmp_path: Path, mounts: Callable[..., None]
    ) -> None:
        path = write(tmp_path / "my project" / "a.yaml", b"")
        outside = write(tmp_path / "outside", b"a longer text")
        mounts("--bind", outside, path)
        apply(Plan(path.parent, (patch(path, b"b"),)), {})
        assert outside.read_bytes() == b"b"
        assert [p.name for p in path.parent.iterdir()] == ["a.yaml"]

    @root_only
    def test_a_file_of_ours_that_is_a_mount_point_is_refused(
        self, tmp_path: Path, mounts: Callable[..., None]
    ) -> None:
        path, outside = write(tmp_path / "a.key", b""), write(tmp_path / "outside", b"a")
        mounts("--bind", outside, path)
        with pytest.raises(WriteFailed, match="mount point"):
            apply(Plan(tmp_path, (CreateFile(path, b"b", 0o600, sha256(b"a")),)), {})
        assert outside.read_bytes() == b"a"

    def test_a_host_that_does_not_list_its_mounts_has_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(preconditions, "_MOUNTS", tmp_path / "no such file")
        assert not preconditions.mount_points()

    def test_the_root_directory_is_a_mount_point_where_mounts_are_listed(self) -> None:
        if not Path("/proc/self/mountinfo").exists():
            pytest.skip("this host has no /proc/self/mountinfo")
        assert "/" in preconditions.mount_points()

    def test_mounts_and_directories_are_asked_once_for_all_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []
        for name in ("mount_points", "require_writable"):
            real = getattr(staging, name)

            def counted(*given: Path, real: Callable[..., object] = real) -> object:
                asked.append((real, *given))
                return real(*given)

            monkeypatch.setattr(staging, name, counted)
        paths = [write(tmp_path / "cert" / f"{n}.key", b"key", 0o600) for n in range(9)]
        apply(Plan(tmp_path, tuple(RemoveFile(path, None) for path in paths)), {})
        assert not any(path.exists() for path in paths)
        assert len(asked) == len(set(asked)) == 3

    @root_only
    def test_a_key_that_only_another_user_may_read_can_be_removed(self, ordinary: Path) -> None:
        path = write(ordinary / "server.key", b"key", 0o600)
        os.seteuid(0)
        os.chown(path, 999, 999)
        os.seteuid(65534)
        apply(Plan(ordinary, (RemoveFile(path, None),)), {})
        assert not path.exists()

    @pytest.mark.parametrize("name", ["EINVAL", "ENOTSUP"])
    def test_a_file_system_that_cannot_sync_directories_is_no_reason_to_stop(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        def refuse(_: int) -> None:
            raise OSError(getattr(errno, name), "no")

        monkeypatch.setattr(os, "fsync", refuse)
        PosixFileOps().sync_directory(tmp_path)

    def test_a_disk_that_loses_directory_entries_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: int) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="Input/output"):
            PosixFileOps().sync_directory(tmp_path)

    def test_directories_are_removed_only_when_empty(self, tmp_path: Path) -> None:
        write(tmp_path / "tls" / "theirs", b"x")
        write(tmp_path / "cert" / "ours", b"y")
        changes = (
            RemoveFile(tmp_path / "cert" / "ours", sha256(b"y")),
            RemoveDirectory(tmp_path / "cert"),
            RemoveDirectory(tmp_path / "tls"),
        )
        apply(Plan(tmp_path, changes), {})
        assert set(tree(tmp_path)) == {"tls", "tls/theirs"}

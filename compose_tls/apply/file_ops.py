"""The handful of system calls that change a disk, in one class, so that tests can stop at each."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from compose_tls.files import open_real, parent_directory

# What link(2) says where there are no hard links, or not for this file.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EXDEV})
# The owner of a file whose owner has no number here: user_namespaces(7), "Unmapped user and group IDs".
_UNMAPPED = 65534


class PosixFileOps:
    """What a transaction does to a file system, so that tests can stop at each call.

    Paths are real: no link is on the way. No call follows one: it changes what the path led to when it
    was checked.
    """

    def make_directory(self, path: Path, mode: int, *, uid: int | None = None) -> None:
        """Create a directory with this mode, independent of the umask."""
        with parent_directory(path) as (parent, name):
            os.mkdir(name, mode, dir_fd=parent)
            descriptor = os.open(name, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
            try:
                heir = _heir(parent) if uid is None else None
                # Who may write to the parent may have put another directory there.
                mine = os.fstat(descriptor).st_uid == os.geteuid()
                with os.scandir(descriptor) as entries:
                    mine = mine and next(entries, None) is None
                if not mine:
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
                os.fchmod(descriptor, mode)
                if heir is not None:
                    _give(descriptor, heir)
            finally:
                os.close(descriptor)

    def write_new(
        self, path: Path, content: bytes, *, mode: int, uid: int | None, gid: int | None
    ) -> None:
        """Create a file that must not exist, with its final mode and owner before the first byte."""
        # Created with at most the owner's bits: no other user can open it before the owner is set.
        with parent_directory(path) as (parent, name):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, mode & 0o700, dir_fd=parent)
            heir = _heir(parent)
        with os.fdopen(descriptor, "wb") as file:
            if uid is not None or gid is not None:
                os.fchown(descriptor, -1 if uid is None else uid, -1 if gid is None else gid)
            elif heir is not None:
                _give(descriptor, heir)
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)

    def copy_attributes(self, source: Path, target: Path) -> None:
        """Carry access lists, SELinux labels and the user's own attributes over where possible."""
        if not hasattr(os, "listxattr"):
            return
        with contextlib.suppress(OSError):
            wanted = os.listxattr(source, follow_symlinks=False)
            # A directory's default access list was given to the new file at birth.
            for name in set(os.listxattr(target, follow_symlinks=False)).difference(wanted):
                with contextlib.suppress(OSError):
                    os.removexattr(target, name, follow_symlinks=False)
            for name in wanted:
                with contextlib.suppress(OSError):
                    value = os.getxattr(source, name, follow_symlinks=False)
                    os.setxattr(target, name, value, follow_symlinks=False)

    def overwrite(self, path: Path, content: bytes) -> None:
        """Overwrite the bytes of a file in place, so that it keeps its inode."""
        with os.fdopen(open_real(path, os.O_RDWR), "r+b") as file:
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    def hold(self, path: Path, name: Path) -> None:
        """Create a hard link to a file, if the file system supports that."""
        with parent_directory(path) as (parent, old):
            try:
                os.link(old, name.name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise

    def rename(self, source: Path, target: Path) -> None:
        """Move a file over another in the same directory, atomically."""
        with parent_directory(target) as (parent, name):
            os.replace(source.name, name, src_dir_fd=parent, dst_dir_fd=parent)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is fine."""
        try:
            with parent_directory(path) as (parent, name):
                os.unlink(name, dir_fd=parent)
        except OSError:
            # A file system that is read-only says so first, whether there is a file or not.
            if os.path.lexists(path):
                raise

    def remove_directory(self, path: Path) -> None:
        """Remove a directory if it is empty."""
        with contextlib.suppress(OSError), parent_directory(path) as (parent, name):
            os.rmdir(name, dir_fd=parent)

    def sync_directory(self, path: Path) -> None:
        """Make the entries of a directory durable."""
        descriptor = open_real(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some network and FUSE file systems cannot: fsync(2), "does not support synchronization".
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
                raise
        finally:
            os.close(descriptor)


def _heir(parent: int) -> tuple[int, int] | None:
    """The owner and group of a directory, where what this process makes in it is to be theirs."""
    status = os.fstat(parent)
    theirs = os.geteuid() == 0 and status.st_uid not in {0, _UNMAPPED}
    return (status.st_uid, status.st_gid) if theirs else None


def _give(descriptor: int, heir: tuple[int, int]) -> None:
    """Give away what was just made, where root may do that: a container may have taken that right."""
    try:
        os.fchown(descriptor, *heir)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EINVAL}:
            raise


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Make an error name the target file instead of the staged one or none."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        error.filename2 = None
        raise

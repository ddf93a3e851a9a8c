"""The handful of system calls that change a disk, behind one protocol, so that tests can stop at each."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class FileOps(Protocol):
    """What a transaction does to a file system."""

    def make_directory(self, path: Path, mode: int) -> None:
        """Make one directory with this mode."""

    def write_new(
        self, path: Path, content: bytes, *, mode: int, uid: int | None, gid: int | None
    ) -> None:
        """Create a file that must not exist, with its final mode and owner before the first byte."""

    def copy_attributes(self, source: Path, target: Path) -> None:
        """Give a file the extended attributes of another, where the file system lets it."""

    def overwrite(self, path: Path, content: bytes) -> None:
        """Write over the bytes of a file that must keep its identity."""

    def rename(self, source: Path, target: Path) -> None:
        """Move a file over another, atomically."""

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is fine."""

    def remove_directory(self, path: Path) -> None:
        """Remove a directory if it is empty."""

    def sync_directory(self, path: Path) -> None:
        """Make the entries of a directory durable."""


class PosixFileOps:
    """The real thing."""

    def make_directory(self, path: Path, mode: int) -> None:
        """Make one directory with this mode, whatever the umask says."""
        path.mkdir(mode=mode)
        path.chmod(mode)

    def write_new(
        self, path: Path, content: bytes, *, mode: int, uid: int | None, gid: int | None
    ) -> None:
        """Create a file that must not exist, with its final mode and owner before the first byte."""
        # Born with at most the owner's bits: nobody else can open it before it is handed over.
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode & 0o700
        )
        with os.fdopen(descriptor, "wb") as file:
            if uid is not None or gid is not None:
                os.fchown(descriptor, -1 if uid is None else uid, -1 if gid is None else gid)
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)

    def copy_attributes(self, source: Path, target: Path) -> None:
        """Carry access lists, SELinux labels and the user's own attributes over where possible."""
        if not hasattr(os, "listxattr"):
            return
        with contextlib.suppress(OSError):
            wanted = os.listxattr(source)
            # A directory's default access list was given to the new file at birth.
            for name in set(os.listxattr(target)).difference(wanted):
                with contextlib.suppress(OSError):
                    os.removexattr(target, name)
            for name in wanted:
                with contextlib.suppress(OSError):
                    os.setxattr(target, name, os.getxattr(source, name))

    def overwrite(self, path: Path, content: bytes) -> None:
        """Write over the bytes of a file that must keep its identity."""
        with path.open("r+b") as file:
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Move a file over another, atomically."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is fine."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()

    def remove_directory(self, path: Path) -> None:
        """Remove a directory if it is empty."""
        with contextlib.suppress(OSError):
            path.rmdir()

    def sync_directory(self, path: Path) -> None:
        """Make the entries of a directory durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some network and FUSE file systems cannot: fsync(2), "does not support synchronization".
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
                raise
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error name the file that people know, not the staged one beside it or none at all."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        error.filename2 = None
        raise

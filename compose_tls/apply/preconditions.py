"""Preconditions of a change: files and directories can be written, and nothing is in the way."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from collections.abc import Collection
from pathlib import Path

from compose_tls.apply.file_ops import naming
from compose_tls.apply.journal import StepAction
from compose_tls.changes import CreateFile, MakeDirectory, Plan, sha256
from compose_tls.errors import ValueInTheWay, WriteFailed
from compose_tls.files import CHANGED_LIMIT, open_real, read_regular
from compose_tls.layout import PUBLIC_DIRECTORY
from compose_tls.patterns import regex
from compose_tls.shell import moved_away

_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = regex(r"\\([0-7]{3})")

# FS_IOC_GETFLAGS and FS_APPEND_FL of linux/fs.h, see ioctl_iflags(2). Where that is another number, as on
# MIPS and POWER, nothing answers to this one.
_GET_FLAGS = 0x80086601
_APPEND_ONLY = 0x20


def digest(path: Path) -> str | None:
    """SHA-256 of a file, in hex; ``None`` where there is nothing, no hash where a file is not ours.

    Raises:
        OSError: It cannot be read.
    """
    try:
        found = read_regular(path, CHANGED_LIMIT)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return "a large file"
    if found is not None:
        return sha256(found.content)
    return "no regular file" if os.path.lexists(path) else None


def can_give(status: os.stat_result) -> bool:
    """Whether this process can make a new file with the owner and group of another."""
    if os.geteuid() == 0:
        return True
    return status.st_uid == os.geteuid() and status.st_gid in {os.getegid(), *os.getgroups()}


def mount_points() -> frozenset[str]:
    """The real paths on which something is mounted: a file there can be written but not replaced."""
    try:
        table = _MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return frozenset()
    # The fifth field, with blanks and backslashes as octal numbers: proc_pid_mountinfo(5).
    return frozenset(
        _OCTAL.sub(lambda found: chr(int(found[1], 8)), line.split(" ")[4])
        for line in table.splitlines()
    )


def require_yielding(path: Path, action: StepAction, mounts: Collection[str]) -> None:
    """Make sure that a file can be replaced, overwritten or removed.

    A commit that fails half-way can only be finished once someone has fixed what is in its way, so
    what can be known is asked first. Whether a file can be staged shows by itself.

    Args:
        path: The file.
        action: What will be done to it.
        mounts: See ``mount_points``.

    Raises:
        OSError: It is read-only, immutable, a mount point or a directory.
    """
    with naming(path):
        if action != "overwrite" and str(path) in mounts:
            raise OSError(errno.EBUSY, "the file is itself a mount point")
        if stat.S_ISDIR(path.lstat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        status = path.stat()
        # Permission bits apply to writing into a file, not to renaming another over it; but
        # an owner (or root) who may not write in spite of them meets an attribute or a mount.
        mine = os.geteuid() in {0, status.st_uid} and status.st_mode & stat.S_IWUSR
        if (action == "overwrite" or mine) and not os.access(path, os.W_OK, effective_ids=True):
            if os.statvfs(path).f_flag & os.ST_RDONLY:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            raise PermissionError(errno.EPERM, "you may not write the file, or it is immutable")
        _require_replaceable(path)


def require_writable(directory: Path) -> None:
    """Make sure that a directory, or its parent if it does not exist yet, is writable.

    Raises:
        OSError: It is read-only, or is on a read-only mount.
    """
    while not directory.is_dir() and directory != directory.parent:
        directory = directory.parent
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
        read_only = os.statvfs(directory).f_flag & os.ST_RDONLY
        number = errno.EROFS if read_only else errno.EACCES
        raise OSError(number, os.strerror(number), str(directory))
    _require_replaceable(directory)


def _require_replaceable(path: Path) -> None:
    """Append-only files can be opened for writing; only the kernel's flags tell."""
    flags = bytearray(8)
    try:
        descriptor = open_real(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        fcntl.ioctl(descriptor, _GET_FLAGS, flags)
    except OSError:
        # Not every file system has such flags.
        return
    finally:
        os.close(descriptor)
    if int.from_bytes(flags[:4], sys.byteorder) & _APPEND_ONLY:
        raise PermissionError(
            errno.EPERM, "it can only be appended to (chattr -a ends that)", str(path)
        )


def require_unobstructed(plan: Plan) -> None:
    """Make sure that no pipe, link to nothing or the like is where a plan makes a file or directory.

    When the project was read, there was no file.

    Raises:
        ValueInTheWay: There is one.
    """
    for change in plan.changes:
        match change:
            case MakeDirectory(path=path):
                what, free = "directory", path.is_dir()
            case CreateFile(path=path, before=None):
                # One that came meanwhile is the transaction's to find.
                what, free = "regular file", path.is_file()
            case _:
                continue
        if not free and os.path.lexists(path):
            name = plan.relative(path)
            raise ValueInTheWay(
                f"{name} is not a {what}, which is required there",
                hint=moved_away(name),
                path=name,
            )


def nothing_changed(error: OSError, path: str | None) -> WriteFailed:
    """That the disk refused before any file of the project was changed.

    Args:
        error: What it said.
        path: Of what, as people see it; ``None`` where it does not say.
    """
    return WriteFailed(
        f"the project cannot be written: {error.strerror or error}; nothing was changed",
        hint="check the permissions of the project directory and the free disk space, then "
        "run it again",
        path=path,
    )


def missing_directories(plan: Plan) -> list[tuple[Path, int]]:
    """The directories that a plan makes and their modes, parents first."""
    missing: dict[Path, int] = {}
    for change in plan.changes:
        if isinstance(change, MakeDirectory):
            for parent in reversed(change.path.parents):
                if not parent.is_dir():
                    missing.setdefault(parent, PUBLIC_DIRECTORY)
            if not change.path.is_dir():
                missing[change.path] = change.mode
    return list(missing.items())

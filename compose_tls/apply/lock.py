"""One compose-tls at a time in a project: a lock on the directory itself, which leaves no file."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from compose_tls.errors import ProjectLocked, WriteFailed, WrongUsage

_LOCKS = Path("/proc/locks")
_FLOCK: Final = "hhqqi4x"  # struct flock: type, whence, start, length, process; fcntl_locking(2)

# What a killed command had started (docker compose) holds its lock until it ends. It replaces a container
# at most, and waits for that to stop.
_PATIENCE = 60.0
_PAUSE = 0.2


@contextmanager
def locked(directory: Path) -> Iterator[int]:
    """Hold the project's lock; it ends with the process and those that inherit it, however they end.

    Args:
        directory: The project directory.

    Yields:
        The descriptor that holds it: for a child that must not outlive the lock.

    Raises:
        ProjectLocked: Another compose-tls works here; the error names the process, where it is known.
        WriteFailed: The directory may not be read, or its file system knows no locks.
    """
    with ExitStack() as held:
        try:
            descriptor = _opened(directory, held)
            _take(descriptor)
            _show_life(_opened(directory, held))
        except BlockingIOError:
            holder = _holder(directory)
            who = f"process {holder}" if holder else "it"
            named = f", process {holder}," if holder else ""
            raise ProjectLocked(
                f"another compose-tls{named} is running in {directory}",
                hint=f"wait until {who} has finished, then run the command again",
                path=str(directory),
            ) from None
        except FileNotFoundError:
            raise WrongUsage(
                f"there is no directory {directory}",
                hint="name an existing directory with --project-directory, or leave it out",
                path=str(directory),
            ) from None
        except OSError as error:
            raise WriteFailed(
                f"the project directory cannot be locked: {error.strerror}",
                hint="check the permissions of the directory, then run it again",
                path=str(directory),
            ) from None
        yield descriptor


def _opened(directory: Path, held: ExitStack) -> int:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    held.callback(os.close, descriptor)
    return descriptor


def _take(descriptor: int) -> None:
    """Take the lock, after the children of a command that is dead.

    Raises:
        OSError: Someone else has it, or there are no locks here.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _is_held_by_a_command(descriptor) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _show_life(descriptor: int) -> None:
    """Hold a second lock, which no child inherits: it tells a command from what one has left behind.

    The system takes it away with the process, and tells of it across containers, whose processes have
    no number for each other.
    """
    if not hasattr(fcntl, "F_OFD_SETLK"):
        return
    with suppress(OSError):  # a file system may support flock(2) only
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_RDLCK, 0, 0, 0, 0))


def _is_held_by_a_command(descriptor: int) -> bool:
    """Whether a command that lives holds the lock, or nobody can tell."""
    if not hasattr(fcntl, "F_OFD_GETLK"):
        return True
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0)
    try:
        found = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
    except OSError:
        return True
    return bool(found[0] != fcntl.F_UNLCK)


def _holder(directory: Path) -> int | None:
    """The process that holds the lock on a directory, where the system tells: proc_locks(5).

    A process in another container has no number here.
    """
    try:
        rows = [line.split() for line in _LOCKS.read_text().splitlines()]
        inode = str(directory.stat().st_ino)
    except OSError:
        return None
    # The device is not compared: some file systems (overlayfs, btrfs) have two numbers for it.
    found = {
        int(row[4])
        for row in rows
        if row[1] == "FLOCK" and row[3] == "WRITE" and row[5].rpartition(":")[2] == inode
    }
    found.discard(0)
    return found.pop() if len(found) == 1 else None

"""One compose-tls at a time in a project: a lock on the directory itself, which leaves no file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compose_tls.errors import ProjectLocked, WriteFailed


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the project's lock; it ends with the process, however that ends.

    Args:
        directory: The project directory.

    Raises:
        ProjectLocked: Another compose-tls works here.
        WriteFailed: The directory may not be read, or its file system knows no locks.
    """
    descriptor = None
    try:
        try:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProjectLocked(
                f"another compose-tls is at work in {directory}",
                hint="wait until it has finished, then run the command again",
                path=str(directory),
            ) from None
        except OSError as error:
            raise WriteFailed(
                f"the project directory cannot be locked: {error.strerror}",
                hint="make the directory readable and writable for you, then run it again",
                path=str(directory),
            ) from None
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)

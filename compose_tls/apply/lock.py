"""One compose-tls at a time in a project: a lock on the directory itself, which leaves no file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compose_tls.errors import ProjectLocked


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the project's lock; it ends with the process, however that ends.

    Raises:
        ProjectLocked: Another compose-tls works here.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProjectLocked(
                f"another compose-tls is at work in {directory}",
                hint="wait until it has finished, then run the command again",
                path=str(directory),
            ) from None
        yield
    finally:
        os.close(descriptor)

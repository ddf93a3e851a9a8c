"""Where a deployment keeps what it has to give back: whether there is any, and how it is let go.

Every command asks; what is in there, in ``apply.deploying``, only those that deploy.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.files import real_path
from compose_tls.signals import deferred

DEPLOYING: Final = ".compose-tls.deploying"


def is_deploying(root: Path) -> bool:
    """Whether a deployment was interrupted in a project, or is running there now."""
    return os.path.lexists(real_path(root) / DEPLOYING / "record")


def forget(root: Path, ops: PosixFileOps | None = None) -> None:
    """Delete the stored files: the deployment is proved or undone. The lock must be held.

    What the disk does not give up is told by the next command, which finds nothing to do.
    """
    ops = ops or PosixFileOps()
    directory = root / DEPLOYING
    with deferred():
        for name in ("record", "new", ".gitignore"):
            try:
                ops.remove(directory / name)
            except OSError:
                return
        ops.remove_directory(directory)

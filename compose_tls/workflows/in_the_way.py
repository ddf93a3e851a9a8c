"""What is neither file nor directory where a plan makes one."""

from __future__ import annotations

import os

from compose_tls.changes import CreateFile, MakeDirectory, Plan
from compose_tls.errors import ValueInTheWay
from compose_tls.shell import moved_away


def require_free(plan: Plan) -> None:
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

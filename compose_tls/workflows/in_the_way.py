"""What is in the way of a plan: no file where it makes one, or one that is elsewhere as well."""

from __future__ import annotations

import os
from pathlib import Path

from compose_tls.changes import CreateFile, MakeDirectory, PatchFile, Plan
from compose_tls.errors import OutsideProject, ValueInTheWay
from compose_tls.files import ProjectFiles, has_name_elsewhere, real_path
from compose_tls.shell import moved_away, typed


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


def edited_elsewhere(
    plan: Plan, files: ProjectFiles
) -> tuple[tuple[Path, ...], OutsideProject | None]:
    """Where outside the project a plan edits files, and its refusal; a hard link is a way there, too.

    Args:
        plan: The plan.
        files: The project, and what the user named.
    """
    edited = [c.path for c in plan.changes if isinstance(c, PatchFile) and c.new != c.old]
    led = {path: real_path(path) for path in edited if not files.is_inside(path)}
    if led:
        names = ", ".join(dict.fromkeys(map(str, led.values())))
        refusal = OutsideProject(
            f"an edit goes to {names}, which is outside the project",
            hint="check who owns it and what else uses it",
            path=plan.relative(next(iter(led))),
        )
        return tuple(led.values()), refusal
    for path in filter(has_name_elsewhere, edited):
        name = plan.relative(path)
        own = f"{name}.own"
        refusal = OutsideProject(
            f"an edit of {name} also goes to its name in another directory: it is a hard link",
            hint=f"give the project a copy of its own: cp -p {typed(name, own)} &&"
            f" mv {typed(own, name)}",
            path=name,
        )
        return (), refusal
    return (), None

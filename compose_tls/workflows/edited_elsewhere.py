"""Whether an edit of a project goes to a file elsewhere: by a link, or by another name of the file."""

from __future__ import annotations

from pathlib import Path

from compose_tls.changes import PatchFile, Plan
from compose_tls.errors import OutsideProject
from compose_tls.files import ProjectFiles, has_name_elsewhere, real_path
from compose_tls.shell import typed


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

"""Taking written files back, where a deployment fails or is interrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from compose_tls.apply.inverse import Snapshot, inverse
from compose_tls.apply.transaction import apply
from compose_tls.changes import Plan

Undo = tuple[Plan, Mapping[str, bytes], Snapshot]
"""A plan that was applied, what it was applied with, and what it replaced."""

HALF_WAY: Final = (
    "the previous files and service were being put back: the next compose-tls enable, renew, client or "
    "disable continues that; compose-tls status shows the state of the files"
)
"""How things stand when taking back was interrupted, too."""


def changed(undo: Sequence[Undo]) -> bool:
    """Whether there is anything to take back."""
    return any(plan.changed for plan, _, _ in undo)


def put_back(undo: Sequence[Undo]) -> None:
    """Restore the previous files. The project's lock must be held.

    Args:
        undo: What was written, in the order in which it was.

    Raises:
        ProjectChanged: A file is no longer what was written.
        WriteFailed: The disk refused.
    """
    for plan, contents, before in reversed(undo):
        # What the user named outside the project was written already.
        written = tuple(change.path for change in plan.changes)
        apply(*inverse(plan, contents, before), outside=written)

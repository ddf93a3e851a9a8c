"""What is reported about a command that was interrupted: by those that finish it, or only look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from compose_tls.apply.journal import JOURNAL
from compose_tls.apply.unproved import is_deploying
from compose_tls.errors import ProjectLocked
from compose_tls.vocabulary import TlsWarning

if TYPE_CHECKING:
    from compose_tls.apply.recover import Recovery
    from compose_tls.workflows.deployment_undo import TakenBack


def deploying(directory: Path) -> tuple[TlsWarning, ...]:
    """What a command that only looks tells of a deployment that is not proved yet."""
    if not is_deploying(directory):
        return ()
    return (
        TlsWarning(
            "deploying",
            "an earlier compose-tls command was interrupted while deploying, or is still "
            "running: files and services may still change",
            hint="run compose-tls enable or disable: it undoes the earlier one first",
        ),
    )


def recovered(recovery: Recovery) -> TlsWarning:
    """That files were finished, or taken back."""
    done = {"finished": "finished first", "taken-back": "taken back"}[recovery.outcome]
    return TlsWarning(
        "recovered",
        f"an earlier command was interrupted, and has been {done}: {', '.join(recovery.files)}",
    )


def taken_back(taken: TakenBack) -> tuple[TlsWarning, ...]:
    """That a deployment was taken back; nothing where there was nothing to do."""
    if not taken.said:
        return ()
    names = ", ".join(taken.services)
    message = f"an earlier command was interrupted while deploying {names}: {taken.said}"
    return (TlsWarning("recovered", message, hint=taken.hint),)


def interrupted() -> ProjectLocked:
    """The error of a command that cannot finish the earlier one itself."""
    return ProjectLocked(
        "an earlier compose-tls command was interrupted while writing, or is still running",
        hint="run compose-tls enable or disable: it completes the earlier one first",
        path=JOURNAL,
    )

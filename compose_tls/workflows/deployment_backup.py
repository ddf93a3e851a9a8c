"""Keeps the previous files of a deployment on disk until it is proved or undone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from compose_tls.apply import deploying
from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.inverse import inverse
from compose_tls.apply.recover import recover
from compose_tls.apply.unproved import forget
from compose_tls.errors import ComposeTlsError
from compose_tls.listener import OnEvent
from compose_tls.workflows.deployment import Deployment
from compose_tls.workflows.deployment_undo import take_back
from compose_tls.workflows.preamble import Opened
from compose_tls.workflows.rollback import HALF_WAY, Undo


@contextmanager
def backed_up(
    deploy: Deployment, opened: Opened, undo: Undo, places: Sequence[Path], on_event: OnEvent
) -> Iterator[Deployment]:
    """Keep what a deployment has to give back, from before its first write on.

    Args:
        deploy: The deployment.
        opened: The project, locked.
        undo: All that it is going to write, and what that replaces.
        places: The places outside the project that it may write to.
        on_event: Told about progress.

    Yields:
        The deployment, which lets go of that once it is proved or taken back. One that ends before is
        taken back here, as by the next command where this process is killed.

    Raises:
        WriteFailed: The disk refused; nothing was changed.
    """
    plan, contents, before = undo
    root, engine = opened.root, deploy.engine
    running = [name for name in deploy.everything if name in deploy.running]
    deploying.store(
        deploying.Deploying(
            root,
            deploy.name,
            replace(deploy.project, project_name=None).options,
            {name: tuple(engine.runs(deploy.name, name, root)) for name in running},
            tuple(name for name in deploy.everything if name not in running),
            deploy.servers,
            deploy.restart_only,
            *deploying.old_files(root, *inverse(plan, contents, before)),
            {name: tuple(engine.runs(deploy.name, name, root)) for name in deploy.neighbours},
            deploy.sharing,
        )
    )
    try:
        yield replace(deploy, settled=partial(forget, root))
    except BaseException as error:
        # A second interruption ends at once; the next command continues.
        if HALF_WAY not in getattr(error, "__notes__", ()):
            with contextlib.suppress(ComposeTlsError):
                recover(root, PosixFileOps(), places)
                if said := take_back(root, opened.invocation, places, on_event).said:
                    error.__notes__ = [said]
        raise

"""The services that talk to Milvus, once it is proved: who is restarted, and that they stay up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.errors import ContainerExited
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.shell import typed
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.recreation import Review

# Who cannot read its settings stops at once.
_SETTLED_SECONDS: Final = 1.0


def to_start(planned: ServicePlan, seen: EngineProject, review: Review) -> tuple[str, ...]:
    """The running services that have to get other settings, now or again.

    Where nothing runs, they are started with everything else.

    Args:
        planned: The plan.
        seen: The project as engine and Compose have it.
        review: What is known of its containers.
    """
    names = dict.fromkeys((*planned.beside, *planned.told_beside))
    running = [name for name in names if name in seen.running and name in seen.services]
    return tuple(name for name in running if name in planned.beside or not review.is_current(name))


def require_running(
    names: Sequence[str],
    compose: ComposeCli,
    project: ComposeInvocation,
    sleep: Callable[[float], None],
) -> None:
    """Make sure that services go on running with what they were told.

    Raises:
        ContainerExited: One failed.
        EngineError: Compose does not answer.
    """
    sleep(_SETTLED_SECONDS)
    states = compose.ps(project)
    # A job may have ended, and well.
    fine = {one.service for one in states if one.running or one.ended_well}
    for name in names:
        if name not in fine:
            raise ContainerExited(
                f"{name} stopped after it was started with its settings for TLS",
                hint=f"see why: docker compose logs {typed(name)}; --neighbours list leaves it as it is",
            )

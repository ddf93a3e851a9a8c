"""Whether the scope includes more than client connections, before that code is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from compose_tls.config import TlsConfig
from compose_tls.plan.stack_parts import NOTHING_ELSE, Stack
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project


def stack_of(
    project: Project,
    proxies: Sequence[MilvusService],
    config: TlsConfig,
    override: Path | None = None,
) -> Stack:
    """What else has to change, by ``--scope``; see ``plan_stack``.

    Args:
        project: The project, without what an earlier enable put in.
        proxies: The services that end client TLS.
        config: The settings.
        override: The override file for services that cannot be edited in place; ``None`` for none.
    """
    if config.scope == "proxy":
        return NOTHING_ELSE
    from compose_tls.plan.stack import plan_stack  # noqa: PLC0415 - most projects need none of it

    return plan_stack(project, proxies, config, override)

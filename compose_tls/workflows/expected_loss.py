"""Warnings about data that the user's own next commands would lose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from compose_tls.deploy.docker_host import LITTLE_PATIENCE, reach
from compose_tls.errors import ComposeFailed, ComposeTlsError, DeployedDifferently, EngineError
from compose_tls.project.model import Project
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows.next_step import compose_command
from compose_tls.workflows.preamble import Opened
from compose_tls.workflows.refusals import as_warning, settled


@dataclass(frozen=True, slots=True)
class ExpectedLoss:
    """What is known before the user's own command.

    Attributes:
        opened: The project, by the name under which it runs.
        warnings: What that command would lose.
    """

    opened: Opened
    warnings: tuple[TlsWarning, ...] = ()


def expected_loss(
    opened: Opened,
    services: Sequence[str],
    clients: Sequence[str],
    observed: Callable[[], Project],
) -> ExpectedLoss:
    """What the user's own ``docker compose up -d`` would lose, where an engine can tell.

    Args:
        opened: What the command works on.
        services: The Milvus services that it will recreate.
        clients: The services that talk to Milvus, and will be recreated with it.
        observed: Reads the project without what an earlier enable put in.

    Returns:
        What it would lose, and how the project is named for it; nothing is lost where no engine answers,
        or it has no such containers.
    """
    try:
        reach(opened.variables, patience=LITTLE_PATIENCE)
    except EngineError:
        return ExpectedLoss(opened)
    # Most of what a command would load without --up.
    from compose_tls.deploy.compose_cli import ComposeCli  # noqa: PLC0415 - only needed with an engine
    from compose_tls.deploy.deployed import comes_from  # noqa: PLC0415 - only needed with an engine
    from compose_tls.deploy.engine import Engine  # noqa: PLC0415 - as above
    from compose_tls.workflows.engine_project import EngineProject  # noqa: PLC0415 - as above
    from compose_tls.workflows.recreation import Review  # noqa: PLC0415 - as above

    name = opened.config.project_name or opened.variables.get("COMPOSE_PROJECT_NAME")
    try:
        with Engine.connect(opened.variables, patience=LITTLE_PATIENCE) as engine:
            if not any(comes_from(engine, each, opened.root, name) for each in services):
                # Nothing is there to be lost, but Compose may refuse the files.
                if not observed().compose.elsewhere:
                    ComposeCli.find(opened.variables).config(opened.invocation)
                return ExpectedLoss(opened)
        with ExitStack() as stack:
            seen = EngineProject.connect(opened.invocation, stack)
            review = Review(observed(), opened.config, seen)
            findings = list(review.recreating(services, tuple(seen.services), clients))
    except ComposeFailed as error:
        return ExpectedLoss(opened, (as_warning(error),))
    except ComposeTlsError:
        # Nothing is recreated now; the user's command will ask the engine.
        return ExpectedLoss(opened)
    for each in findings:
        if isinstance(each, DeployedDifferently) and each.runs_as:
            config = opened.config.model_copy(update={"project_name": each.runs_as})
            opened = replace(opened, config=config)
            each.hint = f"name it: {compose_command(opened, 'up', '-d')}"
    return ExpectedLoss(opened, settled(findings, {each.code for each in findings}))

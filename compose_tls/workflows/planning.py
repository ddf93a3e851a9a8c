"""What commands that write do alike, between reading a project and writing it: plan, and issue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from compose_tls.changes import Plan
from compose_tls.config import TlsConfig
from compose_tls.credentials import issuing
from compose_tls.plan.enable import plan_enable
from compose_tls.plan.lifetimes import ends_of_issued
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.model import Project
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows.image_users import users_of_images
from compose_tls.workflows.preamble import Opened
from compose_tls.workflows.public_roots import public_roots
from compose_tls.workflows.refusals import gathered


@dataclass(frozen=True, slots=True)
class Planned:
    """What is going to be written.

    Attributes:
        service: The plan.
        places: The places outside the project that it may write to.
        told: What there is to know besides that of the plan.
        also: Gets what is to be reported with a refusal.
    """

    service: ServicePlan
    places: tuple[Path, ...]
    told: tuple[TlsWarning, ...]
    also: list[TlsWarning]


@contextmanager
def enabling(
    opened: Opened,
    project: Project,
    *,
    deploying: bool,
    said: Sequence[TlsWarning] = (),
    completed: Callable[[Plan], Plan] = lambda plan: plan,
) -> Iterator[Planned]:
    """The plan that puts TLS into a project; refusals are gathered until the end of the block.

    Args:
        opened: The settings.
        project: The project, without what an earlier enable put in.
        deploying: Whether it is deployed, so that the engine has to answer.
        said: What there is to know already.
        completed: Adds to the plan what else is written.

    Raises:
        ComposeTlsError: It cannot be carried out.
    """
    config = opened.config
    issuing.require_sound(project.observation, config, project.state)
    users = users_of_images(project, opened.variables) if deploying else {}
    roots = public_roots(project, config, opened.variables)
    with gathered() as also:
        planned = plan_enable(project, config, opened.now, users, roots.content)
        planned = replace(planned, plan=completed(planned.plan))
        # What else would change is worth knowing before it is decided.
        also.extend(planned.plan.warnings)
        places, told = opened.writable(planned.plan)
        ends = issuing.require_issuer(planned.identities, opened.root, config)
        cut = ends_of_issued(planned.identities, ends, project.observation, config, opened.now)
        told = (*cut, *opened.told, *said, *told, *roots.told_in(planned.plan))
        yield Planned(planned, places, told, also)


def issued(
    planned: ServicePlan, project: Project, opened: Opened, config: TlsConfig
) -> issuing.Issued:
    """What a plan orders, rehearsed before anything is written.

    Args:
        planned: The plan.
        project: What it was made from.
        opened: Tells the time.
        config: The settings.

    Raises:
        CertificateError: A certificate or key cannot be used, or does not pass the rehearsal.
    """
    observation, identities = project.observation, planned.identities
    made = issuing.issue(
        identities, planned.state, observation, config, opened.now, plan=planned.plan
    )
    ends = {one.path: one.not_after for one in made.certificates}
    told = ends_of_issued(identities, ends, observation, config, opened.now)
    return replace(made, warnings=(*made.warnings, *told))

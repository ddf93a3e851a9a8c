"""Preconditions of a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from compose_tls.config import TlsConfig
from compose_tls.errors import ConflictingSettings, EngineError, KeyUnreadableInContainer
from compose_tls.layout import CLIENT
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.shell import typed
from compose_tls.vocabulary import TlsMode, TlsWarning

if TYPE_CHECKING:
    from compose_tls.workflows.engine_project import EngineProject


def require_client(planned: ServicePlan, config: TlsConfig) -> None:
    """Make sure that what is deployed can be proved.

    Raises:
        ConflictingSettings: There is no client certificate, without which mode 2 cannot be proved.
    """
    if config.tls_mode is TlsMode.MUTUAL and planned.identities.get(CLIENT) is None:
        raise ConflictingSettings(
            "mode 2 cannot be proved without a client certificate",
            hint="give one with --client-cert and --client-key, or leave --up out",
        )


def require_reached(planned: ServicePlan, seen: EngineProject) -> None:
    """Make sure that what is deployed will be met from this machine, to be proved.

    Raises:
        NotReachable: A service will not.
    """
    from compose_tls.deploy.port_check import require_reachable  # noqa: PLC0415 - only with an engine

    for proxy in planned.proxies:
        require_reachable(seen.complete(proxy.service), proxy.service, proxy.port)


@contextmanager
def told_first(planned: ServicePlan) -> Iterator[None]:
    """A key that cannot be read is told, rather than that there is no engine: it needs none to fix."""
    try:
        yield
    except EngineError:
        require_readable(planned)
        raise


def require_readable(planned: ServicePlan, *, restart: bool = False) -> None:
    """Make sure that the users of all containers can read the server key.

    Raises:
        KeyUnreadableInContainer: One cannot.
    """
    names = typed(*planned.services)
    words = (
        ("renew --no-restart", f"docker compose restart {names}")
        if restart
        else ("enable without --up", "docker compose up -d")
    )
    require_readable_key(planned.key_problem, *words)


def require_readable_key(problem: TlsWarning | None, command: str, start: str) -> None:
    """Make sure that the container's user can read the server key.

    Args:
        problem: Why it cannot.
        command: The command of compose-tls that continues anyway, for the hint.
        start: What starts the service then.

    Raises:
        KeyUnreadableInContainer: It cannot.
    """
    if problem is not None:
        raise KeyUnreadableInContainer(
            problem.message,
            hint=f"run compose-tls {command}, then {problem.hint}, then {start}",
            path=problem.path,
        )

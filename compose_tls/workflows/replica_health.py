"""Whether every replica of a proved Milvus runs, and is healthy where that is checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from compose_tls.deploy.container import ContainerFacts
from compose_tls.errors import ContainerExited, Unhealthy

# A health check may lag behind: Milvus 2.3.5 is healthy a second after its proxy is ready (measured).
_HEALTHY_SECONDS: Final = 15.0


def require_health(
    replicas: Callable[[], Sequence[ContainerFacts]],
    check: Callable[[str], str | None],
    service: str,
    *,
    asked: bool,
    replaced: bool,
    patience: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Look at every replica of a service.

    The engine's own verdict can take minutes (an interval of 30 s, a start period of 90 s), so the
    check is run once, here and now, as the engine will: who passes is not waited for.

    Args:
        replicas: Its containers of now, those that do not run included.
        check: Runs the health check of a container; what it says where it fails.
        service: The service's name.
        asked: Whether its health check tells anything: one that failed before does not.
        replaced: Whether all of its containers were started just now.
        patience: Seconds after which a health check that fails is believed; 15 at most.
        clock: Seconds that only go forward.
        sleep: Waits that many seconds.

    Raises:
        ContainerExited: One of them was started and does not run.
        Unhealthy: The health check of one fails.
    """
    found = replicas()
    until = clock() + min(_HEALTHY_SECONDS, patience)
    for one in found:
        what = f"{service} ({one.name})" if len(found) > 1 else service
        if replaced and one.status in {"exited", "dead", "restarting"}:
            raise ContainerExited(
                f"{what} does not keep running (exit code {one.exit_code})",
                hint=f"read its log: docker logs {one.name}",
            )
        if not asked or not one.running or one.health is None:
            continue
        health: str | None = one.health
        while health != "healthy" and (said := check(one.id)) is not None:
            if clock() >= until:
                raise Unhealthy(
                    f"{what} speaks TLS, but its health check fails: {said}",
                    hint="change healthcheck: of the service to http://localhost:9091/healthz, "
                    "which does not use TLS",
                )
            sleep(1.0)
            health = next((now.health for now in replicas() if now.id == one.id), health)

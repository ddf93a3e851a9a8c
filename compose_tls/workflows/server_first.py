"""Restarting etcd and the object store, and Milvus after them, so that no data is lost on the way.

Milvus is stopped while it still reaches them: only then does it write what it has not written yet. They
are started, and have to be well, before it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Final

from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.engine import Engine
from compose_tls.errors import ContainerExited, Unhealthy
from compose_tls.listener import OnEvent, busy
from compose_tls.shell import typed
from compose_tls.values import dataclass

# etcd 3.5 and SeaweedFS 4 are well within 5 s of their start (measured); a slow disk needs longer.
_SERVER_SECONDS: Final = 60.0
# Without a health check: one that finds its files wrong has exited by then (etcd 3.5, measured: 1 s).
_SETTLE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class ServerFirst:
    """The order of starting.

    Attributes:
        servers: The services that are etcd or the object store.
        milvus: The Milvus services that use them, proxies last; none where their order does not count.
        project: The project as it is given to Compose.
        name: The name that Compose gives to it.
        clock: Seconds that only go forward.
        sleep: Waits that many seconds.
    """

    servers: tuple[str, ...]
    milvus: tuple[str, ...]
    engine: Engine = field(repr=False)
    compose: ComposeCli
    project: ComposeInvocation = field(repr=False)
    name: str
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def up(self, services: Sequence[str], on_event: OnEvent) -> None:
        """Recreate some services; where nothing runs, start the project.

        Raises:
            EngineError: One cannot be started, or does not stay up.
        """
        servers, milvus = self.parted(services)
        states = self.compose.ps(self.project) if servers else ()
        if not any(state.alive for state in states):
            self._up(services, on_event)
            self._well(servers, on_event)
            return
        running = {state.service for state in states if state.running}
        self._stop([name for name in self.milvus if name in running], on_event)
        self._up(servers, on_event)
        self._well(servers, on_event)
        # Those that were stopped on the way run again as well.
        again = dict.fromkeys((*milvus, *(name for name in self.milvus if name in running)))
        self._up(tuple(again), on_event)

    def restart(self, services: Sequence[str], on_event: OnEvent) -> None:
        """Restart some services: servers while Milvus is stopped, and parts of it one by one.

        Raises:
            EngineError: One cannot be restarted, or does not stay up.
        """
        servers, milvus = self.parted(services)
        if servers:
            states = self.compose.ps(self.project)
            running = {state.service for state in states if state.running}
            stopped = [name for name in self.milvus if name in running]
            self._stop(stopped, on_event)
            for name in servers:
                on_event(f"restarting {name}")
                self.compose.restart(self.project, [name])
            self._well(servers, on_event)
            # Those that were stopped on the way have their place in the order as well.
            again = {*milvus, *stopped}
            milvus = (
                *(name for name in self.milvus if name in again),
                *(name for name in milvus if name not in self.milvus),
            )
        for names in ([name] for name in milvus) if self.milvus else [milvus]:
            on_event(f"restarting {', '.join(names)}")
            self.compose.restart(self.project, names)

    def parted(self, services: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Servers, and Milvus."""
        servers = tuple(name for name in services if name in self.servers)
        return servers, tuple(name for name in services if name not in self.servers)

    def _stop(self, services: Sequence[str], on_event: OnEvent) -> None:
        if services:
            on_event(f"stopping {', '.join(services)} first, so that nothing is lost")
            self.compose.stop(self.project, services)

    def _up(self, services: Sequence[str], on_event: OnEvent) -> None:
        if services:
            busy(on_event, "starting containers")
            self.compose.up(
                self.project, services, on_event=on_event, port_owner=self.engine.port_owner
            )

    def _well(self, servers: Sequence[str], on_event: OnEvent) -> None:
        """Wait until servers run, and pass their own health checks."""
        until = self.clock() + _SERVER_SECONDS
        for name in servers:
            on_event(f"waiting for {name}")
            settled = self.clock() + _SETTLE_SECONDS
            while (said := self._lacks(name, settled)) is not None:
                if self.clock() >= until:
                    raise Unhealthy(
                        f"{name} runs, but its health check fails: {said}",
                        hint=f"read its log: docker compose logs {typed(name)}",
                    )
                self.sleep(0.5)

    def _lacks(self, name: str, settled: float) -> str | None:
        """What a server still lacks; ``None`` for nothing."""
        container = self.engine.container(self.name, name)
        if container is None or not container.running:
            status = container.status if container else "gone"
            if status in {"exited", "dead", "gone"}:
                lines = self.engine.log_tail(container.id) if container else []
                last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
                raise ContainerExited(
                    f"{name} is {status}; its log ends with: {last}",
                    hint=f"read its whole log: docker compose logs {typed(name)}",
                )
            return f"it is {status}"
        if container.health is not None:
            return self.engine.health_check(container.id)
        return None if self.clock() >= settled else "it has just been started"

"""Runs Docker Compose as the user would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from selectors import EVENT_READ, DefaultSelector
from typing import IO, Any, Self

from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.compose_output import (
    ServiceState,
    compose_failure,
    major_version,
    service_states,
)
from compose_tls.deploy.progress import Progress
from compose_tls.deploy.recreate import up_commands
from compose_tls.errors import ComposeMissing
from compose_tls.patterns import regex
from compose_tls.signals import deferred
from compose_tls.values import dataclass

# Both command lines answer within a fraction of a second; one that hangs is as good as none.
_VERSION_SECONDS = 30.0
# Compose was written again for it.
_FIRST_MAJOR = 2

# How long the engine may go on with what an interrupted Compose told it. Compose gives a container ten
# seconds to stop, and its owner may give it more: stop_grace_period.
_BUSY_SECONDS = 60.0
_BUSY_PAUSE = 0.5
_NAME_TAKEN = regex(r"already in use by container \"?([0-9a-f]{12,})")
_GOING = regex(
    r"removal of container \S+ is already in progress|is marked for removal|No such container"
)

# Compose ends in a fraction of a second when it is told to (5.6.1, measured).
_END_SECONDS = 10.0

# A signal that comes just before a read wakes nothing (signal(7), "Interruption of system calls"): Python
# would see it when Compose says something more. So no read waits longer.
_READ_SECONDS = 0.5
_MOST_AT_ONCE = 65536


@dataclass(frozen=True, slots=True)
class ComposeCli:
    """A Compose command line of version 2 or newer.

    Attributes:
        command: The words that start it.
    """

    command: tuple[str, ...]

    @classmethod
    def find(cls, environment: Mapping[str, str]) -> Self:
        """``docker compose``, else a ``docker-compose`` on the PATH that is version 2 or newer.

        Raises:
            ComposeMissing: There is neither; the message says what was tried.
        """
        tried = []
        for program, words in (("docker", ("compose",)), ("docker-compose", ())):
            name = " ".join((program, *words))
            path = shutil.which(program, path=environment.get("PATH", ""))
            if path is None:
                tried.append(f"{name}: there is no {program} on the PATH")
                continue
            version = _version((path, *words), environment)
            if version is None:
                tried.append(
                    f"{name}: {'the plugin is not installed' if words else 'it does not run'}"
                )
            elif major_version(version) < _FIRST_MAJOR:
                tried.append(f"{name}: version {version} is too old")
            else:
                return cls((path, *words))
        raise ComposeMissing(
            f"Docker Compose 2 or newer was not found ({'; '.join(tried)})",
            hint="install it, see https://docs.docker.com/compose/install/",
        )

    def config(self, project: ComposeInvocation) -> dict[str, Any]:
        """The project as Compose understands it: files merged, variables filled in, profiles applied.

        It holds the values of the services' environment; keep it out of every message.

        Raises:
            ComposeFailed: Compose refuses the project.
        """
        document: dict[str, Any] = json.loads(self._output(project, "config", "--format", "json"))
        return document

    def ps(self, project: ComposeInvocation) -> tuple[ServiceState, ...]:
        """The project's containers, stopped ones included.

        Raises:
            ComposeFailed: Compose refuses the project.
            EngineUnreachable: Compose cannot reach the engine.
        """
        return service_states(self._output(project, "ps", "--all", "--format", "json"))

    def up(
        self,
        project: ComposeInvocation,
        services: Sequence[str],
        *,
        on_event: Callable[[str], None] | None = None,
        port_owner: Callable[[int], str | None] | None = None,
    ) -> None:
        """Start the project, or replace the containers of only ``services`` where it already runs.

        Milvus reads certificates and settings once, at start, and ``up -d`` after editing nothing but
        a mounted file does nothing; so the containers are replaced. Every other running container
        stays as it is. When nothing runs, everything starts that ``docker compose up -d`` would start.

        Args:
            project: The project.
            services: The services that have to read their files again.
            on_event: Told each step of Compose, in one line.
            port_owner: Asked who holds a port that is taken (``Engine.port_owner``).

        Raises:
            ComposeFailed: Compose or the engine refused; the message is theirs.
            PortTaken: A port of the host is taken.
            EngineUnreachable: Compose cannot reach the engine.
        """
        for arguments in up_commands(
            self._all_services(project, services), self.ps(project), services
        ):
            self._up(project, arguments, on_event, port_owner)

    def restart(self, project: ComposeInvocation, services: Sequence[str]) -> None:
        """Stop and start the containers of some services; they stay the same, as does all else.

        Raises:
            EngineError: Compose or the engine refused, or cannot be reached.
        """
        self._output(project, "restart", "--no-deps", "--", *services)

    def stop(self, project: ComposeInvocation, services: Sequence[str]) -> None:
        """Stop the containers of some services; they stay, and their data with them.

        Raises:
            ComposeFailed: Compose or the engine refused; the message is theirs.
            EngineUnreachable: Compose cannot reach the engine.
        """
        self._output(project, "stop", "--", *services)

    def down(self, project: ComposeInvocation, *, volumes: bool) -> None:
        """Remove the containers and networks of a project.

        Args:
            project: The project.
            volumes: Whether its volumes go as well, and with them the data.

        Raises:
            ComposeFailed: Compose or the engine refused; the message is theirs.
            EngineUnreachable: Compose cannot reach the engine.
        """
        self._output(project, "down", *(["--volumes"] if volumes else []))

    def _all_services(self, project: ComposeInvocation, services: Sequence[str]) -> dict[str, Any]:
        active: dict[str, Any] = self.config(project).get("services") or {}
        if all(service in active for service in services):
            return {name: {**service, "active": True} for name, service in active.items()}
        # A service behind a profile that is not switched on is in no `config`; naming it starts it.
        everything: dict[str, Any] = self.config(replace(project, profiles=("*",)))["services"]
        return {name: {**each, "active": name in active} for name, each in everything.items()}

    def _up(
        self,
        project: ComposeInvocation,
        arguments: tuple[str, ...],
        on_event: Callable[[str], None] | None,
        port_owner: Callable[[int], str | None] | None,
    ) -> None:
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            lines: list[str] = []
            progress = Progress()
            with self._started(project, "up", *arguments, stdout=subprocess.DEVNULL) as process:
                for line in _lines(process.stderr) if process.stderr else ():
                    lines.append(line)
                    step = progress.step(line)
                    if step and on_event:
                        on_event(step)
            if not process.returncode:
                return
            said = "".join(lines)
            if time.monotonic() > deadline or not self._is_busy(project, said):
                raise compose_failure("up", said, project.environment, port_owner)
            time.sleep(_BUSY_PAUSE)

    def _is_busy(self, project: ComposeInvocation, said: str) -> bool:
        """Whether the engine still does what an interrupted Compose told it to: that passes.

        It goes on stopping and removing a container, whose name is only free after that.
        """
        if _GOING.search(said):
            return True
        taken = _NAME_TAKEN.search(said)
        return taken is not None and any(taken[1].startswith(one.id) for one in self.ps(project))

    def _output(self, project: ComposeInvocation, *arguments: str) -> str:
        with self._started(project, *arguments, stdout=subprocess.PIPE) as process:
            output, said = _communicated(process)
        if process.returncode:
            raise compose_failure(arguments[0], said, project.environment)
        return output

    @contextmanager
    def _started(
        self, project: ComposeInvocation, *arguments: str, stdout: int
    ) -> Iterator[subprocess.Popen[str]]:
        """Compose running: it ends where this process is interrupted.

        Where that is killed, the project stays locked until Compose has ended, too: the command that
        takes back what it did must not meet it.
        """
        with ExitStack() as stack:
            # A signal before Compose is known here would leave it running.
            with deferred():
                process = stack.enter_context(
                    subprocess.Popen(
                        self._words(project, *arguments),
                        cwd=project.directory,
                        env=project.readable(),
                        stdin=subprocess.DEVNULL,
                        stdout=stdout,
                        stderr=subprocess.PIPE,
                        text=True,
                        encoding="utf-8",
                        errors="replace",
                        # Ctrl-C in a terminal is for this process, which then ends Compose.
                        process_group=0,
                        pass_fds=project.inherited,
                    )
                )
                ending = stack.enter_context(ExitStack())
                ending.callback(_end, process)
            yield process
            ending.pop_all()

    def _words(self, project: ComposeInvocation, *arguments: str) -> list[str]:
        return [*self.command, *project.options, *arguments]


def _lines(stream: IO[str]) -> Iterator[str]:
    """What a process writes to a pipe, line by line as it comes."""
    rest, read = b"", b"?"
    with DefaultSelector() as selector:
        selector.register(stream, EVENT_READ)
        while read:
            if selector.select(_READ_SECONDS):
                read = os.read(stream.fileno(), _MOST_AT_ONCE)
                *whole, rest = (rest + read).split(b"\n")
                yield from (f"{line.decode('utf-8', 'replace')}\n" for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


def _communicated(process: subprocess.Popen[str]) -> tuple[str, str]:
    """All that a process writes to its standard output and error."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=_READ_SECONDS)


def _end(process: subprocess.Popen[str]) -> None:
    with deferred():
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            # The command line and its plugin are two processes.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _version(command: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    try:
        finished = subprocess.run(
            [*command, "version", "--short"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return finished.stdout.strip().removeprefix("v") if finished.returncode == 0 else None

"""The real Milvus server of the PyPI wheel ``milvus``, without Docker, with a project's certificates.

Linux on x86-64 only; install it with ``pip install 'compose-tls[embedded]'``.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path

from compose_tls.checks.readiness import readiness
from compose_tls.config import TlsConfig, completed
from compose_tls.deploy.diagnose import reason
from compose_tls.errors import ContainerExited, NotReady, PortTaken
from compose_tls.observe import observe
from compose_tls.project.enabled import locate
from compose_tls.stack.milvus.settings import tls_settings
from compose_tls.state.recorded import State
from compose_tls.testing.watchdog_client import Guard, guarded
from compose_tls.testing.wheel import server_variables, unpacked_binaries, write_configuration
from compose_tls.values import dataclass
from compose_tls.workflows.server_access import HostPort, target_of

# The server leaves these outside its directory.
_LEFT = (
    "/tmp/milvus/server_id_{{pid}}",  # noqa: S108 - where the server puts it
    "/tmp/milvus/standalone-{alias}.pid",  # noqa: S108 - as above
    "/run/milvus/standalone-{alias}.pid",
)
# What it logs when it found its port taken: it either takes another one by itself, or ends.
_MOVED = "Proxy get available port when init"
_PORT_TAKEN = "address already in use"
_ATTEMPTS = 3
_PROBE_SECONDS = 2.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server: where clients reach it, its log, and its process id."""

    host: str
    port: int
    log: Path
    pid: int
    _guard: Guard = field(repr=False)

    def require_running(self) -> None:
        """Make sure that the server has not ended, and listens where it was told to.

        Raises:
            ContainerExited: It has ended; the message quotes the line of its log that says why.
            PortTaken: Another process was faster to take a port that was free.
        """
        code = self._guard.exit_code()
        log = self.log.read_text("utf-8", "replace")
        if _MOVED in log or (code is not None and _PORT_TAKEN in log):
            raise PortTaken(
                f"another process took a port of the embedded Milvus, like {self.port}",
                hint="start it again",
            )
        if code is not None:
            found = reason(log.splitlines())
            raise ContainerExited(
                f"the embedded Milvus ended with code {code}: {found.line if found else '(no log)'}",
                hint=found.next_step if found else "start it again",
            )


@contextmanager
def embedded_server(
    directory: str | os.PathLike[str] = ".",
    config: TlsConfig | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[EmbeddedServer]:
    """Start the server with an enabled project's certificates, mode and milvus.yaml; stop it after.

    It listens on free ports, keeps its data in a temporary directory, and is ready when it is given.
    It is stopped, and the directory removed, also when this process is killed.

    Args:
        directory: The project directory, where ``enable`` has been.
        config: The settings; only where things are, and ``timeout``, matter.
        environment: The process environment by default.

    Yields:
        The server, ready; it is stopped when the block ends.

    Raises:
        NotEnabled: TLS is not enabled there.
        EngineUnreachable: The wheel is not installed, or not made for this machine.
        ContainerExited: The server ended; the message quotes its log.
        PortTaken: Other processes took its ports again and again.
        NotReady: It did not become ready in time.
        WriteFailed: No temporary directory can be made.
    """
    config = config or TlsConfig()
    inherited = os.environ if environment is None else environment
    project = Path(directory).resolve()
    state = locate(observe(project, config, inherited), config).state
    binaries = unpacked_binaries(inherited)
    with guarded(inherited) as guard:
        yield start(guard, project, state, config, binaries, inherited)


def start(
    guard: Guard,
    project: Path,
    state: State,
    config: TlsConfig,
    binaries: Path,
    inherited: Mapping[str, str],
) -> EmbeddedServer:
    """Start the server under a guard, and wait until it is ready.

    Args:
        guard: It stops the server, and removes its directory.
        project: The project directory.
        state: What enable did.
        config: The settings; only where things are, and ``timeout``, matter.
        binaries: Where the server is.
        inherited: The process environment.

    Raises:
        ContainerExited: The server ended; the message quotes its log.
        PortTaken: Other processes took its ports again and again.
        NotReady: It did not become ready in time.
        WriteFailed: The watchdog is gone.
    """
    attempt = 1
    while True:
        work = guard.directory / f"server-{attempt}"
        server = _run(guard, work, project, state, binaries, inherited)
        try:
            _wait_until_ready(server, project, state, config)
        except PortTaken:
            # Between looking for free ports and listening there, anybody can take them.
            if attempt == _ATTEMPTS:
                raise
            attempt += 1
        else:
            return server


def _wait_until_ready(
    server: EmbeddedServer, project: Path, state: State, config: TlsConfig
) -> None:
    settled = completed(config, state.settings, enabling=False)
    target = target_of(project, settled, HostPort(server.host, server.port))
    deadline = time.monotonic() + config.timeout
    while not (found := readiness(target, _PROBE_SECONDS)).ready:
        server.require_running()
        if time.monotonic() > deadline:
            raise NotReady(
                f"the embedded Milvus is not ready after {config.timeout:g} s: {found.detail}",
                hint="raise --timeout",
            )
        time.sleep(_POLL_SECONDS)


def _run(
    guard: Guard,
    work: Path,
    project: Path,
    state: State,
    binaries: Path,
    inherited: Mapping[str, str],
) -> EmbeddedServer:
    work.mkdir()
    alias = uuid.uuid4().hex
    variables = server_variables(work, binaries, project / state.settings.served_dir, inherited)
    config = next((f.path for f in state.files if f.path.endswith("milvus.yaml")), None)
    write_configuration(work / "configs", project / config if config else None)
    if config is None:
        # As in the project: what no file says, the environment does.
        settings = tls_settings(
            state.settings.tls_mode, str(project / state.settings.served_dir), None
        )
        variables.update({setting.variable: setting.value for setting in settings})
    log = work / "milvus.log"
    command = [str(binaries / "milvus"), "run", "standalone", "-alias", alias]
    pid = guard.run(command, variables, log, [name.format(alias=alias) for name in _LEFT])
    return EmbeddedServer("localhost", int(variables["PROXY_PORT"]), log, pid, guard)

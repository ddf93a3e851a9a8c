"""The real Milvus server of the PyPI wheel ``milvus``, without Docker, with a project's certificates.

Linux on x86-64 alone; install it with ``pip install 'compose-tls[embedded]'``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from compose_tls.checks.readiness import readiness
from compose_tls.config import TlsConfig
from compose_tls.deploy.diagnose import reason
from compose_tls.errors import ContainerExited, EngineUnreachable, NotReady
from compose_tls.facts import TlsMode
from compose_tls.milvus.settings import tls_settings
from compose_tls.observe import observe
from compose_tls.plan.locate import locate
from compose_tls.state.model import State
from compose_tls.workflows.connecting import Address, target_of

_PORTS = (
    "PROXY_PORT",
    "PROXY_INTERNALPORT",
    "ROOTCOORD_PORT",
    "QUERYCOORD_PORT",
    "QUERYNODE_PORT",
    "INDEXNODE_PORT",
    "DATACOORD_PORT",
    "DATANODE_PORT",
    "METRICS_PORT",
)
_ROLES = ("PROXY", "ROOTCOORD", "QUERYCOORD", "QUERYNODE", "INDEXNODE", "DATACOORD", "DATANODE")
# Embedded etcd on unix sockets takes no port; with the gateway on them it would not stop.
_ETCD = (
    "enable-grpc-gateway: false\n"
    "listen-client-urls: unix://client:0\n"
    "listen-peer-urls: unix://peer:0\n"
)
_STOP_SECONDS = 5
_PROBE_SECONDS = 2.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server: where clients reach it, and its log."""

    host: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def require_running(self) -> None:
        """Make sure that the server has not ended.

        Raises:
            ContainerExited: It has; the message quotes the line of its log that says why.
        """
        code = self.process.poll()
        if code is not None:
            found = reason(self.log.read_text("utf-8", "replace").splitlines())
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

    Args:
        directory: The project directory, where ``enable`` has been.
        config: The settings; only where things are, and ``timeout``, matter.
        environment: The process environment by default.

    Raises:
        NotEnabled: ``enable`` has not been here.
        EngineUnreachable: The wheel is not installed, or not made for this machine.
        ContainerExited: The server ended; the message quotes its log.
        NotReady: It did not become ready in time.
    """
    config = config or TlsConfig()
    inherited = os.environ if environment is None else environment
    project = Path(directory).resolve()
    state = locate(observe(project, config, inherited), config).state
    binaries = _binaries(inherited)
    with _running(project, state, binaries, inherited) as server:
        target = target_of(project, state, config, Address(server.host, server.port))
        deadline = time.monotonic() + config.timeout
        while not (found := readiness(target, _PROBE_SECONDS)).ready:
            server.require_running()
            if time.monotonic() > deadline:
                raise NotReady(
                    f"the embedded Milvus is not ready after {config.timeout:g} s: {found.detail}",
                    hint="raise --timeout",
                )
            time.sleep(_POLL_SECONDS)
        yield server


@contextmanager
def _running(
    project: Path, state: State, binaries: Path, inherited: Mapping[str, str]
) -> Iterator[EmbeddedServer]:
    with tempfile.TemporaryDirectory(prefix="compose-tls-milvus-") as name:
        work = Path(name)
        alias = uuid.uuid4().hex
        variables = _variables(work, binaries, project / state.tls_dir, inherited)
        config = next((f.path for f in state.files if f.path.endswith("milvus.yaml")), None)
        _write_configuration(work / "configs", project / config if config else None)
        if config is None:
            # As in the project: what no file says, the environment does.
            settings = tls_settings(TlsMode(state.mode), str(project / state.tls_dir), None)
            variables.update({setting.variable: setting.value for setting in settings})
        log = work / "milvus.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [binaries / "milvus", "run", "standalone", "-alias", alias],
                cwd=work,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            yield EmbeddedServer("localhost", int(variables["PROXY_PORT"]), log, process)
        finally:
            _stop(process)
            _remove_lock_files(process.pid, alias)


def _binaries(environment: Mapping[str, str]) -> Path:
    try:
        import milvus  # noqa: PLC0415 - an extra
    except ImportError:
        raise EngineUnreachable(
            "the embedded Milvus is not installed",
            hint="pip install 'compose-tls[embedded]' (Linux on x86-64)",
        ) from None
    home = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compose-tls"
    unpacked = home / f"milvus-{milvus.__version__}"
    if not unpacked.is_dir():
        # The wheel holds the server compressed: 257 MB, unpacked once a machine in about 5 s. Two
        # processes may do so at the same time; the first to finish gives the place its name.
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as staged:
            milvus._initialize_data_files(staged)  # noqa: SLF001 - the wheel has no public way
            with contextlib.suppress(OSError):
                Path(staged).rename(unpacked)
                Path(staged).mkdir()
    return unpacked / "bin"


def _variables(
    work: Path,
    binaries: Path,
    tls_directory: Path,
    inherited: Mapping[str, str],
) -> dict[str, str]:
    kept = {name: inherited[name] for name in ("PATH", "HOME", "TMPDIR") if name in inherited}
    ports = zip(_PORTS, map(str, _free_ports(len(_PORTS))), strict=True)
    return {
        **kept,
        **dict(ports),
        **{f"{role}_IP": "127.0.0.1" for role in _ROLES},
        "LD_LIBRARY_PATH": str(binaries),
        "DEPLOY_MODE": "STANDALONE",
        "MILVUSCONF": str(work / "configs"),
        "ETCD_USE_EMBED": "true",
        "ETCD_DATA_DIR": str(work / "etcd"),
        "ETCD_CONFIG_PATH": str(work / "configs" / "etcd.yaml"),
        "ETCD_LOG_PATH": str(work / "etcd.log"),
        "COMMON_STORAGETYPE": "local",
        "LOCALSTORAGE_PATH": str(work / "data"),
        "MQ_TYPE": "rocksmq",
        "ROCKSMQ_PATH": str(work / "rocksmq"),
        "TLS_SERVERPEMPATH": str(tls_directory / "server.pem"),
        "TLS_SERVERKEYPATH": str(tls_directory / "server.key"),
        "TLS_CAPEMPATH": str(tls_directory / "ca.pem"),
    }


def _write_configuration(directory: Path, config: Path | None) -> None:
    directory.mkdir()
    # The server ends with a segmentation fault where this file is missing.
    (directory / "glog.conf").write_text("--logtostderr=true\n")
    (directory / "etcd.yaml").write_text(_ETCD)
    if config is not None:
        shutil.copyfile(config, directory / "milvus.yaml")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        # All are held at once, so that all differ.
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _remove_lock_files(pid: int, alias: str) -> None:
    """The server leaves these outside its directory."""
    for path in (
        Path("/tmp/milvus") / f"server_id_{pid}",  # noqa: S108 - where the server puts it
        Path("/tmp/milvus") / f"standalone-{alias}.pid",  # noqa: S108 - likewise
        Path("/run/milvus") / f"standalone-{alias}.pid",
    ):
        path.unlink(missing_ok=True)

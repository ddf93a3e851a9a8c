"""milvus-lite with TLS, in a process of its own: for tests of a client, where no Milvus server runs.

It proves a client (its certificates, its names, what it sends), and nothing of a server: milvus-lite
reads no milvus.yaml, and its TLS is that of gRPC, with a project's certificates and mode. It runs where
faiss and pyarrow do; ``pip install 'compose-tls[lite]'`` installs it.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from compose_tls.config import TlsConfig
from compose_tls.errors import ContainerExited, EngineUnreachable, NotReady
from compose_tls.state.recorded import State
from compose_tls.testing.watchdog_client import Guard

_PROGRAM: Final = Path(__file__).with_name("lite_server.py")
# Before 3.2, milvus-lite was another program, with a socket of its own. It speaks by the messages of
# pymilvus, without which it does not start; those of 2.6.0 lack a field.
_NEEDED: Final = {"milvus-lite": (3, 2), "pymilvus": (2, 6, 1)}
_INSTALL: Final = "pip install 'compose-tls[lite]'"
_POLL_SECONDS: Final = 0.05


def require_lite() -> None:
    """Make sure that milvus-lite is there, without loading it.

    Raises:
        EngineUnreachable: It or pymilvus is not, or is too old.
    """
    for package, first in _NEEDED.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            raise EngineUnreachable(
                f"backend lite needs {package}, which is not installed", hint=_INSTALL
            ) from None
        if tuple(map(int, re.findall(r"\d+", found)[:3])) < first:
            wanted = ".".join(map(str, first))
            raise EngineUnreachable(
                f"backend lite needs {package} {wanted} or newer, and {found} is installed",
                hint=_INSTALL,
            )


def start(
    guard: Guard, project: Path, state: State, config: TlsConfig, inherited: Mapping[str, str]
) -> tuple[int, Path]:
    """Start it under a guard, on a free port of the loopback address; wait until it listens.

    Args:
        guard: It stops the server, and removes its directory.
        project: The project directory.
        state: What enable did: its certificates and mode.
        config: The settings; only ``timeout`` matters.
        inherited: The process environment.

    Returns:
        Its port, and its log.

    Raises:
        ContainerExited: It ended; the message quotes the end of its log.
        NotReady: It does not listen in time.
        WriteFailed: The watchdog is gone.
    """
    work = guard.directory / "lite"
    work.mkdir()
    log, port = work / "milvus-lite.log", work / "port"
    served = str(project / state.settings.served_dir)
    # -P: modules are not found for lying next to the program, or where it runs.
    command = [sys.executable, "-P", str(_PROGRAM), str(work / "data"), served]
    guard.run([*command, str(int(state.settings.tls_mode)), str(port)], inherited, log)
    deadline = time.monotonic() + config.timeout
    while not port.exists():
        if (code := guard.exit_code()) is not None:
            said = log.read_text("utf-8", "replace").strip().splitlines()
            raise ContainerExited(
                f"milvus-lite ended with code {code}: {said[-1] if said else '(no log)'}",
                hint=f"check whether its packages are compatible: {_INSTALL}",
            )
        if time.monotonic() > deadline:
            raise NotReady(
                f"milvus-lite does not listen after {config.timeout:g} s", hint="raise the timeout"
            )
        time.sleep(_POLL_SECONDS)
    return int(port.read_text()), log

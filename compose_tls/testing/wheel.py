"""The wheel ``milvus``: its server unpacked, and how that is told where everything is."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from compose_tls.errors import EngineUnreachable
from compose_tls.layout import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY

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


def unpacked_binaries(environment: Mapping[str, str]) -> Path:
    """The directory of the server's binaries, unpacked out of the wheel on first use.

    Args:
        environment: The process environment: ``XDG_CACHE_HOME`` says where.

    Raises:
        EngineUnreachable: The wheel is not installed, or not made for this machine.
    """
    try:
        import milvus
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


def server_variables(
    work: Path,
    binaries: Path,
    tls_directory: Path,
    inherited: Mapping[str, str],
) -> dict[str, str]:
    """The environment of a server: free ports, everything inside one process, data in one place.

    Args:
        work: Its directory; ``configs`` in it holds its configuration.
        binaries: Where the server is.
        tls_directory: Where its certificate and key are.
        inherited: The process environment; little of it is passed on.
    """
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
        "TLS_SERVERPEMPATH": str(tls_directory / SERVER_CERTIFICATE),
        "TLS_SERVERKEYPATH": str(tls_directory / SERVER_KEY),
        "TLS_CAPEMPATH": str(tls_directory / CA_CERTIFICATE),
    }


def write_configuration(directory: Path, config: Path | None) -> None:
    """Make the directory of a server's configuration.

    Args:
        directory: To be made.
        config: The project's milvus.yaml, where it has one.
    """
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

"""Which engine the Docker command line would talk to, and whether it is on this machine.

docker-py reads ``DOCKER_HOST`` but no contexts from a given environment, so the rules of the command
line are followed here: ``DOCKER_HOST``, else ``DOCKER_CONTEXT``, else ``currentContext`` of its
config.json, else the default socket.

Source: https://docs.docker.com/engine/manage-resources/contexts/ and
https://docs.docker.com/reference/cli/docker/#environment-variables
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from compose_tls.errors import EngineRemote, EngineUnreachable
from compose_tls.shell import typed
from compose_tls.values import dataclass

DEFAULT_URL = "unix:///var/run/docker.sock"
_DEFAULT = "the default socket"
_LOCAL = "use the local engine: unset DOCKER_HOST && docker context use default"

# Ports of the engine's API without and with TLS: https://docs.docker.com/engine/security/protect-access/
_PLAIN_PORT, _TLS_PORT = 2375, 2376

PATIENCE: Final = 10
"""Seconds for a first answer: an engine gives it at once, on a busy machine within seconds; what takes
connections and is none, never."""
LITTLE_PATIENCE: Final = 2
"""Likewise, where a command can do without the engine."""


@dataclass(frozen=True, slots=True)
class DockerHost:
    """Where an engine listens.

    Attributes:
        url: ``unix:///path``, ``tcp://host:port``, ``ssh://…``.
        source: What named it, for messages.
        tls_directory: Where ``ca.pem``, ``cert.pem`` and ``key.pem`` lie when the engine wants TLS.
        verify: Whether the engine's certificate is verified.
    """

    url: str
    source: str
    tls_directory: Path | None = None
    verify: bool = True

    @property
    def local(self) -> bool:
        """Whether the engine is on this machine, so that it can mount local files."""
        parts = urlsplit(self.url)
        if parts.scheme in {"unix", "npipe"}:
            return True
        return parts.scheme in {"tcp", "http", "https"} and _is_loopback(parts.hostname or "")

    @property
    def otherwise(self) -> str:
        """What else there is to do where it does not answer and was named: the end of a hint."""
        return "" if self.source == _DEFAULT else f"; or {_LOCAL}"

    @property
    def address(self) -> str | tuple[str, int]:
        """What a socket connects to: the path of a Unix socket, or host and port."""
        parts = urlsplit(self.url)
        if parts.scheme == "unix":
            return parts.path
        return parts.hostname or "localhost", _port(parts) or (
            _TLS_PORT if self.tls_directory else _PLAIN_PORT
        )

    @property
    def display(self) -> str:
        """The URL for messages, without a password."""
        parts = urlsplit(self.url)
        if parts.password is None:
            return self.url
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def docker_host_of(environment: Mapping[str, str]) -> DockerHost:
    """The endpoint that the Docker command line would use.

    Args:
        environment: ``DOCKER_HOST``, ``DOCKER_CONTEXT``, ``DOCKER_CONFIG``, ``DOCKER_TLS_VERIFY``,
            ``DOCKER_CERT_PATH`` and ``HOME`` are read.

    Raises:
        EngineUnreachable: The context that is named does not exist or cannot be read.
    """
    folder = _config_directory(environment)
    host = environment.get("DOCKER_HOST")
    if not host:
        context = environment.get("DOCKER_CONTEXT") or _current_context(folder)
        if context and context != "default":
            return _from_context(context, folder)
    verify = bool(environment.get("DOCKER_TLS_VERIFY"))
    certificates = environment.get("DOCKER_CERT_PATH")
    wants_tls = bool(host) and (verify or bool(environment.get("DOCKER_TLS")))
    return DockerHost(
        url=_with_scheme(host) if host else DEFAULT_URL,
        source="DOCKER_HOST" if host else _DEFAULT,
        tls_directory=(Path(certificates) if certificates else folder) if wants_tls else None,
        verify=verify,
    )


def reach(environment: Mapping[str, str], *, patience: int = PATIENCE) -> DockerHost:
    """The endpoint, where it is on this machine and something listens there.

    Args:
        environment: The process environment: ``DOCKER_*``, ``HOME`` and ``PATH`` are read.
        patience: How long to wait for a connection, in seconds.

    Returns:
        The endpoint; that what listens is an engine is not yet known.

    Raises:
        EngineUnreachable: Nothing listens there, or it is not permitted.
        EngineRemote: It is on another machine.
    """
    endpoint = docker_host_of(environment)
    require_local(endpoint)
    installed = shutil.which("docker", path=environment.get("PATH", "")) is not None
    probe(endpoint, docker_installed=installed, patience=patience)
    return endpoint


def require_local(endpoint: DockerHost) -> None:
    """Refuse an engine on another machine: the certificates and files to mount are on this one.

    Raises:
        EngineRemote: The engine is not local.
    """
    if endpoint.local:
        return
    raise EngineRemote(
        f"the Docker engine at {endpoint.display} (from {endpoint.source}) is not on this machine,"
        " so it cannot mount the certificates that lie here",
        hint=f"run compose-tls on that machine, or {_LOCAL}",
    )


def probe(endpoint: DockerHost, *, docker_installed: bool, patience: int = PATIENCE) -> None:
    """Connect once, to tell apart why an engine cannot be reached.

    Args:
        endpoint: Where to connect to.
        docker_installed: Whether a ``docker`` command is on the PATH, which decides the next step.
        patience: How long to wait, in seconds.

    Raises:
        EngineUnreachable: Nothing there, no one listens, or no permission: each in its own words.
    """
    try:
        _connect(endpoint.address, patience)
    except FileNotFoundError:
        raise EngineUnreachable(
            f"there is no Docker engine at {endpoint.display} (from {endpoint.source})",
            hint=(_START if docker_installed else _INSTALL) + endpoint.otherwise,
        ) from None
    except PermissionError:
        raise EngineUnreachable(
            f"no permission to use the Docker engine at {endpoint.display}",
            hint="add yourself to the group docker (sudo usermod -aG docker $USER) and sign in again,"
            " or use sudo; see https://docs.docker.com/engine/install/linux-postinstall/",
        ) from None
    except OSError as error:
        raise EngineUnreachable(
            f"the Docker engine at {endpoint.display} (from {endpoint.source}) does not answer:"
            f" {error.strerror or error}",
            hint=_START + endpoint.otherwise,
        ) from None


_START = "start Docker (sudo systemctl start docker, or Docker Desktop) and try again"
_INSTALL = "install Docker, see https://docs.docker.com/engine/install/"


def _connect(address: str | tuple[str, int], seconds: float) -> None:
    if isinstance(address, tuple):
        socket.create_connection(address, timeout=seconds).close()
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect(address)


def _with_scheme(host: str) -> str:
    # The command line takes host:port, too, and means TCP.
    return host if "://" in host else f"tcp://{host}"


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _config_directory(environment: Mapping[str, str]) -> Path | None:
    if folder := environment.get("DOCKER_CONFIG"):
        return Path(folder)
    home = environment.get("HOME")
    return Path(home) / ".docker" if home else None


def _current_context(folder: Path | None) -> str | None:
    if folder is None:
        return None
    try:
        name = json.loads((folder / "config.json").read_bytes()).get("currentContext")
    except (OSError, ValueError, AttributeError):
        # The command line goes on with its defaults, too, when its configuration cannot be read.
        return None
    return name if isinstance(name, str) else None


def _from_context(name: str, folder: Path | None) -> DockerHost:
    # The store's layout: contexts/meta/<SHA-256 of the name>/meta.json, key material next to it in
    # contexts/tls/<the same>/docker/.
    key = hashlib.sha256(name.encode()).hexdigest()
    store = (folder or Path()) / "contexts"
    try:
        meta: dict[str, Any] = json.loads((store / "meta" / key / "meta.json").read_bytes())
        docker = meta["Endpoints"]["docker"]
        url, skip_verify = str(docker["Host"]), bool(docker.get("SkipTLSVerify", False))
    except FileNotFoundError:
        raise EngineUnreachable(
            f"there is no Docker context {name}",
            hint="docker context ls lists the contexts; docker context use NAME chooses one",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise EngineUnreachable(
            f"the Docker context {name} cannot be read",
            hint=f"docker context inspect {typed(name)} shows what is wrong with it",
        ) from None
    tls = store / "tls" / key / "docker"
    return DockerHost(
        url=_with_scheme(url),
        source=f"the context {name}",
        tls_directory=tls if tls.is_dir() else None,
        verify=not skip_verify,
    )


def tls_of(endpoint: DockerHost) -> Any:
    """What docker-py wants of the certificates for an endpoint."""
    from docker.tls import TLSConfig

    folder = endpoint.tls_directory
    if folder is None:
        return False
    ca, certificate, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    return TLSConfig(
        client_cert=(str(certificate), str(key)) if certificate.exists() else None,
        ca_cert=str(ca) if ca.exists() else None,
        verify=endpoint.verify,
    )

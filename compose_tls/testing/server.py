"""A Milvus that speaks TLS, for the length of a ``with`` block."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from compose_tls.config import TlsConfig
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.engine import Engine
from compose_tls.errors import ComposeTlsError, InvalidSetting, NotReady
from compose_tls.observe import observe
from compose_tls.project.enabled import locate
from compose_tls.results import Endpoint
from compose_tls.state.recorded import State
from compose_tls.testing import embedded, lite
from compose_tls.testing.watchdog_client import Guard, guarded
from compose_tls.testing.wheel import unpacked_binaries
from compose_tls.values import dataclass
from compose_tls.vocabulary import KeyType
from compose_tls.workflows.check import check
from compose_tls.workflows.enable import enable
from compose_tls.workflows.server_access import ClientFiles, connect_arguments_of

Backend = Literal["docker", "embedded", "lite"]
BACKENDS: tuple[Backend, ...] = ("docker", "embedded", "lite")

DEFAULT_IMAGE = "milvusdb/milvus:v2.3.5"
SERVICE = "standalone"
PORT = 19530

# Milvus with etcd and object storage inside, as its own standalone_embed.sh sets it up:
# https://github.com/milvus-io/milvus/blob/master/scripts/standalone_embed.sh
_TEXT = """\
name: {name}
services:
  {service}:
    image: {image}
    command: ["milvus", "run", "standalone"]
    security_opt: ["seccomp:unconfined"]
    environment:
      DEPLOY_MODE: STANDALONE
      ETCD_USE_EMBED: "true"
      ETCD_DATA_DIR: /var/lib/milvus/etcd
      COMMON_STORAGETYPE: local
    ports:
      - "127.0.0.1::{port}"  # Docker picks a free port of this machine
"""
# All backends listen on IPv4; "localhost" might be another server on IPv6.
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class MilvusServer:
    """A running Milvus, ready and proved to speak TLS.

    Attributes:
        mode: 1 for one-way, 2 for mutual TLS.
        backend: What runs it: ``docker``, ``embedded`` or ``lite``; the last proves clients, not what a
            server does with its settings.
        host: Where clients reach it.
        port: Its TCP port there.
        server_name: The name that clients verify.
        project: The directory of its Compose project, where ``enable`` has been; temporary.
        ca_pem: The CA that clients trust.
        client_pem: A client's certificate; in mode 2 the server asks for one.
        client_key: Its private key.
    """

    mode: Literal[1, 2]
    backend: Backend
    host: str
    port: int
    server_name: str
    project: Path
    ca_pem: Path
    client_pem: Path
    client_key: Path
    _connect: Mapping[str, Any] = field(repr=False)
    _read_log: Callable[[], str] = field(repr=False)

    @property
    def uri(self) -> str:
        """Where clients reach it, as an ``https`` URI."""
        return f"https://{self.host}:{self.port}"

    def connect_args(self) -> dict[str, Any]:
        """The keyword arguments of ``pymilvus.MilvusClient``; every path is absolute."""
        return dict(self._connect)

    def logs(self) -> str:
        """What the server has logged so far; empty once it is gone."""
        try:
            return self._read_log()
        except (OSError, ComposeTlsError):
            return ""


@contextmanager
def milvus_tls(
    *,
    mode: Literal[1, 2] = 1,
    backend: Backend = "docker",
    image: str | None = None,
    key_type: KeyType = "ecdsa-p256",
    server_name: str = "localhost",
    san: tuple[str, ...] = (),
    timeout: float = 120,
) -> Iterator[MilvusServer]:
    """Run a Milvus that speaks TLS; take away everything that was made for it afterwards.

    It has certificates, a project and a free port of its own, so any number can run at the same
    time. Nothing stays behind, not even when this process is killed.

    Args:
        mode: 1 for one-way TLS, 2 for mutual TLS.
        backend: ``docker`` runs an image with Docker Compose; ``embedded`` the server of the PyPI
            wheel ``milvus``, on Linux on x86-64, without Docker; ``lite`` milvus-lite behind the TLS
            of gRPC, wherever that runs: for tests of a client, since it is not the server of Milvus and
            reads none of its settings.
        image: For ``docker``: the image, ``milvusdb/milvus:v2.3.5`` by default, the release of the
            wheel.
        key_type: The kind of keys, as ``enable --key-type`` takes it.
        server_name: The name that clients verify.
        san: Further DNS names and IP addresses in the server's certificate.
        timeout: How long Milvus may take to get ready, in seconds.

    Yields:
        The server, ready and checked; it is taken down when the block ends.

    Raises:
        InvalidSetting: A value is not of its argument's kind; there is no such backend, or it takes no
            image.
        EngineUnreachable: There is no Docker engine, no wheel, or no milvus-lite.
        EngineRemote: The engine is on another machine.
        ComposeMissing: Docker Compose is not installed.
        EngineError: Milvus cannot be started, or does not become ready.
        CheckFailed: It does not do what it must.
        CertificateError: No certificate can be issued for these names, or the image's user could not
            read the key.
        WriteFailed: No temporary directory can be made.
    """
    if backend not in BACKENDS:
        raise InvalidSetting(f"there is no backend {backend!r}", hint=f"one of {BACKENDS}")
    if image is not None and backend != "docker":
        raise InvalidSetting(
            f"backend {backend} does not use an image, and {image} was given",
            hint="leave one of them out",
        )
    config = TlsConfig(
        mode=mode, key_type=key_type, server_name=server_name, san=san, timeout=timeout
    )
    # What a user's Compose variables say is about another project.
    variables = {n: value for n, value in os.environ.items() if not n.startswith("COMPOSE_")}
    name = f"compose-tls-test-{uuid.uuid4().hex[:12]}"
    text = compose_file(name, image or DEFAULT_IMAGE)
    run = {"docker": _on_docker, "embedded": _embedded, "lite": _lite}[backend]
    with run(name, text, config, variables) as (project, port, read_log):
        endpoint = Endpoint(uri=f"https://{_HOST}:{port}", server_name=server_name)
        files = ClientFiles.of(project, config)
        yield MilvusServer(
            mode=mode,
            backend=backend,
            host=_HOST,
            port=port,
            server_name=server_name,
            project=project,
            ca_pem=files.ca,
            client_pem=files.certificate,
            client_key=files.key,
            _connect=connect_arguments_of(project, config, endpoint),
            _read_log=read_log,
        )


def compose_file(name: str, image: str) -> str:
    """The text of its Compose file.

    Args:
        name: The project's name.
        image: The image of Milvus.
    """
    # A JSON string is a YAML string; a dollar would begin a variable.
    quoted = json.dumps(image).replace("$", "$$")
    return _TEXT.format(name=name, service=SERVICE, image=quoted, port=PORT)


_Running = tuple[Path, int, Callable[[], str]]


@contextmanager
def _on_docker(
    name: str, text: str, config: TlsConfig, variables: Mapping[str, str]
) -> Iterator[_Running]:
    with Engine.connect(variables) as engine:
        compose = ComposeCli.find(variables).command
        with guarded(variables) as guard:
            project = _project(guard, text)
            guard.own_project(compose, name, text)
            enable(project, config, up=True, keep_on_failure=True, environment=variables)
            guard.compose_at_work = False
            container = engine.container(name, SERVICE)
            place = container.published_port(PORT) if container else None
            if container is None or place is None:
                raise NotReady("the test server no longer exists", hint="see docker events")
            identity = container.id
            yield project, place[1], lambda: "\n".join(engine.log_tail(identity))


@contextmanager
def _embedded(
    _: str, text: str, config: TlsConfig, variables: Mapping[str, str]
) -> Iterator[_Running]:
    binaries = unpacked_binaries(variables)
    with guarded(variables) as guard:
        project = _project(guard, text)
        state = _enabled(project, config, variables)
        server = embedded.start(guard, project, state, config, binaries, variables)
        check(project, config, host=_HOST, port=server.port, environment=variables)
        yield project, server.port, lambda: server.log.read_text("utf-8", "replace")


@contextmanager
def _lite(_: str, text: str, config: TlsConfig, variables: Mapping[str, str]) -> Iterator[_Running]:
    lite.require_lite()
    with guarded(variables) as guard:
        project = _project(guard, text)
        state = _enabled(project, config, variables)
        port, log = lite.start(guard, project, state, config, variables)
        check(project, config, host=_HOST, port=port, environment=variables)
        yield project, port, lambda: log.read_text("utf-8", "replace")


def _enabled(project: Path, config: TlsConfig, variables: Mapping[str, str]) -> State:
    """What enable does in the project of a server that no container runs."""
    enable(project, config, environment=variables)
    return locate(observe(project, config, variables), config).state


def _project(guard: Guard, text: str) -> Path:
    project = guard.directory / "project"
    project.mkdir()
    (project / "docker-compose.yml").write_text(text, encoding="utf-8")
    return project

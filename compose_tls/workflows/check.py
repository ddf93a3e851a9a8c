"""check: observe → locate → prove → result."""

from __future__ import annotations

import os
from collections.abc import Mapping

from compose_tls.config import TlsConfig
from compose_tls.errors import NotReady
from compose_tls.observe import observe
from compose_tls.project.enabled import Located, locate
from compose_tls.results import CheckResult, Endpoint
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import Address, connect_arguments_of, target_of
from compose_tls.workflows.proving import prove


def check(
    directory: str | os.PathLike[str] = ".",
    config: TlsConfig | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    rest_port: int | None = None,
    deep: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: preamble.OnEvent = preamble.silent,
) -> CheckResult:
    """Prove on the wire that the running server encrypts, and refuses what it must refuse.

    Args:
        directory: The project directory.
        config: The settings.
        host: Where the server is; by default where the project publishes it.
        port: Its port, likewise.
        rest_port: The port of REST, likewise; with ``port`` and without this, REST is not checked.
        deep: Whether to create, fill, search and drop a throw-away collection as well.
        environment: Variables that Compose interpolates with; those of the process by default.
        on_event: Told about progress, a line at a time.

    Raises:
        NotEnabled: ``enable`` has not been here.
        ProjectError: The project cannot be understood.
        NotReady: The project does not say where its server is reached.
        CertificateUnreadable: A certificate or key of the project cannot be used.
        InvalidSetting: The password or token file cannot be read.
        CheckFailed: At least one check failed.
    """
    config = config or TlsConfig()
    variables = preamble.environment_of(environment)
    path = preamble.project_directory(directory, config, variables)
    preamble.reading(path)
    located = locate(observe(path, config, variables), config)
    address = _address(located, host, port)
    shown = f"[{address.host}]" if ":" in address.host else address.host
    endpoint = Endpoint(
        uri=f"https://{shown}:{address.port}", server_name=located.state.server_name
    )
    rest = _rest_address(located, address, host, port, rest_port)
    target = target_of(path, located.state, config, address, rest)
    checks = prove(target, config, on_event, deep=deep)
    mode = TlsMode(located.state.mode)
    return CheckResult(
        mode=located.state.mode,
        project=str(path),
        services=located.state.services,
        endpoint=endpoint,
        connect=connect_arguments_of(path, config, mode, endpoint),
        checks=checks,
    )


def _address(located: Located, host: str | None, port: int | None) -> Address:
    found = Address.of(located.endpoint) if located.endpoint else None
    if found is None and (host is None or port is None):
        raise NotReady(
            f"service {located.milvus.name} does not say on which port of this host it is reached",
            hint="name it with --host and --port",
            path=located.milvus.service.main.document.name,
            line=located.milvus.service.main.line(),
        )
    return Address(
        host or (found.host if found else "localhost"), port or (found.port if found else 0)
    )


def _rest_address(
    located: Located, address: Address, host: str | None, port: int | None, rest_port: int | None
) -> Address | None:
    """Where REST is; ``None`` where it is off, not published, or elsewhere at an unknown port."""
    if rest_port is not None:
        return Address(address.host, rest_port)
    if located.rest_endpoint is None or port is not None:
        return None
    published = Address.of(located.rest_endpoint)
    return Address(host or published.host, published.port)

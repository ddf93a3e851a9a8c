"""check: observe → locate → prove → result."""

from __future__ import annotations

import os
from collections.abc import Mapping

from compose_tls.errors import NotReady
from compose_tls.observe import observe
from compose_tls.project.enabled import EnabledProject, locate
from compose_tls.results import CheckResult, Endpoint, Probe
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import Address, connect_arguments_of, target_of
from compose_tls.workflows.proving import prove


def check(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
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
    opened = preamble.open_project(directory, config, environment)
    root, settings = opened.root, opened.config
    preamble.reading(root)
    located = locate(observe(root, settings, opened.variables, start=opened.start), settings)
    addresses = _addresses(located, host, port)
    checks: list[Probe] = []
    for address, rest in addresses:
        if rest_port is not None:
            rest = Address(address.host, rest_port)  # noqa: PLW2901 - the user knows better
        target = target_of(root, settings, address, rest, located.milvus[0].name)
        checks += prove(target, settings, on_event, deep=deep)
    address = addresses[0][0]
    shown = f"[{address.host}]" if ":" in address.host else address.host
    endpoint = Endpoint(uri=f"https://{shown}:{address.port}", server_name=settings.server_name)
    return CheckResult(
        mode=settings.mode,
        project=str(root),
        services=tuple(one.name for one in located.milvus),
        endpoint=endpoint,
        connect=connect_arguments_of(root, settings, settings.tls_mode, endpoint),
        checks=tuple(checks),
    )


def _addresses(
    located: EnabledProject, host: str | None, port: int | None
) -> list[tuple[Address, Address | None]]:
    """Where gRPC and REST of every proxy are; REST is ``None`` where it is off, or not known."""
    if host is not None and port is not None:
        return [(Address(host, port), None)]
    found: list[tuple[Address, Address | None]] = []
    for proxy in located.proxies:
        if proxy.endpoint is None:
            continue
        published = Address.of(proxy.endpoint)
        rest = located.rest_endpoint_of(proxy) if port is None else None
        at = Address.of(rest) if rest else None
        found.append(
            (
                Address(host or published.host, port or published.port),
                Address(host or at.host, at.port) if at else None,
            )
        )
    if found:
        return found[:1] if port is not None else found
    if port is not None:
        return [(Address("localhost", port), None)]
    first = located.milvus[0]
    raise NotReady(
        f"service {first.name} does not say on which port of this host it is reached",
        hint="name it with --host and --port",
        path=first.service.main.document.name,
        line=first.service.main.line(),
    )

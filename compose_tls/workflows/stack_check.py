"""Checks etcd and the object store from inside the project's network, as Milvus reaches them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from compose_tls import listener
from compose_tls.checks.check_target import Target
from compose_tls.checks.run import run_server
from compose_tls.checks.wire import GRPC, REST
from compose_tls.config import TlsConfig
from compose_tls.deploy.docker_host import LITTLE_PATIENCE
from compose_tls.deploy.engine import Engine
from compose_tls.errors import CheckFailed, EngineError
from compose_tls.layout import (
    CERTIFICATE,
    CLIENT_OF,
    ETCD,
    KAFKA,
    KEY,
    OBJECT_STORE,
    STACK_CA,
)
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.milvus_services import certain_services
from compose_tls.project.model import Project
from compose_tls.project.stack_services import needed_servers
from compose_tls.results import Probe
from compose_tls.shell import typed
from compose_tls.values import dataclass
from compose_tls.vocabulary import ServerPurpose, TlsMode, TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.server_access import client_pem, fingerprint

_IDENTITIES: Final[Mapping[ServerPurpose, str]] = {
    "metadata": ETCD,
    "object store": OBJECT_STORE,
    "messages": KAFKA,
}

Place: TypeAlias = Callable[[str, int], "tuple[str, int] | None"]
"""Where a port of a service is reached from here; ``None`` where it is not."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that Milvus is configured to reach over TLS."""

    name: str
    port: int
    identity: str


def served(project: Project) -> tuple[tuple[Served, ...], tuple[TlsWarning, ...]]:
    """The servers that are declared to speak TLS, and those that are not and why no one asks them.

    Args:
        project: The project as it is.
    """
    state = project.state
    ours = {one.name for one in state.identities} if state else set[str]()
    found: dict[tuple[str, int], Served] = {}
    left: dict[str, TlsWarning] = {}
    for one in needed_servers(project.compose, certain_services(project.milvus)):
        identity = _IDENTITIES.get(one.purpose)
        why = None
        if one.encryption != "encrypted":
            why = f"Milvus has no TLS settings for it ({one.encryption})"
        elif one.service is None:
            why = "it is not a service of this project"
        elif identity not in ours or one.port is None:
            why = "compose-tls has not set it up, and knows no client of it"
        if why is not None:
            text = f"{one.purpose} {one.name} is not proved: {why}"
            left[one.name] = TlsWarning("not-checked", text)
        elif identity is not None and one.port is not None:
            found[one.name, one.port] = Served(one.name, one.port, identity)
    return tuple(found.values()), tuple(left.values())


def planned_servers(planned: ServicePlan) -> tuple[Served, ...]:
    """The servers that speak TLS by a plan.

    Args:
        planned: The plan.
    """
    members = {
        name: one.identity.name
        for one in planned.identities.identities
        for name in one.identity.members
        if one.identity.name in _IDENTITIES.values()
    }
    return tuple(
        Served(name, port, members[name]) for name, port in planned.server_ports if name in members
    )


def prove_servers(
    directory: Path,
    config: TlsConfig,
    servers: Sequence[Served],
    place: Place,
    on_event: listener.OnEvent,
) -> tuple[Probe, ...]:
    """Prove that servers speak TLS, let Milvus in, and no one else.

    Args:
        directory: The project.
        config: The settings.
        servers: The servers.
        place: Where they are reached.
        on_event: Told about progress.

    Raises:
        CheckFailed: At least one check failed; the error holds the results of all.
        CertificateUnreadable: A file of the PKI directory cannot be used.
    """
    probes: list[Probe] = []
    for one in servers:
        at = place(one.name, one.port)
        if at is None:
            probes.append(_unreached(one))
            listener.probed(on_event, probes[-1])
            continue
        target = _target(directory, config, one, at)
        probes += run_server(target, now=preamble.now(), timeout=config.timeout, on_event=on_event)
    failed = [probe for probe in probes if not probe.ok]
    if failed:
        first = failed[0]
        summary = f"{first.service}: check {first.name} failed"
        raise CheckFailed(
            f"{summary}: {first.observed}",
            hint=first.hint or f"expected: {first.expected}",
            checks=tuple(probes),
            summary=summary,
        )
    return tuple(probes)


def check_servers(
    project: Project,
    opened: preamble.Opened,
    on_event: listener.OnEvent,
    *,
    required: bool,
) -> tuple[tuple[Probe, ...], tuple[TlsWarning, ...]]:
    """The same for a project that runs, as far as an engine tells where its containers are.

    Args:
        project: The project as it is.
        opened: What the command works on.
        on_event: Told about progress.
        required: Whether it is an error that no engine answers.

    Raises:
        CheckFailed: At least one check failed.
        EngineError: There is no engine, and it is required.
    """
    servers, left = served(project)
    if not servers:
        return (), left
    name = str(project.observation.variables.get("COMPOSE_PROJECT_NAME", ""))
    try:
        with Engine.connect(opened.variables, patience=LITTLE_PATIENCE) as engine:
            place = container_place(engine, name)
            return prove_servers(opened.root, opened.config, servers, place, on_event), left
    except EngineError as error:
        if required:
            raise
        names = ", ".join(one.name for one in servers)
        text = f"{names} not proved: {error.message}"
        return (), (*left, TlsWarning("not-checked", text, hint=error.hint))


def container_place(engine: Engine, project: str) -> Place:
    """Where ports of containers are reached: on their networks, or as they are published.

    Args:
        engine: The engine.
        project: The name of the project.
    """

    def place(service: str, port: int) -> tuple[str, int] | None:
        container = engine.container(project, service)
        if container is None or not container.running:
            return None
        address = next((each for each in container.networks.values() if each), None)
        # Elsewhere the engine runs in a machine of its own, whose networks are not reached.
        if address and sys.platform == "linux":
            return address, port
        return container.published_port(port)

    return place


def _target(directory: Path, config: TlsConfig, one: Served, at: tuple[str, int]) -> Target:
    pki = directory / config.pki_dir
    client = CLIENT_OF.get(one.identity)
    ca = pki / f"{STACK_CA}{CERTIFICATE}"
    shown = (pki / f"{client}{CERTIFICATE}", pki / f"{client}{KEY}") if client else None
    return Target(
        host=at[0],
        port=at[1],
        server_name=one.name,
        mode=TlsMode.MUTUAL if client else TlsMode.ONE_WAY,
        ca_path=ca,
        client_certificate_path=shown[0] if shown else None,
        client_key_path=shown[1] if shown else None,
        expected_sha256=fingerprint(directory, f"{config.pki_dir}/{one.identity}{CERTIFICATE}"),
        service=one.name,
        protocol=GRPC if client else REST,
        pem=client_pem(directory, ca, *(shown or ())),
    )


def _unreached(one: Served) -> Probe:
    return Probe(
        name="tls-handshake",
        service=one.name,
        ok=False,
        expected=f"a verified TLS handshake as {one.name}",
        observed="its container does not run, or is not reached from here",
        seconds=0.0,
        hint=f"start it: docker compose up -d {typed(one.name)}",
    )

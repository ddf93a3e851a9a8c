"""The port that REST gets, where it is to have one of its own."""

from __future__ import annotations

from compose_tls.errors import ConflictingSettings, UnsupportedMilvus
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_REST_PORT


def require_free_rest_port(project: Project, milvus: MilvusService, rest_port: int) -> None:
    """Make sure that REST can have a port of its own.

    Args:
        project: The project.
        milvus: The service that is to have it.
        rest_port: The port.

    Raises:
        ConflictingSettings: Something else has it.
        UnsupportedMilvus: That version of Milvus serves REST where gRPC is.
    """
    if rest_port == milvus.configuration.proxy_port:
        raise ConflictingSettings(
            f"REST cannot share port {rest_port} with gRPC under TLS",
            hint="choose another port, for example --rest-port 8080",
        )
    for listener in milvus.configuration.listeners:
        if listener.port == rest_port and not listener.for_clients:
            raise ConflictingSettings(
                f"REST cannot use port {rest_port}: Milvus serves {listener.purpose} there",
                hint="choose another port, for example --rest-port 8080",
            )
    for other in project.compose.services.values():
        taken = [port for port in other.ports() if port.published == rest_port]
        if taken and not (other.name == milvus.name and taken[0].target == rest_port):
            raise ConflictingSettings(
                f"service {other.name} already publishes the port {rest_port}",
                hint="choose another one with --rest-port",
                **other.main.place("ports"),
            )
    if milvus.version < FIRST_WITH_REST_PORT:
        raise UnsupportedMilvus(
            f"Milvus {milvus.version} has no port of its own for REST",
            hint=f"use Milvus {FIRST_WITH_REST_PORT} or newer, or leave --rest-port out",
            path=milvus.service.main.document.name,
        )

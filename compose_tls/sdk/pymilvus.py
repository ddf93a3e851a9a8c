"""pymilvus: the keyword arguments of ``MilvusClient``, and code around them.

pymilvus takes the CA for one-way TLS as ``server_pem_path`` (``ca_pem_path`` by itself is ignored), and
in mutual TLS leaves the client certificate out where ``server_pem_path`` is given as well.
Source: https://milvus.io/docs/tls.md, and pymilvus' client/grpc_handler.py
"""

from __future__ import annotations

from typing import Any

from compose_tls.connection import Connection
from compose_tls.vocabulary import TlsMode


def connect_arguments(
    *, mode: TlsMode, uri: str, server_name: str, ca_pem: str, client_pem: str, client_key: str
) -> dict[str, Any]:
    """The keyword arguments of ``pymilvus.MilvusClient``, for pymilvus 2.4 and newer.

    Args:
        mode: The TLS mode.
        uri: Where the server is, ``https://host:port``.
        server_name: The name to verify.
        ca_pem: Path of the CA certificate.
        client_pem: Path of the client certificate; used in mode 2.
        client_key: Path of its key; used in mode 2.
    """
    arguments: dict[str, Any] = {"uri": uri, "secure": True, "server_name": server_name}
    if mode is TlsMode.MUTUAL:
        return {
            **arguments,
            "ca_pem_path": ca_pem,
            "client_pem_path": client_pem,
            "client_key_path": client_key,
        }
    return {**arguments, "server_pem_path": ca_pem}


def arguments_of(connection: Connection) -> dict[str, Any]:
    """The same for client code."""
    return connect_arguments(
        mode=connection.mode,
        uri=connection.uri,
        server_name=connection.server_name,
        ca_pem=connection.ca_pem,
        client_pem=connection.client_pem,
        client_key=connection.client_key,
    )

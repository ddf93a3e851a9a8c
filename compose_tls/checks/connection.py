"""Connections for probes: a socket, TLS over it, or a gRPC channel. None of them is ever reused."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from compose_tls.checks.target import Target


@contextmanager
def tcp(target: Target, timeout: float) -> Iterator[socket.socket]:
    """A plain TCP connection; ``timeout`` in seconds holds for each operation on it."""
    with socket.create_connection((target.host, target.port), timeout) as connection:
        yield connection


def tls_context(ca_path: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """A client's TLS settings: verifies names and, as Python 3.13 does, strictly by RFC 5280."""
    context = ssl.create_default_context(cafile=str(ca_path) if ca_path else None)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    # gRPC runs over HTTP/2, and gRPC servers insist on hearing so.
    context.set_alpn_protocols(["h2"])
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


@contextmanager
def tls(target: Target, context: ssl.SSLContext, timeout: float) -> Iterator[ssl.SSLSocket]:
    """A TLS connection whose handshake is done."""
    with (
        tcp(target, timeout) as connection,
        context.wrap_socket(connection, server_hostname=target.server_name) as secured,
    ):
        yield secured


@contextmanager
def grpc_channel(target: Target) -> Iterator[Any]:
    """A gRPC channel with the files of a client."""
    import grpc  # noqa: PLC0415 - 126 ms, and only who checks needs it

    certificate, key = target.client_certificate_path, target.client_key_path
    credentials = grpc.ssl_channel_credentials(
        root_certificates=target.ca_path.read_bytes(),
        private_key=key.read_bytes() if key else None,
        certificate_chain=certificate.read_bytes() if certificate else None,
    )
    options = [
        ("grpc.ssl_target_name_override", target.server_name),
        # Channels to one place share connections otherwise, and a probe has to make its own.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
    ]
    with grpc.secure_channel(target.authority, credentials, options) as channel:
        yield channel

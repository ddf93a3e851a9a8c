"""Serves milvus-lite over TLS: a program that the watchdog starts, by its path.

Its arguments: the directory for the data, that of the certificates, the mode, and the file for the port.
The command of milvus-lite has only plain ports; here its service is behind the TLS of gRPC. The port is
one that the system picks when it is bound, so that no other process can take it before.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_WORKERS = 10
# As milvus-lite itself, and Milvus (grpc.serverMaxRecvSize).
_MESSAGE_BYTES = 256 * 1024 * 1024
_PARENT_SECONDS = 1.0


def main(data: str, certificates: str, mode: str, place: str) -> None:
    """Serve until the process is ended, or its parent has."""
    import grpc
    from milvus_lite.adapter.grpc.servicer import MilvusServicer
    from milvus_lite.db import MilvusLite
    from pymilvus.grpc_gen import milvus_pb2_grpc

    parent = os.getppid()
    key, certificate, ca = (
        Path(certificates, name).read_bytes() for name in ("server.key", "server.pem", "ca.pem")
    )
    credentials = grpc.ssl_server_credentials(
        [(key, certificate)],
        root_certificates=ca if mode == "2" else None,
        require_client_auth=mode == "2",
    )
    options = [
        ("grpc.max_receive_message_length", _MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MESSAGE_BYTES),
        ("grpc.so_reuseport", 0),  # else another server could answer in its place
    ]
    server = grpc.server(ThreadPoolExecutor(_WORKERS), options=options)
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(MilvusLite(data)), server)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    staged = Path(f"{place}.new")
    staged.write_text(str(port))
    staged.rename(place)
    while server.wait_for_termination(_PARENT_SECONDS) and os.getppid() == parent:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])

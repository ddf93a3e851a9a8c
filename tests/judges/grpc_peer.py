"""gRPC as both ends: the library under pymilvus, with BoringSSL in it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import grpc

from tests.judges.certificates import Files

_SECONDS: Final = 10
_METHOD: Final = "/judges.Peer/Answer"


class _Answers(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    def service(self, handler_call_details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(lambda request, _: request)


@contextmanager
def grpc_server(files: Files) -> Iterator[int]:
    """A server that demands client certificates; its port."""
    credentials = grpc.ssl_server_credentials(
        [(files.key.read_bytes(), files.chain.read_bytes())],
        files.ca.read_bytes(),
        require_client_auth=True,
    )
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool, handlers=[_Answers()])
        port: int = server.add_secure_port("localhost:0", credentials)
        server.start()
        try:
            yield port
        finally:
            server.stop(None).wait()


def call(
    port: int,
    files: Files,
    *,
    shown: bool = True,
    seconds: float = _SECONDS,
    name: str = "localhost",
) -> str | None:
    """One call over a channel of its own; ``None`` when it was answered, else status and details.

    Args:
        port: Of ``localhost``.
        files: What to trust and to show.
        shown: Whether to show a certificate.
        seconds: How long to wait at most.
        name: That the server's certificate has to have.
    """
    credentials = grpc.ssl_channel_credentials(
        files.ca.read_bytes(),
        *((files.key.read_bytes(), files.chain.read_bytes()) if shown else ()),
    )
    # Channels to one address share connections; each judges its own certificates.
    apart = [("grpc.use_local_subchannel_pool", 1), ("grpc.ssl_target_name_override", name)]
    with grpc.secure_channel(f"localhost:{port}", credentials, apart) as channel:
        try:
            assert channel.unary_unary(_METHOD)(b"asked", timeout=seconds) == b"asked"
        except grpc.RpcError as error:
            return f"{error.code().name} {error.details()}"
    return None

"""tonic as a client, with rustls and ring: the gRPC library of the SDK for Rust, here from Temporal."""

from __future__ import annotations

import asyncio
from typing import Final

from tests.judges.certificates import Files

_SECONDS: Final = 10


def connect(port: int, files: Files, *, shown: bool = True, host: str = "localhost") -> str | None:
    """One connection and one call over it; ``None`` when it was answered, else what tonic says.

    Args:
        port: Of ``localhost``.
        files: What to trust and to show.
        shown: Whether to show a certificate.
        host: The name that the server's certificate has to have; tonic can be asked for no IPv6 address.
    """
    from temporalio.client import Client  # noqa: PLC0415 - may be missing
    from temporalio.service import TLSConfig  # noqa: PLC0415 - as above

    own = (files.chain.read_bytes(), files.key.read_bytes()) if shown else (None, None)
    tls = TLSConfig(files.ca.read_bytes(), host, *own)
    try:
        asyncio.run(asyncio.wait_for(Client.connect(f"localhost:{port}", tls=tls), _SECONDS))
    except (RuntimeError, TimeoutError) as error:
        return str(error) or "no answer"
    return None

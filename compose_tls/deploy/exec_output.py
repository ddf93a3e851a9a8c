"""What a command writes that the engine runs in a container, read for a limited time.

docker-py itself waits for its end however long that takes.

Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any, Final

# Stream, three bytes of nothing, and how much follows.
_HEADER: Final = 8
_CHUNK: Final = 65536
_LIMIT: Final = 1_000_000

# https://docs.docker.com/reference/dockerfile/#healthcheck
_HEALTH_SECONDS: Final = 30.0


def seconds_of(health_check: Mapping[str, Any]) -> float:
    """How long the engine waits for a health check, as a container is told (in nanoseconds)."""
    return (health_check.get("Timeout") or 0) / 1e9 or _HEALTH_SECONDS


def read_all(connection: Any, seconds: float) -> str | None:
    """What a command wrote, once it has ended.

    Args:
        connection: What docker-py gives for ``exec_start(…, socket=True)``; it is closed.
        seconds: How long to wait for its end.

    Returns:
        Both streams in the order in which they came; ``None`` where it has not ended by then.
    """
    raw = getattr(connection, "_sock", connection)
    until = time.monotonic() + seconds
    received = bytearray()
    # docker-py ties the answer that the connection came with to it.
    answer = getattr(connection, "_response", connection)
    # What came along with that answer is in the reader of its head, and not in the socket any more.
    head = getattr(getattr(getattr(answer, "raw", None), "_fp", None), "fp", None)
    receive = raw.recv if head is None else head.read1
    with contextlib.closing(answer), contextlib.closing(raw):
        while (left := until - time.monotonic()) > 0 and len(received) < _LIMIT:
            raw.settimeout(left)
            try:
                chunk = receive(_CHUNK)
            except TimeoutError:
                return None
            except ConnectionError:
                break
            if not chunk:
                break
            received += chunk
        else:
            return None
    text = bytearray()
    while len(received) >= _HEADER:
        size = _HEADER + int.from_bytes(received[4:_HEADER], "big")
        text += received[_HEADER:size]
        del received[:size]
    return text.decode("utf-8", "replace")

"""Whether Milvus answers as it should, asked over TLS. A handshake alone is no readiness."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from compose_tls.checks.connection import grpc_channel, tcp
from compose_tls.checks.explain import explain
from compose_tls.checks.target import Target
from compose_tls.checks.wire import Status, fields

_SERVICE = "/milvus.proto.milvus.MilvusService"
_STATUS = 1
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Readiness:
    """One look at a server.

    Attributes:
        ready: Whether a client can work with it now.
        detail: What it said, or what it still lacks.
        next_step: What to do where it is not ready.
    """

    ready: bool
    detail: str
    next_step: str | None = None


def readiness(target: Target, timeout: float) -> Readiness:
    """Ask once, on a fresh connection.

    Milvus may answer TLS and its version while its proxy waits for an old etcd session to expire, so
    the question is one that only a working proxy answers: the list of collections.

    Args:
        target: The server.
        timeout: Seconds that the answer may take.
    """
    import grpc  # noqa: PLC0415 - 126 ms, and only who checks needs it

    try:
        with tcp(target, timeout):
            pass
    except OSError as error:
        found = explain(str(error))
        return Readiness(False, f"port {target.port}: {found.meaning}", found.next_step)
    with grpc_channel(target) as channel:
        try:
            answer = _call(channel, "ShowCollections", target, timeout)
            status = Status.parse(_field(answer, _STATUS))
            if not status.ok:
                found = explain(status.reason)
                return Readiness(False, found.meaning, found.next_step)
            version = _field(_call(channel, "GetVersion", target, timeout), _VERSION)
        except ValueError:
            return Readiness(False, "the server does not answer as Milvus does", "check the port")
        except grpc.RpcError as error:
            return _judged(error)
    return Readiness(True, f"Milvus {version.decode('utf-8', 'replace')} answers over TLS")


def _judged(error: Any) -> Readiness:
    """An answer that asks for credentials is an answer: TLS is proved, and the proxy works."""
    import grpc  # noqa: PLC0415 - loaded already

    if error.code() in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        return Readiness(True, "Milvus answers over TLS and asks for credentials")
    found = explain(str(error.details()))
    return Readiness(False, found.meaning, found.next_step)


def _call(channel: Any, method: str, target: Target, timeout: float) -> bytes:
    metadata = []
    if target.credential is not None:
        token = base64.b64encode(target.credential.encode()).decode()
        metadata.append(("authorization", token))
    answer: bytes = channel.unary_unary(f"{_SERVICE}/{method}")(b"", timeout, metadata)
    return answer


def _field(message: bytes, number: int) -> bytes:
    value = dict(fields(message)).get(number, b"")
    return value if isinstance(value, bytes) else b""

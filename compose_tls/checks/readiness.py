"""Whether Milvus answers as it should, asked over TLS. A handshake alone is no readiness."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass
from typing import Any, Final, Literal

from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import (
    CLOSED,
    NO_CREDENTIALS,
    NO_GRPC,
    NO_MILVUS,
    SILENT,
    WRONG_CREDENTIALS,
    Cause,
    Explanation,
    explain,
)
from compose_tls.checks.tls_client import Deadline, client_context, greet, grpc_channel, tls
from compose_tls.checks.wire import Status, fields, is_http2_answer

State = Literal[
    "ready",
    "credentials",
    "unreachable",
    "plain-text",
    "tls-refused",
    "not-ready",
    "not-milvus",
]

_SERVICE: Final = "/milvus.proto.milvus.MilvusService"
_STATUS: Final = 1
_VERSION: Final = 2

_STATES: Final[dict[Cause, State]] = {
    "plain-text": "plain-text",
    "certificate": "tls-refused",
    "client-certificate": "tls-refused",
    "unreachable": "unreachable",
    "not-milvus": "not-milvus",
    "credentials": "credentials",
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """One look at a server.

    Attributes:
        state: ``ready``: a client can work with it now. ``credentials``: it can as well, with
            (other) credentials than were given. ``unreachable``: nothing listens, or nothing answers
            in time. ``plain-text``: it does not speak TLS. ``tls-refused``: client or server refuse
            the other's certificate. ``not-ready``: Milvus answers, and says that it is not.
            ``not-milvus``: something else answers.
        detail: What it said, or what it still lacks.
        version: The version of Milvus, where it told.
        next_step: What to do where it is not ready, or asks for credentials.
    """

    state: State
    detail: str
    version: str | None = None
    next_step: str | None = None

    @property
    def ready(self) -> bool:
        """Whether TLS and Milvus both work; who may do what is another question."""
        return self.state in {"ready", "credentials"}


def readiness(target: Target, timeout: float) -> Readiness:
    """Ask once, on fresh connections.

    Milvus answers TLS, and even its version, while its proxy still waits; and ``CheckHealth`` can say
    "unhealthy", or nothing at all, for a minute in which clients work (both seen in 2.3.5 while the
    session of a killed server expires in etcd). So the question is the one that clients ask: the list
    of collections.

    Args:
        target: The server.
        timeout: Seconds that the answer may take.

    Raises:
        CertificateUnreadable: A file of the client cannot be read, or not be used.
    """
    deadline = Deadline.after(timeout)
    context = client_context(target)
    try:
        # First without gRPC: it costs little while nothing listens, and tells causes that gRPC hides.
        with tls(target, context, deadline) as connection:
            greeting = greet(connection, deadline)
    except OSError as error:
        return _not_ready(explain(error), "tls-refused" if _by_tls(error) else "unreachable")
    if not greeting:
        return _not_ready(CLOSED)
    if not is_http2_answer(greeting):
        return _not_ready(NO_GRPC)
    return _ask(target, deadline)


def _ask(target: Target, deadline: Deadline) -> Readiness:
    import grpc  # noqa: PLC0415 - 126 ms, and only who checks needs it

    with grpc_channel(target) as channel:
        try:
            answer = dict(fields(_call(channel, "ShowCollections", target, deadline)))
            status = answer.get(_STATUS)
            if not isinstance(status, bytes):
                return _not_ready(NO_MILVUS)
            found = Status.parse(status)
        except ValueError:
            return _not_ready(NO_MILVUS)
        except grpc.RpcError as error:
            return _judged(error, target)
        if not found.ok:
            return _not_ready(explain(found.reason))
        version = _version(channel, target, deadline)
    return Readiness("ready", f"Milvus {version or 'of unknown version'} answers over TLS", version)


def _version(channel: Any, target: Target, deadline: Deadline) -> str | None:
    """The server's version, where this client may know it."""
    import grpc  # noqa: PLC0415 - loaded already

    try:
        answer = dict(fields(_call(channel, "GetVersion", target, deadline)))
    except (ValueError, grpc.RpcError):
        return None
    version = answer.get(_VERSION)
    return version.decode("utf-8", "replace") if isinstance(version, bytes) and version else None


def _judged(error: Any, target: Target) -> Readiness:
    """An answer about credentials is an answer: TLS is proved, and the proxy works."""
    import grpc  # noqa: PLC0415 - loaded already

    match error.code():
        case grpc.StatusCode.UNAUTHENTICATED:
            found = NO_CREDENTIALS if target.credential is None else WRONG_CREDENTIALS
            return Readiness("credentials", f"{found.meaning}, over TLS", None, found.next_step)
        case grpc.StatusCode.PERMISSION_DENIED:
            return Readiness("ready", "Milvus answers over TLS, but not all to this user")
        case grpc.StatusCode.UNIMPLEMENTED:
            return _not_ready(NO_MILVUS)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Readiness("not-ready", SILENT.meaning, next_step=SILENT.next_step)
        case _:
            return _not_ready(explain(str(error.details())))


def _not_ready(found: Explanation, state: State = "not-ready") -> Readiness:
    return Readiness(_STATES.get(found.cause, state), found.meaning, next_step=found.next_step)


def _by_tls(error: OSError) -> bool:
    return isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)


def _call(channel: Any, method: str, target: Target, deadline: Deadline) -> bytes:
    """Call with an empty request: all its fields have their defaults."""
    metadata = []
    if target.credential is not None:
        token = base64.b64encode(target.credential.encode()).decode()
        metadata.append(("authorization", token))
    answer: bytes = channel.unary_unary(f"{_SERVICE}/{method}")(b"", deadline.left, metadata)
    return answer

"""Whether Milvus answers as it should, asked over TLS. A handshake does not mean ready."""

from __future__ import annotations

import base64
import secrets
import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal, TypeAlias

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
from compose_tls.checks.tls_client import (
    CLOSING_SECONDS,
    Deadline,
    client_context,
    greet,
    grpc_channel,
    tls,
    why,
)
from compose_tls.checks.wire import Status, fields, is_http2_answer, text_field, text_of
from compose_tls.values import dataclass

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
_LONGEST_VERSION: Final = 64
_COLLECTION_NAME: Final = 3
_MILVUS_WORDS: Final = ("auth check failure", "missing authorization", "permission deny")

_Caller: TypeAlias = Callable[..., bytes]

_STATES: Final[dict[Cause, State]] = {
    "plain-text": "plain-text",
    "certificate": "tls-refused",
    "client-certificate": "tls-refused",
    "nobody": "unreachable",
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
            in time. ``plain-text``: it answers without TLS, which no waiting changes.
            ``tls-refused``: client or server refuse the other's certificate. ``not-ready``: Milvus
            answers, and says that it is not.
            ``not-milvus``: what answers is not known to be Milvus.
        detail: What it said, or what it still lacks.
        version: The version of Milvus, where it told.
        next_step: What to do where it is not ready, or asks for credentials.
        nobody: Whether nothing listens there.
    """

    state: State
    detail: str
    version: str | None = None
    next_step: str | None = None
    nobody: bool = False

    @property
    def may_pass(self) -> bool:
        """Whether waiting may help: something is there, and does not answer, or says not yet."""
        return self.state == "not-ready" or (self.state == "unreachable" and not self.nobody)

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
    found = _looked(target, timeout)
    return replace(found, next_step=found.next_step and target.advice(found.next_step))


def _looked(target: Target, timeout: float) -> Readiness:
    deadline = Deadline.after(timeout)
    context = client_context(target)
    try:
        # First without gRPC: it costs little while nothing listens, and tells causes that gRPC hides.
        with tls(target, context, deadline) as connection:
            greeting = greet(connection, deadline)
    except OSError as error:
        by_tls = isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)
        return _not_ready(why(target, error, timeout), "tls-refused" if by_tls else "unreachable")
    if not greeting:
        return _not_ready(CLOSED)
    if not is_http2_answer(greeting):
        return _not_ready(NO_GRPC)
    try:
        return _ask(target, deadline)
    except TimeoutError:
        return Readiness("not-ready", SILENT.meaning, next_step=SILENT.next_step)


def _ask(target: Target, deadline: Deadline) -> Readiness:
    import grpc

    with grpc_channel(target) as channel:
        call = partial(_call, channel, target, deadline)
        try:
            found = _status(call("ShowCollections"))
        except ValueError:
            return _not_ready(NO_MILVUS)
        except grpc.RpcError as error:
            judged = _judged(error, target)
            return judged if not judged.ready or _is_milvus(call) else _not_ready(NO_MILVUS)
        if not found.ok:
            return _not_ready(explain(found.reason))
        if not _is_milvus(call):
            return _not_ready(NO_MILVUS)
        version = _version(call)
    return Readiness("ready", f"Milvus {version or 'of unknown version'} answers over TLS", version)


def _is_milvus(call: _Caller) -> bool:
    """Whether it answers what only Milvus knows, and not what no server does.

    Milvus repeats the name of a collection that it does not have, in every version; or it asks for
    credentials, or for a privilege, in words of its own (proxy/authentication_interceptor.go and
    privilege_interceptor.go). Who answers every call alike is someone else.
    """
    import grpc

    name = f"compose_tls_{secrets.token_hex(8)}"
    try:
        call(f"No{name}")
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            return False
    else:
        return False
    try:
        answer = _status(call("DescribeCollection", text_field(_COLLECTION_NAME, name)))
    except ValueError:
        return False
    except grpc.RpcError as error:
        said = str(error.details()).lower()
        return error.code() in {
            grpc.StatusCode.UNAUTHENTICATED,
            grpc.StatusCode.PERMISSION_DENIED,
        } and any(words in said for words in _MILVUS_WORDS)
    return not answer.ok and name in answer.reason


def _status(answer: bytes) -> Status:
    """The status that every answer of Milvus begins with.

    Raises:
        ValueError: It has none.
    """
    status = dict(fields(answer)).get(_STATUS)
    if not isinstance(status, bytes):
        msg = "no status"
        raise ValueError(msg)  # noqa: TRY004 - it is the answer that is wrong
    return Status.parse(status)


def _version(call: _Caller) -> str | None:
    """The server's version, where this client may know it."""
    import grpc

    try:
        answer = dict(fields(call("GetVersion")))
    except (ValueError, grpc.RpcError):
        return None
    return text_of(answer.get(_VERSION))[:_LONGEST_VERSION] or None


def _judged(error: Any, target: Target) -> Readiness:
    """An answer about credentials is an answer: TLS is proved, and the proxy works."""
    import grpc

    match error.code():
        case grpc.StatusCode.UNAUTHENTICATED:
            found = NO_CREDENTIALS if target.credential is None else WRONG_CREDENTIALS
            return Readiness("credentials", f"{found.meaning}, over TLS", None, found.next_step)
        case grpc.StatusCode.PERMISSION_DENIED:
            return Readiness(
                "ready", "Milvus answers over TLS, but this user may not make every call"
            )
        case grpc.StatusCode.UNIMPLEMENTED:
            return _not_ready(NO_MILVUS)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Readiness("not-ready", SILENT.meaning, next_step=SILENT.next_step)
        case _:
            return _not_ready(explain(str(error.details())))


def _not_ready(found: Explanation, state: State = "not-ready") -> Readiness:
    return Readiness(
        _STATES.get(found.cause, state),
        found.meaning,
        next_step=found.next_step,
        nobody=found.cause == "nobody",
    )


def _call(
    channel: Any, target: Target, deadline: Deadline, method: str, request: bytes = b""
) -> bytes:
    """Call with a request; in an empty one, all fields have their defaults.

    Raises:
        TimeoutError: gRPC itself is kept busy by what it reads, a header without end.
    """
    import grpc

    metadata = []
    if target.credential is not None:
        token = base64.b64encode(target.credential.encode()).decode()
        metadata.append(("authorization", token))
    left = deadline.left
    asked = channel.unary_unary(f"{_SERVICE}/{method}").future(request, left, metadata)
    try:
        answer: bytes = asked.result(left + CLOSING_SECONDS)
    except grpc.FutureTimeoutError:
        raise TimeoutError from None
    return answer

"""The few bytes of HTTP, TLS and Protocol Buffers that probes read and write.

Sources: RFC 9113 sections 3.4, 4.1 and 6.5, RFC 9112 section 4, RFC 8446 section 5.1, and
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

# A client's preface, and an empty SETTINGS frame.
HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
FRAME_HEADER: Final = 9
_SETTINGS: Final = 4

_TLS_ALERT: Final = b"\x15\x03"

HTTP1: Final = b"HTTP/1."
HTTP1_STATUS: Final = len(b"HTTP/1.1 400")
_HTTP1_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})")

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def is_http2_answer(data: bytes) -> bool:
    """Whether a peer speaks HTTP/2: its first frame has to be SETTINGS on stream 0."""
    return len(data) >= FRAME_HEADER and data[3] == _SETTINGS and data[5:9] == bytes(4)


def is_tls_refusal(data: bytes) -> bool:
    """Whether a peer answers plain text by insisting on TLS: an alert, or HTTP status 400.

    A TLS alert is what RFC 8446 asks for; web servers in front of Milvus send a page instead.
    """
    return data.startswith(_TLS_ALERT) or (
        data.startswith(HTTP1) and data.split(b" ")[1:2] == [b"400"]
    )


def http1_status(data: bytes) -> int | None:
    """The status code that an HTTP/1 answer begins with; ``None`` where it is no such answer."""
    found = _HTTP1_STATUS_LINE.match(data)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is spoken on a port, as far as a probe has to know it.

    Attributes:
        opening: The first bytes of a client.
        answer_length: How many bytes of the answer tell that it is one.
        is_answer: Whether bytes are an answer.
        alpn: What a client announces (RFC 7301).
    """

    opening: bytes
    answer_length: int
    is_answer: Callable[[bytes], bool]
    alpn: tuple[str, ...] = ()


# gRPC servers refuse clients that do not announce HTTP/2 (RFC 9113 section 3.2).
GRPC: Final = Protocol(HTTP2_PREFACE, FRAME_HEADER, is_http2_answer, ("h2",))
# A path that every version with a REST port knows; a client that announces nothing is answered in
# HTTP/1, also where Milvus (2.6.18 and newer) speaks HTTP/2 as well.
REST: Final = Protocol(
    b"GET /v1/vector/collections HTTP/1.0\r\n\r\n",
    HTTP1_STATUS,
    lambda data: http1_status(data) is not None,
)


@dataclass(frozen=True, slots=True)
class Status:
    """``milvus.proto.common.Status``: ``error_code`` (1), ``reason`` (2) and ``code`` (3)."""

    ok: bool
    reason: str

    @classmethod
    def parse(cls, message: bytes) -> Status:
        """Read a status. Fields that are not there are zero, which means success.

        Raises:
            ValueError: It is no protobuf message.
        """
        values = dict(fields(message))
        reason = values.get(2, b"")
        return cls(
            not values.get(1) and not values.get(3),
            reason.decode("utf-8", "replace") if isinstance(reason, bytes) else "",
        )


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: number and value.

    Raises:
        ValueError: It is no protobuf message.
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        length = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            length, position = _varint(message, position)
        if length is None or position + length > len(message):
            msg = "not a protobuf message"
            raise ValueError(msg)
        yield tag >> 3, message[position : position + length]
        position += length


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, position
        shift += 7
    msg = "not a protobuf message"
    raise ValueError(msg)

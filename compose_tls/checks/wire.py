"""The few bytes of HTTP/2 and Protocol Buffers that probes read and write.

Sources: RFC 9113, sections 3.4 and 6.5, and https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# A client's preface, and an empty SETTINGS frame.
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS = 4
_FRAME_HEADER = 9

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def is_http2_answer(data: bytes) -> bool:
    """Whether a peer speaks HTTP/2: its first frame has to be SETTINGS on stream 0."""
    return len(data) >= _FRAME_HEADER and data[3] == _SETTINGS and data[5:9] == bytes(4)


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

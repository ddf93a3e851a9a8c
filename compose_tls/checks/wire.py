"""The few bytes of HTTP, TLS and Protocol Buffers that probes read and write.

Sources: RFC 9113 sections 3.4, 4.1 and 6.5, RFC 7541 section 6, RFC 9112 section 4, RFC 8446 sections
4 and 5.1, RFC 4346 section 7.4, https://protobuf.dev/programming-guides/encoding/ and
https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from compose_tls.patterns import regex
from compose_tls.values import dataclass

# A client's preface, and an empty SETTINGS frame.
HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
FRAME_HEADER: Final = 9
_HEADERS, _SETTINGS = 1, 4
# RFC 7541 sections 6.1 to 6.3 and appendix A: an index of the static table, and a value for :status.
_STATUS_INDEX: Final = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
_STATUS_LITERAL: Final = (b"\x08", b"\x18", b"\x48")
_TABLE_SIZE: Final = 0x20

_TLS_ALERT: Final = b"\x15\x03"
TLS_HANDSHAKE: Final = b"\x16"
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_VERSION_END: Final = 11  # a record's head, a message's head, and the version
_TLS_1_1: Final = b"\x03\x02"
_CERTIFICATE_AUTHORITIES: Final = 47

HTTP1: Final = b"HTTP/1."
HTTP1_STATUS: Final = len(b"HTTP/1.1 400")
_HTTP1_STATUS_LINE: Final = regex(rb"HTTP/1\.[0-9] ([0-9]{3})")

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# What is looked at of an answer, however long a server makes it: status and version come first in each.
_MOST_FIELDS: Final = 16
_LONGEST_TEXT: Final = 4096
_LONGEST_VARINT: Final = 10  # https://protobuf.dev/programming-guides/encoding/#varints


def _frame(kind: int, flags: int, payload: bytes) -> bytes:
    """A frame of the first stream (RFC 9113 section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags, 0, 0, 0, 1)) + payload


def _header(name: bytes, value: bytes) -> bytes:
    return b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value


def _call(scheme: bytes, method: bytes) -> bytes:
    """HEADERS (END_HEADERS) and DATA (END_STREAM) with an empty message of five zero bytes."""
    return _frame(
        1,
        4,
        _header(b":method", b"POST")
        + _header(b":scheme", scheme)
        + _header(b":path", b"/milvus.proto.milvus.MilvusService/" + method)
        + _header(b":authority", b"localhost")
        + _header(b"te", b"trailers")
        + _header(b"content-type", b"application/grpc"),
    ) + _frame(0, 1, bytes(5))


GRPC_CALL: Final = HTTP2_PREFACE + _call(b"http", b"GetVersion")
# Who asks to go on in HTTP/2 (RFC 7540 section 3.2) is asked for nothing else by a server that does not.
HTTP1_REQUEST: Final = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n"
)
# REST since Milvus 2.4; it asks for names only.
HTTP1_POST: Final = (
    b"POST /v2/vectordb/collections/list HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)


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
    """The status code that an HTTP/1 answer begins with; ``None`` where it is not such an answer."""
    found = _HTTP1_STATUS_LINE.match(data)
    return int(found[1]) if found else None


def http2_status(data: bytes) -> int | None:
    """The status code of the first answer; ``None`` where it is not there, or compressed by a table."""
    while len(data) >= FRAME_HEADER:
        end = FRAME_HEADER + int.from_bytes(data[:3], "big")
        kind, flags, block = data[3], data[4], data[FRAME_HEADER:end]
        data = data[end:]
        if kind != _HEADERS:
            continue
        # Padding, a priority (RFC 9113 section 6.2), and sizes of the table (RFC 7541 section 6.3).
        block = block[(1 if flags & 8 else 0) + (5 if flags & 32 else 0) :]
        while block and block[0] & 0xE0 == _TABLE_SIZE:
            block = block[1:]
        if block[:1] and block[0] in _STATUS_INDEX:
            return _STATUS_INDEX[block[0]]
        literal = block[:1] in _STATUS_LITERAL and block[1:2] == b"\x03" and block[2:5].isdigit()
        return int(block[2:5]) if literal else None
    return None


def old_client_hello(random: bytes, server_name: str) -> bytes:
    """The first message of a client that knows TLS 1.1 and nothing newer.

    It is written by hand, since a TLS library of today may not speak it any more (RFC 8996).

    Args:
        random: 32 bytes.
        server_name: A DNS name in ASCII; empty for none.
    """
    # ECDHE and plain RSA, with AES and CBC, for either kind of key (RFC 8422 section 6, RFC 3268).
    suites = bytes.fromhex("c009c00ac013c014002f0035")
    name = server_name.encode()
    entry = b"\x00" + _sized(2, name)
    extensions = (b"\x00\x00" + _sized(2, _sized(2, entry)) if name else b"") + bytes.fromhex(
        "000a0006000400170018" + "000b00020100"  # P-256 and P-384, uncompressed points
    )
    hello = _TLS_1_1 + random + b"\x00" + _sized(2, suites) + b"\x01\x00" + _sized(2, extensions)
    message = bytes((_CLIENT_HELLO,)) + _sized(3, hello)
    return TLS_HANDSHAKE + b"\x03\x01" + _sized(2, message)


def is_old_server_hello(data: bytes) -> bool:
    """Whether a server goes on with TLS 1.1 or older."""
    return (
        data[:1] == TLS_HANDSHAKE
        and len(data) >= _VERSION_END
        and data[5] == _SERVER_HELLO
        and b"\x03\x00" <= data[9:11] <= _TLS_1_1
    )


def authorities(request: bytes, *, tls_1_3: bool) -> tuple[bytes, ...]:
    """The CAs that a server names in its CertificateRequest, as distinguished names in DER.

    Args:
        request: The handshake message with its head of four bytes.
        tls_1_3: Whether it is that of TLS 1.3 (RFC 8446 section 4.3.2), or an older one (RFC 5246
            section 7.4.4).

    Raises:
        ValueError: It is cut short.
    """
    rest = request[4:]
    if not tls_1_3:
        _, rest = _taken(1, rest)
        _, rest = _taken(2, rest)
        return tuple(_names(_taken(2, rest)[0]))
    _, rest = _taken(1, rest)
    extensions, _ = _taken(2, rest)
    while extensions:
        kind = int.from_bytes(extensions[:2], "big")
        body, extensions = _taken(2, extensions[2:])
        if kind == _CERTIFICATE_AUTHORITIES:
            return tuple(_names(_taken(2, body)[0]))
    return ()


def _sized(width: int, content: bytes) -> bytes:
    return len(content).to_bytes(width, "big") + content


def _taken(width: int, content: bytes) -> tuple[bytes, bytes]:
    end = width + int.from_bytes(content[:width], "big")
    if len(content) < max(width, end):
        msg = "a handshake message is cut short"
        raise ValueError(msg)
    return content[width:end], content[end:]


def _names(content: bytes) -> Iterator[bytes]:
    while content:
        one, content = _taken(2, content)
        yield one


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is spoken on a port, as far as a probe has to know it.

    Attributes:
        opening: The first bytes of a client.
        answer_length: How many bytes of the answer tell that it is one.
        is_answer: Whether bytes are an answer.
        request: The first bytes of a client that asks for something.
        status: The HTTP status with which that is answered.
        alpn: What a client announces (RFC 7301).
    """

    opening: bytes
    answer_length: int
    is_answer: Callable[[bytes], bool]
    request: bytes
    status: Callable[[bytes], int | None]
    alpn: tuple[str, ...] = ()


# gRPC servers refuse clients that do not announce HTTP/2 (RFC 9113 section 3.2).
GRPC: Final = Protocol(
    HTTP2_PREFACE,
    FRAME_HEADER,
    is_http2_answer,
    HTTP2_PREFACE + _call(b"https", b"ShowCollections"),
    http2_status,
    ("h2",),
)
# A path that every version with a REST port knows; a client that announces nothing is answered in
# HTTP/1, also where Milvus (2.6.18 and newer) speaks HTTP/2 as well.
_REST_REQUEST: Final = b"GET /v1/vector/collections HTTP/1.0\r\n\r\n"
REST: Final = Protocol(
    _REST_REQUEST,
    HTTP1_STATUS,
    lambda data: http1_status(data) is not None,
    _REST_REQUEST,
    http1_status,
)
HTTP1_ALONE: Final = replace(
    REST,
    answer_length=_LONGEST_TEXT,
    is_answer=lambda data: http1_status(data) is not None and b"application/json" in data.lower(),
    alpn=("http/1.1",),
)
"""REST, by a client that announces nothing else: it answers in JSON, and another site there does not."""


@dataclass(frozen=True, slots=True)
class Status:
    """``milvus.proto.common.Status``: ``error_code`` (1), ``reason`` (2) and ``code`` (3)."""

    ok: bool
    reason: str

    @classmethod
    def parse(cls, message: bytes) -> Status:
        """Read a status. Fields that are not there are zero, which means success.

        Raises:
            ValueError: It is not a protobuf message.
        """
        values = dict(fields(message))
        reason = values.get(2, b"")
        return cls(not values.get(1) and not values.get(3), text_of(reason))


def text_of(value: int | bytes | None) -> str:
    """The text of a field, as far as anyone reads it; empty where it is none."""
    return value[:_LONGEST_TEXT].decode("utf-8", "replace") if isinstance(value, bytes) else ""


def text_field(number: int, text: str) -> bytes:
    """A string field of a message, shorter than 128 bytes."""
    content = text.encode()
    return bytes((number << 3 | _BYTES, len(content))) + content


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The first fields of a message: number and value.

    Raises:
        ValueError: It is not a protobuf message.
    """
    position = 0
    for _ in range(_MOST_FIELDS):
        if position == len(message):
            return
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
    value = 0
    for place, byte in enumerate(message[position : position + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, position + place + 1
    msg = "not a protobuf message"
    raise ValueError(msg)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose_tls.checks.wire import (
    HTTP2_PREFACE,
    Status,
    fields,
    http2_status,
    is_http2_answer,
    is_tls_refusal,
)

# As Milvus 2.3.5 sent them.
MILVUS_SETTINGS = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00@\x00"
VERSION = b"\n\x00\x12\x0bv2.3.5-lite"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (MILVUS_SETTINGS, True),
        (b"\x00\x00\x00\x04\x01\x00\x00\x00\x00", True),
        (b"\x00\x00\x00\x04\x01\x00\x00\x00", False),
        (b"\x00\x00\x00\x04\x01\x00\x00\x00\x01", False),
        (b"\x00\x00\x00\x07\x00\x00\x00\x00\x00", False),
        (b"HTTP/1.1 400 Bad Request\r\n", False),
        (b"\x15\x03\x01\x00\x02\x02\x46", False),
        (b"", False),
    ],
)
def test_a_peer_speaks_http2_when_it_begins_with_settings_on_stream_0(
    data: bytes, expected: bool
) -> None:
    assert is_http2_answer(data) is expected


def headers(block: bytes, flags: int = 4) -> bytes:
    return MILVUS_SETTINGS + bytes((0, 0, len(block), 1, flags, 0, 0, 0, 1)) + block


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (headers(b"\x88\x5f\x10"), 200),
        (headers(b"\x20\x3e\x8c"), 400),
        (headers(b"\x02\0\0\0\0\x10\x8d\0\0", 4 + 8 + 32), 404),
        (headers(b"\x08\x03403"), 403),
        (headers(b"\x08\x03x03"), None),
        (headers(b"\xbe"), None),
        (headers(b""), None),
        (MILVUS_SETTINGS, None),
        (b"\xff\xff\xff\x01", None),
    ],
)
def test_the_status_of_the_first_answer_is_read(data: bytes, expected: int | None) -> None:
    assert http2_status(data) == expected


@given(st.binary(max_size=64))
def test_the_status_of_anything_is_a_number_or_none(data: bytes) -> None:
    assert http2_status(MILVUS_SETTINGS + data) in {None, *range(1000)}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x46", True),
        (b"HTTP/1.1 400 Bad Request\r\n", True),
        (b"HTTP/1.0 400 ", True),
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1", False),
        (MILVUS_SETTINGS, False),
        (b"hello", False),
    ],
)
def test_tls_servers_answer_plain_text_with_an_alert_or_http_status_400(
    data: bytes, expected: bool
) -> None:
    assert is_tls_refusal(data) is expected


def test_the_preface_is_that_of_rfc_9113_and_an_empty_settings_frame() -> None:
    assert HTTP2_PREFACE.startswith(
        bytes.fromhex("505249202a20485454502f322e300d0a0d0a534d0d0a0d0a")
    )
    assert is_http2_answer(HTTP2_PREFACE[24:])


def test_fields_of_every_wire_type_are_read() -> None:
    message = b"\x08\x96\x01" + b"\x11" + bytes(8) + b"\x1a\x02hi" + b"\x25" + bytes(4)
    assert list(fields(message)) == [(1, 150), (2, bytes(8)), (3, b"hi"), (4, bytes(4))]
    assert dict(fields(VERSION)) == {1: b"", 2: b"v2.3.5-lite"}


@pytest.mark.parametrize("message", [b"\x08", b"\x08\x80", b"\x0a\x05hi", b"\x0b", b"\x11\x00"])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match="not a protobuf message"):
        list(fields(message))


def test_little_of_a_message_without_end_is_read() -> None:
    # 64 MiB, as a server may send them, took minutes: no limit but the processor holds these.
    assert len(list(fields(b"\x10\x05" * (16 << 20)))) == 16
    with pytest.raises(ValueError, match="not a protobuf message"):
        list(fields(b"\xff" * (32 << 20)))
    text = b"\x12\x80\x80\x80\x08" + b"x" * (16 << 20)
    assert Status.parse(text).reason == "x" * 4096


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_and_nothing_else(message: bytes) -> None:
    try:
        found = list(fields(message))
    except ValueError:
        return
    assert sum(len(value) for _, value in found if isinstance(value, bytes)) <= len(message)


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"", Status(True, "")),
        (b"\x12\x02ok", Status(True, "ok")),
        (b"\x08\x01\x12\x03bad", Status(False, "bad")),
        (b"\x18\x64", Status(False, "")),
        (b"\x12\x02\xff\xfe", Status(True, "\ufffd\ufffd")),
        (b"\x10\x05", Status(True, "")),
    ],
)
def test_a_status_is_good_when_both_of_its_codes_are_zero(message: bytes, status: Status) -> None:
    assert Status.parse(message) == status

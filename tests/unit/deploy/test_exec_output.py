"""With a real container: tests/e2e/test_deploy_room.py."""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace

import pytest

from compose_tls.deploy.exec_output import read_all, seconds_of
from tests.patience import SOON


def frame(text: bytes, stream: int = 1) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(text).to_bytes(4, "big") + text


def test_both_streams_are_read_in_order_until_the_command_ends() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(frame(b"one\n") + frame(b"two\n", 2) + frame(b"\xff"))
        theirs.shutdown(socket.SHUT_RDWR)
        assert read_all(ours, SOON) == "one\ntwo\n\ufffd"
    assert ours.fileno() == -1


def test_what_comes_along_with_the_answer_of_the_engine_is_read_too() -> None:
    ours, theirs = socket.socketpair()
    with theirs, ours.makefile("rb") as reader:
        theirs.sendall(b"HTTP/1.1 101 UPGRADED\n" + frame(b"quick\n"))
        assert reader.readline() == b"HTTP/1.1 101 UPGRADED\n"
        theirs.sendall(frame(b"later\n", 2))
        theirs.shutdown(socket.SHUT_RDWR)
        answer = SimpleNamespace(raw=SimpleNamespace(_fp=SimpleNamespace(fp=reader)), close=int)
        assert read_all(SimpleNamespace(_sock=ours, _response=answer), SOON) == "quick\nlater\n"


@pytest.mark.parametrize("said", [b"", frame(b"still going"), b"\x01\x00"])
def test_a_command_that_does_not_end_is_not_waited_for(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    began = time.monotonic()
    with theirs:
        theirs.sendall(said)
        assert read_all(ours, 0.2) is None
    assert time.monotonic() - began < SOON


def test_the_engine_waits_as_long_as_the_container_says() -> None:
    assert seconds_of({"Timeout": 1_500_000_000}) == 1.5
    assert seconds_of({"Timeout": 0}) == seconds_of({}) == 30.0

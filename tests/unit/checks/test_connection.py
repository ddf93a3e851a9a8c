from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from compose_tls.checks.run import run
from compose_tls.checks.tls_client import Deadline, client_context, greet, receive, tcp, tls
from compose_tls.checks.wire import is_http2_answer
from compose_tls.errors import CertificateUnreadable
from tests.moment import NOW
from tests.patience import SOON
from tests.unit.checks.conftest import Pki
from tests.unit.checks.servers import (
    SETTINGS,
    Script,
    closed_port,
    drips,
    grpc_server,
    hangs_up,
    listening,
    over_tls,
    says,
    until_gone,
    waits_for_its_client,
)


def greeting(pki: Pki, script: Script, seconds: float = SOON) -> bytes:
    context = pki.server.context(1)
    with listening(over_tls(context, script)) as port:
        target = pki.target(port)
        deadline = Deadline.after(seconds)
        with tls(target, client_context(target), deadline) as connection:
            return greet(connection, deadline)


@pytest.mark.parametrize("script", [says(SETTINGS), waits_for_its_client, drips])
def test_a_server_is_heard_whether_it_speaks_first_or_waits_or_drips(
    pki: Pki, script: Script
) -> None:
    assert is_http2_answer(greeting(pki, script))


def heard(connection: socket.socket) -> bytes:
    """What is received until nothing more comes, from when there is something."""
    assert connection.recv(1, socket.MSG_PEEK)
    return receive(connection, Deadline.after(0.3))


def test_a_server_that_falls_silent_has_said_what_it_said(pki: Pki) -> None:
    with (
        listening(says(b"abc")) as port,
        tcp(pki.target(port), Deadline.after(SOON)) as connection,
    ):
        assert heard(connection) == b"abc"


def test_a_server_that_hangs_up_after_the_handshake_has_said_nothing(pki: Pki) -> None:
    assert greeting(pki, hangs_up) == b""


def test_a_silent_server_is_left_when_the_time_is_up(pki: Pki) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        greeting(pki, until_gone, 0.3)
    assert time.monotonic() - began < SOON


def test_a_connection_that_was_ended_for_its_time_has_not_been_closed_by_the_server(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on a machine that is so busy that Python looks at the time later than that.
    monkeypatch.setattr("compose_tls.checks.tls_client._GRACE", -1.5)

    with pytest.raises(TimeoutError):
        greeting(pki, until_gone, 2)


def test_a_server_that_never_shakes_hands_is_left_when_the_time_is_up(pki: Pki) -> None:
    with listening(until_gone) as port:
        target = pki.target(port)
        began = time.monotonic()
        with (
            pytest.raises(TimeoutError),
            tls(target, client_context(target), Deadline.after(0.2)),
        ):
            pass
        assert time.monotonic() - began < SOON


def hello_requests(connection: socket.socket) -> None:
    """Messages that a client ignores (RFC 5246 section 7.4.1.1), without end."""
    record = b"\x16\x03\x03\x40\x00" + bytes(0x4000)
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(record)


def test_a_server_that_never_stops_talking_is_left_when_the_time_is_up(pki: Pki) -> None:
    with listening(hello_requests) as port:
        target = pki.target(port)
        for _ in range(5):
            began = time.monotonic()
            with (
                pytest.raises(TimeoutError),
                tls(target, client_context(target), Deadline.after(0.1)),
            ):
                pass
            assert time.monotonic() - began < SOON / 3


class ReadsOn(ssl.SSLContext):
    """What OpenSSL does with a server that is always faster: it reads on, and no time is looked at."""

    def wrap_socket(self, sock: socket.socket, *_: Any, **__: Any) -> ssl.SSLSocket:
        sock.settimeout(None)
        while sock.recv(1 << 16):
            pass
        raise ConnectionResetError


def test_it_is_left_where_openssl_never_returns(pki: Pki) -> None:
    with (
        listening(hello_requests) as port,
        pytest.raises(TimeoutError),
        tls(pki.target(port), ReadsOn(ssl.PROTOCOL_TLS_CLIENT), Deadline.after(0.1)),
    ):
        pass


def test_a_refused_connection_ends_at_once(pki: Pki) -> None:
    began = time.monotonic()
    with (
        pytest.raises(ConnectionRefusedError),
        tcp(pki.target(closed_port()), Deadline.after(60)),
    ):
        pass
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
def test_a_name_that_no_host_can_have_is_an_unknown_name(pki: Pki, host: str) -> None:
    with pytest.raises(socket.gaierror), tcp(pki.target(1, host=host), Deadline.after(1)):
        pass


def test_a_deadline_that_has_passed_never_means_wait_for_ever() -> None:
    assert 0 < Deadline.after(-1).left < 0.1


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("ca.pem", None, "ca.pem cannot be used: No such file or directory"),
        ("ca.pem", b"not a certificate", "ca.pem cannot be used: no certificate"),
        ("client.pem", None, "client.pem and its key .* cannot be used: No such file"),
        ("client.key", b"not a key", "cannot be used: not PEM, encrypted, or not belonging"),
    ],
)
def test_a_client_file_that_is_no_good_is_an_error_that_names_it(
    pki: Pki, tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    for file in pki.directory.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CertificateUnreadable, match=reason) as caught:
        client_context(Pki(tmp_path).target(1, 2, expected_sha256=None))
    assert caught.value.path == str(tmp_path / ("ca.pem" if name == "ca.pem" else "client.pem"))


def test_a_key_of_another_certificate_is_an_error(pki: Pki, another_pki: Pki) -> None:
    target = pki.target(1, 2, client_key_path=another_pki.path("client.key"))
    with pytest.raises(CertificateUnreadable, match="key values mismatch"):
        client_context(target)


def test_an_encrypted_key_is_an_error_and_no_question_on_the_terminal(
    pki: Pki, tmp_path: Path
) -> None:
    key = load_pem_private_key(pki.path("client.key").read_bytes(), None)
    encrypted = tmp_path / "client.key"
    encrypted.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(CertificateUnreadable, match="encrypted"):
        client_context(pki.target(1, 2, client_key_path=encrypted))


def test_no_error_about_a_client_file_holds_the_key(pki: Pki, another_pki: Pki) -> None:
    target = pki.target(1, 2, client_key_path=another_pki.path("client.key"))
    with pytest.raises(CertificateUnreadable) as caught:
        client_context(target)
    key = another_pki.path("client.key").read_text().splitlines()[1]
    assert key not in f"{caught.value!r} {caught.value.message} {caught.value.hint}"


@pytest.fixture
def loopback_6() -> str:
    """The IPv6 loopback address, where this machine has it."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return "::1"
    except OSError:
        pytest.skip("this machine has no IPv6")


@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_a_server_on_the_ipv6_loopback_address_is_found_also_as_localhost(
    pki: Pki, loopback_6: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    # Many a machine's /etc/hosts knows localhost as 127.0.0.1 alone.
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda name, *rest: real("127.0.0.1" if name == "localhost" else name, *rest),
    )
    with (
        listening(says(b"abc"), loopback_6) as port,
        tcp(pki.target(port, host=host), Deadline.after(SOON)) as connection,
    ):
        assert heard(connection) == b"abc"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_refusal_of_the_first_address_is_told(pki: Pki, host: str) -> None:
    with (
        pytest.raises(ConnectionRefusedError),
        tcp(pki.target(closed_port(), host=host), Deadline.after(SOON)),
    ):
        pass


def test_what_is_exchanged_for_a_link_or_a_pipe_meanwhile_is_not_opened(
    pki: Pki, another_pki: Pki, tmp_path: Path
) -> None:
    for file in pki.directory.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with grpc_server(pki.server, 2) as server:
        target = Pki(tmp_path).target(server.port, 2)
        for name in ("ca.pem", "client.pem", "client.key"):
            (tmp_path / name).unlink()
        os.mkfifo(tmp_path / "ca.pem")
        for name in ("client.pem", "client.key"):
            (tmp_path / name).symlink_to(another_pki.path(name))
        checks = run(target, now=NOW, timeout=20)
    assert [check.name for check in checks if not check.ok] == []
    assert ("pymilvus", None) in [(check.name, check.skipped) for check in checks]

"""What stands between a client and the servers behind one port: balancers, forwarders, ends of TLS."""

from __future__ import annotations

import _ssl
import contextlib
import ctypes
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from cryptography import x509

from tests.unit.checks.servers import HOST, Script

Route = int | Script
"""A port of this machine to pass a connection on to, or what to do with it."""

Choice = Callable[[int, bytes], Route]
"""Chooses by the number of a connection and what it begins with: empty where its client waits."""

_PATIENCE = 1.0
_FIRST = 16


@contextmanager
def front(choose: Choice, *, host: str = HOST, port: int = 0, delay: float = 0) -> Iterator[int]:
    """A server of any number of connections at once; gives its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=64) as listener:
        closing = threading.Event()
        threads: list[threading.Thread] = []

        def serve() -> None:
            for number in itertools.count():
                connection, _ = listener.accept()
                if closing.is_set():
                    connection.close()
                    return
                thread = threading.Thread(
                    target=_served, args=(connection, number, choose, delay), daemon=True
                )
                thread.start()
                threads.append(thread)

        accepting = threading.Thread(target=serve)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            closing.set()
            with contextlib.suppress(OSError):
                socket.create_connection((host, listener.getsockname()[1]), 5).close()
            accepting.join()
            for thread in threads:
                thread.join(5)


def _served(connection: socket.socket, number: int, choose: Choice, delay: float) -> None:
    with connection, contextlib.suppress(OSError):
        time.sleep(delay)
        connection.settimeout(_PATIENCE)
        try:
            first = connection.recv(_FIRST, socket.MSG_PEEK)
        except TimeoutError:
            first = b""
        connection.settimeout(5)
        route = choose(number, first)
        if isinstance(route, int):
            passed_on(connection, route)
        else:
            route(connection)


def passed_on(connection: socket.socket, port: int) -> None:
    """Carry bytes both ways until one side has gone."""
    with socket.create_connection((HOST, port), 5) as backend:
        back = threading.Thread(target=_carry, args=(backend, connection), daemon=True)
        back.start()
        _carry(connection, backend)
        back.join(5)


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def ending_tls(context: ssl.SSLContext, port: int) -> Script:
    """TLS ends here, and plain text goes on."""

    def script(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            carried(secured, port)

    return script


def carried(secured: ssl.SSLSocket, port: int) -> None:
    """What came over TLS goes on in plain text."""
    secured.settimeout(0.02)
    with socket.create_connection((HOST, port), 5) as backend:
        backend.settimeout(0.02)
        _both_ways(secured, backend)


Rule = Callable[[x509.Certificate, list[x509.Certificate]], bool]
"""Whether a client is let in that shows a certificate, and sends these along."""


def judging(context: ssl.SSLContext, rule: Rule) -> ssl.SSLContext:
    """Let a server judge client certificates by a rule of its own.

    Python has no such thing, and OpenSSL has: SSL_CTX_set_cert_verify_callback(3), and
    X509_STORE_CTX_get0_cert(3).
    """
    openssl = ctypes.CDLL(_ssl.__file__)
    for name in ("X509_STORE_CTX_get0_cert", "X509_STORE_CTX_get0_untrusted", "OPENSSL_sk_value"):
        if not hasattr(openssl, name):
            pytest.skip("this Python keeps its OpenSSL to itself")
        getattr(openssl, name).restype = ctypes.c_void_p

    def read(pointer: int) -> x509.Certificate:
        length = openssl.i2d_X509(ctypes.c_void_p(pointer), None)
        der = ctypes.create_string_buffer(length)
        openssl.i2d_X509(
            ctypes.c_void_p(pointer), ctypes.byref(ctypes.c_void_p(ctypes.addressof(der)))
        )
        return x509.load_der_x509_certificate(der.raw)

    def judge(store: int, _: object) -> int:
        sent = ctypes.c_void_p(openssl.X509_STORE_CTX_get0_untrusted(ctypes.c_void_p(store)))
        found = [
            read(openssl.OPENSSL_sk_value(sent, n)) for n in range(openssl.OPENSSL_sk_num(sent))
        ]
        return rule(read(openssl.X509_STORE_CTX_get0_cert(ctypes.c_void_p(store))), found)

    # What a context of Python holds first is that of OpenSSL.
    native = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    called = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(judge)
    openssl.SSL_CTX_set_cert_verify_callback(native, called, None)
    _JUDGES.append(called)
    return context


def demand_certificate(secured: ssl.SSLSocket) -> None:
    """Ask for a client certificate within a handshake, as nginx does for a site: SSL_set_verify(3)."""
    openssl = ctypes.CDLL(_ssl.__file__)
    if not hasattr(openssl, "SSL_set_verify"):
        pytest.skip("this Python keeps its OpenSSL to itself")
    inner = secured._sslobj  # type: ignore[attr-defined]
    # What a connection of Python holds behind its socket is that of OpenSSL.
    place = id(inner) + object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)
    native = ctypes.c_void_p.from_address(place)
    openssl.SSL_set_verify(native, _REQUIRED, None)


_REQUIRED = 3  # SSL_VERIFY_PEER and SSL_VERIFY_FAIL_IF_NO_PEER_CERT of ssl.h
_JUDGES: list[object] = []
"""What OpenSSL calls has to stay."""


def _both_ways(secured: socket.socket, backend: socket.socket) -> None:
    # One thread: OpenSSL's connections do not take two.
    while True:
        for source, sink in ((secured, backend), (backend, secured)):
            with contextlib.suppress(TimeoutError, ssl.SSLWantReadError):
                data = source.recv(65536)
                if not data:
                    return
                sink.sendall(data)


def passes_on_to(route: Route) -> Choice:
    """The same for everyone."""
    return lambda _number, _first: route


def in_turns(*routes: Route) -> Choice:
    """One after the other, as balancers do."""
    return lambda number, _first: routes[number % len(routes)]


def by_chance(*routes: Route) -> Choice:
    """In an order without a period, the same in every run."""
    order = "0120010212001221020110210022110201021120"
    return lambda number, _first: routes[int(order[number % len(order)]) % len(routes)]


def also(beginning: bytes, route: Route, otherwise: int) -> Choice:
    """Something else for those who begin so."""
    return lambda _number, first: route if first.startswith(beginning) else otherwise


def plain_too(route: Route, otherwise: int) -> Choice:
    """Something else for those who do not speak TLS."""
    return lambda _number, first: otherwise if first[:1] in {b"\x16", b""} else route

"""What hands on the bytes of its clients as they are, so that their TLS goes through it to Milvus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from compose_tls.patterns import regex

# https://nginx.org/en/docs/stream/ngx_stream_proxy_module.html: without "proxy_ssl on", and "ssl" where
# it listens, it hands on what it gets.
_STREAM_BLOCK: Final = regex(r"(?m)^\s*stream\s*\{")
_OWN_TLS: Final = regex(r"\bproxy_ssl\s+on\b|\blisten\s[^;]*\bssl\b")
# https://docs.haproxy.org/3.0/configuration.html: "mode" (4.2), "ssl" of bind (5.1) and of server (5.2).
_SECTION: Final = regex(r"(?m)^(defaults|frontend|backend|listen)\b")
_MODE: Final = regex(r"(?m)^\s*mode\s+(\w+)")
_SSL: Final = regex(r"(?m)^\s*(?:bind|server|default-server)\b.*\sssl\b")
# http://www.dest-unreach.org/socat/doc/socat.html: TCP-LISTEN, and TCP or TCP-CONNECT.
_SOCAT_LISTENS: Final = regex(r"(?i)(?<![\w-])tcp[46]?-l(?:isten)?:\d+")
_SOCAT: Final = regex(r"(?i)(?<![\w-])tcp[46]?(?:-connect)?:[\w.-]+:\d+")

# cloudflared tunnel --url tcp://HOST:PORT; ngrok tcp HOST:PORT, which its image has as its command.
_TUNNEL: Final = regex(r"\btunnel\b.*\s--url[ =]tcp://|^\s*(?:\S*ngrok )?tcp [\w.-]+:\d+\s*$")


def passed_on(text: str) -> list[str]:
    """The parts of a configuration, or of a command, that hand on bytes as they are.

    Args:
        text: That of nginx (``stream``), HAProxy (``mode tcp``), Envoy (``tcp_proxy``), Traefik (TCP
            routers with ``passthrough``), Tailscale (``TCPForward``), or the command of socat,
            cloudflared or ngrok for TCP; without comments.
    """
    if _TUNNEL.search(text) or ("TCPForward" in text and "TerminateTLS" not in text):
        return [text]
    if "tcp_proxy" in text and not any(w in text for w in ("transport_socket", "http_connection")):
        return [text]
    if "HostSNI(" in text and regex(r"passthrough\s*[=:]\s*true").search(text):
        return [text]
    if _SOCAT_LISTENS.search(text):
        return [match[0] for match in _SOCAT.finditer(text)]
    return [*_streams(text), *_sections(text)]


def _streams(text: str) -> Iterator[str]:
    for match in _STREAM_BLOCK.finditer(text):
        depth, end = 1, match.end()
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        block = text[match.start() : end]
        if not depth and not _OWN_TLS.search(block):
            yield block


def _sections(text: str) -> Iterator[str]:
    """The sections of HAProxy in mode tcp, which is its own default, where nothing in it ends TLS."""
    starts = [match.start() for match in _SECTION.finditer(text)]
    if not starts or _SSL.search(text):
        return
    default = "tcp"
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        section = text[start:end]
        said = _MODE.search(section)
        mode = said[1] if said else default
        if section.startswith("defaults"):
            default = mode
        elif mode == "tcp":
            yield section

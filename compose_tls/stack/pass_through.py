"""What hands on the bytes of its clients as they are, so that their TLS goes through it to Milvus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from compose_tls.patterns import regex

_DIRECTIVE: Final = regex(r"[;{}]")
_STREAM_BLOCK: Final = regex(r"(?m)^[ \t]*stream\s*\{")
# https://docs.haproxy.org/3.0/configuration.html: "mode" (4.2), "ssl" of bind (5.1) and of server (5.2).
_SECTION: Final = regex(r"(?m)^(defaults|frontend|backend|listen)\b")
_MODE: Final = regex(r"(?m)^[ \t]*mode[ \t]+(\w+)")
_SSL: Final = regex(r"(?m)^[ \t]*(?:bind|server|default-server)\b.*\sssl\b")
# http://www.dest-unreach.org/socat/doc/socat.html: TCP-LISTEN, and TCP or TCP-CONNECT.
_SOCAT_LISTENS: Final = regex(r"(?i)(?<![\w-])tcp[46]?-l(?:isten)?:\d+")
_SOCAT: Final = regex(r"(?i)(?<![\w-])tcp[46]?(?:-connect)?:[\w.-]+:\d+")

# cloudflared tunnel --url tcp://HOST:PORT; ngrok tcp HOST:PORT, which its image has as its command.
_TUNNEL: Final = regex(r"\s--url[ =]tcp://")
_NGROK: Final = regex(r"(?:\S*ngrok )?tcp [\w.-]+:\d+")


def passed_on(text: str) -> list[str]:
    """The parts of a configuration, or of a command, that hand on bytes as they are.

    Args:
        text: That of nginx (``stream``), HAProxy (``mode tcp``), Envoy (``tcp_proxy``), Traefik (TCP
            routers with ``passthrough``), Tailscale (``TCPForward``), or the command of socat,
            cloudflared or ngrok for TCP; without comments.
    """
    if ("tunnel" in text and _TUNNEL.search(text)) or _NGROK.fullmatch(text.strip()):
        return [text]
    if "TCPForward" in text and "TerminateTLS" not in text:
        return [text]
    if "tcp_proxy" in text and not any(w in text for w in ("transport_socket", "http_connection")):
        return [text]
    if "HostSNI(" in text and regex(r"passthrough\s*[=:]\s*true").search(text):
        return [text]
    if _SOCAT_LISTENS.search(text):
        return [match[0] for match in _SOCAT.finditer(text)]
    return [*_streams(text), *_sections(text)]


def _streams(text: str) -> Iterator[str]:
    end = 0
    for match in _STREAM_BLOCK.finditer(text):
        if match.start() < end:
            continue
        depth, end = 1, match.end()
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        block = text[match.start() : end]
        if not depth and not any(map(_is_of_tls, _DIRECTIVE.split(block))):
            yield block


def _is_of_tls(directive: str) -> bool:
    """Whether nginx ends the TLS of clients, or begins one of its own, instead of handing it on.

    Source: https://nginx.org/en/docs/stream/ngx_stream_proxy_module.html
    """
    words = directive.split()
    return words[:2] == ["proxy_ssl", "on"] or (words[:1] == ["listen"] and "ssl" in words)


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

"""Addresses in configuration files of any format: a host and a port, in one word or side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from compose_tls.patterns import regex

_HOST_AND_PORT: Final = regex(
    r"(?:(?<!\w)(\w+)://)?(?<![\w.-])([A-Za-z0-9_][\w.-]*):(\d{1,5})(?!\d)"
)
# Words of a command: nc -z HOST PORT, --host HOST --port PORT, ("HOST", PORT), /dev/tcp/HOST/PORT.
_IN_WORDS: Final = regex(
    r"""(?<![\w.-])([A-Za-z0-9_][\w.-]*)["']?[ \t,/]{1,4}["']?"""
    r"""(?:-[\w.-]*?p(?:ort)?[ =]{1,4})?(\d{2,5})(?![\w.])"""
)
# In YAML, JSON, TOML and INI: a key for the host and the next or the one before it for the port.
_KEY: Final = r"""(?i:[\w.-]*(?:%s))["']?\s*[:=]\s*["']?"""
_HOST: Final = _KEY % "address|host|hostname|server" + r"([\w.-]+)"
_PORT: Final = _KEY % "port|port_value" + r"(\d{1,5})(?![\w.])"
_NEXT: Final = r"""["']?[ \t]*(?:,|\r?\n)\s*["']?"""
_HOST_NEXT_TO_PORT: Final = regex(
    rf"(?<![\w.-]){_HOST}{_NEXT}{_PORT}|(?<![\w.-]){_PORT}{_NEXT}{_HOST}"
)


def places(text: str) -> Iterator[tuple[str, int, str]]:
    """The addresses in a text: host, port, and the scheme, empty without one."""
    for match in _HOST_AND_PORT.finditer(text):
        yield match[2], int(match[3]), (match[1] or "").lower()
    for match in _IN_WORDS.finditer(text):
        yield match[1], int(match[2]), ""
    for match in _HOST_NEXT_TO_PORT.finditer(text):
        yield match[1] or match[4], int(match[2] or match[3]), ""

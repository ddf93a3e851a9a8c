"""What an enable is meant to change in a text, said without the code that plans it."""

from __future__ import annotations

import codecs
import difflib
import re

_NAMES = "|".join(
    (
        "COMMON_SECURITY_TLSMODE",
        "TLS_SERVERPEMPATH",
        "TLS_SERVERKEYPATH",
        "TLS_CAPEMPATH",
        "PROXY_HTTP_ENABLED",
        "PROXY_HTTP_PORT",
    )
)
_ADDED_IN_COMPOSE = re.compile(
    rf"""(?x) \s* (?:
      environment: | volumes:
      | ['"]? (?:{_NAMES}) ['"]? :\s ['"]? [\w./]+ ['"]?
      | - \s+ ['"]? (?:{_NAMES}) = [\w./]+ ['"]?
      | - \s+ ['"]? (?:\.|\$\{{[^}}]+\}}|\$\w+) /(?:tls|milvus\.yaml) :
        /milvus/(?:tls|configs/milvus\.yaml) (?::[a-z,]+)? ['"]?
      | - \s+ type:\ bind | source:\ \./(?:tls|milvus\.yaml) | read_only:\ true
      | target:\ /milvus/(?:tls|configs/milvus\.yaml)
    ) \s*"""
)
_REPLACED_IN_MILVUS = re.compile(
    r"\s*(?:tlsMode|serverPemPath|serverKeyPath|caPemPath|enabled|port):.*", re.DOTALL
)
_ADDED_IN_MILVUS = re.compile(
    r"\s*(?:(?:(?:tls|common|security|proxy|http):)?"
    r"|(?:tlsMode|serverPemPath|serverKeyPath|caPemPath|enabled|port): *\S+.*)\s*",
    re.DOTALL,
)


def check_compose_lines(old: bytes, new: bytes) -> None:
    """No line goes, and every line that comes is one of ours."""
    gone, come = changed_lines(old, new)
    assert not gone, gone
    for line in come:
        assert _ADDED_IN_COMPOSE.fullmatch(line), line


def check_milvus_lines(old: bytes, new: bytes) -> None:
    """Every line that goes held a setting of ours, and so does every one that comes."""
    gone, come = changed_lines(old, new)
    for line in gone:
        assert _REPLACED_IN_MILVUS.fullmatch(line), line
    for line in come:
        assert _ADDED_IN_MILVUS.fullmatch(line), line


def changed_lines(old: bytes, new: bytes) -> tuple[list[str], list[str]]:
    """The lines that go and those that come. A last line that gets a line break does not count."""
    before, after = (_lines(text) for text in (old, new))
    if before and after and not before[-1].endswith(("\n", "\r")):
        # The line break that our first line needs above it is no change of that line.
        before = [*before[:-1], before[-1] + _line_break(old)]
        after = [*after[:-1], after[-1] + _line_break(old)]
    gone: list[str] = []
    come: list[str] = []
    for line in difflib.ndiff(before, after, linejunk=None, charjunk=None):
        if line[:2] == "- ":
            gone.append(line[2:])
        elif line[:2] == "+ ":
            come.append(line[2:])
    return gone, come


def _lines(text: bytes) -> list[str]:
    return text.removeprefix(codecs.BOM_UTF8).decode().splitlines(keepends=True)


def _line_break(text: bytes) -> str:
    return "\r\n" if b"\r\n" in text else "\n"

"""What Milvus connects to, as its settings name it: the words that every member of the stack shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from compose_tls.patterns import regex
from compose_tls.values import dataclass
from compose_tls.vocabulary import Encryption, ServerPurpose, number
from compose_tls.yamlpatch.intent import Route

Settings: TypeAlias = Callable[[Route], str | None]
"""Gives the value of a setting as Milvus will see it; ``None`` for its default."""

# strconv.ParseBool of Go, which reads Milvus' truth values.
_TRUE: Final = frozenset({"1", "t", "true"})
_ADDRESS: Final = regex(
    r"(?:(?P<scheme>[A-Za-z][\w+.-]*)://)?(?:[^/@\s]*@)?"
    r"(?P<host>\[[^\]\s]+\]|[^:/@\[\]\s]+)(?::(?P<port>\d{1,5}))?(?:/\S*)?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, as an address in a setting names them. Credentials in it are not kept."""

    host: str
    port: int | None = None
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Dependency:
    """One kind of server that Milvus keeps its things in: where they are, how Milvus talks to them."""

    purpose: ServerPurpose
    addresses: tuple[Address, ...]
    encryption: Encryption


def addresses(text: str, port: int | None = None) -> tuple[Address, ...]:
    """The addresses in a comma-separated text; what is none is left out.

    Args:
        text: For example ``etcd:2379,https://other``.
        port: The port of an address without one.
    """
    found = [_ADDRESS.fullmatch(part.strip()) for part in text.split(",")]
    return tuple(
        Address(
            match["host"].strip("[]"),
            number(match["port"]) if match["port"] else port,
            (match["scheme"] or "").lower(),
        )
        for match in found
        if match
    )


def port_of(text: str | None, default: int) -> int:
    """A port as a setting names it."""
    found = number(text)
    return default if found is None else found


def is_true(text: str | None) -> bool:
    """Whether a setting says yes; one that says nothing does not."""
    return (text or "").lower() in _TRUE


def words_of(command: Sequence[str]) -> list[str]:
    """The words of a command line, flags apart from their values."""
    return " ".join(command).replace("=", " ").split()


def is_false(text: str | None) -> bool:
    """Whether a setting says no; one that says nothing does not."""
    return (text or "true").lower() not in _TRUE

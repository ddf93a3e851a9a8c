"""Name constraints: which DNS names a CA may issue for (RFC 5280 section 4.2.1.10).

They make it harmless to trust a CA: with its key, no one can pass for another host by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from compose_tls.errors import NameNotPermitted

DNS_ALONE: Final = "a CA that has only DNS name constraints, or none"
"""What every client takes."""


def subtrees_of(dns_names: Iterable[str]) -> tuple[str, ...]:
    """The fewest DNS subtrees that hold these names. A wildcard's is that of its parent.

    Args:
        dns_names: As ``split_names`` spells them.
    """
    roots = tuple(dict.fromkeys(name.removeprefix("*.") for name in dns_names))
    return tuple(root for root in roots if not any(root.endswith(f".{one}") for one in roots))


def require_permitted(
    dns_names: Iterable[str], permitted: Iterable[str], ca: str, *, path: str | None = None
) -> None:
    """Make sure that a CA may issue for these names.

    Args:
        dns_names: As ``split_names`` spells them.
        permitted: The DNS subtrees that the CA may issue for; empty for any name.
        ca: How errors name the CA.
        path: The file that errors name.

    Raises:
        NameNotPermitted: It may not issue for at least one of them.
    """
    subtrees = tuple(permitted)
    outside = [name for name in dns_names if subtrees and not is_below(name, subtrees)]
    if outside:
        options = " ".join(f"--san {name}" for name in outside)
        raise NameNotPermitted(
            f"the CA {ca} may not issue for {', '.join(outside)}, but only for {', '.join(subtrees)}",
            hint="leave the name out, or make a new CA that may: compose-tls renew --ca "
            f"{options}, then the same with --finish",
            path=path,
        )


def is_excluded(name: str, excluded: Iterable[str]) -> bool:
    """Whether a CA with these excluded subtrees may not issue for a name.

    A wildcard that could stand for an excluded name is excluded with it, as Go and BoringSSL have it, and
    rustls where that name has a leading dot too.
    """
    parent = name.lower().removeprefix("*.") if name.startswith("*.") else None
    return is_below(name, excluded) or any(
        tree.lower().removeprefix(".").partition(".")[2] == parent for tree in excluded
    )


def is_mail_below(address: str, subtrees: Iterable[str]) -> bool:
    """Whether an e-mail address is one of these, or at one of these hosts; below it after a dot."""
    host = address.lower().rpartition("@")[2]
    return any(
        tree == address.lower()
        if "@" in tree
        else host.endswith(tree)
        if tree.startswith(".")
        else host == tree
        for tree in map(str.lower, subtrees)
    )


def is_below(name: str, subtrees: Iterable[str]) -> bool:
    """Whether a name is in a subtree: with labels added on the left, or none.

    A leading dot, which the RFC has for URIs only, occurs in other CAs and demands at least one.
    """
    host = name.lower()
    return any(
        tree in {"", host} or host.endswith(tree if tree.startswith(".") else f".{tree}")
        for tree in map(str.lower, subtrees)
    )

"""The names of clients: as a user writes one, and as a DNS name in the certificate.

The common name is the name as written, which servers take for the user's. The DNS name is there since
strict verifiers want every certificate to have one; it is made from the name, another for each.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

from compose_tls.errors import NameInvalid
from compose_tls.patterns import regex
from compose_tls.pki.names import split_names

CLIENT_DOMAIN: Final = "milvus.internal"
"""What the DNS names of clients end in. ``internal`` is nobody's on the Internet (ICANN, 2024-07-29)."""

# RFC 5280 appendix A.1: ub-common-name; cryptography counts octets.
_LONGEST: Final = 64

# Letters, digits and inner hyphens, none of them at the third and fourth place (RFC 5891 section
# 4.2.3.1), and none that looks like what _made_up makes: so a plain name is its own label.
_PLAIN: Final = regex(r"(?!..--)(?!(?:.*-)?[0-9a-f]{8}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file: with any extension, in any case.
_RESERVED: Final = regex(r"(?is)(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])(?:\..*)?")
_SHORTENED: Final = 40

_EXAMPLE: Final = "give a name such as alice, etl-7 or alice@example.com"


def client_name(name: str) -> str:
    """The name of a client, in one spelling (NFC), fit to be a common name and a file's name.

    Raises:
        NameInvalid: It is not.
    """
    name = unicodedata.normalize("NFC", name)
    problem = _problem(name)
    if problem:
        raise NameInvalid(f"{name!r} cannot be the name of a client: it {problem}", hint=_EXAMPLE)
    return name


def client_dns_name(name: str) -> str:
    """The DNS name of a client: ``alice.client.milvus.internal``, and another one for every name.

    What is not a DNS name keeps what it can of its letters, and a hash tells it from its like.

    Args:
        name: As ``client_name`` spells it.
    """
    label = name if _is_plain(name) else _international(name) or _made_up(name)
    return f"{label}.client.{CLIENT_DOMAIN}"


def _problem(name: str) -> str:
    """What is wrong with a name; empty when nothing is."""
    if not name or name != name.strip():
        return "is empty, or begins or ends with a space"
    if any(unicodedata.category(character).startswith("C") for character in name):
        return "contains a control character"
    if any(character in "/\\" for character in name):
        return "contains a slash, and becomes a file name"
    if name.startswith((".", "-", "~")):
        return f"begins with {name[0]}, and becomes a file name"
    if _RESERVED.fullmatch(name):
        return "is a device of Windows, where its files could not be copied to"
    if len(name.encode()) > _LONGEST:
        return f"is longer than {_LONGEST} bytes"
    return ""


def _is_plain(name: str) -> bool:
    return all(map(_PLAIN.fullmatch, name.split(".")))


def _international(name: str) -> str:
    """An international name as its A-label, where that is for this name and no other."""
    if name.isascii() or "." in name:
        return ""
    import idna

    try:
        ((label,), _) = split_names([name])
        return label if idna.ulabel(label) == name else ""
    except (NameInvalid, idna.IDNAError):
        return ""


def _made_up(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).lower()
    kept = re.sub("[^a-z0-9]+", "-", plain)[:_SHORTENED].strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{kept}-{digest}" if kept else digest

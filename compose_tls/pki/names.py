"""The names that a certificate may carry: DNS names and IP addresses, in one canonical spelling."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from compose_tls.errors import NameInvalid
from compose_tls.patterns import regex

# RFC 1035 section 2.3.4; 253 characters are the 255 octets on the wire.
LONGEST_NAME = 253
_LONGEST_LABEL = 63

# Letters, digits and inner hyphens (RFC 1123 section 2.1). The underscore is not a host name character,
# but Compose service names and container names have it and every TLS client of Milvus matches it.
_LABEL = regex(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")

_EXAMPLE = "give a DNS name such as milvus.example.com or an IP address such as 192.0.2.10"


def split_names(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sort names into DNS names and IP addresses, each spelled as a certificate spells it.

    DNS names come out in lower case (RFC 4343) and with their non-ASCII labels as A-labels (RFC 5280
    section 7.2), addresses in their shortest form (RFC 5952), IPv4-mapped ones as IPv4. Order is kept,
    repetitions are dropped.

    Args:
        names: DNS names, wildcards (``*`` as the whole leftmost label), IPv4 and IPv6 addresses.

    Returns:
        The DNS names and the IP addresses. Splitting them again gives the same.

    Raises:
        NameInvalid: A name can be in no certificate.
    """
    dns: dict[str, None] = {}
    ips: dict[str, None] = {}
    for name in names:
        address = _ip_address(name)
        if address is not None:
            ips[address] = None
        else:
            dns[_dns_name(name)] = None
    return tuple(dns), tuple(ips)


def covers(name: str, dns_names: Iterable[str], ip_addresses: Iterable[str]) -> bool:
    """Whether a certificate with these names is valid for ``name``.

    Source: RFC 9525 section 6.3: without regard to case, ``*`` stands for exactly one leftmost label,
    addresses are compared as addresses, and the common name does not count.

    Args:
        name: A DNS name, wildcard or IP address.
        dns_names: The DNS names of the certificate.
        ip_addresses: Its IP addresses.

    Raises:
        NameInvalid: ``name`` can be in no certificate.
    """
    dns_names = {held.lower() for held in dns_names}
    dns, ips = split_names([name])
    if ips:
        return ips[0] in ip_addresses
    wanted = dns[0]
    _, _, parent = wanted.partition(".")
    # OpenSSL, Python and Node match no wildcard right below the top.
    return wanted in dns_names or ("." in parent and f"*.{parent}" in dns_names)


def is_address(name: str) -> bool:
    """Whether a name is an IP address, of a kind that a certificate can hold."""
    return _ip_address(name) is not None


def _ip_address(name: str) -> str | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise NameInvalid(
            f"{name} has a zone, which a certificate cannot contain",
            hint=f"give the address without zone: {name.partition('%')[0]}",
        )
    # An IPv4-mapped address (RFC 4291 section 2.5.5.2) is that IPv4 address to every client, and Go reads
    # no certificate in which one stands (crypto/x509, parseSANExtension).
    return str(getattr(address, "ipv4_mapped", None) or address)


def _dns_name(name: str) -> str:
    _reject_other_kinds(name)
    labels = _ascii(name).lower().split(".")
    if "" in labels:
        raise NameInvalid(f"{name!r} has an empty part between its dots", hint=_EXAMPLE)
    host = labels
    if labels[0] == "*":
        host = labels[1:]
        # OpenSSL, and with it Python and curl, matches no wildcard right below the top.
        if len(host) < 2:  # noqa: PLR2004 - the two labels of example.com
            raise NameInvalid(
                f"{name} is too broad a wildcard: clients ignore it",
                hint="put at least two parts after it, as in *.example.com",
            )
    for label in host:
        _check_label(label, name)
    if host[-1].isdecimal():
        raise NameInvalid(f"{name} is not a valid IPv4 address", hint=_EXAMPLE)
    text = ".".join(labels)
    if len(text) > LONGEST_NAME:
        raise NameInvalid(
            f"{name[:40]}… is longer than {LONGEST_NAME} characters", hint="give a shorter name"
        )
    return text


def _reject_other_kinds(name: str) -> None:
    """Refuse what is not a name at all, with what was probably meant."""
    if not name:
        raise NameInvalid("a name is empty", hint=_EXAMPLE)
    if "://" in name:
        raise NameInvalid(
            f"{name} is a URL, not a name", hint="give the host without scheme and port"
        )
    if "@" in name:
        raise NameInvalid(f"{name} is an e-mail address, not a name", hint=_EXAMPLE)
    if "/" in name:
        raise NameInvalid(f"{name} is neither a name nor an address", hint=_EXAMPLE)
    if name.startswith("[") or ":" in name:
        raise NameInvalid(
            f"{name} is neither a name nor an address",
            hint="give the host without port and brackets: a certificate is for all ports",
        )
    if any(character.isspace() or not character.isprintable() for character in name):
        raise NameInvalid(f"{name!r} contains a space or a control character", hint=_EXAMPLE)
    if name.endswith("."):
        raise NameInvalid(f"{name} ends in a dot", hint=f"write {name.rstrip('.') or 'a name'}")


def _ascii(name: str) -> str:
    """The name with its non-ASCII labels as A-labels (UTS 46, then RFC 5891).

    An A-label stays as it is, also where IDNA 2008 has no place for what it stands for: clients compare
    the characters.
    """
    if name.isascii() and "xn--" not in name.lower():
        return name
    import idna

    try:
        mapped = idna.uts46_remap(name, std3_rules=False)
        return ".".join(_ascii_label(label) for label in mapped.split("."))
    except idna.IDNAError as error:
        reason = str(error)
        raise NameInvalid(
            f"{name} is not a valid international name: {reason[:1].lower()}{reason[1:]}",
            hint="correct the name, or give its ASCII form (xn--…)",
        ) from None


def _ascii_label(label: str) -> str:
    import idna

    if label.isascii() and not label.startswith("xn--"):
        return label
    try:
        return idna.alabel(label).decode()
    except idna.InvalidCodepoint:
        text = label[4:].encode().decode("punycode") if label.isascii() else ""
        if not text or not text.isprintable():
            raise
        return label


def _check_label(label: str, name: str) -> None:
    if "*" in label:
        raise NameInvalid(
            f"{name} has a wildcard that is not the whole first part",
            hint="write it as in *.example.com",
        )
    if len(label) > _LONGEST_LABEL:
        raise NameInvalid(
            f"{label[:20]}… is longer than the {_LONGEST_LABEL} characters between two dots",
            hint="give a shorter name",
        )
    if not _LABEL.fullmatch(label):
        wrong = next((one for one in label if not (one.isalnum() or one in "-_")), None)
        reason = f"contains {wrong!r}" if wrong else "begins or ends with a hyphen"
        raise NameInvalid(
            f"{name} is not a DNS name: {label} {reason}",
            hint="use letters, digits, hyphens inside, and underscores",
        )

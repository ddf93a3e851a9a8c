"""Distinguished names: RFC 4514 text in, an X.509 name out."""

from __future__ import annotations

import re
import unicodedata

from cryptography import x509
from cryptography.x509.oid import NameOID

from compose_tls.errors import NameInvalid
from compose_tls.patterns import regex

# The attribute types of RFC 4514 section 3, in the order in which a name lists them: CA/Browser Forum
# Baseline Requirements section 7.1.4.2. UID is not in that table and stands with the common name.
_TYPES = {
    "DC": NameOID.DOMAIN_COMPONENT,
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "STREET": NameOID.STREET_ADDRESS,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "UID": NameOID.USER_ID,
    "CN": NameOID.COMMON_NAME,
}
_RANK = {oid: rank for rank, oid in enumerate(_TYPES.values())}
_REPEATABLE = frozenset({"DC", "STREET", "OU"})

# Upper bounds in characters: RFC 5280 appendix A.1 (ub-common-name and its neighbours). It sets none
# for DC, whose values are DNS labels (RFC 4519 section 2.4), nor for UID (256: section 2.39 there).
_LONGEST = {
    "CN": 64, "O": 64, "OU": 64, "ST": 128, "L": 128, "STREET": 128, "DC": 63, "UID": 256
}  # fmt: skip

# A part ends at a comma that no backslash escapes; quotes are RFC 1779 and long gone.
_PART = regex(r"(?:\\.|[^\\,])*", re.DOTALL)

# A backslash stands before two hexadecimal digits or a special character.
_ESCAPE = regex(rb'\\(?:([0-9A-Fa-f]{2})|([ "#+,;<=>\\]))')
_SPECIAL = regex(rb'["+,;<>\\]')

# In the argument of openssl's -subj a backslash stands before what separates.
_OPENSSL_SPECIAL, _ESCAPED = regex(r"([/+\\])"), r"\\\1"

_EXAMPLE = "write it as in CN=localhost,O=milvus,C=CN; a comma inside a value is \\,"
_REST = "write it as in O=Example,C=DE, without CN; a comma inside a value is \\,"


def parse_subject(text: str) -> x509.Name:
    """Read RFC 4514 text as the subject of a certificate.

    The attributes are in the certificate broadest first, country before organization before common
    name, in whatever order the text has them: both the order of RFC 4514 and that of OpenSSL's
    ``-subj`` give the same name. Several of one type keep the order of RFC 4514.

    Args:
        text: For example ``CN=localhost,OU=milvus,O=milvus,C=CN``. Spaces around commas are ignored.

    Raises:
        NameInvalid: The text cannot be read, or a value is not allowed in its attribute.
    """
    attributes = _attributes(text)
    if not any(attribute.oid == NameOID.COMMON_NAME for attribute in attributes):
        raise NameInvalid(f"subject {text!r} has no common name", hint="begin it with CN=…")
    return x509.Name(sorted(attributes, key=lambda attribute: _RANK[attribute.oid]))


def require_without_common_name(text: str) -> None:
    """Make sure that a subject can be read, and leaves the common name to the certificate.

    Args:
        text: For example ``O=milvus,C=CN``.

    Raises:
        NameInvalid: The text cannot be read, or has a common name.
    """
    try:
        attributes = _attributes(text)
    except NameInvalid as error:
        error.hint = error.hint.replace(_EXAMPLE, _REST)
        raise
    if any(attribute.oid == NameOID.COMMON_NAME for attribute in attributes):
        raise NameInvalid(
            f"subject {text!r} has a CN, which compose-tls sets itself",
            hint="leave CN out, as in O=Example,C=DE",
        )


def escaped(value: str) -> str:
    """A value as RFC 4514 text has it: ``parse_subject`` reads it as it was (section 2.4)."""
    return re.sub(r'(["+,;<>\\#=])', r"\\\1", value)


def attributes(text: str) -> dict[str, list[str]]:
    """The values of a subject by their type, the broadest first and the common name last.

    Raises:
        NameInvalid: The text cannot be read.
    """
    kinds = {oid: kind for kind, oid in _TYPES.items()}
    found: dict[str, list[str]] = {}
    for attribute in parse_subject(text):
        found.setdefault(kinds[attribute.oid], []).append(str(attribute.value))
    return found


def openssl_subject(text: str) -> str:
    """A subject as ``openssl req -subj`` takes it, the common name last.

    Raises:
        NameInvalid: The text cannot be read.
    """
    # OpenSSL knows the attributes by the same short names, except for this one.
    names = {"STREET": "street"}
    return "".join(
        f"/{names.get(kind, kind)}={_OPENSSL_SPECIAL.sub(_ESCAPED, value)}"
        for kind, values in attributes(text).items()
        for value in values
    )


def extend_common_name(subject: x509.Name, suffix: str) -> x509.Name:
    """The same name with ``suffix`` after its common name.

    Raises:
        NameInvalid: The common name becomes too long.
    """
    return x509.Name(
        _checked("CN", f"{attribute.value!s}{suffix}")
        if attribute.oid == NameOID.COMMON_NAME
        else attribute
        for attribute in subject
    )


def _attributes(text: str) -> list[x509.NameAttribute[str]]:
    found = [_attribute(part, text) for part in reversed(_split(text))]
    seen: set[str] = set()
    for attribute in found:
        name = attribute.rfc4514_attribute_name
        if name in seen and name not in _REPEATABLE:
            raise NameInvalid(f"subject {text!r} has more than one {name}", hint=f"keep one {name}")
        seen.add(name)
    return found


def _split(text: str) -> list[str]:
    parts: list[str] = []
    position = -1
    while position < len(text):
        match = _PART.match(text, position + 1)
        if match is None or (match.end() < len(text) and text[match.end()] != ","):
            raise NameInvalid(f"subject {text!r} ends in a backslash", hint=_EXAMPLE)
        parts.append(match.group())
        position = match.end()
    return parts


def _attribute(part: str, text: str) -> x509.NameAttribute[str]:
    kind, equals, value = re.sub(r"(?<!\\) +$", "", part.lstrip(" ")).partition("=")
    kind = kind.strip().upper()
    if not equals:
        raise NameInvalid(f"subject {text!r}: {part!r} is not TYPE=value", hint=_EXAMPLE)
    if kind not in _TYPES:
        import difflib

        near = difflib.get_close_matches(kind, _TYPES, n=1)
        raise NameInvalid(
            f"subject {text!r}: unknown attribute type {kind!r}",
            hint=f"did you mean {near[0]}?" if near else f"use {', '.join(_TYPES)}",
        )
    try:
        meant = _unescaped(value)
    except ValueError:
        raise NameInvalid(
            f"subject {text!r}: the value of {kind} cannot be read",
            hint='put a backslash before each of , + " ; < > \\ and before a # at the start',
        ) from None
    return _checked(kind, meant)


def _unescaped(value: str) -> str:
    """A value as it is meant: RFC 4514 section 3, where hexadecimal pairs are octets of UTF-8.

    Raises:
        ValueError: It is not to be read.
    """
    octets = value.encode()
    # The hexadecimal form (#04…) is for types without a text form; none of ours is such a type.
    if octets.startswith(b"#") or _SPECIAL.search(_ESCAPE.sub(b"", octets)):
        msg = "a special character without backslash"
        raise ValueError(msg)
    return _ESCAPE.sub(lambda pair: pair[2] or bytes.fromhex(pair[1].decode()), octets).decode()


def _checked(kind: str, value: str) -> x509.NameAttribute[str]:
    if kind == "C":
        value = value.upper()
    problem = _problem(kind, value)
    if problem:
        such = ", as in C=DE" if kind == "C" else ""
        raise NameInvalid(
            f"subject: {kind}={value} {problem}", hint=f"correct the value of {kind}{such}"
        )
    return x509.NameAttribute(_TYPES[kind], value)


def _problem(kind: str, value: str) -> str:
    """What is wrong with a value; empty when nothing is."""
    if value != value.strip() or not value:
        return "is empty, or begins or ends with a space"
    if any(unicodedata.category(character).startswith("C") for character in value):
        return "contains a control character"
    if kind == "C":
        # ISO 3166-1 alpha-2; a PrintableString of two characters in RFC 5280 appendix A.1.
        return "" if re.fullmatch("[A-Z]{2}", value) else "is not a country code of two letters"
    if kind == "DC" and not value.isascii():
        return "is not ASCII"  # an IA5String: RFC 5280 section 4.1.2.4
    # cryptography counts the octets of a common name, not its characters.
    length = len(value.encode()) if kind == "CN" else len(value)
    return f"is longer than {_LONGEST[kind]} characters" if length > _LONGEST[kind] else ""

"""Names in certificates that a stack of the SDKs does not read, and then not the whole certificate.

What Go reads: crypto/x509, parseSANExtension and parseNameConstraintsExtension. What Java reads:
sun.security.x509, URIName and DNSName. tests/judges/test_brought.py shows them to both.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from cryptography import x509

from compose_tls.patterns import regex
from compose_tls.pki.names import LONGEST_NAME

# RFC 3986, with what Go and Java both want: a scheme, something behind it, and a host of whole labels.
_CHARACTER: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_LABEL: Final = r"[A-Za-z0-9_~!$&'()*+,;=-]+"
_HOST: Final = rf"(?:\[[0-9A-Fa-f:.]+\]|(?:{_LABEL}(?:\.{_LABEL})*)?)"
_URI = regex(
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?=.)(?://(?:[A-Za-z0-9._~-]*@)?{_HOST}(?::[0-9]{{0,5}})?(?=[/?#]|\Z)|(?!//))"
    rf"(?:{_CHARACTER}|/)*(?:\?(?:{_CHARACTER}|[/?])*)?(?:#(?:{_CHARACTER}|[/?])*)?"
)
_HOST_TREE = regex(r"\.?[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9][A-Za-z0-9-]*)*")

# rustls-webpki, subject_name/dns_name.rs, is_valid_dns_id: two labels at least behind a wildcard.
_LABEL_OF_RUSTLS: Final = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_NAME_OF_RUSTLS = regex(rf"(?:\*\.(?=[^.]+\.))?{_LABEL_OF_RUSTLS}(?:\.{_LABEL_OF_RUSTLS})*")


def is_read(name: x509.GeneralName) -> bool:
    """Whether every stack reads a name of a subject alternative name."""
    if isinstance(name, x509.UniformResourceIdentifier):
        return _URI.fullmatch(name.value) is not None
    if isinstance(name, x509.IPAddress):
        return not isinstance(name.value, ipaddress.IPv4Network | ipaddress.IPv6Network)
    if isinstance(name, x509.RFC822Name):
        return _is_mail(name.value)
    return not isinstance(name, x509.DNSName) or name.value.isascii()


def is_read_as_tree(name: x509.GeneralName) -> bool:
    """Whether every stack reads a name of name constraints (RFC 5280 section 4.2.1.10)."""
    if isinstance(name, x509.UniformResourceIdentifier):
        return _HOST_TREE.fullmatch(name.value) is not None and not _is_address(name.value)
    if isinstance(name, x509.RFC822Name):
        host = name.value[name.value.find("@") + 1 :].removeprefix(".")
        return _is_mail(name.value) and is_dns_name_of_go(host)
    if isinstance(name, x509.DNSName):
        return not name.value or is_dns_name_of_go(name.value.removeprefix("."))
    return True


def is_dns_name_of_go(name: str) -> bool:
    """Whether Go reads a DNS name that it has to compare (crypto/x509, domainToReverseLabels)."""
    return all(name.split(".")) and all("!" <= character <= "~" for character in name)


def is_dns_name_of_rustls(name: str) -> bool:
    """Whether rustls reads a DNS name that it has to compare with constraints."""
    last = name.rpartition(".")[2]
    return (
        len(name) <= LONGEST_NAME
        and _NAME_OF_RUSTLS.fullmatch(name) is not None
        and not last.isdigit()
    )


def _is_mail(text: str) -> bool:
    return text.isascii() and text[text.find("@") + 1 :] not in {"", "."}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

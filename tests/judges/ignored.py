"""The findings that do not count, each with the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Ignored:
    """A finding that does not count: the whole of it as a pattern, and why."""

    judge: str
    finding: str
    reason: str


IGNORED: Final = (
    Ignored(
        "pkilint",
        r'pkix\.invalid_domain_name_syntax .*"(localhost|milvus_standalone)"',
        "services of a Compose project have names of one label, and container names underscores; "
        "every client of Milvus takes them, and only under them is the server reached",
    ),
    Ignored(
        "pkilint",
        r'pkix\.invalid_domain_name_syntax .*"\*\.milvus\.example"',
        "RFC 5280 leaves wildcards to others, and RFC 6125 and 9525 define them",
    ),
    Ignored(
        "cryptography",
        r".*(malformed SAN|malformed DNS name constraint:) milvus_standalone",
        "it reads no name with an underscore, and has to read all of them under constraints; "
        "Milvus' clients verify with BoringSSL, OpenSSL, Go and Java, which read it",
    ),
)

# Rules of zlint for what they do not govern: a private CA is bound by none of these programmes.
PUBLIC_TRUST: Final[Mapping[str, str]] = {
    "CABF_BR": "CAs that browsers trust: names known to the DNS, revocation, policies, 398 days",
    "CABF_EV": "extended validation by such CAs",
    "CABF_SMIME_BR": "certificates for mail",
    "Mozilla": "CAs in Mozilla's root store",
    "Apple": "CAs in Apple's root store, and their transparency logs",
    "ETSI_ESI": "qualified certificates under European law",
}


def without_ignored(judge: str, findings: list[str]) -> list[str]:
    """The findings of a judge that count."""
    patterns = [ignored.finding for ignored in IGNORED if ignored.judge == judge]
    return [
        finding
        for finding in findings
        if not any(re.fullmatch(pattern, finding, re.DOTALL) for pattern in patterns)
    ]

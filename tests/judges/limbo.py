"""The cases of x509-limbo (github.com/C2SP/x509-limbo) in which a server is judged, with their keys."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from compose_tls.errors import CertificateError
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import quiet
from compose_tls.pki.refusing_clients import refusing_clients
from compose_tls.pki.verify import check_ca, check_server
from tests.judges.brought import Brought

VARIABLE: Final = "JUDGES_LIMBO"
"""The file limbo.json of x509-limbo. By default shared/limbo.json beside this checkout."""
_DEFAULT: Final = Path(__file__).resolve().parents[3] / "shared" / "limbo.json"


@dataclass(frozen=True, slots=True)
class Case:
    """A server, and the name that it is asked for."""

    id: str
    brought: Brought
    name: str


def file() -> Path:
    """Where the cases are, or would be."""
    return Path(os.environ.get(VARIABLE) or _DEFAULT)


@cache
def cases() -> tuple[Case, ...]:
    """Those that can be shown to any client at this time: no revocation, no depth, no other date."""
    if not file().exists():
        return ()
    return tuple(_read(json.loads(file().read_text(encoding="utf-8"))["testcases"]))


def _read(found: list[dict[str, Any]]) -> Iterator[Case]:
    for one in found:
        name = one["expected_peer_name"]
        if (
            one["validation_kind"] != "SERVER"
            or not one["peer_certificate_key"]
            or not name
            or one["crls"]
            or one["max_chain_depth"] is not None
        ):
            continue
        pem = one["peer_certificate"].encode()
        above = "".join(one["untrusted_intermediates"]).encode()
        trusted = "".join(one["trusted_certs"]).encode()
        if _differs_today(pem + above + trusted, one["validation_time"]):
            continue
        server = CertificateWithKey(pem, one["peer_certificate_key"].encode(), above)
        yield Case(one["id"], Brought(server, trusted), name["value"])


def _differs_today(pem: bytes, asked: str | None) -> bool:
    if asked is None:
        return False
    then, now = datetime.fromisoformat(asked), datetime.now(UTC)
    with quiet():
        ends = [
            (one.not_valid_before_utc, one.not_valid_after_utc)
            for one in x509.load_pem_x509_certificates(pem)
        ]
    return any((start <= then <= end) != (start <= now <= end) for start, end in ends)


def refusal(case: Case) -> str | None:
    """Why it is refused here; ``None`` when it is taken."""
    now = datetime.now(UTC)
    server, ca_pem = case.brought.server, case.brought.ca_pem
    try:
        check_ca(ca_pem, now=now, path="ca.pem", server=server)
        check_server(server, ca_pem, names=[case.name], now=now, path="server.pem")
    except CertificateError as error:
        return error.message
    return None


def warned_of(case: Case) -> set[str]:
    """The stacks that are said to refuse a case that is taken."""
    found = refusing_clients(case.brought.server, case.brought.ca_pem, path="server.pem")
    stacks = {"java-clients-refuse": "Java", "rustls-clients-refuse": "rustls"}
    return {stacks[one.code] for one in found if one.code in stacks}

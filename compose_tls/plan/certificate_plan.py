"""Where certificates and keys come from, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from compose_tls.changes import CertificateOrder
from compose_tls.vocabulary import CertificateRole, TlsWarning

Source = Literal["kept", "issued", "brought", "joined", "promoted"]
"""``joined``: a CA that is kept, with a new one beside it; ``promoted``: that one takes its place."""


@dataclass(frozen=True, slots=True)
class CertificatePlan:
    """Where the certificate and key of each role come from, and the orders for the new ones.

    ``next_ca`` tells whether there is a CA already that is to take over; ``retired`` is the name, without
    suffix, that the files of a CA get which gives way to another; ``requests`` are orders for which a
    signing request is written.
    """

    sources: dict[CertificateRole, Source]
    orders: tuple[CertificateOrder, ...]
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    warnings: tuple[TlsWarning, ...] = ()
    next_ca: bool = False
    retired: str | None = None
    requests: tuple[CertificateOrder, ...] = ()

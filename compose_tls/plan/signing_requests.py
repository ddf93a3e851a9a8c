"""Which signing requests are to be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from compose_tls.changes import CertificateOrder
from compose_tls.config import TlsConfig
from compose_tls.observation import Observation
from compose_tls.plan.certificate_plan import Source
from compose_tls.vocabulary import CertificateRole


def requests_for(
    observation: Observation,
    config: TlsConfig,
    sources: Mapping[CertificateRole, Source],
    orders: Iterable[CertificateOrder],
) -> Iterator[CertificateOrder]:
    """The orders that are to be written as requests too: those asked for, unless they are there.

    A request whose key is made anew is made anew as well, asked for or not.

    Args:
        observation: What lies in the PKI directory.
        config: The settings.
        sources: Where each certificate comes from.
        orders: The orders for new certificates of every role.
    """
    pki = observation.directory / config.pki_dir
    for order in orders:
        if order.role == "ca" or sources.get(order.role) in {None, "brought"}:
            continue
        if sources[order.role] == "kept":
            names = frozenset({*order.dns_names, *order.ip_addresses})
            if config.csr and observation.pki.requests.get(order.role) != names:
                yield order
        elif config.csr or observation.files.get(pki / f"{order.role}.csr") is not None:
            yield order

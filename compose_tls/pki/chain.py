"""The chain from a certificate to a CA that is trusted."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from compose_tls.pki.inspection import is_issued_by, is_self_issued


def chain_to(
    certificate: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
) -> tuple[x509.Certificate, ...]:
    """The certificates above ``certificate``, in order, as far as they can be found.

    Args:
        certificate: Where the chain begins.
        intermediates: What is sent along with it.
        trusted: The CA certificates that a client has.

    Returns:
        Issuer after issuer. The chain is complete when the last one is among ``trusted``.
    """
    chain: list[x509.Certificate] = []
    current = certificate
    while True:
        candidates = [*trusted, *(one for one in intermediates if one not in chain)]
        issuer = next((one for one in candidates if is_issued_by(current, one)), None)
        if issuer is None:
            return tuple(chain)
        chain.append(issuer)
        if issuer in trusted or is_self_issued(issuer):
            return tuple(chain)
        current = issuer


def issuers_of(
    certificate: x509.Certificate, others: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Issuer after issuer, as far as they are among the others; a root has none."""
    if is_self_issued(certificate):
        return ()
    return chain_to(certificate, [one for one in others if one != certificate], ())


def in_order(
    certificate: x509.Certificate, others: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """The others as a server is to send them: issuer after issuer, then what is no part of that chain.

    Source: RFC 8446 section 4.4.2; a PKCS #12 file knows no order, and people append in any.
    """
    chain = issuers_of(certificate, others)
    return (*chain, *(one for one in others if one not in chain))

"""What status prints for people: the state, the certificates, the map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from compose_tls.cli.output import rendering

if TYPE_CHECKING:
    from compose_tls.results import CertificateResult, Link, StatusResult

_SHOWN = 3


def status_lines(result: StatusResult, *, verbose: bool) -> Iterator[str]:
    """The result of status.

    Args:
        result: The result.
        verbose: Whether every certificate of every client is shown.
    """
    yield f"{', '.join(result.services) or 'TLS'}: {rendering.mode_text(result.mode)}"
    if result.endpoint:
        yield f"  {result.endpoint.uri}, verified as {result.endpoint.server_name}"
    if result.file_states:
        yield "files"
        width = max(len(file.path) for file in result.file_states)
        yield from (f"  {file.path:<{width}}  {file.state}" for file in result.file_states)
    certificates = result.certificates
    further = [] if verbose else [one for one in certificates if one.client]
    shown = [one for one in certificates if one not in further] if further else certificates
    if certificates:
        yield "certificates"
        yield from rendering.certificate_lines(shown)
    if further:
        yield _summary(further)
    if result.links:
        yield "links"
        yield from link_lines(result.links)
    if not result.encrypted:
        yield "next: compose-tls enable --mode 1"


def link_lines(links: Sequence[Link]) -> Iterable[str]:
    """The map as a list: how, who, to whom, what for, and who else gets there."""
    ways = [f"{parties(link.sources)} -> {_target(link)}" for link in links]
    width = max(len(way) for way in ways)
    for link, way in zip(links, ways, strict=True):
        reach = "" if link.sources == link.targets else rendering.reach_text(link)
        yield f"  {link.encryption:<9}  {way:<{width}}  {link.purpose}{f', {reach}' if reach else ''}"
        if link.note:
            yield f"             {link.note}"


def parties(names: Sequence[str]) -> str:
    """Several parties as one."""
    more = f" +{len(names) - _SHOWN}" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _target(link: Link) -> str:
    if link.sources == link.targets:
        return "each other"
    target = parties(link.targets)
    return f"{target}:{link.port}" if link.port else target


def _summary(certificates: Sequence[CertificateResult]) -> str:
    """The certificates of further clients, which may be many, in one line."""
    first = min(certificates, key=lambda certificate: certificate.not_after)
    where = PurePosixPath(first.path).parent
    count = len(certificates)
    what = "certificate" if count == 1 else "certificates"
    return (
        f"  {where}  {count:,} client {what}, the first to end: {first.client}, "
        f"{rendering.until_text(first)} (-v shows all)"
    )

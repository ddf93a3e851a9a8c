"""What status prints for people: the state, the certificates, the map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from compose_tls.cli.output import rendering

if TYPE_CHECKING:
    from compose_tls.results import (
        CertificateResult,
        DeclaredService,
        DeployedService,
        Link,
        StatusResult,
    )

_SHOWN = 3
_RUNS = {
    "current": "runs these files",
    "stale": "does not run these files",
    "absent": "not running",
    "foreign": "was made from elsewhere",
}


def status_lines(result: StatusResult, *, verbose: bool) -> Iterator[str]:
    """The result of status.

    Args:
        result: The result.
        verbose: Whether every certificate of every client is shown.
    """
    yield from _views(result)
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
    if result.next:
        yield f"next: {result.next}"


def _views(result: StatusResult) -> Iterator[str]:
    """What is declared, and what of it is recorded or deployed otherwise."""
    if not result.declared:
        yield "no service of this project runs Milvus, or none accepts clients"
    for declared in result.declared:
        yield f"{declared.service}: {_declared(declared)}"
        yield from (f"  differs: {text}" for text in declared.differs)
    if result.endpoint:
        yield f"  {result.endpoint.uri}, verified as {result.endpoint.server_name}"
    if result.not_looked_at:
        yield f"deployed: not looked at ({result.not_looked_at})"
    elif result.deployed:
        yield "deployed"
        yield from (line for one in result.deployed for line in _deployed(one))


def _declared(found: DeclaredService) -> str:
    if found.mode is None:
        return "not known whether TLS is on"
    place = f" ({found.place})" if found.place else ""
    if found.mode == 0:
        return f"TLS is off{place}"
    by = "" if found.by_compose_tls else ", not set up by compose-tls"
    return f"{rendering.mode_text(found.mode)}{by}"


def _deployed(found: DeployedService) -> Iterator[str]:
    first = f"  {found.service}  {_RUNS[found.state]}"
    yield f"{first}, {found.health}" if found.health else first
    yield from (f"    {reason}" for reason in found.reasons)


def link_lines(links: Sequence[Link]) -> Iterable[str]:
    """The map as a list: how, who, to whom, what for, and who else gets there."""
    ways = [f"{parties(link.sources)} -> {_target(link)}" for link in links]
    width = max(len(way) for way in ways)
    for link, way in zip(links, ways, strict=True):
        reach = "" if link.sources == link.targets else rendering.reach_text(link)
        until = f", until {link.not_after:%Y-%m-%d}" if link.not_after else ""
        about = f"{link.purpose}{f', {reach}' if reach else ''}{until}"
        yield f"  {link.encryption:<9}  {way:<{width}}  {about}"
        if link.reason:
            yield f"             {link.reason}"
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

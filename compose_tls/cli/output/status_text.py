"""What status prints for people: each view in a line; with -v every file, certificate and link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from compose_tls.cli.line import Line, Piece, Row, Style, fields, line, next_line
from compose_tls.cli.output import rendering
from compose_tls.vocabulary import ETCD_MEMBERS, Encryption

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
    "foreign": "was created from elsewhere",
}
_STATES: Final = {"as-written": "as enable wrote it"}
_COLOURS: Final[dict[str, Style]] = {
    "current": "good",
    "stale": "warning",
    "absent": "warning",
    "foreign": "warning",
    "encrypted": "good",
    "plain": "warning",
    "unknown": "faint",
}


def status_lines(result: StatusResult, *, verbose: bool) -> Iterator[Line]:
    """The result of status.

    Args:
        result: The result.
        verbose: Whether every file, certificate and connection is shown.
    """
    if not result.declared:
        yield line("no service of this project runs Milvus, or none accepts clients")
    for declared in result.declared:
        yield line(*_declared(declared), head=(Piece(declared.service, "strong"), ": "))
        for text in declared.differs:
            yield line(text, head=(Piece("  differs: ", "warning"),))
    if verbose:
        yield from _detail(result)
    else:
        yield from fields(_summary(result))
    if result.next:
        yield next_line(result.next)


def _declared(found: DeclaredService) -> tuple[str | Piece, ...]:
    if found.mode is None:
        return (Piece("unknown whether TLS is on", "warning"),)
    place = f" ({found.place})" if found.place else ""
    if found.mode == 0:
        return Piece("TLS is off", "warning"), place
    by = "" if found.by_compose_tls else ", not set up by compose-tls"
    return Piece(rendering.mode_text(found.mode), "good"), by


def _address(result: StatusResult) -> str | None:
    if result.endpoint is None:
        return f"unknown: {result.address_note}" if result.address_note else None
    note = f"; {result.address_note}" if result.address_note else ""
    uris = [f"{one.uri} ({one.service})" for one in result.declared if one.uri]
    where = ", ".join(uris) if len(uris) > 1 else result.endpoint.uri
    return f"{where}, verified as {result.endpoint.server_name}{note}"


def _summary(result: StatusResult) -> Iterator[Row]:
    """One line for each view."""
    if address := _address(result):
        yield "address", address
    if result.not_looked_at:
        yield "deployed", f"unknown: {result.not_looked_at}"
    for one in result.deployed:
        service = f"{one.service} " if len(result.deployed) > 1 else ""
        yield "deployed", (service, *_deployed(one))
    if own := [one for one in result.certificates if one.client is None]:
        yield "certificates", _certificates(own)
    if further := [one for one in result.certificates if one.client is not None]:
        yield "clients", _clients(further)
    if result.file_states:
        yield "files", _files(result)
    yield from _connections("still plain" if result.mode else "plain", "plain", result.links)
    yield from _connections("unknown", "unknown", result.links)


def _deployed(found: DeployedService) -> Iterator[str | Piece]:
    yield Piece(_RUNS[found.state], _COLOURS[found.state])
    if found.health:
        yield f", {found.health}"
    if found.reasons:
        shown, more = found.reasons[:_SHOWN], len(found.reasons) - _SHOWN
        yield f": {'; '.join(shown)}{f'; and {more} more, with -v' if more > 0 else ''}"


def _certificates(certificates: Sequence[CertificateResult]) -> tuple[str | Piece, ...]:
    """The first to end, which may be one of many."""
    first, until = _first_to_end(certificates)
    return until, f", the first to expire: {first.path}"


def _clients(certificates: Sequence[CertificateResult]) -> tuple[str | Piece, ...]:
    """Those of further clients, which may be many."""
    first, until = _first_to_end(certificates)
    where, count = PurePosixPath(first.path).parent, len(certificates)
    what = "certificate" if count == 1 else "certificates"
    return f"{count:,} {what} in {where}, the first to expire: {first.client}, ", until


def _first_to_end(certificates: Sequence[CertificateResult]) -> tuple[CertificateResult, Piece]:
    first = min(certificates, key=lambda certificate: certificate.not_after)
    return first, rendering.until_piece(first)


def _files(result: StatusResult) -> tuple[str | Piece, ...]:
    """What is not as it was written."""
    found = [
        f"{file.path} {file.state}" for file in result.file_states if file.state != "as-written"
    ]
    if found:
        return (Piece(", ".join(found), "warning"),)
    return (f"all {len(result.file_states)} as enable wrote them",)


def _connections(title: str, encryption: Encryption, links: Iterable[Link]) -> Iterator[Row]:
    """What is connected to so, each once, and who else gets there, if that is anyone.

    Who connects is named where others connect to the same port in another way: of a Milvus that speaks
    TLS, the port is not plain because an application says plain text to it.
    """
    links = tuple(links)
    ways: dict[str, set[Encryption]] = {}
    for link in links:
        ways.setdefault(_target(link), set()).add(link.encryption)
    told: dict[str, str] = {}
    for link in links:
        if link.encryption != encryption:
            continue
        reach = (
            f", {rendering.reach_text(link)}" if link.published in {"everyone", "address"} else ""
        )
        to = target = _target(link)
        if len(ways[target]) > 1:
            to, reach = f"{parties(link.sources)} -> {target}", ""
        told.setdefault(to, f"{link.purpose}{reach}")
    width = max(map(len, told), default=0)
    for target, what in told.items():
        yield title, what, f"{target:<{width}}  "
        title = ""


def _detail(result: StatusResult) -> Iterator[Line]:
    """Everything."""
    if address := _address(result):
        yield line(f"  {address}")
    if result.not_looked_at:
        yield _title("deployed")
        yield line(result.not_looked_at, head=("  unknown: ",))
    elif result.deployed:
        yield _title("deployed")
    for one in result.deployed:
        state, *others = _deployed(one.model_copy(update={"reasons": ()}))
        yield line(state, *others, head=(f"  {one.service}  ",))
        for reason in one.reasons:
            yield line(reason, head=("    ",))
    if result.file_states:
        yield _title("files")
        width = max(len(file.path) for file in result.file_states)
        for file in result.file_states:
            style: Style = "" if file.state == "as-written" else "warning"
            yield line(
                f"  {file.path:<{width}}  ", Piece(_STATES.get(file.state, file.state), style)
            )
    if result.certificates:
        yield _title("certificates")
        yield from rendering.certificate_lines(result.certificates)
    if result.links:
        yield _title("connections")
        yield from link_lines(result.links)


def _title(text: str) -> Line:
    return line(Piece(text, "strong"))


def link_lines(links: Sequence[Link]) -> Iterable[Line]:
    """The map as a list: how, from where, where to, what for, and who else gets there."""
    ways = [f"{parties(link.sources)} -> {_target(link)}" for link in links]
    width = max(len(way) for way in ways)
    for link, way in zip(links, ways, strict=True):
        reach = "" if link.sources == link.targets else rendering.reach_text(link)
        until = f", until {link.not_after:%Y-%m-%d}" if link.not_after else ""
        how = Piece(f"{link.encryption:<9}", _COLOURS[link.encryption])
        about = f"{link.purpose}{f', {reach}' if reach else ''}{until}"
        yield line(about, head=("  ", how, "  ", f"{way:<{width}}  "))
        if link.reason:
            yield line(link.reason, head=(" " * 13,))
        if link.note:
            yield line(link.note, head=(" " * 13,))


def parties(names: Sequence[str]) -> str:
    """Several parties as one."""
    more = f" +{len(names) - _SHOWN}" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _target(link: Link) -> str:
    if link.sources == link.targets and link.purpose != ETCD_MEMBERS:
        return "each other"
    target = parties(link.targets)
    return f"{target}:{link.port}" if link.port else target

"""The services that use etcd, the object store or a broker as well, and that TLS cuts off."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from compose_tls.compose.service import Service
from compose_tls.layout import CERTIFICATE, STACK_CA
from compose_tls.plan.clients import watches
from compose_tls.plan.stack_parts import CLIENTS, Part
from compose_tls.plan.stack_work import StackWork
from compose_tls.project.endpoints import carrier, inner_names, outer_names
from compose_tls.project.reachability import LOOPBACK, entries, names
from compose_tls.stack import by_hand
from compose_tls.stack.applications import naming, place_in
from compose_tls.vocabulary import TlsWarning


def others_cut_off(work: StackWork, switched: Collection[str]) -> Iterator[TlsWarning]:
    """The services that are not Milvus, and connect to what will not accept them as they are.

    Args:
        work: What is planned so far.
        switched: Those that get the TLS settings of the object store.
    """
    others = work.others()
    for part in work.servers:
        for other in others:
            if part.member.kind == "object-store" and other.name in switched:
                continue
            if (found := _reaches(work, other, part)) is not None:
                place, text = found
                says = f"connects to {place}, which then uses TLS"
            elif (why := _may_reach(work, other, part)) is not None:
                says, text = f"may connect to {part.service.name}, which then uses TLS: {why}", ""
            else:
                continue
            pki, shown = work.config.pki_dir, CLIENTS.get(part.member.kind)
            yield TlsWarning(
                "stack-client-cut-off",
                f"service {other.name} {says}",
                other.main.document.name,
                by_hand.lines(
                    other.text("image"),
                    f"{' '.join(other.command_line())} {text}",
                    work.variables(other),
                    other.text("user"),
                    ca=f"{pki}/{STACK_CA}{CERTIFICATE}",
                    client=f"{pki}/{shown}{CERTIFICATE}" if shown else None,
                    tls_dir=work.config.tls_dir,
                ),
                other.main.line(),
            )


def _reaches(work: StackWork, other: Service, part: Part) -> tuple[str, str] | None:
    """Where a service connects to a server, and the file that says so; ``None`` where nothing does."""
    services = work.project.compose.services
    own, ports = part.service, (part.member.port, *part.further_ports)
    if _share_network(work, other, own):
        hosts = inner_names(own, other, services)
        if found := _names(work, other, own, dict.fromkeys(ports, hosts), hosts - LOOPBACK):
            return found
    published = [one.published for port in ports for one in entries(carrier(own, services), port)]
    hosts = outer_names(own, other, services)
    return _names(work, other, own, {port: hosts for port in published if port is not None})


def _names(
    work: StackWork,
    other: Service,
    server: Service,
    places: Mapping[int, Collection[str]],
    alone: Collection[str] = (),
) -> tuple[str, str] | None:
    """Where a service names a server, and in which file; ``None`` where it does not.

    Args:
        work: What is planned so far.
        other: The service.
        server: The server.
        places: The names by which the service reaches it, by the port there.
        alone: Those that mean nothing but the server, also without a port.
    """
    said = work.variables(other)
    for port, hosts in places.items():
        either = "|".join(map(re.escape, sorted(hosts)))
        place = re.compile(rf"(?<![\w.-])(?:{either}):{port}(?!\d)")
        for text in (*other.command_line(), *(value or "" for value in said.values())):
            if found := place.search(text):
                return found[0], ""
        for variable, address in naming(said, hosts, (port,)):
            if address.port is not None or address.host in alone:
                return f"{address.host}:{port} ({variable})", ""
        for name, text in other.config_texts():
            if place_in(text.encode(), hosts, port):
                return f"{server.name}:{port} (config {name})", text
        for path in work.project.files_of(other):
            content = work.project.read(path) or b""
            if place_in(content, hosts, port):
                named = f"{server.name}:{port} ({work.project.relative(path)})"
                return named, content.decode(errors="replace")
    return None


def _may_reach(work: StackWork, other: Service, part: Part) -> str | None:
    """Why a service may use a server that it does not name; ``None`` for no reason."""
    if not names(part.service).isdisjoint(other.links().values()):
        return "it is linked to it"
    awaited = {*other.depends_on()}
    # Who waits for Milvus and for all that Milvus needs names the stack, and not what it uses.
    stack = {one.service.name for one in work.servers}
    whole = stack <= awaited and any(one.name in awaited for one in work.milvus)
    if part.service.name in awaited and not whole and not watches(other):
        return "it depends on it"
    return None


def _share_network(work: StackWork, one: Service, other: Service) -> bool:
    """Whether two services can meet by name, as far as the project tells."""
    places = [carrier(each, work.project.compose.services) for each in (one, other)]
    if any(place.text("network_mode") for place in places):
        return True
    first, second = ({*place.networks()} or {"default"} for place in places)
    return not first.isdisjoint(second)

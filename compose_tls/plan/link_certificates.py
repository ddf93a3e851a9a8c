"""The certificate of each encrypted connection, and the reason of each plain one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.layout import CA, CERTIFICATE, ETCD, client_identity, neighbours_directory
from compose_tls.project.declared_tls import DeclaredTls, shown_file
from compose_tls.project.model import Project
from compose_tls.project.reachability import is_anybody
from compose_tls.results import CertificateResult, Link
from compose_tls.stack import etcd, kafka, object_store
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_INTERNAL_TLS
from compose_tls.vocabulary import COMPONENTS, ETCD_MEMBERS, METRICS
from compose_tls.yamlpatch.intent import Route

_INTERNAL: Route = ("internaltls", "serverPemPath")


def with_certificates(
    project: Project,
    links: Sequence[Link],
    declared: Sequence[DeclaredTls],
    certificates: Iterable[CertificateResult],
) -> tuple[Link, ...]:
    """Connections with the certificates that their targets are configured to present.

    Args:
        project: The project as it is.
        links: The connections.
        declared: What its Milvus services do for clients.
        certificates: The certificates that were read.
    """
    known = {project.directory / one.path: one for one in certificates}

    def dated(link: Link) -> Link:
        if link.encryption == "plain":
            return link.model_copy(update={"reason": _reason(project, link)})
        if link.encryption != "encrypted":
            return link
        paths = (path for name in link.targets for path in _shown(project, name, link, declared))
        found = [known[path] for path in paths if path in known]
        if not found:
            return link
        first = min(found, key=lambda one: one.not_after)
        return link.model_copy(update={"certificate": first.path, "not_after": first.not_after})

    return tuple(map(dated, links))


def described(links: Iterable[Link], project: Project, config: TlsConfig) -> tuple[Link, ...]:
    """Links where those of neighbours say by which certificate they are encrypted, and until when.

    Args:
        links: Every link, as the files declare it.
        project: The project as it is.
        config: The settings; they say where certificates are.
    """
    state = project.state
    known = {one.service: one.files for one in (state.neighbours if state else None) or ()}
    milvus = {one.name for one in project.milvus}
    return tuple(
        link.model_copy(
            update={"note": link.note or _of_neighbour(link.sources[0], project, config)}
        )
        if link.encryption == "encrypted"
        and len(link.sources) == 1
        and link.sources[0] in known
        and not milvus.isdisjoint(link.targets)
        else link
        for link in links
    )


def _of_neighbour(service: str, project: Project, config: TlsConfig) -> str | None:
    certificates = project.observation.pki.certificates
    state = project.state
    identity = client_identity(service)
    shows = state is not None and any(one.name == identity for one in state.identities)
    facts = certificates.get(identity if shows else CA)
    if facts is None:
        return None
    if shows:
        return f"shows {config.pki_dir}/{identity}{CERTIFICATE}, until {facts.not_after:%Y-%m-%d}"
    place = f"{neighbours_directory(config.tls_dir)}/{service}/{CA}{CERTIFICATE}"
    return f"trusts {place}, until {facts.not_after:%Y-%m-%d}"


def _shown(
    project: Project, name: str, link: Link, declared: Sequence[DeclaredTls]
) -> Iterator[Path]:
    """The certificates on this host that a target shows on a connection."""
    service = project.compose.services.get(name)
    if service is None:
        return
    if link.purpose == ETCD_MEMBERS:
        return
    if link.purpose == COMPONENTS:
        milvus = next((one for one in project.milvus if one.name == name), None)
        target = milvus.configuration.get(_INTERNAL) if milvus else None
    elif link.purpose == "metadata":
        target = etcd.certificate(service.command_line(), service.container_variables(project.read))
    elif link.purpose == "object store":
        target = _of_store(service)
    elif link.purpose == "messages":
        broker = kafka.kind(service.text("image"))
        target = kafka.certificate(broker) if broker else None
    else:
        yield from (
            file.path
            for one in declared
            if one.name == name
            for file in one.files
            if file.path and file.name.endswith(".pem")
        )
        return
    path = shown_file(service, target)[1] if target else None
    if path is not None:
        yield path


def _of_store(service: Service) -> str | None:
    image, command = service.text("image"), service.command_line()
    kind = object_store.kind(image, command)
    return object_store.certificate(kind, image, command, service.text("user")) if kind else None


def _reason(project: Project, link: Link) -> str | None:
    """Why a connection is plain text; ``None`` where its note says so."""
    if link.purpose == METRICS:
        return "Milvus has no TLS there, in any mode"
    inside = all(name in project.compose.services for name in link.targets)
    if link.purpose == ETCD_MEMBERS:
        return "running members cannot reach members with TLS, so compose-tls does not change them"
    if link.purpose == COMPONENTS:
        old = min((one.version for one in project.milvus if one.name in link.targets), default=None)
        if old is not None and old < FIRST_WITH_INTERNAL_TLS:
            return f"Milvus {old} cannot encrypt it; {FIRST_WITH_INTERNAL_TLS} and newer can"
        return "internaltls is not set in Milvus"
    services = project.compose.services.values()
    if any(is_anybody(name, services) for name in link.targets):
        return "on the network of the host, services cannot be told apart: set up TLS by hand"
    if not inside:
        return "the server is outside the project: set up its TLS there"
    return _reason_of_server(project, link)


def _reason_of_server(project: Project, link: Link) -> str | None:
    known = {kafka.kind(project.compose.services[name].text("image")) for name in link.targets}
    if link.purpose == "messages" and None in known:
        return "compose-tls sets up TLS for no other broker than Kafka, of images that it knows"
    identities = project.state.identities if project.state else ()
    ours = {name for one in identities if one.name == ETCD for name in one.members}
    for service in (project.compose.services[name] for name in link.targets):
        image, command = service.text("image"), service.command_line()
        if link.purpose == "metadata":
            why = etcd.stays(image, command, service.container_variables(project.read))
            if why is not None and service.name not in ours:
                return f"{why}: set up its TLS by hand"
        if link.purpose == "object store" and object_store.kind(image, command) is None:
            return (
                "compose-tls does not know the TLS settings of this object store: set it up by hand"
            )
    if link.purpose in {"metadata", "object store", "messages"}:
        return "Milvus has no TLS settings for it: compose-tls enable --scope all"
    return None

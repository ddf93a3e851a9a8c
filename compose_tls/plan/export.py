"""What ``export`` exports: the set-up with the names of its target, and certificates for them.

The server's own certificate serves where it holds every name of the target. Elsewhere the server gets one
of its own from the CA of the project: clients trust that already, no key is at two places, and the
project's own server, which has nothing to do with it, is not restarted. etcd and the object store of a
Kubernetes cluster always get their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from compose_tls import layout
from compose_tls.changes import (
    CertificateOrder,
    CreateFile,
    FileChange,
    KeepFile,
    MakeDirectory,
    Pending,
    ServerSource,
)
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateExpired, CertificateUnreadable, NameNotCovered
from compose_tls.observation import CertificateFacts, ClientFacts, Observation
from compose_tls.pki.names import covers, split_names
from compose_tls.plan.ca_rollover import ca_of, require_issuer
from compose_tls.plan.identities import orders_for, plan_identities
from compose_tls.plan.lifetimes import is_due, require_ca_valid
from compose_tls.plan.stack_identities import stack_order, with_stack
from compose_tls.plan.stack_wanted import stack_of
from compose_tls.plan.tls_setup import tls_setup
from compose_tls.project.enabled import EnabledProject
from compose_tls.project.endpoints import found_names
from compose_tls.project.milvus_services import select
from compose_tls.project.model import Project
from compose_tls.setup import Directory, Identity, Member, TlsSetup
from compose_tls.targets.release import DEPENDENCIES, Release
from compose_tls.vocabulary import has_ended
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.query import Found, roots

_LOCAL = ("localhost", "127.0.0.1", "::1")
"""A forwarded port: ``kubectl port-forward``."""


def export_setup(
    project: Project, services: Sequence[str], config: TlsConfig, release: Release, now: datetime
) -> TlsSetup:
    """The set-up of a project, its server with the names that it has in the target.

    Args:
        project: The project, without what an earlier enable put in.
        services: Those that were enabled.
        config: The settings.
        release: What it is deployed as.
        now: The time that validity is judged by.

    Raises:
        NameInvalid: A host is not allowed in a certificate.
        CertificateError: The CA of the project cannot be used.
    """
    milvus = select(project.compose, project.milvus, services)
    proxies = ((one.service, one.configuration.proxy_port) for one in milvus)
    found = found_names(proxies, project.compose.services)
    members = tuple(one.name for one in milvus)
    planned = plan_identities(project.observation, config, members, found, now)
    stack = stack_of(project, milvus, config)
    planned = with_stack(planned, stack.identities, project.observation, config, now)
    setup = tls_setup(milvus, planned, config, stack)
    kept = (one for one in setup.identities if one.name != layout.NEXT_CA)
    return replace(setup, identities=tuple(_renamed(one, release, config) for one in kept))


def with_applications(setup: TlsSetup, located: EnabledProject, config: TlsConfig) -> TlsSetup:
    """A set-up with the directories of ours that further services mount, and what is in each.

    Args:
        setup: The set-up.
        located: The project as it is.
        config: The settings.
    """
    own = layout.neighbours_directory(config.tls_dir)
    files = {
        f"{own}/{one.service}": tuple(
            (name, _of_neighbour(one.service, name)) for name in one.files
        )
        for one in located.state.neighbours or ()
    }
    cas = f"{config.tls_dir}/{layout.OBJECT_STORE}/{layout.STORE_CAS}"
    files[cas] = tuple(
        (there.removeprefix(f"{layout.STORE_CAS}/"), file)
        for there, file in layout.STACK_FILES[layout.OBJECT_STORE]
        if there.startswith(f"{layout.STORE_CAS}/")
    )
    project = located.project
    members = (
        Member(service.name, "application", (), Directory(folder, mount.target, files[folder]), 0)
        for service in project.compose.services.values()
        for mount in service.mounts()
        if mount.host_path and (folder := project.relative(mount.host_path)) in files
    )
    return replace(setup, members=(*setup.members, *members))


def _of_neighbour(service: str, name: str) -> str:
    """What a file that a neighbour sees is called: its certificate and key as in the PKI directory."""
    own = name in {layout.CLIENT_CERTIFICATE, layout.CLIENT_KEY}
    return f"{layout.client_identity(service)}.{name.removeprefix(f'{layout.CLIENT}.') if own else name}"


def export_orders(
    setup: TlsSetup, config: TlsConfig
) -> tuple[tuple[CertificateOrder, str | None], ...]:
    """What its certificates would be, made again, and the name of the issuer of each; the CA first."""
    orders = orders_for(
        {one.name: one for one in setup.identities if one.name not in layout.STACK}, config
    )
    stack = (stack_order(one, config) for one in setup.identities if one.name in layout.STACK)
    return (
        *(
            (replace(order, identity=name), None if name == layout.CA else layout.CA)
            for name, order in orders.items()
        ),
        *((order, None if order.name == layout.STACK_CA else layout.STACK_CA) for order in stack),
    )


def own_stem(release: Release, config: TlsConfig, directory: Path, identity: str) -> Path:
    """Where certificate and key of a server of its own are, without suffix."""
    stem = release.stem if identity == layout.SERVER else f"{release.stem}.{identity}"
    return directory / config.pki_dir / layout.EXPORTS_DIRECTORY / stem


def files_of(
    directories: Iterable[Directory], config: TlsConfig, directory: Path
) -> dict[str, Path]:
    """Where the files lie that members see, by their name in the PKI directory.

    What is public is taken from where containers get it; keys there may be those of another user.
    """
    return {
        file: directory
        / (Path(config.pki_dir, file) if file.endswith(layout.KEY) else Path(one.source, there))
        for one in directories
        for there, file in one.files
    }


def plan_server(
    located: EnabledProject,
    config: TlsConfig,
    release: Release,
    identity: Identity,
    own: ClientFacts,
    now: datetime,
) -> ServerSource:
    """Decide where the certificate of Milvus, etcd or the object store of a release comes from.

    Args:
        located: The project.
        config: The settings.
        release: What it is deployed as.
        identity: The server, with the names that it has there.
        own: What an earlier ``export`` has issued for it.
        now: The time that validity is judged by.

    Raises:
        NameNotCovered: The certificate was provided, and does not hold the names.
        CertificateError: The CA to issue under cannot be used.
    """
    observation = located.project.observation
    for_clients = identity.name == layout.SERVER
    if for_clients and (shared := _shared(observation, config, release, identity)) is not None:
        return shared
    stem = own_stem(release, config, observation.directory, identity.name)
    issuer = ca_of(observation, config) if for_clients else _stack_ca(observation, config, now)
    if for_clients:
        require_ca_valid(issuer, config, now)
    if _stays(own, identity, issuer, config, now):
        return _source(identity, stem, own, None)
    if not for_clients:
        return _source(identity, stem, own, stack_order(identity, config))
    require_issuer(observation, config, "end-entities")
    return _source(
        identity, stem, own, orders_for({layout.SERVER: identity}, config)[layout.SERVER]
    )


def _shared(
    observation: Observation, config: TlsConfig, release: Release, identity: Identity
) -> ServerSource | None:
    """The certificate of the project, where it holds every name of the release."""
    shared = observation.pki.certificates.get(layout.SERVER)
    missing = _missing(_required(identity, release, config), shared)
    if shared is not None and not missing:
        return ServerSource(identity, observation.directory / config.pki_dir / layout.SERVER)
    if config.server_cert is not None:
        other = ", or let cert-manager issue one: compose-tls export cert-manager"
        raise NameNotCovered(
            f"{config.server_cert} does not include {', '.join(missing)}",
            hint="give a certificate that includes them with compose-tls enable --server-cert"
            f"{'' if release.target == 'swarm' else other}",
            path=config.server_cert,
        )
    return None


def _stack_ca(observation: Observation, config: TlsConfig, now: datetime) -> CertificateFacts:
    """The CA of the parts of the project.

    Raises:
        CertificateError: It cannot be used.
    """
    path = f"{config.pki_dir}/{layout.STACK_CA}{layout.CERTIFICATE}"
    usable = layout.STACK_CA in observation.pki.usable
    issuer = observation.pki.certificates.get(layout.STACK_CA) if usable else None
    if issuer is None:
        raise CertificateUnreadable(
            f"{path} or its key is missing or damaged",
            hint="run compose-tls enable, which issues it again with all under it",
            path=path,
        )
    if has_ended(issuer.not_after, now):
        raise CertificateExpired(
            f"the CA {path} expired on {issuer.not_after:%Y-%m-%d}",
            hint="run compose-tls renew, then export again",
            path=path,
        )
    return issuer


def _stays(
    own: ClientFacts,
    identity: Identity,
    issuer: CertificateFacts,
    config: TlsConfig,
    now: datetime,
) -> bool:
    """Whether what an earlier ``export`` has issued still serves."""
    found = own.certificate
    return (
        found is not None
        and own.trusted
        and found.issuer == issuer.subject
        and not _missing((*identity.dns_names, *identity.ip_addresses), found)
        and not is_due(found, issuer, now)
        and not ("key_type" in config.model_fields_set and found.key_type != config.key_type)
    )


def _source(
    identity: Identity, stem: Path, own: ClientFacts, order: CertificateOrder | None
) -> ServerSource:
    """A certificate of its own: what is ordered, or else what an earlier ``export`` has issued."""
    changes: list[FileChange] = [MakeDirectory(stem.parent, layout.PRIVATE_DIRECTORY)]
    for suffix, mode in ((layout.CERTIFICATE, layout.PUBLIC), (layout.KEY, layout.PRIVATE)):
        path, there = stem.parent / f"{stem.name}{suffix}", own.files[suffix]
        before = there.sha256 if there else None
        new = CreateFile(path, Pending(path.name), mode, before)
        changes.append(new if order else KeepFile(path, before))
    return ServerSource(identity, stem, tuple(changes), order)


def _renamed(identity: Identity, release: Release, config: TlsConfig) -> Identity:
    """An identity with the names that the target has for it; those of clients are the same everywhere."""
    elsewhere = release.target in {"swarm", "openssl"}
    if identity.name in DEPENDENCIES and not elsewhere:
        dns_names, ip_addresses = split_names((*release.dependency_names(identity.name), *_LOCAL))
        return replace(identity, dns_names=dns_names, ip_addresses=ip_addresses)
    if identity.name != layout.SERVER:
        return identity
    own = (*identity.dns_names, *identity.ip_addresses)
    names = _required(identity, release, config)
    dns_names, ip_addresses = split_names(
        (*names, *(own if elsewhere else (*config.names, *_LOCAL)))
    )
    return replace(identity, dns_names=dns_names, ip_addresses=ip_addresses)


def _required(identity: Identity, release: Release, config: TlsConfig) -> tuple[str, ...]:
    """The names without which clients of the target are not accepted."""
    if release.target == "openssl":
        return release.hosts
    if release.target == "swarm":
        found = [name for one in identity.members for name in release.swarm_names(one)]
    else:
        found = list(release.cluster_names())
    return (*found, config.server_name, *release.hosts)


def _missing(names: Sequence[str], facts: CertificateFacts | None) -> list[str]:
    if facts is None:
        return list(names)
    return [one for one in names if not covers(one, facts.dns_names, facts.ip_addresses)]


def compose_version(project: Project) -> str | None:
    """What the first compose file says under ``version``, which only the CLI for stacks still minds."""
    found = (root.text("version") for root in _roots(project, project.observation.compose_files[0]))
    return next(found, None)


def own_sources(project: Project) -> frozenset[str]:
    """The configs and secrets that the compose files have themselves, by their names there."""
    return frozenset(
        name
        for path in project.observation.compose_files
        for root in _roots(project, path)
        for section in ("configs", "secrets")
        for name in root.entries(section)
    )


def _roots(project: Project, path: Path) -> list[Found]:
    """What a compose file says, as a whole."""
    return roots(parse(project.read(path) or b"", project.relative(path)))[:1]

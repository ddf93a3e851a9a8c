"""The plan of ``client``: a certificate and key for each name, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from compose_tls.changes import (
    CertificateOrder,
    CreateFile,
    FileChange,
    KeepFile,
    MakeDirectory,
    Pending,
    Plan,
    PlanWarning,
    relative,
)
from compose_tls.config import TlsConfig
from compose_tls.errors import ValueInTheWay
from compose_tls.facts import CertificateFacts, ClientFacts, Observation, TlsMode
from compose_tls.pki.client_names import client_dns_name
from compose_tls.pki.subject import escaped
from compose_tls.plan.certificates import is_due, require_ca_valid, subject_of
from compose_tls.plan.locate import Located
from compose_tls.plan.modes import PRIVATE, PRIVATE_DIRECTORY, PUBLIC
from compose_tls.plan.renewal import ca_of, require_issuer

UNLOCK_SUFFIX: Final = ".p12.passphrase"
"""How the file ends that opens a PKCS #12 file, where the user gave nothing that does."""

CLIENT_SUFFIXES: Final = (".pem", ".key", ".p12", ".passphrase")


@dataclass(frozen=True, slots=True)
class ClientsPlan:
    """A plan, and what has to be made for it.

    Attributes:
        plan: The plan.
        orders: What is to be issued, by the client's name.
        kept: The certificates that stay, by the client's name.
        bundled: The clients that get a PKCS #12 file.
    """

    plan: Plan
    orders: dict[str, CertificateOrder]
    kept: dict[str, CertificateFacts]
    bundled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Attributes:
        directory: Where the files go.
        own_place: Whether that is the place for them in the PKI directory.
        p12: Whether each client gets a PKCS #12 file as well.
        own_passphrase: Whether its passphrase is the user's, and so written nowhere.
        force: Whether certificates that are good for long are replaced too.
    """

    directory: Path
    own_place: bool
    p12: bool
    own_passphrase: bool
    force: bool


def require_place(observation: Observation, located: Located, directory: Path) -> None:
    """Make sure that keys of clients do not go where a container gets to see them.

    Raises:
        ValueInTheWay: They would.
    """
    mounted = observation.directory / located.state.tls_dir
    if directory.is_relative_to(mounted):
        name = relative(directory, observation.directory)
        raise ValueInTheWay(
            f"{name} is mounted into {located.milvus.name}, which must not see the keys of clients",
            hint="choose another directory with --out",
            path=name,
        )


def plan_clients(
    observation: Observation,
    config: TlsConfig,
    clients: Sequence[ClientFacts],
    wanted: Wanted,
    now: datetime,
) -> ClientsPlan:
    """Decide for each client whether it has what it needs.

    Args:
        observation: The project as it is.
        config: The settings.
        clients: What lies under each name.
        wanted: What is asked for.
        now: The time that validity is judged by.

    Raises:
        CertificateUnreadable: The CA or its key is not here.
        CertificateExpired: The CA has expired.
        ValueInTheWay: A file under a client's name is not that client's.
    """
    issuer = observation.pki.next_ca or ca_of(observation, config)
    require_ca_valid(issuer, config, now)
    orders: dict[str, CertificateOrder] = {}
    kept: dict[str, CertificateFacts] = {}
    for client in clients:
        found = client.certificate
        _require_own(client, wanted, observation.directory)
        good = client.trusted and found is not None and found.issuer == issuer.subject
        if found is not None and good and not is_due(found, now) and not wanted.force:
            kept[client.name] = found
        else:
            orders[client.name] = _order(client.name, config)
    if orders:
        require_issuer(observation, config, "end-entities")
    changes = [change for client in clients for change in _changes(client, wanted, orders)]
    written = {change.path.name for change in changes if isinstance(change, CreateFile)}
    bundled = tuple(client.name for client in clients if f"{client.name}.p12" in written)
    plan = Plan(
        observation.directory,
        (MakeDirectory(wanted.directory, PRIVATE_DIRECTORY), *changes),
        tuple(orders.values()),
        tuple(_warnings(config)),
    )
    return ClientsPlan(plan, orders, kept, bundled)


def suffixes(*, p12: bool, own_passphrase: bool) -> tuple[str, ...]:
    """What the names of a client's files end in."""
    bundle = (".p12", *(() if own_passphrase else (UNLOCK_SUFFIX,)))
    return (".pem", ".key", *(bundle if p12 else ()))


def _order(name: str, config: TlsConfig) -> CertificateOrder:
    return CertificateOrder(
        "client",
        subject_of(escaped(name), config),
        config.key_type,
        config.days,
        (client_dns_name(name),),
    )


def _changes(
    client: ClientFacts, wanted: Wanted, orders: dict[str, CertificateOrder]
) -> Iterable[FileChange]:
    bundle_is_whole = all(client.files[suffix] for suffix in client.files)
    for suffix, facts in client.files.items():
        path = wanted.directory / f"{client.name}{suffix}"
        stays = client.name not in orders and (suffix in {".pem", ".key"} or bundle_is_whole)
        before = facts.sha256 if facts else None
        if stays:
            yield KeepFile(path, before)
        else:
            mode = PUBLIC if suffix == ".pem" else PRIVATE
            yield CreateFile(path, Pending(path.name), mode, before)


def _require_own(client: ClientFacts, wanted: Wanted, directory: Path) -> None:
    """Never write over what is somebody else's: a file is the client's beside its certificate.

    Elsewhere than in the PKI directory, it may be that of its namesake in another project.
    """
    found = client.certificate
    named = found is not None and client_dns_name(client.name) in found.dns_names
    if named and (client.trusted or wanted.own_place or wanted.force):
        return
    for facts in client.files.values():
        if facts is not None:
            name = relative(facts.path, directory)
            raise ValueInTheWay(
                f"{name} is there already, and is no certificate or key of the client {client.name} "
                "from the CA of this project",
                hint="move it away, or choose another directory with --out",
                path=name,
            )


def _warnings(config: TlsConfig) -> Iterable[PlanWarning]:
    if config.tls_mode is not TlsMode.MUTUAL:
        yield PlanWarning(
            "clients-not-asked",
            "in mode 1 Milvus asks no client for a certificate",
            hint="run compose-tls enable --mode 2 for a server that does",
        )

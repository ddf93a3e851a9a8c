"""The plan of ``client``: a certificate and a key for each name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from compose_tls.changes import (
    CertificateOrder,
    CreateFile,
    FileChange,
    KeepFile,
    MakeDirectory,
    Pending,
    Plan,
    RemoveFile,
    relative,
)
from compose_tls.config import TlsConfig
from compose_tls.errors import ValueInTheWay
from compose_tls.layout import BUNDLE, CERTIFICATE, KEY, PRIVATE, PRIVATE_DIRECTORY, PUBLIC, UNLOCK
from compose_tls.observation import CertificateFacts, ClientFacts, Observation
from compose_tls.pki.client_names import client_dns_name
from compose_tls.pki.subject import escaped
from compose_tls.plan.ca_rollover import client_issuer, require_client_issuer
from compose_tls.plan.identities import subject_of
from compose_tls.plan.lifetimes import is_due, require_ca_valid
from compose_tls.project.enabled import EnabledProject
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning


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
class WantedClients:
    """What is asked for.

    Attributes:
        directory: Where the files go.
        own_place: Whether that is the place for them in the PKI directory.
        p12: Whether each client gets a PKCS #12 file as well.
        own_passphrase: Whether its passphrase is the user's, and so written nowhere.
        force: Whether certificates that are valid for long are replaced too.
    """

    directory: Path
    own_place: bool
    p12: bool
    own_passphrase: bool
    force: bool


def require_place(
    located: EnabledProject,
    directory: Path,
    what: str = "the keys of clients",
    option: str = "--out",
) -> None:
    """Make sure that keys do not go where a container gets to see them.

    Args:
        located: The project.
        directory: Where they would go, a directory or a file.
        what: Whose keys they are.
        option: The option that names another place.

    Raises:
        ValueInTheWay: They would.
    """
    mounted = located.project.directory / located.state.settings.tls_dir
    if directory.is_relative_to(mounted):
        name = located.project.relative(directory)
        services = ", ".join(one.name for one in located.milvus)
        raise ValueInTheWay(
            f"{name} is mounted into {services}, which must not see {what}",
            hint=f"choose another directory with {option}",
            path=name,
        )


def plan_clients(
    observation: Observation,
    config: TlsConfig,
    clients: Sequence[ClientFacts],
    wanted: WantedClients,
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
    issuer = client_issuer(observation, config)
    require_ca_valid(issuer, config, now)
    orders: dict[str, CertificateOrder] = {}
    kept: dict[str, CertificateFacts] = {}
    for client in clients:
        found = client.certificate
        _require_own(client, wanted, observation.directory)
        good = client.trusted and found is not None and found.issuer == issuer.subject
        if found is not None and good and not is_due(found, issuer, now) and not wanted.force:
            kept[client.name] = found
        else:
            orders[client.name] = _order(client.name, config)
    if orders:
        require_client_issuer(observation, config)
    changes = [
        change
        for client in clients
        for change in _changes(client, wanted, issued=client.name in orders)
    ]
    written = {change.path.name for change in changes if isinstance(change, CreateFile)}
    bundled = tuple(client.name for client in clients if f"{client.name}{BUNDLE}" in written)
    plan = Plan(
        observation.directory,
        (MakeDirectory(wanted.directory, PRIVATE_DIRECTORY), *changes),
        tuple(_warnings(config)),
    )
    return ClientsPlan(plan, orders, kept, bundled)


def _order(name: str, config: TlsConfig) -> CertificateOrder:
    return CertificateOrder(
        "client",
        subject_of(escaped(name), config),
        config.key_type,
        config.days,
        (client_dns_name(name),),
    )


def _changes(client: ClientFacts, wanted: WantedClients, *, issued: bool) -> Iterator[FileChange]:
    """The files of a client. A PKCS #12 file follows its key, asked for or not."""

    def at(suffix: str) -> tuple[Path, str | None]:
        facts = client.files[suffix]
        return wanted.directory / f"{client.name}{suffix}", facts.sha256 if facts else None

    def change(suffix: str, *, stays: bool) -> FileChange:
        path, before = at(suffix)
        mode = PUBLIC if suffix == CERTIFICATE else PRIVATE
        return (
            KeepFile(path, before) if stays else CreateFile(path, Pending(path.name), mode, before)
        )

    yield change(CERTIFICATE, stays=not issued)
    yield change(KEY, stays=not issued)
    bundled, unlocked = (client.files[suffix] is not None for suffix in (BUNDLE, UNLOCK))
    if not wanted.p12 and not (issued and bundled):
        return
    # Whether the user's passphrase opens the existing file is not known; ours is in a file next to it.
    stays = not issued and bundled and unlocked != wanted.own_passphrase
    yield change(BUNDLE, stays=stays)
    if not wanted.own_passphrase:
        yield change(UNLOCK, stays=stays)
    elif unlocked:
        yield RemoveFile(*at(UNLOCK))


def _require_own(client: ClientFacts, wanted: WantedClients, directory: Path) -> None:
    """Never write over what is someone else's: a file is the client's next to its certificate.

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
                f"{name} already exists, and is not a certificate or key of the client "
                f"{client.name} from the CA of this project",
                hint="move it away, or choose another directory with --out",
                path=name,
            )


def _warnings(config: TlsConfig) -> Iterable[TlsWarning]:
    if config.tls_mode is not TlsMode.MUTUAL:
        yield TlsWarning(
            "clients-not-asked",
            "in mode 1 Milvus does not ask clients for a certificate",
            hint="run compose-tls enable --mode 2 to require one",
        )

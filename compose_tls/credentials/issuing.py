"""Certificates for a plan: gathered, rehearsed, and turned into file contents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path

from compose_tls import layout
from compose_tls.changes import CreateFile, IdentityPlan, Pending, Plan, relative
from compose_tls.config import TlsConfig
from compose_tls.credentials.gather import Credentials, gather
from compose_tls.credentials.key_files import CHECK_PATH, KeyFiles, read
from compose_tls.credentials.soundness import ANOTHER_CA, unsound
from compose_tls.errors import CertificateUnreadable
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.pki.load import certificate_facts
from compose_tls.pki.signing_request import signing_request
from compose_tls.pki.system_trust import public_roots
from compose_tls.project.model import taken_over
from compose_tls.results import CertificateResult
from compose_tls.state.recorded import State, file_digests, identity_records
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning


@dataclass(frozen=True, slots=True)
class Issued:
    """What a plan's pending contents stand for, and what was issued or kept, as results."""

    contents: Mapping[str, bytes] = field(repr=False)
    certificates: tuple[CertificateResult, ...]
    warnings: tuple[TlsWarning, ...]


def require_sound(
    observation: Observation,
    config: TlsConfig,
    state: State | None,
    replaced: Collection[str] = (),
) -> None:
    """Make sure that what is in the PKI directory is whole, or can be issued again.

    A damaged CA or its key is never quietly replaced: clients trust it. Nor is anything else while the
    key that would issue it is elsewhere.

    Args:
        observation: What is there.
        config: The settings; they say where.
        state: What is recorded: a copy of a CA that is gone is as good.
        replaced: The CAs that another one replaces: they need no key, nor has one that has not taken over
            to be there.

    Raises:
        CertificateError: What is wrong with which file.
    """
    if config.server_cert is not None or config.ca_cert is not None:
        return
    is_issuer = layout.CA in observation.pki.usable or replaced
    for one in unsound(observation, config, state):
        gives_way = one.name in replaced and (one.is_ca_key or one.command == ANOTHER_CA)
        is_issued = one.name in layout.STACK or (
            is_issuer and one.name not in {layout.CA, layout.NEXT_CA}
        )
        if not is_issued and not gives_way:
            if one.command == one.error.hint:
                one.error.hint += ", then run this again"
            raise one.error


def require_issuer(
    planned: IdentityPlan, directory: Path, config: TlsConfig
) -> Mapping[str, datetime]:
    """Make sure that what is ordered can be issued: the key of the existing CA may be elsewhere.

    Returns:
        When each CA of an order ends, or one above it, by the paths of what it issues.

    Raises:
        CertificateError: It cannot be read, or does not belong together.
    """
    ends: dict[str, datetime] = {}
    for name in (layout.CA, layout.CLIENT_CA):
        ca = planned.source(name)
        orders = [one.order for one in planned.identities if one.issuer == name and one.order]
        if ca in {"existing", "provided"} and orders:
            issuer = KeyFiles(directory, config).issuer(name, provided=ca == "provided")
            end = certificate_facts(issuer.full_chain_pem, path=name).not_after
            paths = (f"{config.pki_dir}/{one.name}{layout.CERTIFICATE}" for one in orders)
            ends |= dict.fromkeys(paths, end)
    return ends


def issue(
    planned: IdentityPlan,
    state: State,
    observation: Observation,
    config: TlsConfig,
    now: datetime,
    *,
    plan: Plan,
) -> Issued:
    """Fill the orders of a plan, and rehearse what comes out before anything is written.

    Args:
        planned: Where each identity comes from.
        state: What is to be recorded.
        observation: What the plan was made from.
        config: The settings.
        now: The time that validity starts from and is judged by.
        plan: What is going to be written.

    Raises:
        CertificateError: A certificate or key cannot be used, or does not pass the rehearsal.
    """
    directory = observation.directory
    found = gather(planned, directory, config, now)
    files = KeyFiles(directory, config)
    if plan.changed:
        _rehearse(planned, found, config, now)
        if (
            len(planned.trusted) > 1
            and planned.client_ca == layout.CA
            and layout.CLIENT in observation.pki.usable
        ):
            # Clients with a certificate of the old CA must still be accepted.
            outgoing = {**found.held, layout.CLIENT: files.existing(layout.CLIENT)}
            _rehearse(planned, replace(found, held=outgoing), config, now)
    if planned.source(layout.SERVER) == "provided":
        for path in taken_over(directory, config):
            _require_pem(path, directory)
    needs_roots = any(
        isinstance(change, CreateFile) and change.content == Pending(layout.NEIGHBOUR_ROOTS)
        for change in plan.changes
    )
    contents = _contents(found, planned)
    contents |= _beside(planned, found, files, needs_roots=needs_roots)
    contents |= _bundle(contents, plan, observation, config)
    facts = {
        one.identity.name: certificate_facts(
            contents[f"{one.identity.name}{layout.CERTIFICATE}"], path=one.identity.name
        )
        for one in planned.identities
    }
    digests = {name: each.sha256 for name, each in facts.items()}
    written = file_digests(plan.changes, contents, directory)
    records = identity_records(planned, digests, config, directory, written)
    contents[layout.STATE_FILE] = state.model_copy(update={"identities": records}).render()
    return Issued(contents, _results(facts, directory, config, now), found.concerns)


def _require_pem(path: Path, directory: Path) -> None:
    """Make sure that Milvus can read a file that stays as it is.

    Raises:
        CertificateUnreadable: It is not PEM, or its key is encrypted.
    """
    content = read(path, directory, CHECK_PATH)
    if b"-----BEGIN " not in content or b"ENCRYPTED" in content:
        name = relative(path, directory)
        raise CertificateUnreadable(
            f"{name} is used as it is, and Milvus only reads PEM without a passphrase",
            hint=f"move {path.parent.name} to another name and give the files from there",
            path=name,
        )


def _rehearse(planned: IdentityPlan, found: Credentials, config: TlsConfig, now: datetime) -> None:
    from compose_tls.pki.rehearse import rehearse  # noqa: PLC0415 - pulls ssl in

    rehearse(
        found.held[layout.SERVER],
        found.ca_pem,
        found.held.get(layout.CLIENT),
        client_ca_pem=found.client_ca_pem,
        server_names=_verified_names(planned, config),
        mode=config.tls_mode,
        now=now,
    )
    for name in (layout.ETCD, layout.OBJECT_STORE, layout.KAFKA, layout.INTERNAL):
        one = planned.get(name)
        if one is None:
            continue
        rehearse(
            found.held[name],
            found.held[layout.STACK_CA].certificate_pem,
            found.held[layout.CLIENT_OF[name]] if name in layout.CLIENT_OF else None,
            server_names=[*one.identity.dns_names, *one.identity.ip_addresses],
            mode=TlsMode.MUTUAL if name in layout.CLIENT_OF else TlsMode.ONE_WAY,
            now=now,
        )


def _contents(found: Credentials, planned: IdentityPlan) -> dict[str, bytes]:
    """What the files of the PKI directory, and their copies, hold."""
    contents = {
        f"{planned.client_ca}{layout.CERTIFICATE}": found.client_ca_pem,
        layout.CA_CERTIFICATE: found.ca_pem,
    }
    for name, held in found.held.items():
        if name not in {layout.CA, layout.CLIENT_CA}:
            contents[f"{name}{layout.CERTIFICATE}"] = held.full_chain_pem
        contents[f"{name}{layout.KEY}"] = held.private_key_pem
    if layout.KAFKA in found.held:
        broker = found.held[layout.KAFKA]
        contents[layout.KAFKA_KEYSTORE] = broker.private_key_pem + broker.full_chain_pem
    return contents


def _beside(
    planned: IdentityPlan, found: Credentials, files: KeyFiles, *, needs_roots: bool
) -> dict[str, bytes]:
    """What is next to them: requests, a serial number, a CA that gave way; the CA with public ones."""
    contents = {
        f"{order.name}{layout.REQUEST}": signing_request(
            order, found.held[order.name].private_key_pem
        )
        for order in planned.requests
    }
    if needs_roots:
        contents[layout.NEIGHBOUR_ROOTS] = public_roots() + found.ca_pem
    if files.config.csr:
        latest = certificate_facts(found.held[layout.CLIENT].certificate_pem, path=layout.CLIENT)
        contents[layout.SERIAL_FILE] = f"{latest.serial.upper()}\n".encode()
    for name, kept in planned.retired:
        old = files.existing(name)
        contents[f"{kept}{layout.CERTIFICATE}"] = old.full_chain_pem
        contents[f"{kept}{layout.KEY}"] = old.private_key_pem
    return contents


def _bundle(
    contents: Mapping[str, bytes], plan: Plan, observation: Observation, config: TlsConfig
) -> dict[str, bytes]:
    """The roots that Milvus trusts in addition to the CA of the parts of the project."""
    ca = contents.get(f"{layout.STACK_CA}{layout.CERTIFICATE}")
    path = observation.directory / config.pki_dir / layout.PUBLIC_ROOTS
    new = [one.content for one in plan.changes if isinstance(one, CreateFile) and one.path == path]
    roots = new[0] if new else observation.content(path)
    return (
        {layout.CA_BUNDLE: layout.ca_bundle(roots, ca)} if ca and isinstance(roots, bytes) else {}
    )


def _verified_names(planned: IdentityPlan, config: TlsConfig) -> list[str]:
    """The names that clients are going to verify: all, or those asked for of a provided certificate."""
    server = planned.get(layout.SERVER)
    if server is None or server.source == "provided":
        return list(config.names)
    return [*server.identity.dns_names, *server.identity.ip_addresses]


def _results(
    facts: Mapping[str, CertificateFacts], directory: Path, config: TlsConfig, now: datetime
) -> tuple[CertificateResult, ...]:
    pki, tls = directory / config.pki_dir, directory / config.served_dir
    places = {
        tls / layout.SERVER_CERTIFICATE: layout.SERVER,
        tls / layout.CA_CERTIFICATE: layout.CLIENT_CA if layout.CLIENT_CA in facts else layout.CA,
        **{pki / f"{name}{layout.CERTIFICATE}": name for name in facts},
    }
    return tuple(
        CertificateResult.of(relative(path, directory), facts[name], now)
        for path, name in places.items()
    )

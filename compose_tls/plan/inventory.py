"""The certificates of a project, how long each is valid for, and what of it is not as it was recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from compose_tls.changes import relative, sha256
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError, KeyWrittenOver
from compose_tls.layout import (
    CA,
    CA_CERTIFICATE,
    CERTIFICATE,
    CLIENT_CA,
    EXPORTS_DIRECTORY,
    NEXT_CA_CERTIFICATE,
    SERVER_KEY,
)
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.pki.load import bundle_facts, certificate_facts
from compose_tls.plan.ca_warnings import rollover_warning
from compose_tls.plan.client_certificates import ClientCertificates
from compose_tls.plan.copies import key_and_copy_states
from compose_tls.plan.lifetimes import OTHER_CA, finishing_ca, renewed_before
from compose_tls.plan.provided_certificates import bring_again
from compose_tls.plan.replaced_certificate import strangers
from compose_tls.project.declared_tls import DeclaredTls
from compose_tls.project.model import absence, in_the_way, restoring_ca
from compose_tls.results import CertificateResult, FileState
from compose_tls.state.recorded import State
from compose_tls.state.undo import stands
from compose_tls.values import dataclass
from compose_tls.vocabulary import RENEW_BEFORE, TlsWarning, has_ended

_RENEW: Final = "compose-tls renew"
_RENEW_CA: Final = f"{_RENEW} --ca"


@dataclass(frozen=True, slots=True)
class Inventory:
    """The certificates of a project.

    Attributes:
        certificates: The first one of each file that can be read.
        warnings: For each that is missing, has expired or will within 30 days.
        usable: Whether none that Milvus or a client of ours needs is missing or has expired.
        files: Every recorded file, the user's own included: as it was written, or not.
        mending: The command after which Milvus can work with them; ``None`` where none of ours is known.
        lost: The certificate files that cannot be read; each has its warning.
    """

    certificates: tuple[CertificateResult, ...]
    warnings: tuple[TlsWarning, ...]
    usable: bool
    files: tuple[FileState, ...] = ()
    mending: str | None = None
    lost: frozenset[Path] = frozenset()


def inventory(
    observation: Observation,
    config: TlsConfig,
    state: State,
    now: datetime,
    mended: Mapping[Path, TlsWarning],
) -> Inventory:
    """Read every certificate: those that enable recorded, a CA that is to take over, further clients.

    Args:
        observation: The project as it is.
        config: The settings; they say where the certificates are.
        state: What enable recorded.
        now: The time that validity is judged by.
        mended: What is known of files that are not whole, with what mends each.

    Returns:
        What was found; the warnings of further clients are counted together, and break nothing.
    """
    found = _Certificates(
        observation,
        now,
        mended=mended,
        renewing=_renewing(observation, config),
        renewing_ca=_renewing_ca(observation, config),
        restoring_ca=restoring_ca(observation, config, state),
        ca=observation.directory / config.pki_dir / CA_CERTIFICATE,
    )
    paths = tuple(_recorded(observation, config, state))
    for path in paths:
        found.read(observation.directory / path)
    # A new CA that can take over, or one of which that is unknown.
    if observation.pki.next_ca or set(paths) - set(state.certificates):
        found.warnings.append(rollover_warning(config))
    clients = ClientCertificates.of(observation, config, state)
    for file, facts in clients.by_path.items():
        name = relative(file, observation.directory)
        found.results.append(CertificateResult.of(name, facts, now, client=file.stem))
    pki = observation.pki
    apart = pki.certificates.get(CLIENT_CA)
    accepted = (apart,) if apart else (pki.certificates.get(CA), pki.next_ca)
    trusted = {ca.subject for ca in accepted if ca}
    states = tuple(_states(observation, config, state, found.bundles))
    drifted = [file.path for file in states if file.state == "drifted"]
    states = (*states, *key_and_copy_states(observation, config, state, drifted))
    # What someone put in place of a copy is not renewed.
    replaced = _served(state).intersection(drifted)
    lost = strangers(observation, config, state)
    aged = [
        replace(one, hint=_again(state, lost)) if one.path in replaced else one
        for one in found.warnings
    ]
    return Inventory(
        tuple(found.results),
        (
            *aged,
            *clients.aged(now),
            *_exports_aged(observation, config, now),
            # Where no CA is known, neither is that of a client another one.
            *(clients.left_behind(trusted) if trusted else ()),
            *_drifts(states, found.bundles, state, lost),
        ),
        found.usable,
        states,
        _enabling(state) if replaced and found.command else found.command,
        frozenset(found.lost),
    )


def replaced_by_hand(
    observation: Observation, config: TlsConfig, state: State
) -> TlsWarning | None:
    """That what Milvus reads is another certificate than the one that was written there.

    Args:
        observation: The project as it is.
        config: The settings; they say where the PKI directory is.
        state: What enable recorded.
    """
    for path in sorted(_served(state)):
        content, digest = observation.content(observation.directory / path), state.digests.get(path)
        if content is not None and digest is not None and sha256(content) != digest:
            text = f"{path} has changed since it was written"
            lost = strangers(observation, config, state)
            return TlsWarning("certificates-drifted", text, path, _again(state, lost))
    return None


def shown_certificates(
    observation: Observation, declared: Sequence[DeclaredTls], now: datetime
) -> Inventory:
    """Read the certificates that services present, and the CAs that they trust, by their settings.

    Args:
        observation: The project as it is.
        declared: The services.
        now: The time that validity is judged by.
    """
    mode = max((int(one.mode or 1) for one in declared), default=1)
    issuing = f"or have it issued: compose-tls enable --mode {mode}"
    found = _Certificates(
        observation, now, renewal=f"replace it and restart the service, {issuing}"
    )
    for file in dict.fromkeys(file for one in declared for file in one.files):
        # What was not looked at is outside the project.
        if file.path is None or file.path not in observation.files:
            continue
        if observation.files[file.path] is None:
            # As in a fresh clone: what was made here is not in the repository.
            name = relative(file.path, observation.directory)
            said = found.unreadable(name, absence(file.path, observation))
            found.lose(replace(said, hint=f"put it there, {issuing}"), file.path)
        elif file.path in observation.pki.foreign_keys:
            name = relative(file.path, observation.directory)
            text = (
                f"the private key {name} does not belong to the certificate that is shown with it"
            )
            found.lose(found.unreadable(name, text), file.path)
        elif file.name != SERVER_KEY:
            found.read(file.path)
    return Inventory(tuple(found.results), tuple(found.warnings), found.usable)


@dataclass(slots=True)
class _Certificates:
    """Reads certificate files, one after the other."""

    observation: Observation
    now: datetime
    renewal: str | None = None
    renewing: str = _RENEW
    renewing_ca: str = _RENEW_CA
    restoring_ca: str | None = None
    ca: Path | None = None
    results: list[CertificateResult] = field(default_factory=list)
    warnings: list[TlsWarning] = field(default_factory=list)
    bundles: dict[str, tuple[CertificateFacts, ...]] = field(default_factory=dict)
    usable: bool = True
    command: str | None = None
    mended: Mapping[Path, TlsWarning] = field(default_factory=dict)
    lost: set[Path] = field(default_factory=set)

    def read(self, file: Path) -> None:
        path = relative(file, self.observation.directory)
        content = self.observation.content(file)
        try:
            found = () if content is None else bundle_facts(content, path=path)
        except CertificateError as error:
            self.lose(self.unreadable(path, error.message), file)
            return
        if not found:
            self.lose(self.unreadable(path, absence(file, self.observation)), file)
            return
        self.bundles[path] = found
        first, *further = found
        self.usable = self.usable and not has_ended(first.not_after, self.now)
        self.results.append(CertificateResult.of(path, first, self.now))
        self.warnings += self.age(path, path, first)
        for one in further:
            self.warnings += self.age(path, f"{one.subject} in {path}", one)

    def lose(self, warning: TlsWarning, file: Path) -> None:
        restoring = self.restoring_ca if file == self.ca else None
        back = in_the_way(file, self.observation) or restoring
        if file in self.mended:
            back = self.mended[file].hint
        self.warnings.append(replace(warning, hint=back) if back else warning)
        self.lost.add(file)
        self.usable = False

    def age(self, path: str, what: str, facts: CertificateFacts) -> Iterator[TlsWarning]:
        left = facts.remaining(self.now)
        ca = self.observation.pki.certificates.get(CA)
        with_its_ca = ca is not None and (
            facts.not_after >= ca.not_after or has_ended(ca.not_after, self.now)
        )
        hint = self.renewing_ca if facts.is_ca or with_its_ca else self.renewing
        hint = self.renewal or hint
        # Before that, renew would have nothing to do.
        early = RENEW_BEFORE if self.renewal or facts.is_ca else renewed_before(facts)
        if has_ended(facts.not_after, self.now):
            text = f"{what} expired on {facts.not_after:%Y-%m-%d}"
            self.command = self.command or (hint if hint in {_RENEW, _RENEW_CA} else None)
            yield TlsWarning(code="certificate-expired", message=text, path=path, hint=hint)
        elif facts.not_before > self.now:
            self.usable = False
            yield TlsWarning(
                code="certificate-not-yet-valid",
                message=f"{what} is valid only from {facts.not_before:%Y-%m-%d %H:%M} UTC on",
                path=path,
                hint="check the clock of this machine",
            )
        elif left < early:
            text = f"{what} expires in {_days(left.days)}, on {facts.not_after:%Y-%m-%d}"
            yield TlsWarning(code="certificate-expires-soon", message=text, path=path, hint=hint)

    def unreadable(self, path: str, message: str) -> TlsWarning:
        hint = self.renewal or "compose-tls enable"
        return TlsWarning(code="certificate-unreadable", message=message, path=path, hint=hint)


def _renewing(observation: Observation, config: TlsConfig) -> str:
    """How server and client are renewed."""
    if config.server_cert is None:
        return _RENEW
    again = bring_again(config, observation.directory)
    return f"replace these files with newer ones at their source, then: {again}"


def _renewing_ca(observation: Observation, config: TlsConfig) -> str:
    """How the CA is replaced: only one of our own is by a command of ours."""
    if config.ca_cert is not None:
        return OTHER_CA if config.server_cert is None else _renewing(observation, config)
    return finishing_ca(config) if observation.pki.next_ca else _RENEW_CA


def _recorded(observation: Observation, config: TlsConfig, state: State) -> Iterable[str]:
    yield from state.certificates
    following = f"{config.pki_dir}/{NEXT_CA_CERTIFICATE}"
    if following not in state.certificates and observation.content(
        observation.directory / following
    ):
        yield following


def _states(
    observation: Observation,
    config: TlsConfig,
    state: State,
    bundles: Mapping[str, tuple[CertificateFacts, ...]],
) -> Iterator[FileState]:
    for file in state.files:
        content = observation.content(observation.directory / file.path)
        if content is None:
            yield FileState(path=file.path, state="missing")
        else:
            yield _state(file.path, same=stands(content, file))
    for path, fingerprint in state.certificates.items():
        content = observation.content(observation.directory / path)
        if content is None or path not in bundles:
            yield FileState(path=path, state="missing")
        elif digest := state.digests.get(path):
            yield _state(path, same=sha256(content) == digest)
        else:
            # An earlier version recorded only the first certificate: the copy shows the others.
            origin = f"{config.pki_dir}/{Path(path).name}"
            others = bundles.get(origin, bundles[path])
            same = bundles[path][0].sha256 == fingerprint and bundles[path] == others
            yield _state(path, same=same)


def _state(path: str, *, same: bool) -> FileState:
    return FileState(path=path, state="as-written" if same else "drifted")


def _drifts(
    states: Iterable[FileState],
    bundles: Mapping[str, tuple[CertificateFacts, ...]],
    state: State,
    lost: Collection[str],
) -> Iterator[TlsWarning]:
    """What is in the certificate files now that are not as they were written."""
    for file in states:
        if file.state == "drifted" and (found := bundles.get(file.path)):
            holds = ", ".join(one.subject for one in found)
            if file.path in lost or file.path in _served(state):
                hint = _again(state, lost)
                if file.path in lost:
                    hint = f"to keep it, move it and its key away; {hint}"
            elif found[0].is_ca:
                hint = f"restore {file.path}: compose-tls enable does not accept another CA there"
            else:
                hint = (
                    f"{_enabling(state)} keeps it if it is from the CA and belongs to its key, and "
                    "otherwise issues another"
                )
            yield TlsWarning(
                code="certificates-drifted",
                message=f"{file.path} has changed since it was written: it contains {holds}",
                path=file.path,
                hint=hint,
            )


def _enabling(state: State, lost: Collection[str] = ()) -> str:
    accepting = f" --accept {KeyWrittenOver.code}" if lost else ""
    return f"compose-tls enable --mode {state.settings.mode}{accepting}"


def _again(state: State, lost: Collection[str]) -> str:
    return f"{_enabling(state, lost)} writes it again"


def _served(state: State) -> frozenset[str]:
    """The certificates in the TLS directory, which are copies."""
    return frozenset(p for p in state.certificates if p.startswith(f"{state.settings.tls_dir}/"))


def _days(days: int) -> str:
    return "less than a day" if days < 1 else "1 day" if days == 1 else f"{days} days"


def _exports_aged(
    observation: Observation, config: TlsConfig, now: datetime
) -> Iterator[TlsWarning]:
    """That certificates of servers elsewhere have expired, or will soon.

    Args:
        observation: The project as it is, with what other commands left in the PKI directory.
        config: The settings; they say where that is.
        now: The time to judge by.
    """
    place = observation.directory / config.pki_dir / EXPORTS_DIRECTORY
    for path, file in sorted(observation.files.items()):
        if file is None or path.parent != place or path.suffix != CERTIFICATE:
            continue
        name = relative(path, observation.directory)
        try:
            end = certificate_facts(file.content or b"", path=name).not_after
        except CertificateError:
            continue  # issued again by the next export
        if end - now < RENEW_BEFORE:
            yield TlsWarning(
                "export-expires-soon",
                f"{name} {'expired' if has_ended(end, now) else 'expires'} on {end:%Y-%m-%d}",
                name,
                "run compose-tls export again and deploy what it makes, or remove the file if it "
                "is no longer used",
            )

"""Certificates for a plan: kept, brought or issued; rehearsed; and turned into file contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateUnreadable
from compose_tls.facts import CertificateRole, Observation
from compose_tls.pki.issue import issue_all
from compose_tls.pki.load import certificate_facts, load_certificates, load_key_pair
from compose_tls.pki.pair import KeyPair
from compose_tls.pki.verify import check_ca, check_client, check_server
from compose_tls.plan.enable import EnablePlan
from compose_tls.results import CertificateResult
from compose_tls.state.model import STATE_FILE

_ROLES: tuple[CertificateRole, ...] = ("ca", "server", "client")

_RESTORE = "restore it, or move the directory away to start with new certificates"
_CHECK_PATH = "name an existing file that you may read"


@dataclass(frozen=True, slots=True)
class Issued:
    """What a plan's pending contents stand for, and what was issued or kept, as results."""

    contents: Mapping[str, bytes] = field(repr=False)
    certificates: tuple[CertificateResult, ...]


def require_sound(observation: Observation, config: TlsConfig) -> None:
    """Make sure that what lies in the PKI directory is whole.

    A damaged CA or key is never quietly replaced: clients trust it.

    Raises:
        CertificateError: What is wrong with which file.
    """
    if config.server_cert is not None or config.ca_cert is not None:
        return
    for role in _ROLES:
        certificate = observation.directory / config.pki_dir / f"{role}.pem"
        key = certificate.with_suffix(".key")
        has_certificate, has_key = (observation.files.get(path) for path in (certificate, key))
        if role == "ca" and has_certificate and not has_key:
            # The key of a CA that the user brought stays where the user keeps it.
            continue
        if (has_certificate or has_key) and role not in observation.pki.usable:
            _pair(certificate, key, observation.directory, _RESTORE)


def issue(
    planned: EnablePlan, observation: Observation, config: TlsConfig, now: datetime
) -> Issued:
    """Fill the orders of a plan, and rehearse what comes out before anything is written.

    Args:
        planned: The plan.
        observation: What it was made from.
        config: The settings.
        now: The time that validity starts from and is judged by.

    Raises:
        CertificateError: A certificate or key cannot be used, or does not pass the rehearsal.
    """
    pairs, ca_pem = _Source(planned, observation.directory, config, now).pairs()
    if planned.plan.changed:
        from compose_tls.pki.rehearse import rehearse  # noqa: PLC0415 - pulls ssl in

        rehearse(
            pairs["server"],
            ca_pem,
            pairs.get("client"),
            server_names=_verified_names(planned, config),
            mode=config.tls_mode,
            now=now,
        )
    contents = {"ca.pem": ca_pem}
    for role, pair in pairs.items():
        if role != "ca":
            contents[f"{role}.pem"] = pair.full_chain_pem
        contents[f"{role}.key"] = pair.private_key_pem
    results = _results(planned, observation.directory, config, contents, now)
    fingerprints = {result.path: result.sha256 for result in results}
    state = planned.state.model_copy(update={"certificates": fingerprints})
    contents[STATE_FILE] = state.render()
    return Issued(contents, results)


class _Source:
    """Gets the certificate and key of each role from where the plan says."""

    def __init__(
        self, planned: EnablePlan, directory: Path, config: TlsConfig, now: datetime
    ) -> None:
        self.sources = planned.certificates.sources
        self.orders = planned.certificates.orders
        self.names = [*planned.certificates.dns_names, *planned.certificates.ip_addresses]
        self.directory = directory
        self.config = config
        self.now = now

    def pairs(self) -> tuple[dict[CertificateRole, KeyPair], bytes]:
        """The pairs of all roles that have a key here, and the CA certificates to be trusted."""
        found: dict[CertificateRole, KeyPair] = {}
        for role in ("server", "client"):
            if self.sources.get(role) == "kept":
                found[role] = _pair(*self._kept(role), self.directory, _RESTORE)
            elif self.sources.get(role) == "brought":
                found[role] = self._brought(role)
        issued = issue_all(self.orders, self._issuer(), self.now)
        found.update(issued)
        ca_pem = issued["ca"].certificate_pem if "ca" in issued else self._trusted()
        self._check(found, ca_pem)
        return found, ca_pem

    def _issuer(self) -> KeyPair | None:
        """The CA to issue under, where it is there already and there is something to issue."""
        if not self.orders or self.sources["ca"] == "issued":
            return None
        if self.sources["ca"] == "brought":
            return self._brought("ca")
        hint = "name the CA and its key with --ca-cert and --ca-key, or restore the key"
        return _pair(*self._kept("ca"), self.directory, hint)

    def _kept(self, role: CertificateRole) -> tuple[Path, Path]:
        certificate = self.directory / self.config.pki_dir / f"{role}.pem"
        return certificate, certificate.with_suffix(".key")

    def _trusted(self) -> bytes:
        brought = self.sources["ca"] == "brought"
        path = self._setting("ca_cert") if brought else self._kept("ca")[0]
        name = relative(path, self.directory)
        # Only the certificates: a file that holds a key as well must not be mounted as it is.
        content = load_certificates(_read(path, self.directory, _CHECK_PATH), path=name)
        check_ca(content, now=self.now, path=name)
        return content

    def _brought(self, role: CertificateRole) -> KeyPair:
        certificate, key = self._setting(f"{role}_cert"), self._setting(f"{role}_key")
        return _pair(certificate, key, self.directory, _CHECK_PATH)

    def _check(self, found: Mapping[CertificateRole, KeyPair], ca_pem: bytes) -> None:
        if self.sources["server"] == "brought":
            path = relative(self._setting("server_cert"), self.directory)
            names = [self.config.server_name, *self.config.san]
            check_server(found["server"], ca_pem, names=names, now=self.now, path=path)
        if self.sources.get("client") == "brought":
            path = relative(self._setting("client_cert"), self.directory)
            check_client(found["client"], ca_pem, now=self.now, path=path)

    def _setting(self, name: str) -> Path:
        value: str = getattr(self.config, name)
        return self.directory / value


def _verified_names(planned: EnablePlan, config: TlsConfig) -> list[str]:
    """The names that clients are going to verify: all, or those asked for of a brought certificate."""
    if planned.certificates.sources["server"] == "brought":
        return [config.server_name, *config.san]
    return [*planned.certificates.dns_names, *planned.certificates.ip_addresses]


def _pair(certificate: Path, key: Path, directory: Path, hint: str) -> KeyPair:
    return load_key_pair(
        _read(certificate, directory, hint),
        _read(key, directory, hint),
        certificate_path=relative(certificate, directory),
        key_path=relative(key, directory),
    )


def _read(path: Path, directory: Path, hint: str) -> bytes:
    name = relative(path, directory)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        reason = "is missing"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    raise CertificateUnreadable(f"{name} {reason}", hint=hint, path=name)


def _results(
    planned: EnablePlan,
    directory: Path,
    config: TlsConfig,
    contents: Mapping[str, bytes],
    now: datetime,
) -> tuple[CertificateResult, ...]:
    pki, tls = directory / config.pki_dir, directory / config.tls_dir
    places = {
        tls / "server.pem": "server.pem",
        tls / "ca.pem": "ca.pem",
        **{pki / f"{role}.pem": f"{role}.pem" for role in planned.certificates.sources},
    }
    results = []
    for path, name in places.items():
        shown = relative(path, directory)
        facts = certificate_facts(contents[name], path=shown)
        results.append(CertificateResult.of(shown, facts, now))
    return tuple(results)

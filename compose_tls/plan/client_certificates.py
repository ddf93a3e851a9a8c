"""The certificates of further clients in the PKI directory, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError
from compose_tls.layout import CERTIFICATE, CLIENTS_DIRECTORY, KEY, client_identity
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.pki.client_names import client_dns_name
from compose_tls.pki.load import certificate_facts
from compose_tls.shell import joined
from compose_tls.state.recorded import State
from compose_tls.values import dataclass
from compose_tls.vocabulary import RENEW_BEFORE, TlsWarning, has_ended

_NAMED: Final = 3
# As many as fit a command line; more names are in a file.
_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """The certificates of further clients.

    Attributes:
        place: Their directory, as people know it.
        by_path: What they say, by their file.
        damaged: The clients whose files cannot be read, or do not belong together.
    """

    place: str
    by_path: Mapping[Path, CertificateFacts]
    damaged: tuple[str, ...]

    @classmethod
    def of(
        cls, observation: Observation, config: TlsConfig, state: State | None = None
    ) -> ClientCertificates:
        """Read those of a project.

        Args:
            observation: The project as it is, with its further clients.
            config: The settings; they say where the certificates are.
            state: What enable recorded: those of services that it switched are its own business.
        """
        own = {one.name for one in state.identities} if state else set[str]()
        directory = observation.directory / config.pki_dir / CLIENTS_DIRECTORY
        found: dict[Path, CertificateFacts] = {}
        damaged: list[str] = []
        for path, file in sorted(observation.files.items()):
            if file is None or path.parent != directory or client_identity(path.stem) in own:
                continue
            if path.suffix == KEY:
                alone = observation.files.get(path.with_suffix(CERTIFICATE)) is None
                if alone or path in observation.pki.foreign_keys:
                    damaged.append(path.stem)
            elif path.suffix == CERTIFICATE:
                try:
                    found[path] = certificate_facts(file.content or b"", path=path.name)
                except CertificateError:
                    damaged.append(path.stem)
        return cls(f"{config.pki_dir}/{CLIENTS_DIRECTORY}", found, tuple(dict.fromkeys(damaged)))

    def left_behind(self, trusted: Collection[str]) -> Iterator[TlsWarning]:
        """That some have certificates of a CA that goes, or is gone.

        Args:
            trusted: The subjects of the CAs that stay.
        """
        names, strangers = self.of_others(trusted), self._strangers()
        for which, what in (
            (
                [name for name in names if name not in strangers],
                "certificates from the previous CA",
            ),
            ([name for name in names if name in strangers], "certificates from another CA"),
        ):
            if which:
                text = f"{self.place}: {what}: {_listed(which)}"
                yield TlsWarning("clients-left-behind", text, self.place, self._issuing(which))

    def of_others(self, trusted: Collection[str]) -> tuple[str, ...]:
        """The clients whose certificates are of none of some CAs, named by their subjects."""
        return tuple(p.stem for p, facts in self.by_path.items() if facts.issuer not in trusted)

    def aged(self, now: datetime) -> Iterator[TlsWarning]:
        """That some have expired, will soon, or are damaged. None of that breaks another client."""
        left = {path.stem: facts.remaining(now) for path, facts in self.by_path.items()}
        ended = [p.stem for p, facts in self.by_path.items() if has_ended(facts.not_after, now)]
        soon = [name for name, time in left.items() if time < RENEW_BEFORE and name not in ended]
        if ended:
            yield TlsWarning(
                "client-certificate-expired",
                f"{self.place}: expired for {_listed(ended)}",
                self.place,
                f"{self._issuing(ended)}, or remove the files of clients that are gone",
            )
        if soon:
            yield TlsWarning(
                "client-certificate-expires-soon",
                f"{self.place}: expires within {RENEW_BEFORE.days} days for {_listed(soon)}",
                self.place,
                self._issuing(soon),
            )
        if self.damaged:
            yield TlsWarning(
                "client-certificate-unreadable",
                f"{self.place}: damaged for {_listed(self.damaged)}",
                self.place,
                f"move its files away, then {_issue(self.damaged)}",
            )

    def _strangers(self) -> frozenset[str]:
        """The clients whose files ``client`` does not write over: it has not issued them."""
        return frozenset(
            path.stem
            for path, facts in self.by_path.items()
            if client_dns_name(path.stem) not in facts.dns_names
        )

    def _issuing(self, names: Sequence[str]) -> str:
        """What issues a new certificate for each of some clients."""
        if others := [name for name in names if name in self._strangers()]:
            return f"move the files of {_listed(others)} away, then {_issue(names)}"
        return _issue(names)


def _listed(names: Sequence[str]) -> str:
    """A few of the names, and how many more there are."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _issue(names: Sequence[str]) -> str:
    return joined(["compose-tls", "client", *names[:_AT_ONCE]])

"""Certificates for further clients: issued, rehearsed, and turned into file contents."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import KeyStore, read
from compose_tls.errors import InvalidSetting
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_clients
from compose_tls.pki.load import certificate_facts
from compose_tls.pki.pkcs12 import passphrase_in, pkcs12_of
from compose_tls.plan.client import UNLOCK_SUFFIX, ClientsPlan
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows import preamble

# 192 random bits, which nobody guesses however fast the key derivation is.
_PASSPHRASE_BYTES: Final = 24


class ClientIssuing:
    """Issues what a plan for further clients orders, and rehearses it before anything is written."""

    def __init__(
        self, planned: ClientsPlan, observation: Observation, config: TlsConfig, directory: Path
    ) -> None:
        self.planned = planned
        self.observation = observation
        self.config = config
        self.directory = directory
        self.store = KeyStore(observation.directory, config)
        self.ca_pem, _ = self.store.trusted(brought=False)

    def contents(
        self, passphrase_file: Path | None
    ) -> tuple[dict[str, bytes], dict[str, CertificateFacts]]:
        """The files that are pending, and what was issued, by the client's name.

        Args:
            passphrase_file: Holds what opens the PKCS #12 files; by default each gets its own.

        Raises:
            InvalidSetting: The passphrase file is empty.
            CertificateError: Nothing can be issued, or what was issued does not pass the rehearsal.
        """
        orders = self.planned.orders
        pairs: dict[str, CertificateWithKey] = {}
        if orders:
            issuer = self.store.latest_issuer(self.observation)
            made = issue_clients(tuple(orders.values()), issuer, preamble.now())
            pairs = dict(zip(orders, made, strict=True))
            self._rehearse(next(iter(pairs.values())))
        contents: dict[str, bytes] = {}
        for name, pair in pairs.items():
            contents[f"{name}.pem"] = pair.full_chain_pem
            contents[f"{name}.key"] = pair.private_key_pem
        contents |= self._bundles(pairs, passphrase_file)
        facts = {
            name: certificate_facts(pair.certificate_pem, path=name) for name, pair in pairs.items()
        }
        return contents, facts

    def _bundles(
        self, pairs: Mapping[str, CertificateWithKey], passphrase_file: Path | None
    ) -> dict[str, bytes]:
        given = self._given_passphrase(passphrase_file)
        contents: dict[str, bytes] = {}
        for name in self.planned.bundled:
            pair = pairs.get(name) or self.store.pair_at(self.directory / f"{name}.pem")
            passphrase = given
            if passphrase is None:
                passphrase = secrets.token_urlsafe(_PASSPHRASE_BYTES).encode()
                contents[f"{name}{UNLOCK_SUFFIX}"] = passphrase + b"\n"
            contents[f"{name}.p12"] = pkcs12_of(pair, self.ca_pem, name=name, passphrase=passphrase)
        return contents

    def _given_passphrase(self, file: Path | None) -> bytes | None:
        if file is None:
            return None
        hint = "name a readable file with --passphrase-file"
        passphrase = passphrase_in(read(file, self.observation.directory, hint))
        if not passphrase:
            name = relative(file, self.observation.directory)
            raise InvalidSetting(
                f"the passphrase-file {name} is empty",
                hint="write a passphrase into it, or leave --passphrase-file out",
                path=name,
            )
        return passphrase

    def _rehearse(self, pair: CertificateWithKey) -> None:
        """One stands for all: they differ in their names alone."""
        from compose_tls.pki.rehearse import rehearse  # noqa: PLC0415 - pulls ssl in

        server = self.store.kept("server")
        names = certificate_facts(server.certificate_pem, path="server.pem")
        rehearse(
            server,
            self.ca_pem,
            pair,
            server_names=[*names.dns_names, *names.ip_addresses][:1],
            mode=TlsMode.MUTUAL,
            now=preamble.now(),
        )

"""Certificates for further clients: issued, rehearsed, and turned into file contents."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from compose_tls.changes import CertificateOrder, relative
from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import KeyFiles, read
from compose_tls.errors import InvalidSetting
from compose_tls.layout import BUNDLE, CERTIFICATE, KEY, SERVER, SERVER_CERTIFICATE, UNLOCK
from compose_tls.observation import CertificateFacts, Observation
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_clients
from compose_tls.pki.load import certificate_facts
from compose_tls.pki.pkcs12 import passphrase_in, pkcs12_of
from compose_tls.vocabulary import TlsMode

# 192 random bits cannot be guessed, however fast the key derivation is.
_PASSPHRASE_BYTES: Final = 24


class ClientCredentials:
    """Issues what a plan for further clients orders, and rehearses it before anything is written.

    Args:
        observation: The project as it is.
        config: The settings.
        directory: Where the files of the clients are.
        now: The time that validity starts from and is judged by.
    """

    def __init__(
        self, observation: Observation, config: TlsConfig, directory: Path, now: datetime
    ) -> None:
        self.observation = observation
        self.directory = directory
        self.now = now
        self.files = KeyFiles(observation.directory, config)
        self.ca_pem, _ = self.files.trusted(provided=False)

    def contents(
        self,
        orders: Mapping[str, CertificateOrder],
        bundled: Sequence[str],
        passphrase_file: Path | None,
    ) -> tuple[dict[str, bytes], dict[str, CertificateFacts]]:
        """The files that are pending, and what was issued, by the client's name.

        Args:
            orders: What is to be issued, by the client's name.
            bundled: The clients that get a PKCS #12 file.
            passphrase_file: Holds what opens those; by default each gets its own.

        Raises:
            InvalidSetting: The passphrase file is empty.
            CertificateError: Nothing can be issued, or what was issued does not pass the rehearsal.
        """
        issued: dict[str, CertificateWithKey] = {}
        if orders:
            issuer = self.files.latest_issuer(self.observation)
            made = issue_clients(tuple(orders.values()), issuer, self.now)
            issued = dict(zip(orders, made, strict=True))
            self._rehearse(next(iter(issued.values())))
        contents: dict[str, bytes] = {}
        for name, held in issued.items():
            contents[f"{name}{CERTIFICATE}"] = held.full_chain_pem
            contents[f"{name}{KEY}"] = held.private_key_pem
        contents |= self._bundles(issued, bundled, passphrase_file)
        facts = {
            name: certificate_facts(held.certificate_pem, path=name)
            for name, held in issued.items()
        }
        return contents, facts

    def _bundles(
        self,
        issued: Mapping[str, CertificateWithKey],
        bundled: Sequence[str],
        passphrase_file: Path | None,
    ) -> dict[str, bytes]:
        given = self._given_passphrase(passphrase_file)
        contents: dict[str, bytes] = {}
        for name in bundled:
            held = issued.get(name) or self.files.at(self.directory / f"{name}{CERTIFICATE}")
            passphrase = given
            if passphrase is None:
                passphrase = secrets.token_urlsafe(_PASSPHRASE_BYTES).encode()
                contents[f"{name}{UNLOCK}"] = passphrase + b"\n"
            contents[f"{name}{BUNDLE}"] = pkcs12_of(
                held, self.ca_pem, name=name, passphrase=passphrase
            )
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

    def _rehearse(self, held: CertificateWithKey) -> None:
        """One stands for all: they differ only in their names."""
        from compose_tls.pki.rehearse import rehearse  # noqa: PLC0415 - pulls ssl in

        server = self.files.existing(SERVER)
        names = certificate_facts(server.certificate_pem, path=SERVER_CERTIFICATE)
        rehearse(
            server,
            self.ca_pem,
            held,
            server_names=[*names.dns_names, *names.ip_addresses][:1],
            client_ca_pem=self.files.accepted(),
            mode=TlsMode.MUTUAL,
            now=self.now,
        )

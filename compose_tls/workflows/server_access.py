"""Where a project's server is, and with which files and credentials a client reaches it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from compose_tls import layout
from compose_tls.changes import CertificateOrder, relative
from compose_tls.config import TlsConfig
from compose_tls.credentials import key_files
from compose_tls.errors import (
    CertificateError,
    CertificateUnreadable,
    InvalidSetting,
    OutsideProject,
)
from compose_tls.files import PEM_LIMIT, SECRET_LIMIT, ProjectFiles
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.client_names import client_name
from compose_tls.pki.issue import issue_expired
from compose_tls.pki.load import certificate_facts
from compose_tls.results import Endpoint
from compose_tls.sdk.pymilvus import connect_arguments
from compose_tls.shell import typed
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode

if TYPE_CHECKING:
    from compose_tls.checks.check_target import Target

_RESTORE: Final = "restore it, or run compose-tls enable, which restores it"


class HostPort(NamedTuple):
    """A host and a TCP port."""

    host: str
    port: int

    @classmethod
    def of(cls, endpoint: Endpoint) -> HostPort:
        """The address in an endpoint."""
        parts = urlsplit(endpoint.uri)
        return cls(parts.hostname or "localhost", parts.port or 443)


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """What a client needs from the PKI directory."""

    ca: Path
    certificate: Path
    key: Path
    accepted: Path | None
    """The client CA, where it is not that of the server."""

    @classmethod
    def of(cls, directory: Path, config: TlsConfig) -> ClientFiles:
        """The files of a project."""
        pki = directory / config.pki_dir
        accepted = key_files.KeyFiles(directory, config).client_ca
        return cls(
            pki / layout.CA_CERTIFICATE,
            pki / layout.CLIENT_CERTIFICATE,
            pki / layout.CLIENT_KEY,
            accepted,
        )

    def named(self, directory: Path, client: str) -> ClientFiles:
        """The files of a further client.

        Args:
            directory: The project.
            client: The name that ``client`` was given.

        Raises:
            NameInvalid: It cannot be the name of a client.
            CertificateUnreadable: Its certificate or key is not there.
        """
        name = client_name(client)
        stem = self.certificate.parent / layout.CLIENTS_DIRECTORY / name
        certificate, key = (Path(f"{stem}{end}") for end in (layout.CERTIFICATE, layout.KEY))
        for path in (certificate, key):
            if not path.is_file():
                missing = relative(path, directory)
                raise CertificateUnreadable(
                    f"client {name} has no {missing}",
                    hint=f"issue it: compose-tls client {typed(name)}",
                    path=missing,
                )
        return replace(self, certificate=certificate, key=key)

    def arguments(self, mode: TlsMode, endpoint: Endpoint) -> dict[str, Any]:
        """The keyword arguments of ``pymilvus.MilvusClient``."""
        return ClientOf(self.ca, self.certificate, self.key).arguments(mode, endpoint)


def connect_arguments_of(directory: Path, config: TlsConfig, endpoint: Endpoint) -> dict[str, Any]:
    """The keyword arguments of ``pymilvus.MilvusClient`` for a project."""
    return ClientFiles.of(directory, config).arguments(config.tls_mode, endpoint)


def target_of(
    directory: Path,
    config: TlsConfig,
    address: HostPort,
    rest: HostPort | None = None,
    service: str | None = None,
    further: tuple[tuple[str, int], ...] = (),
) -> Target:
    """What to check: the server of a project, with the files and credentials of a client.

    Args:
        directory: The project.
        config: The settings.
        address: Where gRPC is.
        rest: Where REST is, where it is on and to be checked.
        service: The name of its service.
        further: Where gRPC of the same service is as well.

    Raises:
        CertificateUnreadable: A certificate of the project cannot be read.
        InvalidSetting: The password or token file cannot be read.
        OutsideProject: A link in the project leads outside.
    """
    files, mode = ClientFiles.of(directory, config), config.tls_mode
    mutual = mode is TlsMode.MUTUAL
    shown = fingerprint(directory, f"{config.served_dir}/{layout.SERVER_CERTIFICATE}")
    client = ClientOf(files.ca, files.certificate, files.key, config.server_name)
    found = client.target(directory, config, address, rest, service, mode, hint=_RESTORE)
    return replace(
        found,
        expected_sha256=shown,
        further=further,
        client_ca_path=files.accepted,
        expired_client=_expired_client(directory, config) if mutual else None,
        elsewhere=False,
        pem={**found.pem, **client_pem(directory, files.accepted if mutual else None)},
    )


def _expired_client(directory: Path, config: TlsConfig) -> CertificateWithKey | None:
    """A client certificate that has expired, where the key of its CA is in the project.

    It has the names of the project's client, which the CA may issue for, and lives in memory only.
    """
    keys = key_files.KeyFiles(directory, config)
    with suppress(CertificateError, OutsideProject):
        ca = keys.existing(layout.CLIENT_CA if keys.client_ca else layout.CA)
        shown = certificate_facts(keys.existing(layout.CLIENT).certificate_pem, path=layout.CLIENT)
        subject, names = "CN=expired client", (shown.dns_names, shown.ip_addresses)
        order = CertificateOrder("client", subject, "ecdsa-p256", 1, *names)
        return issue_expired(order, ca, datetime.now(UTC))
    return None


@dataclass(frozen=True, slots=True)
class ClientOf:
    """The certificates of a client, for any server, set up by compose-tls or not.

    Attributes:
        ca: The CA certificates to trust.
        certificate: The client certificate; ``None`` without one.
        key: Its key.
        server_name: The name that the server certificate must contain; by default the host.
        mode: What the server is meant to do; by default what a project here says, else mutual with a
            client certificate and one-way without.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    mode: TlsMode | None = None

    def arguments(self, mode: TlsMode, endpoint: Endpoint) -> dict[str, Any]:
        """The keyword arguments of ``pymilvus.MilvusClient``."""
        return connect_arguments(
            mode=mode,
            uri=endpoint.uri,
            server_name=endpoint.server_name,
            ca_pem=str(self.ca),
            client_pem=str(self.certificate),
            client_key=str(self.key),
        )

    def below(self, directory: Path) -> ClientOf:
        """The same with paths that are relative to a directory made absolute."""
        return replace(
            self,
            ca=directory / self.ca,
            certificate=directory / self.certificate if self.certificate else None,
            key=directory / self.key if self.key else None,
        )

    def target(
        self,
        directory: Path,
        config: TlsConfig,
        address: HostPort,
        rest: HostPort | None,
        service: str | None,
        mode: TlsMode,
        hint: str = "name a file that you may read",
    ) -> Target:
        """What to check; the arguments are those of ``target_of``, and what the server is meant to do.

        Raises:
            CertificateUnreadable: A certificate cannot be read.
            InvalidSetting: The password or token file cannot be read.
            OutsideProject: A link in the project leads outside.
        """
        from compose_tls.checks.check_target import Target  # noqa: PLC0415 - only needed for checks

        mutual = mode is TlsMode.MUTUAL
        shown = (self.certificate, self.key) if mutual else ()
        return Target(
            host=address.host,
            port=address.port,
            server_name=self.server_name or address.host,
            mode=mode,
            ca_path=self.ca,
            client_certificate_path=self.certificate if mutual else None,
            client_key_path=self.key if mutual else None,
            user=config.user,
            password=_secret(directory, config.password_file, "password-file"),
            token=_secret(directory, config.token_file, "token-file"),
            rest_address=rest,
            service=service,
            elsewhere=service is None,
            pem=client_pem(directory, self.ca, *shown, hint=hint),
        )


def client_pem(directory: Path, *paths: Path | None, hint: str = _RESTORE) -> dict[Path, bytes]:
    """The bytes of the files of a client, read once; a file that is missing is left out.

    Args:
        directory: The project.
        paths: The files; ``None`` for one that the client does not have.
        hint: What to do where one cannot be used.

    Raises:
        CertificateUnreadable: One may not be read, is not a regular file, or too large.
        OutsideProject: A link in the project leads outside.
    """
    read = ((path, _read_own(directory, path, hint)) for path in paths if path is not None)
    return {path: content for path, content in read if content is not None}


def _read_own(directory: Path, path: Path, hint: str) -> bytes | None:
    """The bytes of a file, where there is one.

    Raises:
        CertificateUnreadable: It is not a regular file, or too large.
        OutsideProject: A link in the project leads outside.
    """
    try:
        found = ProjectFiles(directory).read_named(path, PEM_LIMIT)
        if found is not None:
            return found.content
        if not os.path.lexists(path):
            return None
        reason = "it is not a regular file"
    except OSError as error:
        reason = error.strerror or str(error)
    raise CertificateUnreadable(
        f"{relative(path, directory)} cannot be used: {reason}",
        hint=hint,
        path=relative(path, directory),
    )


def fingerprint(directory: Path, name: str) -> str:
    """The fingerprint of the certificate that a server is to show.

    Args:
        directory: The project.
        name: The certificate, relative to it.

    Raises:
        CertificateUnreadable: It cannot be read.
    """
    return certificate_facts(
        key_files.read(directory / name, directory, _RESTORE), path=name
    ).sha256


def _secret(directory: Path, name: str | None, setting: str) -> str | None:
    if name is None:
        return None
    with suppress(OSError, UnicodeDecodeError):
        found = ProjectFiles(directory).read_named(directory / name, SECRET_LIMIT)
        if found is not None:
            return found.content.decode().rstrip("\r\n")
    raise InvalidSetting(
        f"the {setting} {name} cannot be read",
        hint=f"name a readable text file with --{setting}, as seen from {directory}",
        path=name,
    )

"""Where a project's server is, and with which files and credentials a client reaches it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.credentials import key_files
from compose_tls.errors import CertificateUnreadable, InvalidSetting
from compose_tls.files import PEM_LIMIT, SECRET_LIMIT, read_named
from compose_tls.layout import CA_CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY, SERVER_CERTIFICATE
from compose_tls.pki.load import certificate_facts
from compose_tls.project.model import client_ca_path
from compose_tls.results import Endpoint
from compose_tls.sdk.pymilvus import connect_arguments
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode

if TYPE_CHECKING:
    from compose_tls.checks.check_target import Target


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a TCP port."""

    host: str
    port: int

    @classmethod
    def of(cls, endpoint: Endpoint) -> Address:
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
    """The CA of the clients, where it is not that of the server."""

    @classmethod
    def of(cls, directory: Path, config: TlsConfig) -> ClientFiles:
        """The files of a project."""
        pki = directory / config.pki_dir
        accepted = client_ca_path(directory, config)
        return cls(pki / CA_CERTIFICATE, pki / CLIENT_CERTIFICATE, pki / CLIENT_KEY, accepted)


def connect_arguments_of(
    directory: Path, config: TlsConfig, mode: TlsMode, endpoint: Endpoint
) -> dict[str, Any]:
    """The keyword arguments of ``pymilvus.MilvusClient`` for a project."""
    files = ClientFiles.of(directory, config)
    return connect_arguments(
        mode=mode,
        uri=endpoint.uri,
        server_name=endpoint.server_name,
        ca_pem=str(files.ca),
        client_pem=str(files.certificate),
        client_key=str(files.key),
    )


def target_of(
    directory: Path,
    config: TlsConfig,
    address: Address,
    rest: Address | None = None,
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
    from compose_tls.checks.check_target import Target  # noqa: PLC0415 - only who checks needs it

    files = ClientFiles.of(directory, config)
    mode = config.tls_mode
    # The probes hand paths to TLS libraries, which follow any link and wait for any pipe.
    mutual = (files.certificate, files.key) if mode is TlsMode.MUTUAL else ()
    for path in (files.ca, *mutual):
        _require_own(directory, path)
    return Target(
        host=address.host,
        port=address.port,
        server_name=config.server_name,
        mode=mode,
        ca_path=files.ca,
        client_certificate_path=files.certificate if mode is TlsMode.MUTUAL else None,
        client_key_path=files.key if mode is TlsMode.MUTUAL else None,
        expected_sha256=fingerprint(directory, f"{config.served_dir}/{SERVER_CERTIFICATE}"),
        user=config.user,
        password=_secret(directory, config.password_file, "password-file"),
        token=_secret(directory, config.token_file, "token-file"),
        rest_address=(rest.host, rest.port) if rest else None,
        further=further,
        client_ca_path=files.accepted,
        service=service,
    )


@dataclass(frozen=True, slots=True)
class ClientOf:
    """What a client has of a server that compose-tls need not have set up.

    Attributes:
        ca: The CA certificates to trust.
        certificate: The client certificate; ``None`` without one.
        key: Its key.
        server_name: The name that the server's certificate must hold; by default the host.
        mode: What the server is meant to do; by default what a project here says, else mutual with a
            client certificate and one-way without.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    mode: TlsMode | None = None

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
        address: Address,
        rest: Address | None,
        service: str | None,
        mode: TlsMode,
    ) -> Target:
        """What to check; the arguments are those of ``target_of``, and what the server is meant to do.

        Raises:
            InvalidSetting: The password or token file cannot be read.
        """
        from compose_tls.checks.check_target import Target  # noqa: PLC0415 - as above

        mutual = mode is TlsMode.MUTUAL
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
            rest_address=(rest.host, rest.port) if rest else None,
            service=service,
        )


def _require_own(directory: Path, path: Path) -> None:
    """Make sure that a file, where there is one, is the project's own and can be read to its end.

    Raises:
        CertificateUnreadable: It is not a regular file, or too large.
        OutsideProject: A link in the project leads outside.
    """
    try:
        if read_named(directory, path, PEM_LIMIT) is not None or not os.path.lexists(path):
            return
        reason = "it is not a regular file"
    except PermissionError:
        # Whoever may not read it is told so by the probe, with the way out.
        return
    except OSError as error:
        reason = error.strerror or str(error)
    raise CertificateUnreadable(
        f"{relative(path, directory)} cannot be used: {reason}",
        hint="restore it, or run compose-tls enable, which puts it back",
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
    hint = "restore it, or run compose-tls enable, which puts it back"
    return certificate_facts(key_files.read(directory / name, directory, hint), path=name).sha256


def _secret(directory: Path, name: str | None, setting: str) -> str | None:
    if name is None:
        return None
    with suppress(OSError, UnicodeDecodeError):
        found = read_named(directory, directory / name, SECRET_LIMIT)
        if found is not None:
            return found.content.decode().rstrip("\r\n")
    raise InvalidSetting(
        f"the {setting} {name} cannot be read",
        hint=f"name a readable text file with --{setting}",
        path=name,
    )

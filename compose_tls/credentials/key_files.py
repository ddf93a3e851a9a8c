"""Certificates with their keys, from the PKI directory or from where the settings say."""

from __future__ import annotations

import os
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.config.own_files import BroughtFiles, brought_files
from compose_tls.errors import CertificateUnreadable
from compose_tls.files import PEM_LIMIT, ProjectFiles
from compose_tls.layout import CA, CERTIFICATE, CLIENT_CA, KEY, NEXT_CA
from compose_tls.observation import Observation
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.load import load_certificates, load_key_pair
from compose_tls.pki.pkcs12 import passphrase_in
from compose_tls.project.model import may_have_client_ca
from compose_tls.shell import joined
from compose_tls.values import dataclass

_RESTORE = "restore it, or move the directory away to start with new certificates"
CHECK_PATH = "name an existing file that you may read"
ISSUER_HINTS = {
    CA: "name the CA and its key with --ca-cert and --ca-key, or restore the key",
    CLIENT_CA: "name the client CA and its key with --client-ca-cert and --client-ca-key, or"
    " restore the key",
}


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Reads pairs, and keeps none of them."""

    directory: Path
    config: TlsConfig

    @property
    def client_ca(self) -> Path | None:
        """The CA whose clients Milvus accepts, where the clients of a project have one of their own."""
        path = self._place(CLIENT_CA)
        return path if may_have_client_ca(self.config) and path.is_file() else None

    def existing(self, name: str, hint: str = _RESTORE) -> CertificateWithKey:
        """The pair of that name in the PKI directory.

        Raises:
            CertificateError: It is not whole; ``hint`` says what to do.
        """
        return self.at(self._place(name), hint)

    def at(self, certificate: Path, hint: str = _RESTORE) -> CertificateWithKey:
        """The pair of a certificate file and the key next to it.

        Raises:
            CertificateError: It is not whole; ``hint`` says what to do.
        """
        return self._pair(certificate, certificate.with_suffix(KEY), certificate.stem, hint)

    def provided(self, name: str) -> CertificateWithKey:
        """The pair that the settings name.

        Raises:
            CertificateError: It cannot be read, or does not belong together.
        """
        files = self._brought(name)
        if files.certificate is None or files.key is None:
            msg = f"the settings name no {name} with a key"
            raise AssertionError(msg)
        hint = f"name the right files with --{name}-cert and --{name}-key"
        if named := self._outside(name) if files.key == self._place(name).with_suffix(KEY) else []:
            again = f"compose-tls enable … {joined(named)}"
            hint = f"files outside the project are read only if the command names them: {again}"
        return self._pair(files.certificate, files.key, name, hint, self._passphrase(files))

    def issuer(self, name: str = CA, *, provided: bool) -> CertificateWithKey:
        """An available CA with its key.

        Raises:
            CertificateError: It cannot be read, or does not belong together.
        """
        return self.provided(name) if provided else self.existing(name, ISSUER_HINTS[name])

    def latest_issuer(self, observation: Observation) -> CertificateWithKey:
        """The CA to issue under what clients show for long: theirs, or that which takes over, if any.

        Raises:
            CertificateError: It cannot be read, or does not belong together.
        """
        if self.client_ca:
            return self.issuer(CLIENT_CA, provided=self.config.client_ca_key is not None)
        if observation.pki.next_ca is not None:
            return self.existing(NEXT_CA)
        return self.issuer(provided=self.config.ca_cert is not None)

    def trusted(self, ca: str = CA, *, provided: bool) -> tuple[bytes, str]:
        """The CA certificates that are trusted, PEM, and how errors name their file.

        Only the certificates: a file that holds a key as well must not be mounted as it is.

        Args:
            ca: ``CA``, or ``CLIENT_CA`` for those whose clients the server accepts.
            provided: Whether the settings name it.

        Raises:
            CertificateUnreadable: There is none.
        """
        files = self._brought(ca) if provided else None
        path = files.certificate if files and files.certificate else self._place(ca)
        name = relative(path, self.directory)
        passphrase = self._passphrase(files) if files else None
        content = read(path, self.directory, CHECK_PATH)
        whole = ca == CA
        return load_certificates(content, path=name, passphrase=passphrase, whole=whole), name

    def accepted(self) -> bytes:
        """The CA certificates available whose clients the server accepts, PEM.

        Raises:
            CertificateUnreadable: There is none.
        """
        return self.trusted(CLIENT_CA if self.client_ca else CA, provided=False)[0]

    def name_of(self, name: str) -> str:
        """How errors name the certificate that the settings name."""
        found = self._brought(name).certificate or self._place(name)
        return relative(found, self.directory)

    def _brought(self, name: str) -> BroughtFiles:
        has_file = ProjectFiles(self.directory).has_file
        return brought_files(self.directory, self.config, name, has_file)

    def _outside(self, name: str) -> list[str]:
        """The options that name a pair outside the project, as the record has it; else none."""
        own = name.replace("-", "_")
        ends = ("cert", "key", "passphrase_file")
        given = {end: value for end in ends if (value := getattr(self.config, f"{own}_{end}"))}
        places = {e: Path(os.path.normpath(self.directory / value)) for e, value in given.items()}
        if all(place.is_relative_to(self.directory) for place in places.values()):
            return []
        options = {f"--{name}-{end.replace('_', '-')}": str(p) for end, p in places.items()}
        return [word for option in options.items() for word in option]

    def _place(self, name: str) -> Path:
        return self.directory / self.config.pki_dir / f"{name}{CERTIFICATE}"

    def _passphrase(self, files: BroughtFiles) -> bytes | None:
        if files.passphrase is None:
            return None
        return passphrase_in(read(files.passphrase, self.directory, CHECK_PATH))

    def _pair(
        self, certificate: Path, key: Path, name: str, hint: str, passphrase: bytes | None = None
    ) -> CertificateWithKey:
        return load_key_pair(
            read(certificate, self.directory, hint),
            read(key, self.directory, hint),
            certificate_path=relative(certificate, self.directory),
            key_path=relative(key, self.directory),
            passphrase=passphrase,
            of=name,
        )


def read(path: Path, directory: Path, hint: str) -> bytes:
    """The bytes of a file that has to be there.

    Raises:
        CertificateUnreadable: It is not, or may not be read; ``hint`` says what to do.
        OutsideProject: It is a link in the project that leads outside.
    """
    name = relative(path, directory)
    try:
        found = ProjectFiles(directory).read_named(path, PEM_LIMIT)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    else:
        if found is not None:
            return found.content
        reason = "is not a regular file" if path.exists() else "is missing"
    raise CertificateUnreadable(f"{name} {reason}", hint=hint, path=name)

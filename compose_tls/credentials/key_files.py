"""Certificates with their keys, from the PKI directory or from where the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateUnreadable
from compose_tls.layout import NEXT_CA
from compose_tls.observation import Observation
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.load import load_certificates, load_key_pair
from compose_tls.pki.pkcs12 import passphrase_in
from compose_tls.vocabulary import CertificateRole

_RESTORE = "restore it, or move the directory away to start with new certificates"
_CHECK_PATH = "name an existing file that you may read"
_ISSUER = "name the CA and its key with --ca-cert and --ca-key, or restore the key"


@dataclass(frozen=True, slots=True)
class KeyStore:
    """Reads pairs, and keeps none of them."""

    directory: Path
    config: TlsConfig

    def kept(self, name: str, hint: str = _RESTORE) -> CertificateWithKey:
        """The pair of that name in the PKI directory.

        Raises:
            CertificateError: It is not whole; ``hint`` says what to do.
        """
        return self.pair_at(self._place(name), hint)

    def pair_at(self, certificate: Path, hint: str = _RESTORE) -> CertificateWithKey:
        """The pair of a certificate file and the key beside it.

        Raises:
            CertificateError: It is not whole; ``hint`` says what to do.
        """
        return self._pair(certificate, certificate.with_suffix(".key"), hint)

    def brought(self, role: CertificateRole) -> CertificateWithKey:
        """The pair that the settings name.

        Raises:
            CertificateError: It cannot be read, or does not belong together.
        """
        passphrase = self._passphrase(role)
        paths = self.named(f"{role}_cert"), self.named(f"{role}_key")
        return self._pair(*paths, _CHECK_PATH, passphrase)

    def issuer(self, *, brought: bool) -> CertificateWithKey:
        """The CA at hand with its key.

        Raises:
            CertificateError: It cannot be read, or does not belong together.
        """
        return self.brought("ca") if brought else self.kept("ca", _ISSUER)

    def latest_issuer(self, observation: Observation) -> CertificateWithKey:
        """The CA to issue under what is to live long: that which takes over, where there is one.

        Raises:
            CertificateError: It cannot be read, or does not belong together.
        """
        if observation.pki.next_ca is not None:
            return self.kept(NEXT_CA)
        return self.issuer(brought=self.config.ca_cert is not None)

    def trusted(self, *, brought: bool) -> tuple[bytes, str]:
        """The CA certificates that are trusted, PEM, and how errors name their file.

        Only the certificates: a file that holds a key as well must not be mounted as it is.

        Raises:
            CertificateUnreadable: There is none.
        """
        path = self.named("ca_cert") if brought else self._place("ca")
        name = relative(path, self.directory)
        passphrase = self._passphrase("ca") if brought else None
        content = read(path, self.directory, _CHECK_PATH)
        return load_certificates(content, path=name, passphrase=passphrase), name

    def named(self, setting: str) -> Path:
        """The file that a setting names."""
        value: str = getattr(self.config, setting)
        return self.directory / value

    def _place(self, name: str) -> Path:
        return self.directory / self.config.pki_dir / f"{name}.pem"

    def _passphrase(self, role: CertificateRole) -> bytes | None:
        name: str | None = getattr(self.config, f"{role}_passphrase_file")
        if name is None:
            return None
        return passphrase_in(read(self.directory / name, self.directory, _CHECK_PATH))

    def _pair(
        self, certificate: Path, key: Path, hint: str, passphrase: bytes | None = None
    ) -> CertificateWithKey:
        return load_key_pair(
            read(certificate, self.directory, hint),
            read(key, self.directory, hint),
            certificate_path=relative(certificate, self.directory),
            key_path=relative(key, self.directory),
            passphrase=passphrase,
        )


def read(path: Path, directory: Path, hint: str) -> bytes:
    """The bytes of a file that has to be there.

    Raises:
        CertificateUnreadable: It is not, or may not be read; ``hint`` says what to do.
    """
    name = relative(path, directory)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        reason = "is missing"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    raise CertificateUnreadable(f"{name} {reason}", hint=hint, path=name)

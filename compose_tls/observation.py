"""What was found: files as they are on disk, certificates as they read, the project as a whole.

Values only. They are read once (``observe``) and passed around unchanged; none of them ever holds a
private key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from pathlib import Path

from compose_tls.layout import CA, CA_NAME, NEXT_CA
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One regular file as it was read.

    Attributes:
        path: The path as the project names it.
        content: All bytes; ``None`` for private keys and for what may not be read.
        sha256: Of the bytes, in hex; ``None`` for what may not be read.
        mode: Permission bits.
        uid: Owner.
        gid: Group.
    """

    path: Path
    content: bytes | None = field(repr=False)
    sha256: str | None
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What one certificate says. Times are aware and in UTC; ``sha256`` is of the DER, in hex.

    ``permitted_dns`` are the DNS subtrees that a CA may issue for; empty for any name.
    """

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key_type: str
    sha256: str
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    is_ca: bool
    permitted_dns: tuple[str, ...]

    def remaining(self, now: datetime) -> timedelta:
        """The time left until the certificate expires; negative when it has."""
        return self.not_after - now


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """What lies under the name of one further client.

    Attributes:
        name: The client's name.
        files: What was looked at, by its suffix; ``None`` where there is no file.
        certificate: That of the pair, when key and certificate belong together; otherwise ``None``.
        trusted: Whether a CA of the project has issued it.
    """

    name: str
    files: Mapping[str, FileFacts | None] = field(repr=False)
    certificate: CertificateFacts | None
    trusted: bool


@dataclass(frozen=True, slots=True)
class PkiFacts:
    """The issued certificates that are in the PKI directory and are worth keeping.

    ``usable`` holds those whose certificate and private key were read, belong together and chain
    to a CA next to them; ``provided`` those that are copies of what the settings name; ``next_ca`` is
    the CA that takes over once every client trusts it; ``requests`` are the names in the signing
    requests that are of the very keys next to them; ``public_ca`` says that everyone has certificates of
    the CA that the settings name, by the trust store of this system; ``brought_names`` are the names in
    the server certificate that the settings name. Keys are names of identities. ``foreign_keys`` are the
    private keys that are not those of the certificates next to them, wherever in the project they lie.
    """

    certificates: Mapping[str, CertificateFacts]
    usable: frozenset[str]
    provided: frozenset[str] = frozenset()
    next_ca: CertificateFacts | None = None
    requests: Mapping[str, frozenset[str]] = field(default_factory=dict)
    public_ca: bool = False
    brought_names: frozenset[str] = frozenset()
    foreign_keys: frozenset[Path] = frozenset()

    @property
    def has_our_ca(self) -> bool:
        """Whether the CA of the server is one that was made here, by its name."""
        ca = self.certificates.get(CA)
        return ca is not None and f"CN={CA_NAME}" in ca.subject

    @property
    def all_certificates(self) -> Mapping[str, CertificateFacts]:
        """Those of every identity, the CA that takes over included."""
        return (
            self.certificates
            if self.next_ca is None
            else {**self.certificates, NEXT_CA: self.next_ca}
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that a plan is made from.

    Attributes:
        directory: The project directory, absolute.
        compose_files: The files that Compose would load, in its order.
        files: Every file that was looked at, by its path; ``None`` where there is no regular file.
        variables: Process variables over ``.env``, as Compose interpolates with.
        pki: The certificates available in the PKI directory.
        user_id: The effective user of this process.
        group_ids: Its groups.
        given: The names of the process variables, which win over those of ``.env``.
        obstacles: The places in ``files`` where something is that is not a regular file.
        mounted: The names in each directory that a container mounts, or may.
    """

    directory: Path
    compose_files: tuple[Path, ...]
    files: Mapping[Path, FileFacts | None] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    pki: PkiFacts
    user_id: int
    group_ids: frozenset[int]
    given: frozenset[str] = field(repr=False)
    obstacles: frozenset[Path]
    mounted: Mapping[Path, tuple[str, ...]] = field(repr=False)

    def content(self, path: Path) -> bytes | None:
        """The bytes of a file that was looked at; ``None`` when there is none."""
        found = self.files.get(path)
        return found.content if found else None

"""The plan as a value: the changes of files, and the source of each certificate.

A plan holds no key. What only exists once certificates are issued is named by a ``Pending`` and filled
in by the workflow between planning and applying.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Literal, TypeAlias

from compose_tls.hiding import without_secrets
from compose_tls.layout import CA, CLIENT_CA
from compose_tls.setup import Identity
from compose_tls.values import dataclass
from compose_tls.vocabulary import Action, KeyType, Profile, TlsWarning


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in lower-case hex."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class CertificateOrder:
    """A certificate to be issued.

    Attributes:
        profile: What it is issued as.
        identity: The name of the identity; that of the profile by default.
        subject: RFC 4514 text, common name included.
        days: Validity in days.
        permitted_dns: Of a CA: the DNS subtrees that it may issue for (RFC 5280 section 4.2.1.10);
            empty for any name.
    """

    profile: Profile
    subject: str
    key_type: KeyType
    days: int
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    permitted_dns: tuple[str, ...] = ()
    identity: str = ""

    @property
    def name(self) -> str:
        """The name of the identity."""
        return self.identity or self.profile


Source: TypeAlias = Literal["existing", "provided", "issued", "promoted"]
"""Where a certificate and its key come from: the PKI directory, the user, a CA that issues them now,
or (a CA) the one that was to take over."""


@dataclass(frozen=True, slots=True)
class PlannedIdentity:
    """An identity, and where its certificate and key come from.

    Attributes:
        order: What is to be issued; ``None`` where nothing is.
        issuer: The identity that issues it; ``None`` for a CA.
        request: What a signing request is written for; ``None`` for nothing.
    """

    identity: Identity
    source: Source
    order: CertificateOrder | None
    issuer: str | None
    request: CertificateOrder | None = None


@dataclass(frozen=True, slots=True)
class IdentityPlan:
    """Where every certificate and key comes from.

    Attributes:
        identities: The identities, in the order in which their files are written.
        trusted: The names of the CAs that clients trust.
        retired: CAs that give way to another, and the names, without suffix, that their files get.
        warnings: What is to be said of them.
    """

    identities: tuple[PlannedIdentity, ...]
    trusted: tuple[str, ...]
    retired: tuple[tuple[str, str], ...] = ()
    warnings: tuple[TlsWarning, ...] = ()

    @property
    def client_ca(self) -> str:
        """The name of the CA whose clients the server accepts."""
        return CLIENT_CA if self.get(CLIENT_CA) else CA

    def get(self, name: str) -> PlannedIdentity | None:
        """The identity of that name."""
        return next((one for one in self.identities if one.identity.name == name), None)

    def source(self, name: str) -> Source | None:
        """Where an identity comes from; ``None`` where there is none of that name."""
        found = self.get(name)
        return found.source if found else None

    @property
    def sources(self) -> dict[str, Source]:
        """Where each identity comes from, by its name."""
        return {one.identity.name: one.source for one in self.identities}

    @property
    def requests(self) -> tuple[CertificateOrder, ...]:
        """What signing requests are written for."""
        return tuple(one.request for one in self.identities if one.request is not None)


@dataclass(frozen=True, slots=True)
class Pending:
    """Content that does not exist yet, by the name under which issuing will deliver it."""

    name: str


Content: TypeAlias = bytes | Pending


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """A directory that has to exist for other changes, made with this mode where it does not."""

    path: Path
    mode: int


@dataclass(frozen=True, slots=True)
class CreateFile:
    """A file of compose-tls, written whole: new, or replacing what an earlier run wrote.

    Attributes:
        before: SHA-256 of the file that is replaced; ``None`` when there must be none.
        uid: Owner to give to the file; ``None`` for the user who runs the command, or, if that is root,
            for the owner of the directory.
        gid: Group of the file.
    """

    path: Path
    content: Content = field(repr=False)
    mode: int
    before: str | None = None
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class PatchFile:
    """A user's file, edited in place: it keeps owner, mode and links.

    Attributes:
        confidential: Whether its other lines are private: passwords are in environment files.
    """

    path: Path
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)
    confidential: bool = False

    @property
    def before(self) -> str:
        """SHA-256 of the file that was observed."""
        return sha256(self.old)


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Removal of a file of compose-tls.

    ``before`` is ``None`` for a key that only the container's user may read.
    """

    path: Path
    before: str | None


@dataclass(frozen=True, slots=True)
class RemoveDirectory:
    """Removal of a directory of compose-tls, if it is empty."""

    path: Path


@dataclass(frozen=True, slots=True)
class KeepFile:
    """A file that is already correct: not written, but compared before others are written.

    ``before`` is ``None`` for a key that only the container's user may read.
    """

    path: Path
    before: str | None


FileChange: TypeAlias = (
    MakeDirectory | CreateFile | PatchFile | RemoveFile | RemoveDirectory | KeepFile
)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a command is going to do to a project, worked out without writing anything."""

    directory: Path
    changes: tuple[FileChange, ...]
    warnings: tuple[TlsWarning, ...] = ()

    @property
    def written(self) -> tuple[Path, ...]:
        """The files of which applying the plan changes a byte, or that it removes."""
        other = KeepFile | MakeDirectory | RemoveDirectory
        return tuple(change.path for change in self.changes if not isinstance(change, other))

    @property
    def changed(self) -> bool:
        """Whether applying the plan would change a single byte."""
        return bool(self.written)

    def relative(self, path: Path) -> str:
        """A path as people see it: relative to the project where it is inside."""
        return relative(path, self.directory)

    def files(self) -> Iterator[tuple[Path, Action]]:
        """Every file of the plan, with its action."""
        for change in self.changes:
            match change:
                case CreateFile(before=None):
                    yield change.path, "created"
                case CreateFile() | PatchFile():
                    yield change.path, "patched"
                case RemoveFile():
                    yield change.path, "removed"
                case KeepFile():
                    yield change.path, "unchanged"
                case MakeDirectory() | RemoveDirectory():
                    pass

    def diff(self) -> str:
        """A unified diff of the user's files, as ``diff -u`` and ``patch`` know it."""
        return "".join(
            unified_diff(
                self.relative(each.path), each.old, each.new, confidential=each.confidential
            )
            for each in self.changes
            if isinstance(each, PatchFile)
        )


@dataclass(frozen=True, slots=True)
class ServerSource:
    """Where the certificate of a server comes from that is deployed elsewhere.

    Attributes:
        identity: Its identity, with the names that it has there.
        stem: Where certificate and key are, without suffix.
        changes: What is written in the PKI directory.
        order: What is to be issued; ``None`` where nothing is.
    """

    identity: Identity
    stem: Path
    changes: tuple[FileChange, ...] = ()
    order: CertificateOrder | None = None


def relative(path: Path, directory: Path) -> str:
    """``path`` as seen from ``directory`` when it is inside, else unchanged."""
    try:
        return path.relative_to(directory).as_posix()
    except ValueError:
        return str(path)


def unified_diff(name: str, old: bytes, new: bytes, *, confidential: bool = False) -> str:
    """A unified diff whose lines keep their own line ends, and in which no secret is to be seen.

    ``patch`` applies it to the byte where none stands next to what changes.

    Args:
        name: The name of the file.
        old: What it holds.
        new: What it is to hold.
        confidential: Whether lines that stay are left out.
    """
    import difflib

    # A tab ends a name with blanks in it, as git and GNU diff write it.
    name = f"{name}\t" if any(character.isspace() for character in name) else name
    around = 0 if confidential else 3
    before, after = ([*without_secrets(_lines(content))] for content in (old, new))
    shown = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", n=around)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in shown
    )


def _lines(content: bytes) -> list[str]:
    """Lines as ``patch`` counts them: a carriage return by itself ends none."""
    *lines, last = content.decode("utf-8", "replace").split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]

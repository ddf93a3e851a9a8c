"""The plan as a value: which files change to what, and which certificates have to be made for it.

A plan holds no key. What only exists once certificates are issued is named by a ``Pending`` and filled
in by the workflow between planning and applying.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from compose_tls.vocabulary import CertificateRole, KeyType, TlsWarning


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in lower-case hex."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class CertificateOrder:
    """A certificate to be issued.

    Attributes:
        role: Which profile issues it.
        subject: RFC 4514 text, common name included.
        days: Validity in days.
        permitted_dns: Of a CA: the DNS subtrees that it may issue for (RFC 5280 section 4.2.1.10);
            empty for any name.
    """

    role: CertificateRole
    subject: str
    key_type: KeyType
    days: int
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    permitted_dns: tuple[str, ...] = ()


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
    """A file of ours, written whole: new, or replacing what an earlier run wrote.

    Attributes:
        before: SHA-256 of the file that is replaced; ``None`` when there must be none.
        uid: Owner to give to the file; ``None`` leaves it with whoever runs the command.
        gid: Group, likewise.
    """

    path: Path
    content: Content = field(repr=False)
    mode: int
    before: str | None = None
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class PatchFile:
    """A user's file, edited in place: it keeps owner, mode and links."""

    path: Path
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)

    @property
    def before(self) -> str:
        """SHA-256 of the file that was observed."""
        return sha256(self.old)


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """A file of ours that goes away.

    ``before`` is ``None`` for a key that only the container's user may read.
    """

    path: Path
    before: str | None


@dataclass(frozen=True, slots=True)
class RemoveDirectory:
    """A directory of ours that goes away if nothing is left in it."""

    path: Path


@dataclass(frozen=True, slots=True)
class KeepFile:
    """A file that already is what it should be: not written, and still the same when others are.

    ``before`` is ``None`` for a key that only the container's user may read.
    """

    path: Path
    before: str | None


FileChange: TypeAlias = (
    MakeDirectory | CreateFile | PatchFile | RemoveFile | RemoveDirectory | KeepFile
)

Action: TypeAlias = Literal["created", "patched", "removed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a command is going to do to a project, worked out without writing anything."""

    directory: Path
    changes: tuple[FileChange, ...]
    orders: tuple[CertificateOrder, ...] = ()
    warnings: tuple[TlsWarning, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether applying the plan would change a single byte."""
        return any(
            not isinstance(c, KeepFile | MakeDirectory | RemoveDirectory) for c in self.changes
        )

    def relative(self, path: Path) -> str:
        """A path as people see it: relative to the project where it lies inside."""
        return relative(path, self.directory)

    def files(self) -> Iterator[tuple[Path, Action]]:
        """Every file the plan speaks of and what happens to it."""
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
            unified_diff(self.relative(change.path), change.old, change.new)
            for change in self.changes
            if isinstance(change, PatchFile)
        )


def relative(path: Path, directory: Path) -> str:
    """``path`` as seen from ``directory`` when it lies inside, else unchanged."""
    try:
        return path.relative_to(directory).as_posix()
    except ValueError:
        return str(path)


def unified_diff(name: str, old: bytes, new: bytes) -> str:
    """A unified diff whose lines keep their own line ends, so that ``patch`` applies it to the byte."""
    # A tab ends a name with blanks in it, as git and GNU diff write it.
    name = f"{name}\t" if any(character.isspace() for character in name) else name
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(_lines(old), _lines(new), f"a/{name}", f"b/{name}")
    )


def _lines(content: bytes) -> list[str]:
    """Lines as ``patch`` counts them: a carriage return alone ends none."""
    *lines, last = content.decode("utf-8", "replace").split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]

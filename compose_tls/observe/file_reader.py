"""Reads files and remembers what was seen."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.errors import FileUnreadable
from compose_tls.files import (
    ALL_LIMIT,
    PEM_LIMIT,
    YAML_LIMIT,
    ProjectFiles,
    is_directory,
)
from compose_tls.layout import PUBLIC
from compose_tls.observation import FileFacts


class FileReader:
    """Reads files and remembers what it saw.

    A compose file may name a file elsewhere (``env_file: ../.env``), and Compose reads that; so it is
    read here too, and never written. But what the project pretends to hold itself has to be in it.

    Args:
        directory: The project directory.
        outside: What the user names outside it, on the command line or in the environment.
        seen: What was read before.
    """

    def __init__(
        self,
        directory: Path,
        outside: Iterable[Path] = (),
        seen: Mapping[Path, FileFacts | None] = {},
    ) -> None:
        self.directory = directory
        self.files: dict[Path, FileFacts | None] = dict(seen)
        self.project = ProjectFiles(directory, outside)
        self._sizes: Counter[int] = Counter()

    def content(self, path: Path, limit: int = YAML_LIMIT) -> bytes | None:
        """The bytes of a file; ``None`` when there is none.

        Args:
            path: The file.
            limit: The most bytes that its kind may have.

        Raises:
            FileUnreadable: It may not be read, is larger, or with it all of its kind are.
            OutsideProject: A link in the project leads outside.
        """
        if path not in self.files:
            self.files[path], _ = self._read(path, limit, secret=False)
        facts = self.files[path]
        return facts.content if facts else None

    @property
    def obstacles(self) -> frozenset[Path]:
        """Where something is that is not a regular file."""
        missing = (path for path, facts in self.files.items() if facts is None)
        return frozenset(filter(os.path.lexists, missing))

    def assume(self, path: Path, content: bytes) -> None:
        """Take a file for there that is going to be made, as the user of the command will make it."""
        digest = hashlib.sha256(content).hexdigest()
        self.files[path] = FileFacts(path, content, digest, PUBLIC, os.geteuid(), os.getegid())

    def secret(self, path: Path, limit: int = PEM_LIMIT) -> bytes | None:
        """A private key, for the moment in which it is matched with its certificate.

        Its digest, owner and mode are remembered, its bytes are not, unless it was no secret before.
        Raises like ``content``.
        """
        known = self.files.get(path)
        if known is not None and known.content is not None:
            return known.content
        self.files[path], content = self._read(path, limit, secret=True)
        return content

    def unread(self, path: Path) -> None:
        """Remember owner and mode of a file that is not read, such as a private key."""
        self.files[path] = self._unread(path) if path.is_file() else None

    def _read(
        self, path: Path, limit: int, *, secret: bool
    ) -> tuple[FileFacts | None, bytes | None]:
        """What is to be remembered of a file, and its bytes."""
        try:
            found = self.project.read_named(path, limit)
        except PermissionError:
            if not secret:
                raise self._unreadable(path, "permission denied") from None
            return self._unread(path), None
        except OSError as error:
            raise self._unreadable(path, error.strerror or str(error)) from None
        if found is None:
            return None, None
        self._sizes[limit] += len(found.content)
        if self._sizes[limit] > ALL_LIMIT:
            reason = f"with it, the files of its kind are larger than {ALL_LIMIT >> 20} MiB"
            raise self._unreadable(path, reason)
        facts = FileFacts(
            path=path,
            content=None if secret else found.content,
            sha256=hashlib.sha256(found.content).hexdigest(),
            mode=stat.S_IMODE(found.status.st_mode),
            uid=found.status.st_uid,
            gid=found.status.st_gid,
        )
        return facts, found.content

    def _unread(self, path: Path) -> FileFacts:
        try:
            status = path.stat()
        except PermissionError:
            raise self._unreadable(path, "permission denied") from None
        mode = stat.S_IMODE(status.st_mode)
        return FileFacts(path, None, None, mode, status.st_uid, status.st_gid)

    def _unreadable(self, path: Path, reason: str) -> FileUnreadable:
        name = relative(path, self.directory)
        closed = next((place for place in reversed(path.parents) if _is_closed(place)), None)
        mend = (
            f"make {name} readable for you"
            if closed is None
            else f"give yourself access to {relative(closed, self.directory)} (chmod u+x)"
        )
        return FileUnreadable(
            f"{name} cannot be read: {reason}",
            hint=f"{mend}, or run the command as its owner",
            path=name,
        )


def _is_closed(directory: Path) -> bool:
    """Whether a directory is one that this process may not enter; those above it are open."""
    return is_directory(directory) and not os.access(directory, os.X_OK, effective_ids=True)

"""Reads files and remembers what was seen."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.errors import FileUnreadable
from compose_tls.observation import FileFacts

_LARGEST_FILE = 64 * 1024 * 1024


class FileReader:
    """Reads files and remembers what it saw."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files: dict[Path, FileFacts | None] = {}

    def content(self, path: Path) -> bytes | None:
        """The bytes of a file; ``None`` when there is none."""
        if path not in self.files:
            self.files[path], _ = self._read(path, secret=False)
        facts = self.files[path]
        return facts.content if facts else None

    def secret(self, path: Path) -> bytes | None:
        """A private key, for the moment in which it is matched with its certificate.

        Its digest, owner and mode are remembered, its bytes are not, unless it was no secret before.
        """
        known = self.files.get(path)
        if known is not None and known.content is not None:
            return known.content
        self.files[path], content = self._read(path, secret=True)
        return content

    def unread(self, path: Path) -> None:
        """Remember owner and mode of a file that is not read, such as a private key."""
        if path.is_file():
            self.files[path] = self._unread(path)

    def _read(self, path: Path, *, secret: bool) -> tuple[FileFacts | None, bytes | None]:
        """What is to be remembered of a file, and its bytes."""
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return None, None
            if status.st_size > _LARGEST_FILE:
                raise self._unreadable(path, "it is larger than 64 MiB")
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None, None
        except PermissionError:
            if not secret:
                raise self._unreadable(path, "permission denied") from None
            return self._unread(path), None
        except OSError as error:
            raise self._unreadable(path, error.strerror or str(error)) from None
        facts = FileFacts(
            path=path,
            content=None if secret else content,
            sha256=hashlib.sha256(content).hexdigest(),
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
        )
        return facts, content

    def _unread(self, path: Path) -> FileFacts:
        try:
            status = path.stat()
        except PermissionError:
            raise self._unreadable(path, "permission denied") from None
        mode = stat.S_IMODE(status.st_mode)
        return FileFacts(path, None, None, mode, status.st_uid, status.st_gid)

    def _unreadable(self, path: Path, reason: str) -> FileUnreadable:
        name = relative(path, self.directory)
        return FileUnreadable(
            f"{name} cannot be read: {reason}", hint=f"make {name} readable for you", path=name
        )

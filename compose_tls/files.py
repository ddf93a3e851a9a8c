"""Opens the files of a project so that nothing in the project leads outside: the rule, in one place.

Everything in a project may come from a stranger. A path is followed to where it really lies; that has to
be inside, or where the user's own command line or environment says. Then it is opened from the root
directory down and no link is followed any more, so nothing can be exchanged on the way. Only regular
files are read, and none that is larger than its kind ever gets.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field
from itertools import islice
from pathlib import Path
from typing import Final

from compose_tls.errors import OutsideProject
from compose_tls.shell import quoted
from compose_tls.values import dataclass

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB

SETTINGS_LIMIT: Final = 64 * _KIB
"""compose-tls.toml: a line for each of some forty settings."""
SECRET_LIMIT: Final = 64 * _KIB
"""A password, token or passphrase: one line."""
YAML_LIMIT: Final = 4 * _MIB
"""A compose file or milvus.yaml: fifty times the milvus.yaml of a release. Up to here a file is read in a
second and 100 MB; what is larger in a project is no configuration, and may be there to keep us busy."""
ENV_LIMIT: Final = _MIB
"""``.env`` and what ``env_file`` names; Linux passes 2 MiB of arguments and variables (execve(2))."""
PEM_LIMIT: Final = _MIB
"""Certificates, keys and PKCS #12: five times the bundle of every CA that browsers trust."""
STATE_LIMIT: Final = 4 * _MIB
"""state.json: it repeats what was replaced in compose file and milvus.yaml, twice."""
JOURNAL_LIMIT: Final = 16 * _MIB
"""The journal: some 40,000 files in one transaction."""
DEPLOYING_LIMIT: Final = 16 * _MIB
"""The previous files of a deployment: compose file, milvus.yaml and state.json, each of full size."""
NEIGHBOUR_LIMIT: Final = 2 * _MIB
"""What configures another service: a proxy, an application."""
ALL_LIMIT: Final = 8 * _MIB
"""All files of one kind that a project leads to: two compose files of full size, 5,000 certificates of
clients. A file can be named a thousand times, and each can include two others."""
_NAMES: Final = 10_000
CHANGED_LIMIT: Final = 16 * _MIB
"""A file that a transaction compares, stages or moves, whatever it holds."""

# O_PATH asks for no right to list the directories on the way; systems without it need that right.
_DIRECTORY: Final = (
    os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
)


@dataclass(frozen=True, slots=True)
class RegularFile:
    """A regular file as it was opened."""

    content: bytes = field(repr=False)
    status: os.stat_result


class ProjectFiles:
    """The files of one project.

    Attributes:
        root: The project directory, as a real path.
        outside: Files and directories elsewhere that the user named on the command line or in the
            environment.
    """

    def __init__(self, root: Path, outside: Iterable[Path] = ()) -> None:
        self._named = Path(os.path.normpath(root))
        self.root = real_path(root)
        self.outside = tuple(real_path(self.root / path) for path in outside)

    def is_inside(self, path: Path) -> bool:
        """Whether a path really is in the project, or where the user named it."""
        return "\0" not in str(path) and self._has(real_path(self.root / path))

    def require_inside(self, path: Path) -> Path:
        """Where a path really lies.

        Raises:
            OutsideProject: Neither in the project nor where the user named it.
        """
        named = self.root / path
        real = None if "\0" in str(path) else real_path(named)
        if real is not None and self._has(real):
            return real
        name = str(named.relative_to(self.root) if named.is_relative_to(self.root) else path)
        place = str(real or "")
        if meant := [one.parent for one in self.outside if real and one.is_relative_to(real)]:
            # The user named what is to be in it; on the way there, it is missing.
            raise OutsideProject(
                f"there is no directory {meant[0]} yet, and it would be outside the project",
                hint=f"create it, and run the command again: mkdir -p {quoted(str(meant[0]))}",
                path=name,
            )
        leads = f"leads outside the project, to {place}"
        raise OutsideProject(
            f"{name} {leads if place != name else 'lies outside the project'}",
            hint="files of a project must stay inside it; if you intend this, name that place on "
            "the command line",
            path=name,
        )

    def read(self, path: Path, limit: int) -> RegularFile | None:
        """Read a file; ``None`` where there is no regular file.

        Args:
            path: The file, relative to the project or absolute.
            limit: The most bytes that its kind may have.

        Raises:
            OutsideProject: It is outside.
            OSError: It may not be read, or is larger.
        """
        return _read_real(self.require_inside(path), limit)

    def read_named(self, path: Path, limit: int) -> RegularFile | None:
        """Read a file of the project, or one elsewhere that is named as such for all to see.

        What is in the project by its name has to be there, or where the user says, after every link.

        Args:
            path: The file, relative to the project or absolute.
            limit: The most bytes that its kind may have.

        Raises:
            OutsideProject: A link in the project leads outside.
            OSError: It may not be read, or is larger.
        """
        if Path(os.path.normpath(self._named / path)).is_relative_to(self._named):
            return self.read(path, limit)
        return read_regular(self._named / path, limit)

    def has_file(self, path: Path) -> bool:
        """Whether a path is a regular file that really lies inside."""
        return is_file(path) and self.is_inside(path)

    def _has(self, real: Path) -> bool:
        return any(real.is_relative_to(place) for place in (self.root, *self.outside))


def names_in(directory: Path) -> tuple[str, ...]:
    """The names in a directory, up to a number; none where there is none."""
    try:
        with os.scandir(directory) as found:
            return tuple(sorted(one.name for one in islice(found, _NAMES)))
    except OSError:
        return ()


def has_name_elsewhere(path: Path) -> bool:
    """Whether a file is in another directory, too, under a name of its own (a hard link)."""
    status = path.stat()
    if status.st_nlink == 1:
        return False
    with os.scandir(real_path(path).parent) as beside:
        return sum(one.inode() == status.st_ino for one in beside) < status.st_nlink


def is_directory(path: Path) -> bool:
    """Whether a directory is there that this process can see; of a name that is too long, no."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether a regular file is there that this process can see."""
    try:
        return path.is_file()
    except OSError:
        return False


def real_path(path: Path) -> Path:
    """Where a path really lies, absolute; what is not there is taken by its name."""
    return Path(os.path.realpath(path))


def read_regular(path: Path, limit: int) -> RegularFile | None:
    """Read a file wherever it lies; ``None`` where there is no regular file.

    Args:
        path: The file. Links are followed once, before anything is opened.
        limit: The most bytes that its kind may have.

    Raises:
        OSError: It may not be read, or is larger.
    """
    return None if "\0" in str(path) else _read_real(real_path(path), limit)


def _read_real(path: Path, limit: int) -> RegularFile | None:
    try:
        # Reading must not block on a pipe or a device.
        descriptor = open_real(path, os.O_RDONLY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # A socket, or a device without a driver: open(2).
        if error.errno == errno.ENXIO:
            return None
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(min(status.st_size, limit) + 1)
        # What grows meanwhile, or has no size, as a file of the kernel.
        if len(content) > status.st_size:
            content += file.read(limit + 1 - len(content))
    if len(content) > limit:
        unit = f"{limit // _MIB} MiB" if limit >= _MIB else f"{limit // _KIB} KiB"
        raise OSError(errno.EFBIG, f"it is larger than {unit}", str(path))
    return RegularFile(content, status)


def open_real(path: Path, flags: int) -> int:
    """Open a file by its real path; a link anywhere on the way is an error.

    Returns:
        A descriptor that the caller closes.

    Raises:
        OSError: It cannot be opened, or is a link, or is behind one.
    """
    with parent_directory(path) as (parent, name):
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


@contextmanager
def parent_directory(path: Path) -> Iterator[tuple[int, str]]:
    """The directory of a file as a descriptor, and the file's name in it.

    Args:
        path: A real path: absolute, no link on the way.

    Raises:
        OSError: There is none, or a link is on the way.
    """
    descriptor = os.open(path.anchor, _DIRECTORY)
    try:
        for part in path.parts[1:-1]:
            following = os.open(part, _DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
        yield descriptor, path.name or "."
    finally:
        os.close(descriptor)

"""The state before a deployment, kept on disk until the deployment is proved.

A transaction is over once the files are whole. A deployment goes on: the container is replaced, waited
for and proved, and until then the previous files are needed. They are in a directory of their own,
closed to others and to git, so that the next command can put them back where this one is killed.
"""

from __future__ import annotations

import base64
import errno
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, PlainSerializer

from compose_tls.apply.file_ops import PosixFileOps, naming
from compose_tls.apply.journal import foreign, name_in, require_ours
from compose_tls.apply.preconditions import digest, nothing_changed
from compose_tls.apply.transaction import apply
from compose_tls.apply.unproved import DEPLOYING, forget
from compose_tls.changes import (
    CreateFile,
    FileChange,
    MakeDirectory,
    PatchFile,
    Pending,
    Plan,
    RemoveDirectory,
    RemoveFile,
    sha256,
)
from compose_tls.errors import ProjectChanged
from compose_tls.files import CHANGED_LIMIT, DEPLOYING_LIMIT, read_regular, real_path
from compose_tls.layout import IGNORE_ALL, IGNORE_FILE, PRIVATE, PRIVATE_DIRECTORY
from compose_tls.signals import deferred
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file before a deployment, and how to know it after.

    Attributes:
        path: Relative to the project where it is inside.
        before: Its content; ``None`` where there was none.
        after: SHA-256 of what the deployment makes of it; ``None`` where it takes it away.
        mode: Of a file of compose-tls, to create it with; ``None`` for a user's file, edited in place.
        uid: Its owner.
        gid: Its group.
    """

    path: str
    before: bytes | None = field(repr=False)
    after: str | None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class Deploying:
    """A deployment that was begun and is not proved.

    Attributes:
        root: The project directory.
        project: Its name, for Compose and the engine.
        options: The options of Compose, except for the name; told apart, never handed on.
        running: The services that ran, and which runs of which containers these were.
        added: The services to deploy that did not run.
        servers: Those of the services that are etcd or the object store.
        restart: Whether the containers stay, and are only restarted.
        files: The files that change.
        made: Directories that were not there, parents first.
        removed: Directories that may go, and their modes.
        neighbours: Further services that it starts again, and their runs, as of those that ran.
        sharing: Those of them in the network of one that is deployed: they lose it with that.
    """

    root: Path
    project: str
    options: tuple[str, ...]
    running: Mapping[str, tuple[str, ...]]
    added: tuple[str, ...]
    servers: tuple[str, ...]
    restart: bool
    files: tuple[OldFile, ...]
    made: tuple[str, ...]
    removed: Mapping[str, int]
    neighbours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sharing: tuple[str, ...] = ()

    @property
    def services(self) -> tuple[str, ...]:
        """The services that are deployed."""
        return (*self.running, *self.added)


def old_files(
    root: Path, back: Plan, contents: Mapping[str, bytes]
) -> tuple[tuple[OldFile, ...], tuple[str, ...], dict[str, int]]:
    """The result of ``inverse`` as it is stored: files, directories to remove and to create.

    Args:
        root: The project directory.
        back: The plan that takes an applied plan back.
        contents: What that needs.
    """
    files: list[OldFile] = []
    made: list[str] = []
    removed: dict[str, int] = {}
    for change in back.changes:
        name = name_in(change.path, root)
        match change:
            case PatchFile(old=old, new=new) if old != new:
                files.append(OldFile(name, new, sha256(old)))
            case CreateFile(content=Pending(content), mode=mode, before=before, uid=uid, gid=gid):
                files.append(OldFile(name, contents[content], before, mode, uid, gid))
            case RemoveFile(before=before):
                files.append(OldFile(name, None, before))
            case RemoveDirectory():
                made.insert(0, name)
            case MakeDirectory(mode=mode):
                removed[name] = mode
            case _:
                pass
    return tuple(files), tuple(made), removed


def store(deploying: Deploying, ops: PosixFileOps | None = None) -> None:
    """Store the state before a deployment. The project's lock must be held.

    Raises:
        WriteFailed: The disk refused; nothing is left.
    """
    ops = ops or PosixFileOps()
    directory = deploying.root / DEPLOYING
    try:
        with deferred(), naming(directory):
            ops.make_directory(directory, PRIVATE_DIRECTORY, uid=os.geteuid())
            # Who adds everything to git must not add the previous keys.
            ops.write_new(directory / IGNORE_FILE, IGNORE_ALL, mode=PRIVATE, uid=None, gid=None)
            content = render(deploying, directory.stat().st_ino)
            ops.write_new(directory / "new", content, mode=PRIVATE, uid=None, gid=None)
            ops.rename(directory / "new", directory / "record")
            ops.sync_directory(directory)
            ops.sync_directory(deploying.root)
    except OSError as error:
        forget(deploying.root, ops)
        raise nothing_changed(error, DEPLOYING) from None


def read(root: Path) -> Deploying | None:
    """The deployment that an interrupted command of this user left in a project; ``None`` without one.

    Raises:
        ForeignJournal: It is not ours.
    """
    directory = real_path(root) / DEPLOYING
    try:
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise foreign(DEPLOYING, "it is not a directory")
        require_ours(DEPLOYING, status, PRIVATE_DIRECTORY)
        found = read_regular(directory / "record", DEPLOYING_LIMIT)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise foreign(DEPLOYING, f"it cannot be read: {error.strerror}") from None
    if found is None:
        return None
    require_ours(DEPLOYING, found.status, PRIVATE)
    try:
        deploying, inode = parse(found.content, directory.parent)
    except ValueError:
        raise foreign(DEPLOYING, "it is damaged") from None
    # Neither git nor an archive can know the inode number of a directory in advance.
    if inode != status.st_ino:
        raise foreign(DEPLOYING, "it was made for another place")
    return deploying


def put_back(
    deploying: Deploying, outside: Iterable[Path] = (), *, accepted: bool = False
) -> tuple[str, ...]:
    """Restore the previous files. The project's lock must be held.

    Args:
        deploying: The deployment; it may have written all its files, or some, or none.
        outside: What the user names outside the project.
        accepted: Whether the user accepts that files outside are edited.

    Returns:
        The files that were put back.

    Raises:
        OutsideProject: One is outside.
        ProjectChanged: One was edited since; nothing was changed.
        WriteFailed: The disk refused.
    """
    root = deploying.root
    contents: dict[str, bytes] = {}
    ways = (_way_back(root / file.path, file, contents) for file in deploying.files)
    changes: list[FileChange] = [change for change in ways if change is not None]
    names = tuple(name_in(change.path, root) for change in changes)
    made = [root / name for name in deploying.removed]
    changes[:0] = [MakeDirectory(p, deploying.removed[name_in(p, root)]) for p in made]
    changes += [RemoveDirectory(root / name) for name in reversed(deploying.made)]
    edited = (
        [change.path for change in changes if isinstance(change, PatchFile)] if accepted else []
    )
    apply(Plan(root, tuple(changes)), contents, outside=(*outside, *edited))
    return names


def _way_back(path: Path, file: OldFile, contents: dict[str, bytes]) -> FileChange | None:
    """What gives a file its previous content; ``None`` where it has it."""
    now = digest(path)
    if now == (None if file.before is None else sha256(file.before)):
        return None
    if now != file.after:
        raise ProjectChanged(
            f"{file.path} was edited after a command was interrupted",
            hint="compose-tls status shows the state of the files",
            path=file.path,
        )
    if file.before is None:
        return RemoveFile(path, now)
    if file.mode is not None:
        contents[file.path] = file.before
        return CreateFile(path, Pending(file.path), file.mode, now, file.uid, file.gid)
    found = read_regular(path, CHANGED_LIMIT)
    return PatchFile(path, found.content if found else b"", file.before)


def render(deploying: Deploying, inode: int) -> bytes:
    """A record as bytes.

    Args:
        deploying: The deployment.
        inode: The number of the directory in which it will lie.

    Raises:
        OSError: It is too large.
    """
    rows = [(f.path, f.before, f.after, f.mode, f.uid, f.gid) for f in deploying.files]
    same = {name: getattr(deploying, name) for name in _SAME}
    record = _Record.model_construct(directory=inode, files=tuple(rows), **same)
    content = record.model_dump_json().encode()
    if len(content) > DEPLOYING_LIMIT:
        raise OSError(errno.EFBIG, "the files to be kept are too large")
    return content


def parse(content: bytes, root: Path) -> tuple[Deploying, int]:
    """Read a record, and the number of the directory for which it was made.

    Raises:
        ValueError: It is damaged.
    """
    record = _Record.model_validate_json(content)
    files = tuple(OldFile(*row) for row in record.files)
    same = {name: getattr(record, name) for name in _SAME}
    return Deploying(root=root, files=files, **same), record.directory


def _named(name: str) -> str:
    if not Path(name).name or "\0" in name:
        msg = "names no file"
        raise ValueError(msg)
    return name


def _decoded(content: bytes) -> bytes:
    # Pydantic's own type leaves out what is not base64.
    return base64.b64decode(content, validate=True)


_Name = Annotated[str, AfterValidator(_named)]
_Content = Annotated[
    bytes,
    AfterValidator(_decoded),
    PlainSerializer(lambda content: base64.b64encode(content).decode()),
]
_Number = NonNegativeInt | None


class _Record(BaseModel):
    """A record as it is written. The last numbers of a file are its mode, owner and group."""

    model_config = ConfigDict(strict=True, defer_build=True)

    format: Literal["compose-tls deployment 1"] = "compose-tls deployment 1"
    directory: NonNegativeInt
    project: str
    options: tuple[str, ...]
    running: dict[str, tuple[str, ...]]
    added: tuple[str, ...]
    servers: tuple[str, ...]
    restart: bool
    files: tuple[tuple[_Name, _Content | None, str | None, _Number, _Number, _Number], ...]
    made: tuple[_Name, ...]
    removed: dict[_Name, NonNegativeInt]
    # Earlier versions had none.
    neighbours: dict[str, tuple[str, ...]] = {}
    sharing: tuple[str, ...] = ()


_SAME: Final = tuple(_Record.model_fields.keys() - {"format", "directory", "files"})

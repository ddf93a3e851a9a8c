"""What a deployment has to give back, kept on disk from before its first write until it is proved.

A transaction is over once the files are whole. A deployment goes on: the container is replaced, waited
for and proved, and until then the previous files are needed. They lie in a directory of their own,
closed to others and to git, so that the next command can put them back where this one is killed.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from compose_tls.apply.file_ops import FileOps, PosixFileOps, naming
from compose_tls.apply.journal import name_in
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
from compose_tls.errors import ForeignJournal, ProjectChanged, WriteFailed
from compose_tls.files import CHANGED_LIMIT, DEPLOYING_LIMIT, read_regular, real_path
from compose_tls.signals import deferred
from compose_tls.values import dataclass

DEPLOYING: Final = ".compose-tls.deploying"

_FORMAT: Final = "compose-tls deployment 1"
_DIRECTORY_MODE: Final = 0o700
_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file before a deployment, and how to know it after.

    Attributes:
        path: Relative to the project where it lies inside.
        before: Its content; ``None`` where there was none.
        after: SHA-256 of what the deployment makes of it; ``None`` where it takes it away.
        mode: Of a file of ours, with which it is made again; ``None`` for the user's, edited in place.
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
        options: The options of Compose, but for the name; told apart, never handed on.
        running: The services that ran, and which runs of which containers these were.
        added: The services to deploy that did not run.
        servers: Those of the services that are etcd or the object store.
        restart: Whether the containers stay, and are only restarted.
        files: The files that change.
        made: Directories that were not there, parents first.
        removed: Directories that may go, and their modes.
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

    @property
    def services(self) -> tuple[str, ...]:
        """The services that are deployed."""
        return (*self.running, *self.added)


def old_files(
    root: Path, back: Plan, contents: Mapping[str, bytes]
) -> tuple[tuple[OldFile, ...], tuple[str, ...], dict[str, int]]:
    """What ``inverse`` gives back, as it is kept: files, directories to take away and to make.

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


def store(deploying: Deploying, ops: FileOps | None = None) -> None:
    """Keep what a deployment has to give back. The project's lock must be held.

    Raises:
        WriteFailed: The disk refused; nothing is left.
    """
    ops = ops or PosixFileOps()
    directory = deploying.root / DEPLOYING
    try:
        with deferred(), naming(directory):
            ops.make_directory(directory, _DIRECTORY_MODE, uid=os.geteuid())
            # Who adds everything to git must not add the previous keys.
            ops.write_new(directory / ".gitignore", b"*\n", mode=_MODE, uid=None, gid=None)
            content = render(deploying, directory.stat().st_ino)
            ops.write_new(directory / "new", content, mode=_MODE, uid=None, gid=None)
            ops.rename(directory / "new", directory / "record")
            ops.sync_directory(directory)
            ops.sync_directory(deploying.root)
    except OSError as error:
        forget(deploying.root, ops)
        raise WriteFailed(
            f"the project cannot be written: {error.strerror or error}; nothing was changed",
            hint="check the permissions of the project directory and the free disk space, then "
            "run it again",
            path=DEPLOYING,
        ) from None


def forget(root: Path, ops: FileOps | None = None) -> None:
    """Let the previous files go: the deployment is proved, or taken back. The lock must be held.

    What the disk does not give up is told by the next command, which finds nothing to do.
    """
    ops = ops or PosixFileOps()
    directory = root / DEPLOYING
    with deferred():
        for name in ("record", "new", ".gitignore"):
            try:
                ops.remove(directory / name)
            except OSError:
                return
        ops.remove_directory(directory)


def read(root: Path) -> Deploying | None:
    """The deployment that an interrupted command of this user left in a project; ``None`` without one.

    Raises:
        ForeignJournal: It is not ours.
    """
    directory = real_path(root) / DEPLOYING
    try:
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise _foreign("it is not a directory")
        _require_ours(status, _DIRECTORY_MODE)
        found = read_regular(directory / "record", DEPLOYING_LIMIT)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _foreign(f"it cannot be read: {error.strerror}") from None
    if found is None:
        return None
    _require_ours(found.status, _MODE)
    try:
        deploying, inode = parse(found.content, directory.parent)
    except ValueError:
        raise _foreign("it is damaged") from None
    # Nobody else knows beforehand which number a directory gets: not git, and no archive.
    if inode != status.st_ino:
        raise _foreign("it was made for another place")
    return deploying


def is_deploying(root: Path) -> bool:
    """Whether a deployment was interrupted in a project, or is running there now."""
    return os.path.lexists(real_path(root) / DEPLOYING / "record")


def put_back(
    deploying: Deploying, outside: Iterable[Path] = (), *, accepted: bool = False
) -> tuple[str, ...]:
    """Put the previous files back. The project's lock must be held.

    Args:
        deploying: The deployment; it may have written all its files, or some, or none.
        outside: What the user names outside the project.
        accepted: Whether the user accepts that files outside are edited.

    Returns:
        The files that were put back.

    Raises:
        OutsideProject: One lies outside.
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
    from compose_tls.apply.transaction import apply  # noqa: PLC0415 - not for who only looks

    apply(Plan(root, tuple(changes)), contents, outside=(*outside, *edited))
    return names


def _way_back(path: Path, file: OldFile, contents: dict[str, bytes]) -> FileChange | None:
    """What gives a file its previous content; ``None`` where it has it."""
    from compose_tls.apply.preconditions import digest  # noqa: PLC0415 - as above

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


def _require_ours(status: os.stat_result, mode: int) -> None:
    if status.st_uid != os.geteuid():
        raise _foreign(f"it belongs to user {status.st_uid}")
    if stat.S_IMODE(status.st_mode) != mode:
        raise _foreign(f"its mode is {stat.S_IMODE(status.st_mode):04o}, and ours is {mode:04o}")


def _foreign(reason: str) -> ForeignJournal:
    return ForeignJournal(
        f"{DEPLOYING} was not written by a command of yours, so it is not applied: {reason}",
        hint="look at it, and remove it if you do not recognize it",
        path=DEPLOYING,
    )


def render(deploying: Deploying, inode: int) -> bytes:
    """A record as bytes.

    Args:
        deploying: The deployment.
        inode: The number of the directory in which it will lie.

    Raises:
        OSError: It is too large.
    """
    files = [
        [
            file.path,
            None if file.before is None else base64.b64encode(file.before).decode(),
            file.after,
            file.mode,
            file.uid,
            file.gid,
        ]
        for file in deploying.files
    ]
    values = {
        "format": _FORMAT,
        "directory": inode,
        "project": deploying.project,
        "options": deploying.options,
        "running": dict(deploying.running),
        "added": deploying.added,
        "servers": deploying.servers,
        "restart": deploying.restart,
        "files": files,
        "made": deploying.made,
        "removed": dict(deploying.removed),
    }
    content = json.dumps(values).encode()
    if len(content) > DEPLOYING_LIMIT:
        raise OSError(errno.EFBIG, "the files to be kept are too large")
    return content


def parse(content: bytes, root: Path) -> tuple[Deploying, int]:
    """Read a record, and the number of the directory for which it was made.

    Raises:
        ValueError: It is not one.
    """
    try:
        values: Any = json.loads(content)
        if values["format"] != _FORMAT:
            raise ValueError
        files = tuple(_file(*entry) for entry in values["files"])
        running = {_text(k): _texts(runs) for k, runs in values["running"].items()}
        removed = {_name(k): _number(mode) for k, mode in values["removed"].items()}
        made = tuple(map(_name, values["made"]))
        options, added, servers = (_texts(values[key]) for key in ("options", "added", "servers"))
        restart = values["restart"] is True
        services = running, added, servers
        kept = files, made, removed
        deploying = Deploying(root, _text(values["project"]), options, *services, restart, *kept)
        return deploying, _number(values["directory"])
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError from error


def _file(path: Any, before: Any, after: Any, mode: Any, uid: Any, gid: Any) -> OldFile:
    content = None if before is None else base64.b64decode(_text(before), validate=True)
    hashed = None if after is None else _text(after)
    numbers = (None if number is None else _number(number) for number in (mode, uid, gid))
    return OldFile(_name(path), content, hashed, *numbers)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(values: Sequence[Any]) -> tuple[str, ...]:
    return tuple(map(_text, values))


def _name(value: Any) -> str:
    name = _text(value)
    if not Path(name).name or "\0" in name:
        raise ValueError
    return name


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError
    return value

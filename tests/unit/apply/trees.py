"""Small trees on disk, what a plan makes of them, and file operations that stop in the middle."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.changes import (
    CreateFile,
    KeepFile,
    MakeDirectory,
    PatchFile,
    Pending,
    Plan,
    RemoveDirectory,
    RemoveFile,
    sha256,
)

Entry = tuple[str, int, bytes]
Moment = Literal["before", "after", "torn"]

OPERATIONS = frozenset(
    {
        "make_directory",
        "write_new",
        "copy_attributes",
        "hold",
        "overwrite",
        "rename",
        "remove",
        "remove_directory",
        "sync_directory",
    }
)


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root may chown and mount")


def run(command: list[str]) -> None:
    """Run a command that prepares a test; where it is not possible the test is skipped."""
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"{command[0]} is not possible here: {error}")


def tree(directory: Path) -> dict[str, Entry]:
    """Everything below a directory: kind, mode, and bytes or link target."""
    found: dict[str, Entry] = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        name = path.relative_to(directory).as_posix()
        if path.is_symlink():
            found[name] = ("link", 0, os.fsencode(path.readlink()))
        elif path.is_dir():
            found[name] = ("directory", mode, b"")
        else:
            found[name] = ("file", mode, path.read_bytes())
    return found


def write(path: Path, content: bytes, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


class Killed(BaseException):
    """The process is gone: nothing in it runs any more."""


class StoppingOps(PosixFileOps):
    """The real operations, but the one numbered ``at`` fails.

    Attributes:
        moment: ``before`` the call did anything, ``after`` it did everything, or ``torn``: half of
            the bytes were written.
        forever: Whether every later call fails as well, as for a dead process or a full disk.
    """

    def __init__(
        self,
        at: int,
        failure: Callable[[], BaseException] = Killed,
        moment: Moment = "before",
        *,
        forever: bool = True,
    ) -> None:
        self.at = at
        self.failure = failure
        self.moment = moment
        self.forever = forever
        self.calls = 0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in OPERATIONS:
            return found

        def call(*arguments: Any, **options: Any) -> None:
            number, self.calls = self.calls, self.calls + 1
            if number > self.at and self.forever:
                raise self.failure()
            if number != self.at:
                found(*arguments, **options)
                return
            if self.moment == "after":
                found(*arguments, **options)
            elif self.moment == "torn" and name in {"write_new", "overwrite"}:
                path, content = arguments
                found(path, content[: len(content) // 2], **options)
            raise self.failure()

        return call


def count_calls(plan: Plan, contents: dict[str, bytes]) -> int:
    """How many operations a plan takes. It is applied."""
    from compose_tls.apply.transaction import apply  # noqa: PLC0415 - trees are also built without it

    ops = StoppingOps(-1, forever=False)
    apply(plan, contents, ops)
    return ops.calls


def sample(directory: Path) -> tuple[Plan, dict[str, bytes]]:
    """A project with every kind of file, and a plan with every kind of change."""
    compose = write(directory / "docker-compose.yml", b"services: {}\n", 0o640)
    linked = write(directory / "milvus.yaml", b"tls:\n  mode: 0\n")
    os.link(linked, directory / "milvus-backup.yaml")
    real = write(directory / "conf" / "user.yaml", b"a: 1\n", 0o600)
    (directory / "user.yaml").symlink_to("conf/user.yaml")
    kept = write(directory / "kept.pem", b"kept")
    replaced = write(directory / "tls" / "ca.pem", b"old certificate")
    removed = write(directory / "tls" / "state.json", b"{}", 0o600)
    last = write(directory / "old" / "last.pem", b"last")
    write(directory / "tls" / "theirs.txt", b"not ours")
    (directory / "old").chmod(0o750)
    plan = Plan(
        directory,
        (
            MakeDirectory(directory / "cert", 0o700),
            MakeDirectory(directory / "deep" / "er" / "tls", 0o755),
            MakeDirectory(directory / "tls", 0o755),
            PatchFile(compose, compose.read_bytes(), b"services: {a: {}}\n"),
            PatchFile(linked, linked.read_bytes(), b"tls: {}\n"),
            PatchFile(directory / "user.yaml", real.read_bytes(), b"a: 1\nb: 2\n"),
            CreateFile(directory / "cert" / "ca.key", Pending("ca.key"), 0o600),
            CreateFile(directory / "deep" / "er" / "tls" / "server.pem", b"server", 0o644),
            CreateFile(replaced, b"new certificate", 0o600, sha256(b"old certificate")),
            KeepFile(kept, sha256(b"kept")),
            KeepFile(directory / "unreadable.key", None),
            RemoveFile(removed, sha256(b"{}")),
            RemoveFile(last, sha256(b"last")),
            RemoveDirectory(directory / "old"),
            RemoveDirectory(directory / "tls"),
        ),
    )
    return plan, {"ca.key": b"a key"}


def sample_after(old: dict[str, Entry]) -> dict[str, Entry]:
    """What the sample looks like once its plan is applied, worked out by hand."""
    new = {name: entry for name, entry in old.items() if not name.startswith("old")}
    del new["tls/state.json"]
    return new | {
        "docker-compose.yml": ("file", 0o640, b"services: {a: {}}\n"),
        "milvus.yaml": ("file", 0o644, b"tls: {}\n"),
        "milvus-backup.yaml": ("file", 0o644, b"tls: {}\n"),
        "conf/user.yaml": ("file", 0o600, b"a: 1\nb: 2\n"),
        "tls/ca.pem": ("file", 0o600, b"new certificate"),
        "cert": ("directory", 0o700, b""),
        "cert/ca.key": ("file", 0o600, b"a key"),
        "deep": ("directory", 0o755, b""),
        "deep/er": ("directory", 0o755, b""),
        "deep/er/tls": ("directory", 0o755, b""),
        "deep/er/tls/server.pem": ("file", 0o644, b"server"),
    }

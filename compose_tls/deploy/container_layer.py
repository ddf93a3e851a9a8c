"""Data in the layer of a container, which is lost when the container is recreated."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from compose_tls.deploy.deployed import Deployed, LayerChange
from compose_tls.deploy.engine import Engine
from compose_tls.errors import FileUnreadable
from compose_tls.patterns import regex
from compose_tls.shell import quoted
from compose_tls.stack.milvus.settings import CONFIG_DIRECTORY
from compose_tls.values import dataclass

"""Where Milvus looks for its configuration, in the container."""

# A milvus.yaml has 40 kB (2.6).
LIMIT: Final = 1_000_000
_HEADERS: Final = 10_240
# The engine writes modes as Go does: https://pkg.go.dev/io/fs#FileMode
_GO_DIRECTORY: Final = 1 << 31

# What is written again at each start. RocksDB's `LOG` is a log, but its `000004.log` is data.
_NO_DATA: Final = regex(
    r"(?:^|/)(?:logs?/.*|logs?|lost\+found|LOG(?:\.old\.\d+)?|LOCK|[^/]*\.(?:pid|sock|lock))$"
)
# What is data wherever it lies: of etcd (server/storage), RocksDB and LevelDB (db/filename), MinIO,
# RustFS and Kafka (KafkaRaftServer); and application databases, except those that programs recreate.
_KEPT: Final = regex(
    r"(?P<place>/.+?)/(?:member/snap/db|[0-9a-f]{16}-[0-9a-f]{16}\.wal|MANIFEST-\d+"
    r"|\.(?:minio|rustfs)\.sys/.+|meta\.properties)$"
)
_DATABASE: Final = regex(
    r"(?P<place>/(?!(?:dev|etc|proc|run|sys|tmp|usr|var/(?:cache|log|tmp|lib/(?:apt|dpkg|rpm)))/)"
    r"(?:[^/.][^/]*/)+[^/]+\.(?:db|duckdb|sqlite3?))$"
)


@dataclass(frozen=True, slots=True)
class UnmountedData:
    """Data in a container's own layer.

    Attributes:
        directory: The data directory, or the one file, as it is in the container.
        files: How many files were written there, at most.
        example: One of them.
    """

    directory: str
    files: int
    example: str


def unmounted_data(
    engine: Engine, deployed: Deployed, directories: Iterable[str]
) -> tuple[UnmountedData, ...]:
    """What was written in no mount: in the data directories, and databases anywhere.

    Args:
        engine: The engine, which tells files from directories.
        deployed: The container.
        directories: Where its programs keep data; relative ones count from its working directory.

    Returns:
        Those in which there is data, in the given order, and what is a database wherever it lies; logs,
        locks, pid files and empty directories are none.

    Raises:
        EngineUnreachable: The engine stopped answering.
    """
    places = [
        posixpath.normpath(posixpath.join(deployed.working_directory, each)) for each in directories
    ]
    data: dict[str, set[str]] = {place: set() for place in places}
    for path in (change.path for change in _leaves(deployed) if change.kind != "removed"):
        for place in places:
            if _below(path, place) and not _NO_DATA.search(posixpath.relpath(path, place)):
                data[place].add(path)
        if known := _KEPT.match(path) or _DATABASE.match(path):
            data.setdefault(known["place"], set()).add(path)
    found = []
    for place, paths in data.items():
        files = sorted(paths)
        while files and _is_no_file(engine, deployed.container.id, files[0]):
            del files[0]
        if files:
            found.append(UnmountedData(place, len(files), files[0]))
    return tuple(found)


def _is_no_file(engine: Engine, container_id: str, path: str) -> bool:
    """Whether a path is gone by now, or a directory: ``docker diff`` does not tell."""
    found = engine.archive(container_id, path, 0)
    return found is None or bool(found[0]["mode"] & _GO_DIRECTORY)


def changed_files(
    deployed: Deployed, directory: str = CONFIG_DIRECTORY, copied: Iterable[str] = ()
) -> tuple[LayerChange, ...]:
    """The files below a directory that were changed, added or removed inside the container.

    Args:
        deployed: The container.
        directory: The directory in the container.
        copied: What Compose itself puts there (``Declared.copied``).
    """
    given = frozenset(copied)
    return tuple(
        change
        for change in sorted(_leaves(deployed), key=lambda change: change.path)
        if _below(change.path, directory) and change.path not in given
    )


def read_file(engine: Engine, container_id: str, path: str, limit: int = LIMIT) -> bytes | None:
    """A file out of a container, running or not; symbolic links are followed inside it.

    Args:
        engine: The engine.
        container_id: The container's id.
        path: The absolute path of the file in the container.
        limit: The most bytes that it may have.

    Returns:
        Its content; ``None`` when there is no such file.

    Raises:
        FileUnreadable: It is not a regular file, or larger than the limit.
        EngineUnreachable: The engine stopped answering.
    """
    place = path
    # The engine names the end of a chain of links.
    for _ in range(2):
        found = engine.archive(container_id, place, limit + _HEADERS)
        if found is None:
            return None
        status, archive = found
        if link := status.get("linkTarget"):
            place = posixpath.join(posixpath.dirname(place), link)
            continue
        if content := _only_file(archive, limit):
            return content[0]
        break
    raise FileUnreadable(
        f"{path} in the container is not a file of at most {limit:,} bytes",
        hint=f"look at it: docker cp {quoted(f'{container_id[:12]}:{path}')} -",
        path=path,
    )


def _only_file(archive: bytes, limit: int) -> tuple[bytes] | None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        member = members.next()
        if member is None or not member.isreg() or member.size > limit:
            return None
        content = members.extractfile(member)
        return (content.read(),) if content else None


def _leaves(deployed: Deployed) -> Iterator[LayerChange]:
    """The changes that are not just on the way to others, or to a mount."""
    mounted = {mount.target for mount in deployed.mounts}
    paths = {*mounted, *(change.path for change in deployed.changes)}
    parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    for change in deployed.changes:
        inside = mounted & {change.path, *map(str, PurePosixPath(change.path).parents)}
        if change.path not in parents and not inside:
            yield change


def _below(path: str, directory: str) -> bool:
    return path.startswith(f"{directory.rstrip('/')}/")

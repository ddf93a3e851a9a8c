"""What a container's own layer holds; with a real engine: tests/e2e/test_deployed.py."""

from __future__ import annotations

import io
import tarfile
from typing import Any, cast

import pytest

from compose_tls.deploy.container_layer import changed_files, read_file, unmounted_data
from compose_tls.deploy.deployed import Deployed, from_answers
from compose_tls.deploy.engine import Engine
from compose_tls.errors import FileUnreadable
from tests.unit.deploy.recorded import IMAGE, inspected

# The engine writes modes as Go does.
DIRECTORY, REGULAR = 0o755 | 1 << 31, 0o644


class Files:
    """An engine whose container has these files; everything else is a directory."""

    def __init__(self, **files: bytes | str) -> None:
        self.files = {f"/{name.replace('__', '.')}": content for name, content in files.items()}

    def archive(
        self, container_id: str, path: str, limit: int
    ) -> tuple[dict[str, Any], bytes] | None:
        content = self.files.get(path)
        if content is None and "." not in path:
            return {"mode": DIRECTORY, "linkTarget": ""}, self._tar(path, None)[:limit]
        if content is None:
            return None
        link = content if isinstance(content, str) else ""
        body = b"" if isinstance(content, str) else content
        return {"mode": REGULAR, "linkTarget": link}, self._tar(path, body)[:limit]

    def _tar(self, path: str, content: bytes | None) -> bytes:
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as archive:
            member = tarfile.TarInfo(path.rpartition("/")[2])
            member.size = len(content or b"")
            member.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            archive.addfile(member, io.BytesIO(content or b""))
        return sink.getvalue()

    @property
    def engine(self) -> Engine:
        return cast("Engine", self)


def container(*paths: str) -> Deployed:
    """One of which `docker diff` tells this: A, C or D before a path; /var/lib/milvus is mounted."""
    kinds = {"C": 0, "A": 1, "D": 2}
    changes = [{"Path": path[2:], "Kind": kinds[path[0]]} for path in paths]
    return from_answers(inspected(), image=IMAGE, tag=IMAGE, changes=changes)


class Everything(Files):
    """All leaves are files."""

    def archive(
        self, container_id: str, path: str, limit: int
    ) -> tuple[dict[str, Any], bytes] | None:
        return {"mode": REGULAR}, b""


ETCD = ("C /milvus", "A /milvus/default.etcd", "A /milvus/default.etcd/member")


@pytest.mark.parametrize(
    ("paths", "directories", "found"),
    [
        # Case 03, as recorded.
        (
            (*ETCD, "A /milvus/default.etcd/member/snap", "A /milvus/default.etcd/member/snap/db"),
            ["default.etcd"],
            [("/milvus/default.etcd", 1, "/milvus/default.etcd/member/snap/db")],
        ),
        # RocksDB: its logs are no data, its write-ahead log is.
        (("A /data/LOG", "A /data/LOG.old.17", "A /data/LOCK"), ["/data"], []),
        (("A /data/000005.log",), ["/data/"], [("/data", 1, "/data/000005.log")]),
        (("A /data/logs/a.log", "A /data/log", "A /data/x.pid", "A /data/x.sock"), ["/data"], []),
        (("D /data/gone", "A /elsewhere", "A /database/x", "A /data"), ["/data"], []),
        # The mount point, what is in it, and the way to it.
        (("C /var", "A /var/lib", "A /var/lib/milvus"), ["/var/lib/milvus", "/var/lib"], []),
        (("A /var/lib/milvus/x",), ["/var/lib/milvus"], []),
        (("A /var/lib/etcd/db",), ["/var/lib"], [("/var/lib", 1, "/var/lib/etcd/db")]),
        (("A /logs/data/db",), ["/logs/data"], [("/logs/data", 1, "/logs/data/db")]),
        (
            ("A /b/2", "C /b/1", "A /a/1"),
            ["/b", "/a", "/b"],
            [("/b", 2, "/b/1"), ("/a", 1, "/a/1")],
        ),
    ],
)
def test_data_that_is_in_no_mount_is_found(
    paths: tuple[str, ...], directories: list[str], found: list[tuple[str, int, str]]
) -> None:
    data = unmounted_data(Everything().engine, container(*paths), directories)

    assert [(each.directory, each.files, each.example) for each in data] == found


def test_a_directory_is_no_data_and_neither_is_what_went_away_meanwhile() -> None:
    engine = Files(data__x__db=b"1").engine
    paths = ("A /data.x", "A /data.x.db", "A /milvus/empty", "A /milvus/gone.tmp")

    assert unmounted_data(engine, container(*paths), ["/milvus"]) == ()


def test_a_changed_configuration_is_told_from_what_compose_put_there() -> None:
    found = changed_files(
        container(
            "C /milvus",
            "C /milvus/configs",
            "C /milvus/configs/milvus.yaml",
            "A /milvus/configs/more.yaml",
            "A /milvus/configs/copied.yaml",
            "D /milvus/configs/glog.conf",
            "A /milvus/x",
        ),
        copied=["/milvus/configs/copied.yaml"],
    )

    # more.yaml is a mount of the recorded container.
    assert [(each.path, each.kind) for each in found] == [
        ("/milvus/configs/glog.conf", "removed"),
        ("/milvus/configs/milvus.yaml", "changed"),
    ]


def test_a_file_is_read_through_a_link() -> None:
    engine = Files(a__yaml="b.yaml", b__yaml=b"text").engine

    assert read_file(engine, "id", "/a.yaml") == b"text"
    assert read_file(engine, "id", "/missing.yaml") is None


@pytest.mark.parametrize("path", ["/large.yaml", "/directory", "/loop.yaml"])
def test_what_is_no_small_file_is_refused(path: str) -> None:
    engine = Files(large__yaml=b"123456", loop__yaml="loop.yaml").engine

    with pytest.raises(FileUnreadable) as caught:
        read_file(engine, "3054edc2bf4bae13", path, limit=5)

    assert caught.value.message == f"{path} in the container is not a file of at most 5 bytes"
    assert caught.value.hint == f"look at it: docker cp 3054edc2bf4b:{path} -"

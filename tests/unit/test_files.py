"""Nothing in a project leads outside it, and nothing in it is waited for."""

from __future__ import annotations

import errno
import os
import socket
import time
from pathlib import Path

import pytest

from compose_tls.errors import FileUnreadable, OutsideProject
from compose_tls.files import (
    PEM_LIMIT,
    SECRET_LIMIT,
    YAML_LIMIT,
    ProjectFiles,
    open_real,
    read_regular,
)
from compose_tls.observe.file_reader import FileReader


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path.resolve() / "project"
    (project / "conf").mkdir(parents=True)
    (project / "conf" / "milvus.yaml").write_bytes(b"inside")
    (project.parent / "elsewhere").mkdir()
    (project.parent / "elsewhere" / "secret").write_bytes(b"outside")
    (project / "in").symlink_to("conf")
    (project / "out").symlink_to("../elsewhere")
    (project / "milvus.yaml").symlink_to("in/milvus.yaml")
    (project / "link").symlink_to("out/secret")
    (project / "dangling").symlink_to("/nowhere/at/all")
    return project


OUTSIDE = [
    "../elsewhere/secret",
    "/etc/passwd",
    "out/secret",
    "link",
    "dangling",
    "conf/../../x",
    "..",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_leads_outside_is_refused_by_its_name(project: Path, name: str) -> None:
    for path in (Path(name), project / name):
        with pytest.raises(OutsideProject) as caught:
            ProjectFiles(project).read(path, PEM_LIMIT)
        assert caught.value.path == name or Path(name).is_absolute()
        assert "command line" in caught.value.hint
        assert not ProjectFiles(project).is_inside(path)


@pytest.mark.parametrize(
    "name", ["milvus.yaml", "in/milvus.yaml", "conf/milvus.yaml", "conf/../milvus.yaml"]
)
def test_links_within_the_project_are_followed(project: Path, name: str) -> None:
    found = ProjectFiles(project).read(Path(name), PEM_LIMIT)
    assert found is not None
    assert found.content == b"inside"
    assert ProjectFiles(project).require_inside(Path(name)) == project / "conf" / "milvus.yaml"


def test_what_the_user_names_may_lie_anywhere(project: Path) -> None:
    for named in (project.parent / "elsewhere", Path("../elsewhere/secret"), Path("link")):
        found = ProjectFiles(project, [named]).read(Path("out/secret"), PEM_LIMIT)
        assert found is not None
        assert found.content == b"outside"
    with pytest.raises(OutsideProject):
        ProjectFiles(project, [project.parent / "elsewhere"]).read(Path("/etc/passwd"), PEM_LIMIT)


def test_a_name_that_no_file_can_have_is_refused(project: Path) -> None:
    with pytest.raises(OutsideProject):
        ProjectFiles(project).require_inside(Path("a\0b"))
    assert read_regular(project / "a\0b", PEM_LIMIT) is None
    assert FileReader(project.parent).content(Path("/a\0b")) is None


def test_nothing_is_waited_for_and_nothing_has_no_end(project: Path) -> None:
    os.mkfifo(project / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(project / "socket"))
        began = time.monotonic()
        for path in (project / "pipe", project / "socket", project / "conf", Path("/dev/zero")):
            assert read_regular(path, PEM_LIMIT) is None
        assert time.monotonic() - began < 30


def test_a_file_may_be_as_large_as_its_kind_and_no_larger(project: Path) -> None:
    (project / "token").write_bytes(bytes(SECRET_LIMIT))
    found = ProjectFiles(project).read(Path("token"), SECRET_LIMIT)
    assert found is not None
    assert len(found.content) == found.status.st_size == SECRET_LIMIT
    (project / "token").write_bytes(bytes(SECRET_LIMIT + 1))
    with pytest.raises(OSError, match="larger than 64 KiB"):
        ProjectFiles(project).read(Path("token"), SECRET_LIMIT)


def test_a_link_that_appears_after_the_check_is_not_followed(project: Path) -> None:
    real = ProjectFiles(project).require_inside(Path("conf/milvus.yaml"))
    (project / "conf").rename(project / "moved")
    (project / "conf").symlink_to("moved")
    with pytest.raises(OSError, match=os.strerror(errno.ENOTDIR)):
        open_real(real, os.O_RDONLY)


class TestReader:
    def test_a_link_that_leads_outside_is_not_read(self, project: Path) -> None:
        for read in (FileReader(project).content, FileReader(project).secret):
            with pytest.raises(OutsideProject) as caught:
                read(project / "link")
            assert caught.value.path == "link"

    def test_one_that_the_user_named_is(self, project: Path) -> None:
        outside = project.parent / "elsewhere" / "secret"
        assert FileReader(project, [outside]).content(project / "link") == b"outside"

    def test_a_file_that_compose_would_read_elsewhere_is_read(self, project: Path) -> None:
        assert FileReader(project).content(project / "../elsewhere/secret") == b"outside"

    def test_each_kind_of_file_has_its_limit(self, project: Path) -> None:
        (project / "big").write_bytes(bytes(YAML_LIMIT))
        assert FileReader(project).content(project / "big") == bytes(YAML_LIMIT)
        with pytest.raises(FileUnreadable, match="larger than 1 MiB"):
            FileReader(project).secret(project / "big")

"""milvus-lite that cannot be had, or does not start."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import pytest

from compose_tls.errors import ContainerExited, EngineUnreachable, NotReady
from compose_tls.testing import lite, milvus_tls


def installed(directory: Path, package: str, version: str) -> None:
    """A package of a version, as pip leaves it."""
    place = directory / f"{package}-{version}.dist-info"
    place.mkdir()
    name = f"Name: {package.replace('_', '-')}"
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\n{name}\nVersion: {version}\n")


def standard_library() -> list[str]:
    """Where modules of Python itself are, and no package."""
    own = sysconfig.get_path("stdlib")
    return [path for path in sys.path if path.startswith(own) and "-packages" not in path]


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({}, "milvus-lite, which is not installed"),
        ({"milvus_lite": "2.5.1", "pymilvus": "3.0.2"}, "milvus-lite 3.2 or newer, and 2.5.1 is"),
        ({"milvus_lite": "3.2.2"}, "pymilvus, which is not installed"),
        ({"milvus_lite": "3.2.2", "pymilvus": "2.6.0"}, "pymilvus 2.6.1 or newer, and 2.6.0 is"),
        ({"milvus_lite": "3.2.2", "pymilvus": "2.5.18rc1"}, "pymilvus 2.6.1 or newer"),
    ],
)
def test_what_it_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], said: str
) -> None:
    for package, version in versions.items():
        installed(tmp_path, package, version)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *standard_library()])
    with pytest.raises(EngineUnreachable, match=said) as caught:
        lite.require_lite()
    assert caught.value.hint == "pip install 'compose-tls[lite]'"


@pytest.mark.parametrize("version", ["2.6.1", "2.10", "3.0.2"])
def test_what_goes_together_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    installed(tmp_path, "milvus_lite", "3.2.2")
    installed(tmp_path, "pymilvus", version)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *standard_library()])
    lite.require_lite()


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages of which the process of the server loads one that is not sound."""
    installed(tmp_path, "milvus_lite", "3.2.2")
    installed(tmp_path, "pymilvus", "3.0.2")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path / "grpc.py"


def test_a_server_that_ends_says_why(broken: Path) -> None:
    broken.write_text("raise ImportError('faiss was built for another processor')\n")
    said = "milvus-lite ended with code 1: ImportError: faiss was built for another processor"
    with pytest.raises(ContainerExited, match=said), milvus_tls(backend="lite"):
        pytest.fail("it started")
    assert not list(broken.parent.glob("compose-tls-milvus-*"))


def test_a_server_that_does_not_come_up_is_waited_for_no_longer_than_asked(broken: Path) -> None:
    broken.write_text("import time\ntime.sleep(600)\n")
    with (
        pytest.raises(NotReady, match=r"does not listen after 0\.2 s"),
        milvus_tls(backend="lite", timeout=0.2),
    ):
        pytest.fail("it started")
    assert not list(broken.parent.glob("compose-tls-milvus-*"))

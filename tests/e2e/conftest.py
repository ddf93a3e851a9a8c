"""End-to-end tests run on a real engine, or not at all."""

from __future__ import annotations

import fcntl
import importlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.kept_rows import Stack, kept
from tests.e2e.session import Project

IMAGES = Path(__file__).with_name("images")
LONGEST = (
    "test_stack_matrix",
    "test_whole_stack",
    "test_recreation",
    "test_main_job",
    "test_older_milvus",
    "test_matrix",
    "test_renew",
)
"""Modules that take minutes, and so begin first: what runs beside them fills the gaps."""
TIME = 20 * 60
"""Seconds for one test: images are pulled, real servers start beside all others, several times."""
REQUIRED = os.environ.get("REQUIRE_E2E") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest modules first; xdist keeps that order with ``--no-loadscope-reorder``."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))
    for item in items:
        item.add_marker(pytest.mark.timeout(TIME))


def missing(reason: str) -> None:
    """Skip, or fail where end-to-end tests are required."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def embedded_alone() -> Iterator[None]:
    """The wheel ``milvus``, installed where it is made for this machine, for one process at a time.

    Its servers put files into directories that they all share, and a test looks whether any is left.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the embedded Milvus is made for Linux on x86-64 alone")
    with (Path(sys.prefix) / "embedded-milvus.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        importlib.invalidate_caches()
        if importlib.util.find_spec("milvus") is None:
            install = [sys.executable, "-m", "pip", "install", "--quiet", "milvus==2.3.5"]
            done = subprocess.run(install, capture_output=True, text=True, check=False)
            if done.returncode:
                missing(f"the wheel milvus cannot be installed: {done.stderr.strip()[-200:]}")
            importlib.invalidate_caches()
        yield


@pytest.fixture(scope="session")
def milvus_lite() -> None:
    """The package milvus-lite, which has wheels for fewer systems than we do."""
    if importlib.util.find_spec("milvus_lite") is None:
        missing("the package milvus-lite is not installed")


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine and Docker Compose."""
    if shutil.which("docker") is None:
        missing("there is no docker command here")
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            missing(f"{' '.join(command)} fails: {done.stderr.strip()[-200:]}")


@pytest.fixture(scope="session")
def images(engine: None) -> None:
    """The images of Milvus and etcd: present, pulled or built, by one process for all."""
    build = ["sh", str(IMAGES / "build.sh")]
    with (Path(sys.prefix) / "e2e-images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(build, capture_output=True, text=True, timeout=1500, check=False)
    if done.returncode:
        missing(f"the images can be neither pulled nor built: {done.stderr.strip()[-300:]}")


@pytest.fixture
def stack(images: None, tmp_path: Path) -> Iterator[Stack]:
    """A project with one Milvus, taken down at the end."""
    with kept(tmp_path) as made:
        yield made


@pytest.fixture
def official(images: None, tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Makes the official set-up in a directory of its own; it is taken down at the end."""
    project = Project(tmp_path)

    def make(*, milvus_yaml: bool) -> Project:
        return Project.official(tmp_path, milvus_yaml=milvus_yaml)

    yield make
    project.down()

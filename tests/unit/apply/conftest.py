from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.apply.trees import run


@pytest.fixture(autouse=True)
def without_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Power cuts cannot be tested here, and waiting for the disk thousands of times takes a minute."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def ordinary(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory of a user who is not root; the test runs as that user."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if os.geteuid() != 0:
            yield directory
            return
        os.chown(directory, 65534, 65534)
        os.setegid(65534)
        os.seteuid(65534)
        try:
            yield directory
        finally:
            os.seteuid(0)
            os.setegid(0)


@pytest.fixture
def mounts() -> Iterator[Callable[..., None]]:
    """Mounts something, until the test has ended."""
    places: list[Path] = []

    def mount(*arguments: str | Path) -> None:
        run(["mount", *map(str, arguments)])
        places.append(Path(arguments[-1]))

    yield mount
    for place in reversed(places):
        subprocess.run(["umount", str(place)], check=True)

"""A short run of ``make fuzz``, and each input that was once not refused as it should be."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from compose_tls.errors import YamlSyntax
from tests.fuzz import run
from tests.fuzz.run import FOUND, TooLong, execute, mutated
from tests.fuzz.targets import TARGETS, Target
from tests.patience import LONG

SECONDS = 1.5
KEPT = sorted(path for path in FOUND.rglob("*") if path.is_file() and path.parent.name in TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_nearly_right_is_read_or_refused(name: str) -> None:
    result = mutated(name, SECONDS, None, seed=time.time_ns() % 1_000_000)

    print(result)
    assert result.executions
    assert result.findings == []


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_is_mended(path: Path) -> None:
    execute(TARGETS[path.parent.name], path.read_bytes())


def test_a_reader_that_does_not_refuse_as_it_should_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(data: bytes) -> None:
        if b"c" not in data:
            raise KeyError(data)
        if b"d" in data:
            raise YamlSyntax("refused", hint="")

    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "FOUND", tmp_path)
    monkeypatch.setitem(TARGETS, "yaml", Target(read, lambda: [b"abc", b"abcd"]))

    result = mutated("yaml", 10, 500, seed=1)

    assert result.executions == 500
    [found] = result.findings
    assert "KeyError" in found
    [kept] = (tmp_path / "yaml").iterdir()
    with pytest.raises(KeyError):
        execute(TARGETS["yaml"], kept.read_bytes())


def busy(_: bytes) -> None:
    while True:
        pass


@pytest.mark.parametrize("read", [busy, lambda _: time.sleep(LONG)])
def test_one_that_takes_too_long_is_found(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[bytes], None]
) -> None:
    monkeypatch.setattr(run, "SECONDS", 0.2)
    monkeypatch.setattr(run, "WAIT", 0.5 if read is not busy else LONG)

    with pytest.raises(TooLong):
        execute(Target(read, lambda: [b""]), b"")

"""``init`` in a directory that it makes: whichever call is the last, a whole project is there or none."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compose_tls import init
from compose_tls.errors import ProjectExists, WriteFailed
from compose_tls.signals import SIGNALS, as_interrupt
from tests.faults.commands import QUIET, mutual
from tests.faults.system_calls import Calls
from tests.unit.apply.trees import Killed


def make(place: Path, calls: Calls) -> Calls:
    with pytest.MonkeyPatch.context() as patched:
        calls.install(patched)
        init(place, mutual(), **QUIET)
    return calls


@pytest.fixture
def place() -> Iterator[Path]:
    """In memory where there is such a place."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as found:
        yield Path(found).resolve()


@pytest.fixture
def whole(place: Path) -> tuple[set[str], range]:
    """The files of such a project, and every third of the calls that they take."""
    calls = make(place / "whole", Calls())
    return held(place / "whole"), range(0, len(calls.names), 3)


def held(place: Path) -> set[str]:
    return {path.relative_to(place).as_posix() for path in place.rglob("*")}


def killed() -> None:
    raise Killed


def test_after_a_kill_the_next_one_makes_it_or_it_is_there(
    place: Path, whole: tuple[set[str], range]
) -> None:
    names, calls = whole
    outcomes = set()
    for at in calls:
        new = place / str(at) / "new"
        with pytest.raises(Killed):
            make(new, Calls(at, killed, forever=True))
        new.mkdir(parents=True, exist_ok=True)  # who is killed takes no empty directory back
        try:
            init(new, mutual(), **QUIET)
            outcomes.add("made")
        except ProjectExists:
            outcomes.add("finished")
        assert held(new) == names, at
    assert outcomes == {"made", "finished"}


def full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def terminated() -> None:
    os.kill(os.getpid(), SIGNALS[1])


@pytest.mark.parametrize("failure", [full, terminated])
def test_after_an_error_or_a_signal_nothing_is_there_or_all_of_it(
    place: Path, whole: tuple[set[str], range], failure: Callable[[], None]
) -> None:
    names, calls = whole
    outcomes = set()
    for at in calls:
        new = place / str(at) / "new"
        try:
            with as_interrupt():
                make(new, Calls(at, failure))
        except (WriteFailed, KeyboardInterrupt) as error:
            said = f"{error} {getattr(error, '__notes__', '')}"
            if "all files are written" in said or "before it was complete" in said:
                with pytest.raises(ProjectExists):
                    init(new, mutual(), **QUIET)
                assert held(new) == names, at
                outcomes.add("finished")
            else:
                assert not new.parent.exists(), at
                outcomes.add("undone")
        else:
            assert held(new) == names, at
    assert outcomes == {"finished", "undone"}

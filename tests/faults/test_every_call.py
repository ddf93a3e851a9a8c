"""Whichever system call of whichever command goes wrong: after the next one, the old project or the new.

Each command is stopped at each of its calls: by a kill before it, after it or half-way through a write,
by each kind of error, and by each signal. Whether an error passes or stays, and whether it comes before
the call did anything, half-way or after it did all, takes turns; where there are very many calls, so do
the kinds. With ``FAULTS=all`` each meets each.
How many there were is printed at the end.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.recover import recover
from compose_tls.apply.transaction import apply
from compose_tls.errors import ProjectError, RecoveryFailed, WriteFailed
from compose_tls.signals import SIGNALS, as_interrupt
from tests.faults.commands import COMMANDS, Command, planned, restore
from tests.faults.system_calls import CALLS, FILE_CALLS, Calls
from tests.unit.apply.trees import Entry, Killed, Moment, tree

ERRORS = (errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS, errno.EINTR)
MOMENTS: tuple[Moment, ...] = ("before", "after", "torn")
_MANY = 130
ALL = os.environ.get("FAULTS") == "all"


@pytest.fixture(scope="module", params=COMMANDS)
def command(request: pytest.FixtureRequest) -> Iterator[Command]:
    # In memory where there is such a place: what a disk would do is done by the tests.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        yield planned(request.param, Path(place).resolve() / "project")


@pytest.fixture
def count(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Callable[[str], None]:
    """Counts a fault of some kind; conftest.py prints how many there were."""
    counted: dict[str, int] = {}
    record_property("faults", counted)
    record_property("command", request.node.callspec.params["command"])

    def count(kind: str) -> None:
        counted[kind] = counted.get(kind, 0) + 1

    return count


@pytest.fixture
def run(command: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[[Calls], Calls]:
    """Run the command from its plan on, in the project as it was."""

    def run(calls: Calls) -> Calls:
        restore(command.plan.directory, command.old)
        with monkeypatch.context() as patched:
            calls.install(patched)
            calls.warnings = apply(command.plan, command.contents)
        return calls

    return run


@pytest.fixture
def names(run: Callable[[Calls], Calls], command: Command) -> list[str]:
    """The calls that the command makes."""
    found = run(Calls()).names
    assert tree(command.plan.directory) == command.new
    assert len(found) > 40
    return found


def turns(kinds: tuple[Any, ...], number: int) -> Iterator[Any]:
    """All kinds, or the one whose turn it is."""
    yield from kinds if ALL else (kinds[number % len(kinds)],)


def met(names: list[str], kind: int) -> range:
    """The calls that a kind of fault meets: all, or of very many every third, each kind others."""
    step = 1 if ALL else 1 + len(names) // _MANY
    return range(kind % step, len(names), step)


def raising(error: Callable[[], BaseException]) -> Callable[[], None]:
    def fail() -> None:
        raise error()

    return fail


def of_the_system(number: int) -> Callable[[], None]:
    return raising(lambda: OSError(number, os.strerror(number)))


def recovered(directory: Path) -> None:
    recover(directory, PosixFileOps())


def test_a_kill(
    run: Callable[[Calls], Calls],
    command: Command,
    names: list[str],
    monkeypatch: pytest.MonkeyPatch,
    count: Callable[[str], None],
) -> None:
    directory, seen = command.plan.directory, set()
    moments: list[tuple[int, Moment]] = [(at, "before") for at in met(names, 0)]
    moments += [(at, "after") for at in met(names, 1)]
    moments += [(at, "torn") for at, name in enumerate(names) if name == "write"]
    for at, moment in moments:
        count(f"kill {moment}")
        with pytest.raises(Killed):
            run(Calls(at, raising(Killed), moment, forever=True))
        for second in turns((None, at % 23, at % 7), at):
            if second is not None:
                with monkeypatch.context() as patched, contextlib.suppress(Killed):
                    Calls(second, raising(Killed), forever=True).install(patched)
                    recovered(directory)
        recovered(directory)
        assert tree(directory) in (command.old, command.new), f"killed {moment} {names[at]} {at}"
        seen.add(tree(directory) == command.new)
    assert seen == {False, True}


def errors(at: int, names: list[str]) -> Iterator[tuple[int, Moment, bool]]:
    """Each kind of error: with each moment, once and for good, or with those whose turn it is."""
    for turn, number in enumerate(ERRORS, at):
        if at not in met(names, turn - at):
            continue
        for moment, forever in itertools.product(
            turns(MOMENTS, turn), turns((False, True), turn // 3)
        ):
            yield number, moment, forever


def test_an_error(
    run: Callable[[Calls], Calls], command: Command, names: list[str], count: Callable[[str], None]
) -> None:
    directory, seen = command.plan.directory, set()
    for at, name in enumerate(names):
        for number, moment, forever in errors(at, names):
            count(errno.errorcode[number])
            case = f"{errno.errorcode[number]} {moment} {name} {at}"
            calls = Calls(at, of_the_system(number), moment, forever=forever)
            said = what_is_said(run, calls)
            if said == "directory-kept":
                assert name == "rmdir"
                assert files_of(tree(directory)) == files_of(command.new), case
                continue
            if not forever and said != "half-way":
                assert tree(directory) == (command.old if said else command.new), case
            recovered(directory)
            assert tree(directory) == (command.old if said == "nothing" else command.new), case
            seen.add(said)
    assert seen >= {"nothing", "half-way"}


def what_is_said(run: Callable[[Calls], Calls], calls: Calls) -> str:
    """Whether nothing was changed, or it stopped half-way, or a directory stays, or nothing at all.

    Some errors change nothing: there cannot be a hard link, or the disk had done what it says it had not.
    """
    try:
        run(calls)
    except WriteFailed as error:
        return "nothing" if "nothing was changed" in error.message else "half-way"
    return calls.warnings[0].code if calls.warnings else ""


def files_of(entries: dict[str, Entry]) -> dict[str, Entry]:
    return {name: entry for name, entry in entries.items() if entry[0] != "directory"}


def test_signals(
    run: Callable[[Calls], Calls], command: Command, names: list[str], count: Callable[[str], None]
) -> None:
    directory, seen = command.plan.directory, set()
    for at in range(len(names)):
        for first in (one for turn, one in enumerate(SIGNALS) if at in met(names, turn)):
            count(first.name)

            def send(first: int = first) -> None:
                os.kill(os.getpid(), first)
                os.kill(os.getpid(), SIGNALS[0])

            with pytest.raises(KeyboardInterrupt) as caught, as_interrupt():
                run(Calls(at, send))
            [note] = caught.value.__notes__
            said = {"no file was changed": command.old, "all files are written": command.new}
            assert tree(directory) == said[note], f"{first} {names[at]} {at}"
            seen.add(note)
    assert len(seen) == 2


def test_the_next_command_is_refused_until_the_disk_is_mended(
    run: Callable[[Calls], Calls],
    command: Command,
    names: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = len(names) - 1 - names[::-1].index("replace") if "replace" in names else 0
    with pytest.raises(WriteFailed, match="before it was complete"):
        run(Calls(last, of_the_system(errno.EIO), forever=True))
    with monkeypatch.context() as patched:
        Calls(0, of_the_system(errno.EIO), forever=True).install(patched)
        with pytest.raises(RecoveryFailed) as caught:
            recovered(command.plan.directory)
    assert isinstance(caught.value, ProjectError)
    recovered(command.plan.directory)
    assert tree(command.plan.directory) == command.new


def test_every_call_that_changes_a_disk_is_among_them(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: set[str] = set()
    for name in ("enable", "disable --purge", "client --p12"):
        command = planned(name, tmp_path_factory.mktemp("all").resolve() / "project")
        restore(command.plan.directory, command.old)
        with monkeypatch.context() as patched:
            calls = Calls()
            calls.install(patched)
            apply(command.plan, command.contents)
        found |= set(calls.names)
    # Files in place are for hard links and foreign owners, which tests/unit/apply has.
    assert found >= (CALLS | FILE_CALLS) - {"truncate"}

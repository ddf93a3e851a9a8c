"""Random plans over random trees, stopped at random places."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose_tls.apply.file_ops import PosixFileOps
from compose_tls.apply.inverse import inverse, snapshot
from compose_tls.apply.recover import recover
from compose_tls.apply.transaction import apply
from compose_tls.changes import (
    CreateFile,
    FileChange,
    KeepFile,
    MakeDirectory,
    PatchFile,
    Pending,
    Plan,
    RemoveDirectory,
    RemoveFile,
    sha256,
)
from tests.unit.apply.trees import Entry, Killed, StoppingOps, tree, write

MODES = st.sampled_from([0o600, 0o644, 0o640, 0o666])
CONTENTS = st.binary(max_size=40)
DIRECTORIES = ("", "one/", "two/", "two/deep/")


@dataclass(frozen=True)
class Fate:
    """A file: what it is, and what becomes of it."""

    old: tuple[bytes, int] | None
    action: str
    new: bytes
    mode: int


FATES = st.builds(
    Fate,
    old=st.none() | st.tuples(CONTENTS, MODES),
    action=st.sampled_from(["leave", "keep", "patch", "write", "remove"]),
    new=CONTENTS,
    mode=MODES,
)
TREES = st.dictionaries(
    st.builds(str.__add__, st.sampled_from(DIRECTORIES), st.sampled_from("abc")),
    FATES,
    max_size=6,
)


def lay_out(directory: Path, fates: dict[str, Fate]) -> None:
    for name, fate in fates.items():
        if fate.old is not None:
            write(directory / name, *fate.old)


def planned(directory: Path, fates: dict[str, Fate]) -> tuple[Plan, dict[str, bytes]]:
    changes: list[FileChange] = []
    contents: dict[str, bytes] = {}
    for name, fate in fates.items():
        path = directory / name
        if fate.old is None:
            if fate.action == "write":
                changes.append(MakeDirectory(path.parent, 0o750))
                changes.append(CreateFile(path, Pending(name), fate.mode))
                contents[name] = fate.new
            continue
        content = fate.old[0]
        match fate.action:
            case "keep":
                changes.append(KeepFile(path, sha256(content)))
            case "patch":
                changes.append(PatchFile(path, content, fate.new))
            case "write":
                changes.append(CreateFile(path, fate.new, fate.mode, sha256(content)))
            case "remove":
                changes.append(RemoveFile(path, sha256(content)))
            case _:
                pass
    changes += [RemoveDirectory(directory / name) for name in ("one", "two/deep", "two")]
    return Plan(directory, tuple(changes)), contents


def expected(old: dict[str, Entry], fates: dict[str, Fate]) -> dict[str, Entry]:
    new = dict(old)
    for name, fate in fates.items():
        if fate.action == "write":
            new[name] = ("file", fate.mode, fate.new)
        elif fate.action == "patch" and fate.old is not None:
            new[name] = ("file", fate.old[1], fate.new)
        elif fate.action == "remove":
            new.pop(name, None)
    made = {str(Path(name).parent) for name, fate in fates.items() if new.get(name) is not None}
    for name in ("two/deep", "two", "one"):
        inside = any(other.startswith(f"{name}/") for other in new)
        if not inside:
            new.pop(name, None)
        elif name not in new:
            new[name] = ("directory", 0o750 if name in made else 0o755, b"")
    return new


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    fates=TREES,
    at=st.integers(0, 60),
    moment=st.sampled_from(["before", "after", "torn"]),
)
def test_a_plan_is_carried_out_whole_or_not_at_all_and_can_be_taken_back(
    without_fsync: None, fates: dict[str, Fate], at: int, moment: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        lay_out(directory, fates)
        old = tree(directory)
        plan, contents = planned(directory, fates)
        new = expected(old, fates)
        before = snapshot(plan)
        try:
            apply(plan, contents, StoppingOps(at, Killed, moment))  # type: ignore[arg-type] # drawn
        except Killed:
            recover(directory, PosixFileOps())
            assert tree(directory) in (old, new)
        else:
            assert tree(directory) == new
        if tree(directory) == new != old:
            apply(*inverse(plan, contents, before))
            assert tree(directory) == old


def test_the_model_of_the_plans_is_not_trivial(tmp_path: Path) -> None:
    fates = {
        "one/a": Fate((b"x", 0o600), "remove", b"", 0o600),
        "two/deep/b": Fate(None, "write", b"y", 0o640),
    }
    lay_out(tmp_path, fates)
    old = tree(tmp_path)
    plan, contents = planned(tmp_path, fates)
    apply(plan, contents)
    assert tree(tmp_path) == expected(old, fates) != old
    with pytest.raises(KeyError):
        tree(tmp_path)["one"]

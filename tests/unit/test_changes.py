from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
    relative,
    sha256,
    unified_diff,
)

ROOT = Path("/project")

Patch = Callable[[str, bytes, str], bytes]


@pytest.fixture
def patch(tmp_path: Path) -> Patch:
    """The program that everybody applies diffs with."""
    program = shutil.which("patch")
    if program is None:
        pytest.skip("the program patch is not installed")

    def run(name: str, old: bytes, diff: str) -> bytes:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(old)
        if diff:
            command = [program, "-p1", "--batch", "--no-backup-if-mismatch"]
            subprocess.run(
                command, cwd=tmp_path, input=diff.encode(), check=True, capture_output=True
            )
        return target.read_bytes()

    return run


@pytest.mark.parametrize(
    "name", ["docker-compose.yml", "conf/milvus.yaml", "my file.yml", "a\u00a0b/ü.yml"]
)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"a\nb\nc\n", b"a\nB\nc\n"),
        (b"a\r\nb\r\n", b"a\r\nb\r\nc\r\n"),
        (b"a\nb\r\nc\n", b"a\nb\nc\r\n"),
        (b"a\rb\nc\n", b"a\rb\rc\nc\n"),
        (b"a\nb", b"a\nb\n"),
        (b"a\nb\n", b"a\nb"),
        (b"a", b"b"),
        (b"", b"a\n"),
        (b"a\x0bb\x0cc\xc2\x85d\n", b"a\x0bb\x0cc\xc2\x85e\n"),
        ("# ünïcode\na: 日本\n".encode(), "# ünïcode\na: 日本語\n".encode()),
        (b"- one\n" * 40, b"- one\n" * 20 + b"+++ x\n--- y\n@@ z\n" + b"- one\n" * 20),
    ],
)
def test_the_diff_applies_to_the_byte(patch: Patch, name: str, old: bytes, new: bytes) -> None:
    assert patch(name, old, unified_diff(name, old, new)) == new


LINES = st.lists(
    st.sampled_from(["a", "b: 1", "", "  - x", "\r", "ü"]).flatmap(
        lambda text: st.sampled_from([f"{text}\n", f"{text}\r\n"])
    ),
    min_size=1,
    max_size=12,
).map("".join)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(old=LINES, new=LINES, last=st.sampled_from(["", "end"]))
def test_any_diff_applies_to_the_byte(patch: Patch, old: str, new: str, last: str) -> None:
    before, after = old.encode(), (new + last).encode()
    assert patch("a.yml", before, unified_diff("a.yml", before, after)) == after


def test_a_file_that_stays_has_no_diff() -> None:
    assert unified_diff("a", b"a\n", b"a\n") == ""


def test_a_diff_names_the_file_as_git_does() -> None:
    assert unified_diff("a.yml", b"a\n", b"b\n").splitlines()[:2] == ["--- a/a.yml", "+++ b/a.yml"]


EVERY_CHANGE: tuple[FileChange, ...] = (
    MakeDirectory(ROOT / "cert", 0o700),
    PatchFile(ROOT / "docker-compose.yml", b"a\n", b"b\n"),
    CreateFile(ROOT / "cert/ca.key", Pending("ca.key"), 0o600),
    CreateFile(ROOT / "cert/ca.pem", b"new", 0o644, before=sha256(b"old")),
    RemoveFile(ROOT / "cert/state.json", sha256(b"{}")),
    RemoveDirectory(ROOT / "old"),
    KeepFile(Path("/elsewhere/milvus.yaml"), sha256(b"a")),
)


def test_a_plan_lists_every_file_and_what_happens_to_it() -> None:
    plan = Plan(ROOT, EVERY_CHANGE)
    assert [(plan.relative(path), action) for path, action in plan.files()] == [
        ("docker-compose.yml", "patched"),
        ("cert/ca.key", "created"),
        ("cert/ca.pem", "patched"),
        ("cert/state.json", "removed"),
        ("/elsewhere/milvus.yaml", "unchanged"),
    ]


def test_the_diff_of_a_plan_shows_what_the_user_wrote_and_nothing_of_ours() -> None:
    diff = Plan(ROOT, EVERY_CHANGE).diff()
    assert diff == "--- a/docker-compose.yml\n+++ b/docker-compose.yml\n@@ -1 +1 @@\n-a\n+b\n"


@pytest.mark.parametrize("change", EVERY_CHANGE)
def test_a_plan_changes_something_when_a_file_does(change: FileChange) -> None:
    quiet = isinstance(change, MakeDirectory | RemoveDirectory | KeepFile)
    assert Plan(ROOT, (change,)).changed is not quiet


def test_an_empty_plan_changes_nothing() -> None:
    plan = Plan(ROOT, ())
    assert not plan.changed
    assert list(plan.files()) == []
    assert plan.diff() == ""


def test_no_content_shows_in_a_repr() -> None:
    plan = Plan(ROOT, (PatchFile(ROOT / "a", b"secret", b"secret too"),))
    created = CreateFile(ROOT / "a", b"secret", 0o600)
    assert "secret" not in f"{plan!r} {created!r}"


def test_a_patch_is_compared_with_what_it_was_made_from() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert PatchFile(ROOT / "a", b"", b"x").before == sha256(b"") == empty


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (ROOT / "a" / "b", "a/b"),
        (ROOT, "."),
        (Path("/projects/a"), "/projects/a"),
        (Path("relative"), "relative"),
    ],
)
def test_paths_are_shown_relative_to_the_project_where_they_lie_in_it(
    path: Path, shown: str
) -> None:
    assert relative(path, ROOT) == shown
